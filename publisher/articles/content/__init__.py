"""The content of an article: one parser of its HTML, one model for text, mail and checks."""
