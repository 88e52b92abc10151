"""Sentences that pages show in other languages, and the problems of articles that they name."""
