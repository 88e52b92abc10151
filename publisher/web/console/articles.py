"""People: who is who in people.toml, which is edited here."""

from collections.abc import Mapping

import flask

from publisher.app import articles
from publisher.app.editing_state import Permission
from publisher.errors import ConfigError, UsageError
from publisher.web.console.context import ConsoleRequest
from publisher.web.console.routes import RouteTable
from publisher.web.console.settings import changes_of_request, conflict_page

_PATH = "/people/"

ROUTES = RouteTable()


@ROUTES.add("GET /people/", Permission.VIEW, menu="people")
def _list_page(request: ConsoleRequest, problem: str = "") -> flask.Response:
    return request.page(
        "people.html",
        422 if problem else 200,
        people=articles.read_person_entries(request.state).people,
        shown_languages=request.settings.publication.languages,
        given={name: request.field(name) for name in ("key", "name")},
        problem=problem,
    )


@ROUTES.add("POST /people/", Permission.MANAGE_PEOPLE)
def _add(request: ConsoleRequest) -> flask.Response:
    key = request.field("key")
    try:
        request.call(articles.add_person, key, request.field("name"))
    except (UsageError, ConfigError) as error:
        return _list_page(request, str(error))
    return request.see_other(f"{_PATH}{key}/", done="added")


@ROUTES.add("GET /people/<person>/", Permission.MANAGE_PEOPLE)
def _show(request: ConsoleRequest, person: str) -> flask.Response:
    found = articles.read_person_entries(request.state)
    return _page(request, person, _values(request, found.find(person)), found.content_hash)


@ROUTES.add("POST /people/<person>/", Permission.MANAGE_PEOPLE)
def _save(request: ConsoleRequest, person: str) -> flask.Response:
    """Change a person. What somebody else has changed since the form was read is shown first."""
    found = articles.read_person_entries(request.state)
    now = _values(request, found.find(person))
    changes = changes_of_request(request, now)
    if changes.conflicts:
        return conflict_page(request, "person", changes, now)
    given = {**now, **changes.values}
    try:
        request.call(articles.change_person, _entry(person, given), found.content_hash)
    except ConfigError as error:
        return _page(request, person, now, found.content_hash, problem=str(error), given=given)
    return request.see_other(f"{_PATH}{person}/", done="saved")


@ROUTES.add("POST /people/<person>/remove/", Permission.MANAGE_PEOPLE)
def _remove(request: ConsoleRequest, person: str) -> flask.Response:
    request.call(articles.remove_person, person, request.field("seen"))
    return request.see_other(_PATH, done="removed")


def _values(request: ConsoleRequest, person: articles.PersonEntry) -> dict[str, str]:
    """Return what a person's form has, by field: in the publication's languages, and others that the file has."""
    others = (*person.name, *person.affiliation)
    languages = dict.fromkeys((*request.settings.publication.languages, *others))
    return {
        **{f"name.{one}": person.name.get(one, "") for one in languages},
        **{f"affiliation.{one}": person.affiliation.get(one, "") for one in languages},
        "aliases": "\n".join(person.aliases),
        "url": person.url,
    }


def _entry(key: str, values: Mapping[str, str]) -> articles.PersonEntry:
    lines = values["aliases"].splitlines()
    return articles.PersonEntry(
        key=key,
        name=_by_language("name.", values),
        affiliation=_by_language("affiliation.", values),
        aliases=tuple(text for line in lines if (text := line.strip())),
        url=values["url"],
    )


def _by_language(prefix: str, values: Mapping[str, str]) -> dict[str, str]:
    found = {name: value for name, value in values.items() if name.startswith(prefix)}
    return {name.removeprefix(prefix): value for name, value in found.items()}


def _page(
    request: ConsoleRequest,
    key: str,
    seen: dict[str, str],
    content_hash: str,
    *,
    problem: str = "",
    given: dict[str, str] | None = None,
) -> flask.Response:
    return request.page(
        "person.html",
        422 if problem else 200,
        key=key,
        form_languages=list(_by_language("name.", seen)),
        seen=seen,
        content_hash=content_hash,
        given=given or seen,
        problem=problem,
    )
