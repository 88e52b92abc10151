"""PICK UP: sources in, stories and their articles out."""
