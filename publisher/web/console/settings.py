"""Settings: all of them to read, and the few that are edited here, after a look at what changes.

Of two people who change the same in a file, the second one is shown both texts, and nothing is stored. A form
carries what each of its fields had when it was read, as `seen.<name>`. Fields that only one of the two has
changed are no conflict.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import flask

from publisher.app import settings as use_cases
from publisher.app.editing_state import Permission
from publisher.errors import ConfigError, PublisherError
from publisher.i18n.messages import message
from publisher.web.console.context import ConsoleRequest
from publisher.web.console.routes import RouteTable
from publisher.web.security import MAX_BODY_BYTES

_CONFLICT = 409
_MOST = 2000  # characters of a field, unless the file has more of them
# Characters that are read of one: as many as fit into the body of a form.
_WHOLE = MAX_BODY_BYTES

ROUTES = RouteTable()


@dataclass(frozen=True, slots=True)
class FormChanges:
    """The fields that a form changes; and of these what was sent and what is there now, if others changed it."""

    values: dict[str, str]
    conflicts: dict[str, tuple[str, str]]


def form_changes(
    given: Mapping[str, str], seen: Mapping[str, str], now: Mapping[str, str]
) -> FormChanges:
    """Compare what a form gives with what it has seen, and with what is there now. Pure."""
    values = {name: value for name, value in given.items() if value != seen[name]}
    conflicts = {
        name: (value, now[name])
        for name, value in values.items()
        if now[name] not in {seen[name], value}
    }
    return FormChanges(values, conflicts)


def changes_of_request(request: ConsoleRequest, now: Mapping[str, str]) -> FormChanges:
    """Return what a form changes; one that does not say what it saw saw nothing. Raise PublisherError for a text that is too long."""
    given = {name: _field(request, name) for name in now}
    for name, value in given.items():
        length, most = len(value), max(_MOST, len(now[name]))
        if length > most:
            problem = message(
                "it has %(length)s characters; %(most)s are allowed", length=length, most=most
            )
            raise PublisherError.saying("%(name)s: %(problem)s", name=name, problem=problem)
    seen = {name: _field(request, f"seen.{name}") for name in now}
    return form_changes(given, seen, {name: value.strip() for name, value in now.items()})


def _field(request: ConsoleRequest, name: str) -> str:
    # Forms are sent with CR LF. A text that is cut would be another one than the file has.
    return request.field(name, most=_WHOLE).replace("\r\n", "\n")


def conflict_page(
    request: ConsoleRequest, kind: str, changes: FormChanges, now: Mapping[str, str]
) -> flask.Response:
    """Return a page with both texts, and a form that stores the own one all the same. `kind` is "settings" or "person"."""
    return request.page(
        "form_conflict.html",
        _CONFLICT,
        kind=kind,
        conflicts=changes.conflicts,
        given={**now, **changes.values},
        seen=now,
    )


_PATH = "/settings/"


@ROUTES.add("GET /settings/", Permission.VIEW, menu="settings")
def _show(request: ConsoleRequest) -> flask.Response:
    settings, may_change = request.settings, request.permits(Permission.CHANGE_SETTINGS)
    newsletters = [
        {"name": one.name, "title": one.title, "editions": settings.editions(one)}
        for one in settings.newsletters
    ]
    shown = use_cases.list_settings(settings) if may_change else ()
    return request.page("settings.html", newsletters=newsletters, tables=shown)


@ROUTES.add("GET /settings/<table>/", Permission.CHANGE_SETTINGS)
def _edit(request: ConsoleRequest, table: str) -> flask.Response:
    found = use_cases.read_editable_table(request.state, table)
    given = {one.name: one.value for one in found.fields}
    return _form_page(request, found, given, given)


@ROUTES.add("POST /settings/<table>/", Permission.CHANGE_SETTINGS)
def _save(request: ConsoleRequest, table: str) -> flask.Response:
    """Show what would change; with `confirmed`, change it. What somebody else has changed, too, is shown first."""
    found = use_cases.read_editable_table(request.state, table)
    now = {one.name: one.value for one in found.fields}
    changes = changes_of_request(request, now)
    given = {**now, **changes.values}
    if changes.conflicts:
        return conflict_page(request, "settings", changes, now)
    if not request.field("confirmed"):
        try:
            dates = use_cases.next_dates(request.state, table, changes.values)
        except ConfigError as error:
            return _form_page(request, found, given, now, str(error))
        shown = use_cases.changes_of_form(request.state, table, changes.values)
        return request.page(
            "settings_confirm.html",
            table=table,
            changes=shown,
            given=given,
            seen=now,
            dates=dates if {"schedule", "at"} & changes.values.keys() else (),
        )
    try:
        request.call(use_cases.save_editable_table, table, changes.values, found.content_hash)
    except ConfigError as error:
        return _form_page(request, found, given, now, str(error))
    return request.see_other(_PATH, done="settings-saved")


def _form_page(
    request: ConsoleRequest,
    table: use_cases.EditableTable,
    given: dict[str, str],
    seen: dict[str, str],
    problem: str = "",
) -> flask.Response:
    return request.page(
        "settings_edit.html",
        422 if problem else 200,
        table=table.name,
        fields=table.fields,
        given=given,
        seen=seen,
        problem=problem,
    )
