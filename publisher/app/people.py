"""Editors' verbs for people.toml: who is who among authors and translators, in each language.

Comments and layout of the file stay. A running service reads it at its next cycle.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from publisher.app.editing_state import Actor, EditingState, Permission
from publisher.app.toml_files import ABSENT, change_toml, file_hash, localised_changes
from publisher.config.loader import PEOPLE_FILE, parse_toml, read_people
from publisher.errors import UsageError
from publisher.messages import message

_KEY = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonEntry:
    """A person as the file has it. Names and affiliations are by language; "" is any language."""

    key: str
    name: Mapping[str, str]
    affiliation: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    url: str = ""


@dataclass(frozen=True, slots=True)
class PeopleEntries:
    """All people of the file, by key, and the hash of what the file had."""

    people: tuple[PersonEntry, ...]
    content_hash: str

    def find(self, key: str) -> PersonEntry:
        """Return a person; raise UsageError if nobody has the key."""
        found = next((one for one in self.people if one.key == key), None)
        if found is None:
            raise UsageError(
                message("%(key)s: nobody has this key in %(file)s", key=key, file=PEOPLE_FILE)
            )
        return found


def read_person_entries(state: EditingState) -> PeopleEntries:
    """Return what people.toml has now; raise ConfigError if it is wrong."""
    path = _path(state)
    if not os.path.lexists(path):
        return PeopleEntries((), file_hash(b""))
    values = parse_toml(path)
    found = (_entry(key, table) for key, table in values.items() if isinstance(table, dict))
    people = tuple(sorted(found, key=lambda one: one.key))
    return PeopleEntries(people, file_hash(path.read_bytes()))


def add_person(
    state: EditingState, actor: Actor, key: str, name: str, expected: str | None = None
) -> None:
    """Add a person with one name for all languages. Raise UsageError if the key is malformed or taken."""
    actor.require(Permission.MANAGE_PEOPLE)
    if not _KEY.fullmatch(key):
        raise UsageError(
            message(
                "%(key)s: a key has small letters, digits and hyphens, like ann-sabbagh",
                key=repr(key),
            )
        )
    if any(one.key == key for one in read_person_entries(state).people):
        raise UsageError(
            message(
                "%(key)s: somebody has this key in %(file)s already", key=key, file=PEOPLE_FILE
            )
        )
    _change(state, actor, "add-person", key, {key: {"name": name}}, expected)


def change_person(
    state: EditingState, actor: Actor, wanted: PersonEntry, expected: str | None = None
) -> list[str]:
    """Give a person other names, affiliations, spellings or another page; return the changed keys.

    A language that `wanted` does not name stays as it is; an empty text removes it. A text in any language
    becomes one in each language of the publication as soon as one differs.
    """
    actor.require(Permission.MANAGE_PEOPLE)
    read_person_entries(state).find(wanted.key)
    table = parse_toml(_path(state))[wanted.key]
    changes = _changes(table, wanted, state.settings.publication.languages)
    if changes:
        _change(state, actor, "change-person", wanted.key, changes, expected)
    return list(changes)


def remove_person(
    state: EditingState, actor: Actor, key: str, expected: str | None = None
) -> None:
    """Remove a person from the file. Articles keep the bylines that they have."""
    actor.require(Permission.MANAGE_PEOPLE)
    read_person_entries(state).find(key)
    _change(state, actor, "remove-person", key, {key: ABSENT}, expected)


def _changes(
    table: Mapping[str, Any], wanted: PersonEntry, languages: tuple[str, ...]
) -> dict[str, object]:
    key, changes = wanted.key, dict[str, object]()
    for part, given in (("name", wanted.name), ("affiliation", wanted.affiliation)):
        now = table.get(part)
        texts = _in_each(given, now, languages) if isinstance(now, str) else given
        changes |= localised_changes(f"{key}.{part}", now, texts)
    if list(wanted.aliases) != list(table.get("aliases", ())):
        changes[f"{key}.aliases"] = list(wanted.aliases) or ABSENT
    if wanted.url != table.get("url", ""):
        changes[f"{key}.url"] = wanted.url or ABSENT
    return changes


def _in_each(texts: Mapping[str, str], now: str, languages: tuple[str, ...]) -> dict[str, str]:
    """Return texts with the one for any language in those that have none; one alone stays one."""
    one = texts.get("", now)
    own = {tag: text for tag, text in texts.items() if tag and text}
    return {"": one} | (dict.fromkeys(languages, one) | own if own else {})


def _change(  # what an entry of the audit log names
    state: EditingState,
    actor: Actor,
    verb: str,
    key: str,
    changes: Mapping[str, object],
    expected: str | None,
) -> None:
    path = _path(state)

    def check(content: bytes) -> object:
        return read_people(path, content)

    with state.changing(actor, verb, f"{PEOPLE_FILE}: {key}") as change:
        done = change_toml(path, changes, expected, check)
        change.details["keys"] = [one.key for one in done]


def _path(state: EditingState) -> Path:
    return state.settings.folders.root / PEOPLE_FILE


def _entry(key: str, table: Mapping[str, Any]) -> PersonEntry:
    return PersonEntry(
        key=key,
        name=_by_language(table.get("name")),
        affiliation=_by_language(table.get("affiliation")),
        aliases=tuple(map(str, table.get("aliases", ()))),
        url=str(table.get("url", "")),
    )


def _by_language(value: Any) -> dict[str, str]:
    if isinstance(value, Mapping):
        return {str(tag): str(text) for tag, text in value.items()}
    return {} if value is None else {"": str(value)}
