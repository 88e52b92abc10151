"""Sentences that pages show in other languages, whose words are below templates/locale; problems of articles."""
