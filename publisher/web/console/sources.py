"""Sources: what each has, what the engine says of it, tests, files that can't be read, problems in articles."""

from datetime import timedelta
from functools import partial
from typing import Any

import flask

from publisher.app import source_tests, sources
from publisher.app.articles import problem_meaning
from publisher.app.editing_state import Permission
from publisher.errors import UsageError
from publisher.web.console.context import ConsoleRequest
from publisher.web.console.routes import RouteTable

_PATH = "/sources/"
_MOST_ROWS = 200  # rows of a list that are shown; `publisher articles` has them all
_MOST_OF_TEST = 20  # of what a test found; `publisher sources test` has them all
# A test reads for twenty seconds at most, after it has listed the files.
_FOLLOWED = timedelta(minutes=2)

ROUTES = RouteTable()


@ROUTES.add("GET /sources/", Permission.VIEW, menu="sources")
def _show(request: ConsoleRequest) -> flask.Response:
    found, kept = sources.read_sources(request.state), request.context.opened.source_tests
    tests = {
        one.settings.name: kept.find(request.actor, one.settings.name) for one in found.sources
    }
    return request.page(
        "sources.html",
        found=found,
        tests=tests,
        is_followed=any(_is_followed(request, one) for one in tests.values()),
        most=_MOST_ROWS,
        **_values_of_tests(request),
    )


@ROUTES.add("GET /sources/test/", Permission.VIEW)
def _show_test(request: ConsoleRequest) -> flask.Response:
    """Show the latest test of a source alone: the part of the page that is fetched every two seconds."""
    source = source_tests.require_source(request.settings, flask.request.args.get("source", ""))
    return request.page(
        "source_test.html",
        name=source.name,
        place=request.settings.sources.index(source) + 1,
        test=request.context.opened.source_tests.find(request.actor, source.name),
        **_values_of_tests(request),
    )


def _values_of_tests(request: ConsoleRequest) -> dict[str, Any]:
    return {
        "follows": partial(_is_followed, request),
        "key": source_tests.new_test_key(),
        "why_left_out": sources.left_out_reason,
        "problem_meaning": problem_meaning,
        "most_of_test": _MOST_OF_TEST,
    }


def _is_followed(request: ConsoleRequest, test: source_tests.SourceTest | None) -> bool:
    """Return whether a test is fetched again: not for ever, if a disk does not answer."""
    age = request.state.clock.now() - test.started_at if test else _FOLLOWED
    return test is not None and test.is_running and age < _FOLLOWED


@ROUTES.add("POST /sources/test/", Permission.MANAGE_SOURCES)
def _test(request: ConsoleRequest) -> flask.Response:
    begin = request.context.opened.source_tests.begin
    request.call(begin, request.field("source"), request.field("key"))
    return request.see_other(_PATH, done="source-tested")


@ROUTES.add("POST /sources/accept/", Permission.MANAGE_SOURCES)
def _accept(request: ConsoleRequest) -> flask.Response:
    lost = request.number("lost")
    if lost is None:
        raise UsageError(f"{request.field('lost')!r} is no number of articles")
    request.call(sources.accept_source_loss, request.field("source"), lost)
    return request.see_other(_PATH, done="loss-accepted")
