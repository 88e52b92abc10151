"""Addresses of subscribers' pages, and redirects to them after a form was stored."""

from __future__ import annotations

from urllib.parse import urlencode

import flask

from publisher.urls import SubscriberPage, subscriber_page_path

# SEE OTHER: the browser gets the page anew, and reloading it sends nothing again.
_SEE_OTHER = 303
# The largest number of a row that every database can store: some fail for a larger one.
LARGEST_ID = 2**31 - 1


def own_page_url(language: str, kind: SubscriberPage, /, **query: str) -> str:
    """Return the address of a page on this server; empty values are left out."""
    fields = urlencode({name: value for name, value in query.items() if value})
    path = f"{flask.request.script_root}/{subscriber_page_path(language, kind)}"
    return f"{path}?{fields}" if fields else path


def see_other(url: str) -> flask.Response:
    """Lead a browser to a page after its form was stored."""
    response = flask.Response(status=_SEE_OTHER)
    response.headers["Location"] = url
    # Werkzeug would write the host that the client named.
    response.autocorrect_location_header = False
    return response


def parse_id(text: str) -> int | None:
    """Return a number of a row as addresses and forms have it; None for anything else, and for a larger one."""
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_ID))
    return int(text) if is_number and int(text) <= LARGEST_ID else None
