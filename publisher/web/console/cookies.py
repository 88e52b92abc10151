"""The cookie of a session of the console: read it, set it, delete it.

Its name differs from that of subscribers' sessions: on a loopback host the two servers share cookies,
since browsers do not keep ports apart.
"""

from __future__ import annotations

import flask

# No plain-http page and no other host can set such a name.
CONSOLE_COOKIE = "__Host-console-session"


def console_token() -> str:
    """Return the token that the browser sent, or an empty text."""
    return flask.request.cookies.get(CONSOLE_COOKIE, "")


def set_console_cookie(response: flask.Response, token: str) -> flask.Response:
    """Let the browser send a session's token until it is closed; the server ends sessions earlier."""
    response.set_cookie(
        CONSOLE_COOKIE, token, path="/", secure=True, httponly=True, samesite="Lax"
    )
    return response


def delete_console_cookie(response: flask.Response) -> flask.Response:
    """Let the browser forget the cookie."""
    response.delete_cookie(CONSOLE_COOKIE, path="/", secure=True, httponly=True, samesite="Lax")
    return response
