"""Tests of `subscribers`: pure rules as they are, the rest over a real database."""
