"""Serve `public/` and pages over HTTP, and configure nginx to do so, with the same answers: `headers` has the tables of both."""
