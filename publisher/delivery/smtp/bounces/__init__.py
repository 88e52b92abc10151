"""Bounce categories: what a server's refusal means."""
