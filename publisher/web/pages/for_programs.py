"""Addresses for programs: a subscriber's own feed, and webhooks of mail providers.

A webhook is answered with 200 only after the commit: providers send again what was not answered so.
"""

import flask

from publisher.app.subscribers.feeds import (
    private_feed_type,
    read_private_feed,
    render_private_feed,
)
from publisher.app.subscribers.provider_reports import (
    MAX_FEEDBACK,
    read_feedback,
    store_feedback,
)
from publisher.bounces.providers.events import FeedbackRefusedError
from publisher.web.pages.responses import WebContext
from publisher.web.security import OriginCheck, max_body, origin_check


def _register_private_feed(app: flask.Flask, context: WebContext) -> None:
    """Add the route."""

    @app.get("/<language:language>/feeds/of/<name>")
    def private_feed(language: str, name: str) -> flask.Response:
        token, _, form = name.rpartition(".")
        media_type = private_feed_type(form)
        settings, now = context.settings, context.clock.now()
        with context.database.reading() as connection:
            found = read_private_feed(
                connection, settings, context.secret, token, language, now
            )
        if found is None or media_type is None:
            flask.abort(404)
        etag = found.etag(form)
        response = flask.Response(mimetype=media_type)
        if flask.request.if_none_match.contains(etag):
            response.status_code = 304
        else:
            response.data = render_private_feed(settings, context.renderer, found, form)
        response.set_etag(etag)
        response.headers["Cache-Control"] = "private, no-store"
        return response


_REFUSED, _NOT_FOUND = 403, 404


def _register_feedback(app: flask.Flask, context: WebContext) -> None:
    """Add the route."""

    @app.post("/feedback/<provider>/<path_secret>/")
    @origin_check(OriginCheck.EXEMPT)
    @max_body(MAX_FEEDBACK)
    def feedback_by_post(provider: str, path_secret: str) -> flask.Response:
        # The body as it came: signatures cover its bytes.
        body, now = flask.request.get_data(cache=False), context.clock.now()
        header = dict(flask.request.headers)
        try:
            events = read_feedback(context.settings, provider, path_secret, header, body, now)
            if events is None:
                return _answer(_NOT_FOUND)
            if events:
                context.writer.run(
                    lambda connection: store_feedback(
                        connection, context.secret, provider, events, now
                    )
                )
        except FeedbackRefusedError:
            return _answer(_REFUSED)
        return _answer(200)


def _answer(status: int) -> flask.Response:
    words = {_REFUSED: "refused", _NOT_FOUND: "not found"}.get(status, "OK")
    return flask.Response(f"{words}\n", status, mimetype="text/plain")


def register(app: flask.Flask, context: WebContext) -> None:
    """Add what this module has."""
    _register_private_feed(app, context)
    _register_feedback(app, context)
