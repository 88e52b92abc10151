"""Subscribers' pages over HTTP: `publisher web`."""
