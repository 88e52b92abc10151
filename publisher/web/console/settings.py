"""Settings: all of them to read, and the few that are edited here, after a look at what changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.app.editable_settings import (
    EditableTable,
    changes_of_form,
    next_dates,
    read_editable_table,
    save_editable_table,
)
from publisher.app.editing_state import Permission
from publisher.app.settings_view import list_settings
from publisher.errors import ConfigError
from publisher.web.console.form_conflicts import changes_of_request, conflict_page
from publisher.web.console.routes import Route

if TYPE_CHECKING:
    import flask

    from publisher.web.console.context import ConsoleRequest

_PATH = "/settings/"


def _show(request: ConsoleRequest) -> flask.Response:
    may_change = request.permits(Permission.CHANGE_SETTINGS)
    shown = list_settings(request.settings) if may_change else ()
    return request.page("settings.html", newsletters=_newsletters(request), tables=shown)


def _newsletters(request: ConsoleRequest) -> list[dict[str, object]]:
    settings = request.settings
    return [
        {"name": one.name, "title": one.title, "editions": settings.editions(one)}
        for one in settings.newsletters
    ]


def _edit(request: ConsoleRequest, table: str) -> flask.Response:
    found = read_editable_table(request.state, table)
    given = {one.name: one.value for one in found.fields}
    return _form_page(request, found, given, given)


def _save(request: ConsoleRequest, table: str) -> flask.Response:
    """Show what would change; with `confirmed`, change it. What somebody else has changed, too, is shown first."""
    found = read_editable_table(request.state, table)
    now = {one.name: one.value for one in found.fields}
    changes = changes_of_request(request, now)
    given = {**now, **changes.values}
    if changes.conflicts:
        return conflict_page(request, "settings", changes, now)
    if not request.field("confirmed"):
        try:
            dates = next_dates(request.state, table, changes.values)
        except ConfigError as error:
            return _form_page(request, found, given, now, str(error))
        shown = changes_of_form(request.state, table, changes.values)
        return request.page(
            "settings_confirm.html",
            table=table,
            changes=shown,
            given=given,
            seen=now,
            dates=dates if {"schedule", "at"} & changes.values.keys() else (),
        )
    try:
        save_editable_table(
            request.state, request.actor, table, changes.values, found.content_hash
        )
    except ConfigError as error:
        return _form_page(request, found, given, now, str(error))
    return request.see_other(_PATH, done="settings-saved")


def _form_page(
    request: ConsoleRequest,
    table: EditableTable,
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


_ONE = "/settings/<table>/"
ROUTES = (
    Route(path=_PATH, view=_show, access=Permission.VIEW, menu="settings"),
    Route(path=_ONE, view=_edit, access=Permission.CHANGE_SETTINGS),
    Route(path=_ONE, view=_save, access=Permission.CHANGE_SETTINGS, methods=("POST",)),
)
