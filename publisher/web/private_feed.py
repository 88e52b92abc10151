"""A subscriber's own feed, in each format: for feed readers, so without a form or a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import flask

from publisher.app.private_feed import (
    private_feed_type,
    read_private_feed,
    render_private_feed,
)

if TYPE_CHECKING:
    from publisher.web.context import WebContext


def register(app: flask.Flask, context: WebContext) -> None:
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
