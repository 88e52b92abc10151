"""The one client for what the program fetches or posts over HTTP: guarded, pinned, bounded.

`addresses` judges where a request may go, `client` sends it, `limits` has the bounds and the reasons of
failures. What an answer means is the caller's business.
"""
