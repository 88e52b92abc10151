"""Pictures, audio, video and other files of documents."""
