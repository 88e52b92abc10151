"""Subscribers: what they do by themselves, and what editors and owners do for them."""
