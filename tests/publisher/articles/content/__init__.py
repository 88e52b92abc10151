"""Tests of the content of articles."""
