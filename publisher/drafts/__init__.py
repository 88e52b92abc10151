"""Drafts of articles that are written in the console: rows that nobody else sees, until they become files."""
