"""Serve `public/` and pages over HTTP, and configure nginx to do so.

Both give the same answers: `headers` has the tables that they follow.
"""
