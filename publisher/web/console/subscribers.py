"""Subscribers: search, one with history and consent, export, import. No address is in a URL."""

import io
from datetime import date, datetime
from functools import partial
from typing import Any

import flask

from publisher.app.editing_state import Permission
from publisher.app.subscribers import actions, lists, numbers
from publisher.app.subscribers.records import newsletters_of, read_own_data
from publisher.app.subscribers.uploaded_lists import new_key
from publisher.errors import UsageError
from publisher.web.console import MAX_LIST_BYTES
from publisher.web.console.context import IMPORT_PATH, ConsoleRequest
from publisher.web.console.routes import RouteTable

_PATH = "/subscribers/"
_SHOWN = 100  # newest entries of a history that are shown

ROUTES = RouteTable()


@ROUTES.add("GET /subscribers/", Permission.SEE_SUBSCRIBERS, menu="subscribers")
def _show(request: ConsoleRequest) -> flask.Response:
    return request.page("subscribers.html", found=None)


@ROUTES.add("POST /subscribers/", Permission.SEE_SUBSCRIBERS)
def _search(request: ConsoleRequest) -> flask.Response:
    text = request.field("address")
    try:
        found = request.call(lists.search_by_address, text)
    except UsageError:
        return request.page("subscribers.html", 422, found=None, too_short=True, text=text)
    if len(found) == 1:
        return request.see_other(f"{_PATH}{found[0].id}/")
    return request.page("subscribers.html", found=found, text=text)


@ROUTES.add("GET /subscribers/numbers/", Permission.VIEW, menu="numbers")
def _numbers(request: ConsoleRequest) -> flask.Response:
    found = numbers.read_numbers(request.state)
    chosen = {name: flask.request.args.get(name, "") for name in ("newsletter", "language")}
    tables = {name: _those(found[name], chosen) for name in numbers.NUMBER_TABLES}
    weekly = partial(numbers.by_week, now=request.state.clock.now(), settings=request.settings)
    return request.page(
        "numbers.html",
        found=found,
        counted_at=datetime.fromisoformat(found["counted_at"]),
        chosen=chosen,
        choices={name: _choices(found, name) for name in chosen},
        rows=tables["subscriptions"],
        weeks=weekly(tables["weeks"], ("joined", "left", "bounced")),
        mails=weekly(tables["issues"], _MAIL_SUMS),
        issues=tables["issues"][:_SHOWN],
        hidden=max(0, len(tables["issues"]) - _SHOWN),
        day_of=date.fromisoformat,
    )


_MAIL_SUMS = ("planned", "sent", "bounced", "returned", "complaints", "unsubscribed")


def _those(rows: list[dict[str, Any]], chosen: dict[str, str]) -> list[dict[str, Any]]:
    """Return the rows of a newsletter, with its digests, and of a language; empty for all."""
    return [
        row
        for row in rows
        if all(value in ("", row[name].partition(".")[0]) for name, value in chosen.items())
    ]


def _choices(found: dict[str, Any], name: str) -> list[str]:
    rows = (row for table in numbers.NUMBER_TABLES for row in found[table])
    return sorted({row[name].partition(".")[0] for row in rows})


@ROUTES.add("GET /subscribers/numbers/<kind>.csv", Permission.VIEW)
def _numbers_file(request: ConsoleRequest, kind: str) -> flask.Response:
    if kind not in numbers.NUMBER_TABLES:
        flask.abort(404)
    rows = numbers.read_numbers(request.state)[kind]
    return _file(numbers.numbers_as_csv(rows), "text/csv", f"{kind}.csv")


@ROUTES.add("GET /subscribers/<int:number>/", Permission.SEE_SUBSCRIBERS)
def _show_one(request: ConsoleRequest, number: int) -> flask.Response:
    record, returned = request.call(actions.read_subscriber_record, number)
    history = record.history
    return request.page(
        "subscriber.html",
        record=record,
        returned=returned,
        events=tuple(reversed(history.events))[:_SHOWN],
        hidden=max(0, len(history.events) - _SHOWN),
        newsletters=newsletters_of(request.settings, record.subscriber),
        own_fields=request.settings.subscribers.field,
    )


@ROUTES.add("POST /subscribers/<int:number>/unsubscribe/", Permission.MANAGE_SUBSCRIBERS)
def _unsubscribe(request: ConsoleRequest, number: int) -> flask.Response:
    newsletter, note = request.field("newsletter") or None, request.field("note")
    request.call(actions.unsubscribe_somebody, number, newsletter, note)
    return request.see_other(f"{_PATH}{number}/", done="saved")


