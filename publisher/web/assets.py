"""The style sheet of subscribers' pages: `/-/subscriber.<hash>.css`."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING

import flask

from publisher.rendering.views import publication_view

if TYPE_CHECKING:
    from publisher.config import Settings
    from publisher.rendering import PublicationView, Renderer
    from publisher.web.context import WebContext

# A year in seconds: another sheet has another address.
_CACHE = "public, max-age=31536000, immutable"


def register(app: flask.Flask, context: WebContext) -> None:
    """Add the route."""

    @app.get("/-/subscriber.<digest>.css")
    def subscriber_style(digest: str) -> flask.Response:
        text, current = _style(context, context.settings)
        if digest != current:
            flask.abort(404)
        response = flask.Response(text, mimetype="text/css")
        response.headers["Cache-Control"] = _CACHE
        return response


def style_path(context: WebContext, settings: Settings) -> str:
    """Return the sheet's path below the publication's URL."""
    return f"-/subscriber.{_style(context, settings)[1]}.css"


def _style(context: WebContext, settings: Settings) -> tuple[str, str]:
    publication = settings.publication
    return _sheet(context.renderer, publication_view(publication, publication.default_language))


@lru_cache(maxsize=4)
def _sheet(renderer: Renderer, view: PublicationView) -> tuple[str, str]:
    """Return the sheet and its hash. Edited templates count after a restart."""
    text = renderer.subscriber_page("web/subscriber/style.css", view)
    return text, hashlib.sha256(text.encode()).hexdigest()[:12]
