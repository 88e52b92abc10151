"""Accounts of the console and the API: signing in, factors, keys, administration."""