@ROUTES.add("POST /subscribers/<int:number>/resubscribe/", Permission.MANAGE_SUBSCRIBERS)
def _resubscribe(request: ConsoleRequest, number: int) -> flask.Response:
    newsletter, note = request.field("newsletter") or None, request.field("note")
    request.call(actions.resubscribe_somebody, number, newsletter, note)
    return request.see_other(f"{_PATH}{number}/", done="saved")


@ROUTES.add(
    "POST /subscribers/<int:number>/erase/", Permission.MANAGE_SUBSCRIBERS, needs_fresh=True
)
def _erase(request: ConsoleRequest, number: int) -> flask.Response:
    if request.field("sure") != "yes":
        return request.see_other(f"{_PATH}{number}/")
    request.call(actions.erase_somebody, number)
    return request.see_other(_PATH, done="saved")


@ROUTES.add(
    "GET /subscribers/<int:number>/data.json", Permission.SEE_SUBSCRIBERS, needs_fresh=True
)
def _data(request: ConsoleRequest, number: int) -> flask.Response:
    person = request.call(actions.read_subscriber, number)
    text = read_own_data(request.settings, request.state.database, person.address)
    return _file(text, "application/json", f"subscriber-{number}.json")


@ROUTES.add("POST /subscribers/export/", Permission.MANAGE_SUBSCRIBERS, needs_fresh=True)
def _export(request: ConsoleRequest) -> flask.Response:
    out = io.StringIO()
    request.call(lists.export_list, out)
    return _file(out.getvalue(), "text/csv", "subscribers.csv")


def _file(text: str, media_type: str, name: str) -> flask.Response:
    response = flask.Response(text, mimetype=media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


_MEGABYTE = 1024 * 1024
# Bytes of a form besides its file.
_FORM_BYTES = 64 * 1024
_NO_FILE = 422


@ROUTES.add("GET /subscribers/import/", Permission.MANAGE_SUBSCRIBERS)
def _upload_page(request: ConsoleRequest, status: int = 200) -> flask.Response:
    return request.page(
        "subscribers_import.html",
        status,
        imports=request.call(lists.list_imports),
        # Of the form: sent twice, its list is stored once.
        key=new_key(),
        most=MAX_LIST_BYTES // _MEGABYTE,
        is_missing=status == _NO_FILE,
    )


@ROUTES.add(
    "POST /subscribers/import/",
    Permission.MANAGE_SUBSCRIBERS,
    max_body=MAX_LIST_BYTES + _FORM_BYTES,
)
def _upload(request: ConsoleRequest) -> flask.Response:
    file = flask.request.files.get("list")
    if file is None or not file.filename:
        return _upload_page(request, _NO_FILE)
    key = request.field("key") or new_key()
    kept = request.call(lists.keep_list, key, file.stream)
    return request.see_other(f"{IMPORT_PATH}{kept.key}/")


@ROUTES.add("GET /subscribers/import/<key>/", Permission.MANAGE_SUBSCRIBERS)
def _show_import(request: ConsoleRequest, key: str) -> flask.Response:
    kept = request.call(lists.find_import, key)
    return request.page("subscribers_import_one.html", kept=kept, path=f"{IMPORT_PATH}{key}/")


@ROUTES.add("POST /subscribers/import/<key>/begin/", Permission.MANAGE_SUBSCRIBERS)
def _begin(request: ConsoleRequest, key: str) -> flask.Response:
    request.call(lists.begin_import, key)
    return request.see_other(f"{IMPORT_PATH}{key}/")


@ROUTES.add("POST /subscribers/import/<key>/discard/", Permission.MANAGE_SUBSCRIBERS)
def _discard(request: ConsoleRequest, key: str) -> flask.Response:
    request.call(lists.discard_import, key)
    return request.see_other(IMPORT_PATH, done="removed")


@ROUTES.add("GET /subscribers/import/<key>/rejects.csv", Permission.MANAGE_SUBSCRIBERS)
def _rejects(request: ConsoleRequest, key: str) -> flask.Response:
    rows = request.call(lists.read_rejects, key, request.said)
    response = flask.Response(rows, mimetype="text/csv")
    response.headers["Content-Disposition"] = "attachment; filename=rejects.csv"
    return response
