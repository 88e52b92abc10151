"""Chromium as a mail program and a browser, and what can be said of a mail or page in it: `make pictures` and the browser tests."""
