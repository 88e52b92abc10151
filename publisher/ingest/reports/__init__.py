"""What editors learn of sources: what is stored, and what a folder or the next pick-up would bring."""
