"""Settings: all of them to read, and the few that are edited here, after a look at what changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.app.editable_settings import (
    changes_of_form,
    read_editable_table,
    save_editable_table,
)
from publisher.app.editing_state import Permission
from publisher.app.settings_view import list_settings
from publisher.errors import ConfigError
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
    return _form_page(request, table, given, found.content_hash)


def _save(request: ConsoleRequest, table: str) -> flask.Response:
    """Show what would change; with `confirmed`, change it."""
    found = read_editable_table(request.state, table)
    given, seen = (
        {one.name: request.field(one.name) for one in found.fields},
        request.field("seen"),
    )
    if not request.field("confirmed"):
        changes = changes_of_form(request.state, table, given)
        return request.page(
            "settings_confirm.html", table=table, changes=changes, given=given, seen=seen
        )
    try:
        save_editable_table(request.state, request.actor, table, given, seen)
    except ConfigError as error:
        return _form_page(request, table, given, found.content_hash, 422, str(error))
    return request.see_other(_PATH, done="settings-saved")


def _form_page(  # what the page shows
    request: ConsoleRequest,
    table: str,
    given: dict[str, str],
    seen: str,
    status: int = 200,
    problem: str = "",
) -> flask.Response:
    fields = read_editable_table(request.state, table).fields
    return request.page(
        "settings_edit.html",
        status,
        table=table,
        fields=fields,
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
