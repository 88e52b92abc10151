"""Sources: what each has, what was lost or can't be read, and problems in articles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.app.editing_state import Permission
from publisher.app.source_status import accept_source_loss, read_sources
from publisher.errors import UsageError
from publisher.web.console.routes import Route

if TYPE_CHECKING:
    import flask

    from publisher.web.console.context import ConsoleRequest

_PATH = "/sources/"
# Rows of a list that are shown; `publisher articles` has them all.
_MOST_ROWS = 200


def _show(request: ConsoleRequest) -> flask.Response:
    return request.page("sources.html", found=read_sources(request.state), most=_MOST_ROWS)


def _accept(request: ConsoleRequest) -> flask.Response:
    lost = request.number("lost")
    if lost is None:
        raise UsageError(f"{request.field('lost')!r} is no number of articles")
    accept_source_loss(request.state, request.actor, request.field("source"), lost)
    return request.see_other(_PATH, done="loss-accepted")


ROUTES = (
    Route(path=_PATH, view=_show, access=Permission.VIEW, menu="sources"),
    Route(
        path="/sources/accept/",
        view=_accept,
        access=Permission.MANAGE_SOURCES,
        methods=("POST",),
    ),
)
