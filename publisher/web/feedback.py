"""Webhooks of mail providers: bounces and complaints as JSON. Not for people.

The answer is 200 only after the commit: providers send again what was not answered so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import flask

from publisher.app.feedback import (
    MAX_FEEDBACK,
    FeedbackRefusedError,
    read_feedback,
    store_feedback,
)
from publisher.web.security import OriginCheck, max_body, origin_check

if TYPE_CHECKING:
    from publisher.web.context import WebContext

_REFUSED, _NOT_FOUND = 403, 404


def register(app: flask.Flask, context: WebContext) -> None:
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
