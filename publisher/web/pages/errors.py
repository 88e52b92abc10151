"""Pages of errors, in the language of the path. Unknown ones say a number only; the log has the rest."""

import secrets
from typing import get_args
from urllib.parse import quote

import flask
from werkzeug.exceptions import HTTPException

from publisher.errors import DatabaseError
from publisher.log import log
from publisher.urls import SubscriberPage
from publisher.web.pages.responses import WebContext, redirect_to

RETRY_SECONDS = 10  # seconds after which a client may try again when the database was busy
# Statuses with words of their own; others get those of 400 or 500.
_KNOWN = frozenset({400, 403, 404, 405, 410, 413, 421, 429, 500, 503})


def with_error_headers(error: HTTPException, response: flask.Response) -> flask.Response:
    """Give a response what its status requires: Allow, Retry-After."""
    for name, value in error.get_headers(None, None):
        if name in {"Allow", "Retry-After"}:
            response.headers[name] = value
    return response


def known_status(status: int, known: frozenset[int]) -> int:
    """Return a status whose page has words of its own, else 400 or 500."""
    return status if status in known else 400 if status < 500 else 500  # noqa: PLR2004  # HTTP


def record_refusal(error: Exception) -> None:
    # Not its path: that of a feed or a webhook holds a secret.
    route = str(flask.request.url_rule)
    log.warning("a request could not be answered", route=route, reason=str(error))


def record_fault(event: str, error: Exception) -> str:
    """Record an error of a request that nobody foresaw. Return the number under which the log has it."""
    number = secrets.token_hex(4)
    log.error(
        event,
        number=number,
        method=flask.request.method,
        route=str(flask.request.url_rule),
        error=type(error).__name__,
        exc_info=error,
    )
    return number


def register(app: flask.Flask, context: WebContext) -> None:
    @app.errorhandler(HTTPException)
    def _refused(error: HTTPException) -> flask.Response:
        return with_error_headers(error, error_page(context, error.code or 500))

    @app.errorhandler(DatabaseError)
    def _busy(error: DatabaseError) -> flask.Response:
        # Nothing was stored: mail clients repeat a one-click request.
        record_refusal(error)
        return error_page(context, 503, retry_after=RETRY_SECONDS)

    @app.errorhandler(Exception)
    def _failed(error: Exception) -> flask.Response:
        return error_page(context, 500, number=record_fault("a request failed", error))


def error_page(
    context: WebContext, status: int, *, number: str = "", retry_after: int | None = None
) -> flask.Response:
    kind = known_status(status, _KNOWN)
    # Nothing of what was asked for is repeated.
    said = {"sisters": (), "kind": kind, "number": number}
    # The path may begin with a language.
    first = flask.request.path.strip("/").partition("/")[0]
    response = context.request(first).page("error.html", status, **said)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def slash_redirect() -> flask.Response | None:
    """Redirect a page's path without its slash. Flask's own redirect would name the request's host, and repeat a POST."""
    request = flask.request
    if request.method not in {"GET", "HEAD"}:
        return None
    return redirect_to(_with_query(f"{request.script_root}{request.path}/"), 301)


def language_redirect(context: WebContext) -> flask.Response | None:
    """Redirect a link of an old mail whose language was given up to the first language, not for good; None for others."""
    request, publication = flask.request, context.settings.publication
    language, _, rest = request.path.lstrip("/").partition("/")
    is_own = rest.startswith("feeds/of/") or (
        rest.removesuffix("/") in get_args(SubscriberPage) and "t" in request.args
    )
    is_look = request.method in {"GET", "HEAD"}
    if not is_look or not is_own or language in publication.languages:
        return None
    place = f"{request.script_root}/{publication.default_language}/{quote(rest)}"
    return redirect_to(_with_query(place), 302)


def _with_query(path: str) -> str:
    query = flask.request.query_string.decode("latin-1")
    return f"{path}?{query}" if query else path
