"""People: who is who in people.toml, which is edited here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import flask

from publisher.app.editing_state import Permission
from publisher.app.people import (
    PersonEntry,
    add_person,
    change_person,
    read_person_entries,
    remove_person,
)
from publisher.errors import ConfigError, UsageError
from publisher.web.console.routes import Route

if TYPE_CHECKING:
    from publisher.web.console.context import ConsoleRequest

_PATH = "/people/"


def _list(request: ConsoleRequest) -> flask.Response:
    return _list_page(request)


def _add(request: ConsoleRequest) -> flask.Response:
    key, name = request.field("key"), request.field("name")
    try:
        add_person(request.state, request.actor, key, name, request.field("seen"))
    except (UsageError, ConfigError) as error:
        return _list_page(request, 422, key=key, name=name, problem=str(error))
    return request.see_other(f"{_PATH}{key}/", done="added")


def _show(request: ConsoleRequest, person: str) -> flask.Response:
    found = read_person_entries(request.state)
    return _page(request, found.find(person), found.content_hash)


def _save(request: ConsoleRequest, person: str) -> flask.Response:
    wanted = _from_form(request, person)
    try:
        change_person(request.state, request.actor, wanted, request.field("seen"))
    except ConfigError as error:
        return _page(request, wanted, request.field("seen"), 422, problem=str(error))
    return request.see_other(f"{_PATH}{person}/", done="saved")


def _remove(request: ConsoleRequest, person: str) -> flask.Response:
    remove_person(request.state, request.actor, person, request.field("seen"))
    return request.see_other(_PATH, done="removed")


def _from_form(request: ConsoleRequest, key: str) -> PersonEntry:
    languages = _languages(request, key)
    return PersonEntry(
        key=key,
        name={one: request.field(f"name.{one}") for one in languages},
        affiliation={one: request.field(f"affiliation.{one}") for one in languages},
        aliases=tuple(
            text for line in request.field("aliases").splitlines() if (text := line.strip())
        ),
        url=request.field("url"),
    )


def _languages(request: ConsoleRequest, key: str) -> tuple[str, ...]:
    """Return the languages of a person's form: the publication's, and others that the file has."""
    known = {one.key: one for one in read_person_entries(request.state).people}.get(key)
    others = (*known.name, *known.affiliation) if known else ()
    return tuple(dict.fromkeys((*request.settings.publication.languages, *others)))


def _list_page(
    request: ConsoleRequest,
    status: int = 200,
    *,
    key: str = "",
    name: str = "",
    problem: str = "",
) -> flask.Response:
    found = read_person_entries(request.state)
    return request.page(
        "people.html",
        status,
        people=found.people,
        seen=found.content_hash,
        shown_languages=request.settings.publication.languages,
        given={"key": key, "name": name},
        problem=problem,
    )


def _page(
    request: ConsoleRequest,
    person: PersonEntry,
    seen: str,
    status: int = 200,
    problem: str = "",
) -> flask.Response:
    return request.page(
        "person.html",
        status,
        person=person,
        form_languages=_languages(request, person.key),
        seen=seen,
        problem=problem,
    )


_ONE = "/people/<person>/"
_MANAGE = Permission.MANAGE_PEOPLE
ROUTES = (
    Route(path=_PATH, view=_list, access=Permission.VIEW, menu="people"),
    Route(path=_PATH, view=_add, access=_MANAGE, methods=("POST",)),
    Route(path=_ONE, view=_show, access=_MANAGE),
    Route(path=_ONE, view=_save, access=_MANAGE, methods=("POST",)),
    Route(path="/people/<person>/remove/", view=_remove, access=_MANAGE, methods=("POST",)),
)
