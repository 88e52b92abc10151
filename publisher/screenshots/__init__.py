"""Screenshots of mails in Chromium: light and dark, wide and narrow.

`capture` makes the page that Chromium is given, runs it, and takes all views of a mail; `contact_sheets` puts many screenshots into one picture.
"""
