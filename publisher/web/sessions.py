"""The cookie of a session: set it after a mailbox was proved, read it, and delete it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import flask

from publisher.app.own_access import session_subscriber
from subscribers import SESSION_LIFETIME

if TYPE_CHECKING:
    from publisher.config import Settings
    from publisher.web.context import WebContext
    from subscribers import Subscriber


def session_cookie(settings: Settings) -> str:
    """Return the cookie that the browser sent, or an empty text."""
    return flask.request.cookies.get(_name(settings), "")


def read_session(context: WebContext, connection: Any) -> Subscriber | None:
    """Return whose session the request belongs to, or None."""
    cookie = session_cookie(context.settings)
    return session_subscriber(connection, cookie, context.clock.now()) if cookie else None


def set_session_cookie(
    response: flask.Response, settings: Settings, value: str
) -> flask.Response:
    """Let the browser send a new session's cookie, in place of any that it had."""
    _set(response, settings, value, int(SESSION_LIFETIME.total_seconds()))
    return response


def delete_session_cookie(response: flask.Response, settings: Settings) -> flask.Response:
    """Let the browser forget the cookie."""
    _set(response, settings, "", 0)
    return response


def _set(response: flask.Response, settings: Settings, value: str, max_age: int) -> None:
    response.set_cookie(
        _name(settings),
        value,
        max_age=max_age,
        path="/",
        secure=True,
        httponly=True,
        samesite="Lax",
    )


def _name(settings: Settings) -> str:
    """Return a name that no plain-http page and no other host can set.

    Such a cookie belongs to the whole host. So two publications below paths of one host have
    different names.
    """
    path = urlsplit(settings.publication.url).path.strip("/")
    suffix = f"-{hashlib.sha256(path.encode()).hexdigest()[:8]}" if path else ""
    return f"__Host-session{suffix}"
