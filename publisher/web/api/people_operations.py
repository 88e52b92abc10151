"""Operations about people.toml: who is who among authors and translators. A change names what was read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from publisher.app.editing_state import Permission
from publisher.app.people import (
    PersonEntry,
    add_person,
    change_person,
    read_person_entries,
    remove_person,
)
from publisher.web.api.models import ApiValue, Done, Name
from publisher.web.api.operations import Operation
from publisher.web.api.problems import refused_values

if TYPE_CHECKING:
    from publisher.web.api.context import ApiRequest

PersonText = Annotated[str, Field(max_length=200)]
# A language tag (BCP 47), or nothing for a text in any language.
Texts = dict[
    Annotated[str, Field(pattern="^([A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,8}){0,5})?$")], PersonText
]


class PersonValue(ApiValue):
    """A person. Names and affiliations are by language; "" is any language."""

    key: str
    name: dict[str, str]
    affiliation: dict[str, str]
    aliases: list[str]
    url: str


class ReadPerson(PersonValue):
    """A person as the file has it now."""

    revision: str = Field(description="Of the whole file; the ETag begins with it.")


class PersonList(ApiValue):
    """All people of the file, by key."""

    revision: str = Field(description="Of the whole file; the ETag begins with it.")
    people: list[PersonValue]


class NewPerson(ApiValue):
    """Somebody who is to be added."""

    key: Annotated[str, Field(pattern="^[a-z0-9]+(-[a-z0-9]+)*$", max_length=100)]
    name: Name


class PersonChanges(ApiValue):
    """What is changed of a person; what is not named stays. An empty text removes that of a language."""

    name: Texts = Field(default_factory=dict)
    affiliation: Texts = Field(default_factory=dict)
    aliases: Annotated[list[Name], Field(max_length=50)] | None = None
    url: Annotated[str, Field(max_length=2000)] | None = None


def _list(request: ApiRequest) -> PersonList:
    found = read_person_entries(request.state)
    return PersonList(
        revision=found.content_hash, people=[PersonValue(**_entry(one)) for one in found.people]
    )


def _read(request: ApiRequest, person: str) -> ReadPerson:
    found = read_person_entries(request.state)
    return ReadPerson(**_entry(found.find(person)), revision=found.content_hash)


def _add(request: ApiRequest) -> ReadPerson:
    body: NewPerson = request.body
    with refused_values("/key"):
        add_person(request.state, request.actor, body.key, body.name)
    return _read(request, body.key)


def _change(request: ApiRequest, person: str) -> ReadPerson:
    body: PersonChanges = request.body
    found = read_person_entries(request.state)
    request.require_revision(found.content_hash)
    now = found.find(person)
    wanted = PersonEntry(
        key=person,
        name=body.name,
        affiliation=body.affiliation,
        aliases=now.aliases if body.aliases is None else tuple(body.aliases),
        url=now.url if body.url is None else body.url,
    )
    with refused_values():
        change_person(request.state, request.actor, wanted, request.revision)
    return _read(request, person)


def _remove(request: ApiRequest, person: str) -> Done:
    remove_person(request.state, request.actor, person, request.revision)
    return Done()


def _entry(one: PersonEntry) -> dict[str, Any]:
    return {
        "key": one.key,
        "name": dict(one.name),
        "affiliation": dict(one.affiliation),
        "aliases": list(one.aliases),
        "url": one.url,
    }


_MANAGE = Permission.MANAGE_PEOPLE
OPERATIONS = (
    Operation(
        method="GET",
        path="/people",
        id="listPeople",
        summary="List authors and translators",
        access=Permission.VIEW,
        answer=PersonList,
        tagged=True,
        run=_list,
    ),
    Operation(
        method="POST",
        path="/people",
        id="addPerson",
        summary="Add a person with one name",
        access=_MANAGE,
        body=NewPerson,
        answer=ReadPerson,
        tagged=True,
        run=_add,
    ),
    Operation(
        method="GET",
        path="/people/<person>",
        id="readPerson",
        summary="Read a person",
        access=Permission.VIEW,
        answer=ReadPerson,
        tagged=True,
        run=_read,
    ),
    Operation(
        method="PATCH",
        path="/people/<person>",
        id="changePerson",
        summary="Change a person's names, affiliations, spellings or page",
        access=_MANAGE,
        body=PersonChanges,
        answer=ReadPerson,
        tagged=True,
        guarded=True,
        run=_change,
    ),
    Operation(
        method="DELETE",
        path="/people/<person>",
        id="removePerson",
        summary="Remove a person; articles keep their bylines",
        access=_MANAGE,
        answer=Done,
        guarded=True,
        run=_remove,
    ),
)
