"""Sources: what each has, what the engine says of it, tests, files that can't be read, problems in articles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.app.editing_state import Permission
from publisher.app.source_notices import left_out_reason
from publisher.app.source_status import accept_source_loss, read_sources
from publisher.app.source_tests import new_test_key
from publisher.errors import LimitError, UsageError
from publisher.web.console.errors import TooManyTriesError
from publisher.web.console.routes import Route

if TYPE_CHECKING:
    import flask

    from publisher.web.console.context import ConsoleRequest

_PATH = "/sources/"
# Rows of a list that are shown; `publisher articles` has them all.
_MOST_ROWS = 200
# Of what a test found; `publisher sources test` has them all.
_MOST_OF_TEST = 20


def _show(request: ConsoleRequest) -> flask.Response:
    found, kept = read_sources(request.state), request.context.opened.source_tests
    names = [one.settings.name for one in found.sources]
    return request.page(
        "sources.html",
        found=found,
        tests={name: kept.find(request.actor, name) for name in names},
        key=new_test_key(),
        why_left_out=left_out_reason,
        most=_MOST_ROWS,
        most_of_test=_MOST_OF_TEST,
    )


def _test(request: ConsoleRequest) -> flask.Response:
    kept = request.context.opened.source_tests
    try:
        kept.begin(request.state, request.actor, request.field("source"), request.field("key"))
    except LimitError as error:
        raise TooManyTriesError(error.retry_after) from None
    return request.see_other(_PATH, done="source-tested")


def _accept(request: ConsoleRequest) -> flask.Response:
    lost = request.number("lost")
    if lost is None:
        raise UsageError(f"{request.field('lost')!r} is no number of articles")
    accept_source_loss(request.state, request.actor, request.field("source"), lost)
    return request.see_other(_PATH, done="loss-accepted")


_MANAGE, _POST = Permission.MANAGE_SOURCES, ("POST",)
ROUTES = (
    Route(path=_PATH, view=_show, access=Permission.VIEW, menu="sources"),
    Route(path="/sources/accept/", view=_accept, access=_MANAGE, methods=_POST),
    Route(path="/sources/test/", view=_test, access=_MANAGE, methods=_POST),
)
