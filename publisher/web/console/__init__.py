"""The editors' console over HTTP: `publisher console`. A process of its own, on a host name of its own.

Modules of pages have `ROUTES`, tables of which `application` is made.
"""

MAX_LIST_BYTES = 200 * 1024 * 1024  # bytes of an uploaded list
# Bytes of a form with a draft: nine for each of 300,000 characters in Chinese (`app.drafts`), and the other fields.
MAX_DRAFT_BYTES = 9 * 300_000 + 64 * 1024
