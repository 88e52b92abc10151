"""Subscribers' pages over HTTP: `publisher web`. Parses requests, calls use cases, renders pages.

It decides nothing: `publisher.app` does, as for commands. Flask is imported here only.
"""
