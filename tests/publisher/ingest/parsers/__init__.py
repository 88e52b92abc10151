"""Tests of the article parsers."""
