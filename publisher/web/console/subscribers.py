"""Subscribers: search, one with history and consent, export. No address is in a URL."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import flask

from publisher.app import subscriber_lists, subscriber_numbers
from publisher.app.editing_state import Permission
from publisher.app.subscribers import newsletters_of, read_own_data
from publisher.errors import UsageError
from publisher.web.console.routes import Route

if TYPE_CHECKING:
    from publisher.web.console.context import ConsoleRequest

_PATH = "/subscribers/"
_ONE = f"{_PATH}<int:number>/"
# Newest entries of a history that are shown.
_SHOWN = 100


def _show(request: ConsoleRequest) -> flask.Response:
    return request.page("subscribers.html", found=None)


def _search(request: ConsoleRequest) -> flask.Response:
    text = request.field("address")
    try:
        found = subscriber_lists.search_by_address(request.state, request.actor, text)
    except UsageError:
        return request.page("subscribers.html", 422, found=None, too_short=True, text=text)
    if len(found) == 1:
        return request.see_other(f"{_PATH}{found[0].id}/")
    return request.page("subscribers.html", found=found, text=text)


def _show_one(request: ConsoleRequest, number: int) -> flask.Response:
    record, returned = subscriber_numbers.read_subscriber_record(
        request.state, request.actor, number
    )
    history = record.history
    return request.page(
        "subscriber.html",
        record=record,
        returned=returned,
        events=tuple(reversed(history.events))[:_SHOWN],
        hidden=max(0, len(history.events) - _SHOWN),
        newsletters=newsletters_of(request.settings, record.subscriber),
    )


def _unsubscribe(request: ConsoleRequest, number: int) -> flask.Response:
    newsletter, note = request.field("newsletter") or None, request.field("note")
    subscriber_numbers.unsubscribe_number(
        request.state, request.actor, number, newsletter, note
    )
    return request.see_other(f"{_PATH}{number}/", done="saved")


def _resubscribe(request: ConsoleRequest, number: int) -> flask.Response:
    newsletter, note = request.field("newsletter") or None, request.field("note")
    subscriber_numbers.resubscribe_number(
        request.state, request.actor, number, newsletter, note
    )
    return request.see_other(f"{_PATH}{number}/", done="saved")


def _erase(request: ConsoleRequest, number: int) -> flask.Response:
    if request.field("sure") != "yes":
        return request.see_other(f"{_PATH}{number}/")
    subscriber_numbers.erase_number(request.state, request.actor, number)
    return request.see_other(_PATH, done="saved")


def _data(request: ConsoleRequest, number: int) -> flask.Response:
    person = subscriber_numbers.read_subscriber(request.state, request.actor, number)
    text = read_own_data(request.settings, request.state.database, person.address)
    return _file(text, "application/json", f"subscriber-{number}.json")


def _export(request: ConsoleRequest) -> flask.Response:
    out = io.StringIO()
    subscriber_lists.export_list(request.state, request.actor, out)
    return _file(out.getvalue(), "text/csv", "subscribers.csv")


def _file(text: str, media_type: str, name: str) -> flask.Response:
    response = flask.Response(text, mimetype=media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


_SEE, _MANAGE, _POST = Permission.SEE_SUBSCRIBERS, Permission.MANAGE_SUBSCRIBERS, ("POST",)
ROUTES = (
    Route(path=_PATH, view=_show, access=_SEE, menu="subscribers"),
    Route(path=_PATH, view=_search, access=_SEE, methods=_POST),
    Route(path=_ONE, view=_show_one, access=_SEE),
    # All that is stored of somebody, as an export of one: it leaves the console.
    Route(path=f"{_ONE}data.json", view=_data, access=_SEE, needs_fresh=True),
    Route(path=f"{_ONE}unsubscribe/", view=_unsubscribe, access=_MANAGE, methods=_POST),
    Route(path=f"{_ONE}resubscribe/", view=_resubscribe, access=_MANAGE, methods=_POST),
    Route(path=f"{_ONE}erase/", view=_erase, access=_MANAGE, methods=_POST, needs_fresh=True),
    Route(
        path=f"{_PATH}export/", view=_export, access=_MANAGE, methods=_POST, needs_fresh=True
    ),
)
