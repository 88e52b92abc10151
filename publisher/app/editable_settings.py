"""The settings that editors may change in the console: titles, and when and how issues are made.

All others are for whoever has the file. What is wrong is refused with the sentence of the loader.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Any, get_args

from publisher.app.editing_state import Actor, EditingState, Permission
from publisher.app.settings import (
    ABSENT,
    ChangedSettings,
    change_settings,
    settings_hash,
    try_settings,
)
from publisher.app.toml_files import localised_changes
from publisher.config import SETTINGS_FILE
from publisher.config.loader import parse_toml
from publisher.config.newsletters import Newsletter
from publisher.config.values import ConfigTable
from publisher.errors import UsageError
from publisher.messages import message

# Keys of a newsletter besides its title; those that this version has.
_NEWSLETTER_KEYS = tuple(
    key
    for key in ("schedule", "at", "lead", "approval", "unapproved", "undo")
    if key in Newsletter.model_fields
)
# Dates of a changed schedule that are shown, and how far ahead they may be.
_DATES, _DATES_WITHIN = 5, timedelta(days=5 * 366)
# The name of the table [publication], where others are newsletters.
PUBLICATION = "publication"


@dataclass(frozen=True, slots=True, kw_only=True)
class EditableField:
    """One key with its value as text; empty if the file has none. `choices`, if only these may be.

    A title has a field for each `language`.
    """

    key: str
    value: str
    is_number: bool = False
    choices: tuple[str, ...] = ()
    language: str = ""

    @property
    def name(self) -> str:
        """The name of the field in a form."""
        return f"{self.key}.{self.language}" if self.language else self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class EditableTable:
    """The table [publication], or that of a newsletter, by name."""

    name: str
    fields: tuple[EditableField, ...]
    content_hash: str


def read_editable_settings(state: EditingState) -> list[EditableTable]:
    """Return what editors may change, as the file has it now."""
    names = (PUBLICATION, *(one.name for one in state.settings.newsletters))
    return [read_editable_table(state, name) for name in names]


def read_editable_table(state: EditingState, name: str) -> EditableTable:
    """Return what editors may change of one table; raise UsageError if there is none."""
    folder = state.settings.folders.root
    seen = settings_hash(folder)
    table = _table(parse_toml(folder / SETTINGS_FILE), name)
    languages = state.settings.publication.languages
    fields = (*_titles(table, languages), *_others(table, name))
    return EditableTable(name=name, fields=fields, content_hash=seen)


def changes_of_form(
    state: EditingState, name: str, given: Mapping[str, str]
) -> dict[str, tuple[str, str]]:
    """Return what values of a form would change: old and new text, by key."""
    table = read_editable_table(state, name)
    return {
        one.name: (one.value, given[one.name])
        for one in table.fields
        if one.name in given and given[one.name] != one.value
    }


def next_dates(
    state: EditingState, name: str, given: Mapping[str, str]
) -> list[tuple[tuple[str, ...], tuple[datetime, ...]]]:
    """Return the next dates of a newsletter if the values of a form were stored: languages, and local times.

    Raise ConfigError if a value is wrong, as `save_editable_table` would.
    """
    folder, now = state.settings.folders.root, state.clock.now()
    table = _table(parse_toml(folder / SETTINGS_FILE), name)
    changes = _changes(read_editable_table(state, name), table, given)
    after = try_settings(folder, changes)
    newsletter = after.newsletter(name)
    found: dict[tuple[datetime, ...], list[str]] = {}
    for edition in after.editions(newsletter) if newsletter else ():
        coming = islice(edition.occurrences(now, now + _DATES_WITHIN), _DATES)
        local = tuple(one.due_at.astimezone(edition.zone_of_dates) for one in coming)
        found.setdefault(local, []).append(edition.language)
    return [(tuple(languages), dates) for dates, languages in found.items()]


def save_editable_table(
    state: EditingState,
    actor: Actor,
    name: str,
    given: Mapping[str, str],
    expected: str | None = None,
) -> list[ChangedSettings]:
    """Change the file as the values of a form say; an empty one removes the key.

    Raise ConfigError if a value is wrong, or if the file is not the `expected` one any more.
    """
    actor.require(Permission.CHANGE_SETTINGS)
    folder = state.settings.folders.root
    table = _table(parse_toml(folder / SETTINGS_FILE), name)
    changes = _changes(read_editable_table(state, name), table, given)
    if not changes:
        return []
    with state.changing(actor, "change-settings", f"{SETTINGS_FILE}: {name}") as change:
        done = change_settings(folder, changes, expected)
        change.details["changes"] = {
            one.key: [_shown(one.old), _shown(one.new)] for one in done
        }
    return done


def _changes(
    editable: EditableTable, table: Mapping[str, Any], given: Mapping[str, str]
) -> dict[str, object]:
    name = editable.name
    prefix = PUBLICATION if name == PUBLICATION else f"newsletter[{name}]"
    # All of them: one title for all languages becomes a title in each as soon as one differs.
    titles = {
        one.language: given.get(one.name, one.value) for one in editable.fields if one.language
    }
    changes = localised_changes(f"{prefix}.title", table.get("title"), titles)
    for one in editable.fields:
        if not one.language and given.get(one.name, one.value) != one.value:
            changes[f"{prefix}.{one.key}"] = _value(one, given[one.name])
    return changes


def _value(one: EditableField, text: str) -> object:
    if not text:
        return ABSENT
    # What is no number is refused by the loader, with its sentence.
    return int(text) if one.is_number and text.isascii() and text.isdigit() else text


def _titles(table: Mapping[str, Any], languages: tuple[str, ...]) -> Iterator[EditableField]:
    title = table.get("title", "")
    for language in languages:
        value = title.get(language, "") if isinstance(title, Mapping) else title
        yield EditableField(key="title", value=str(value), language=language)


def _others(table: Mapping[str, Any], name: str) -> Iterator[EditableField]:
    keys = () if name == PUBLICATION else _NEWSLETTER_KEYS
    for key in keys:
        types = _types(Newsletter, key)
        choices = next((tuple(one) for one in types if issubclass(one, StrEnum)), ())
        yield EditableField(
            key=key,
            value=_shown(table.get(key)) or "",
            is_number=int in types,
            choices=tuple(map(str, choices)),
        )


def _types(model: type[ConfigTable], key: str) -> list[type]:
    annotation = model.model_fields[key].annotation
    return [one for one in (*get_args(annotation), annotation) if isinstance(one, type)]


def _table(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    if name == PUBLICATION:
        found: Mapping[str, Any] | None = document[PUBLICATION]
    else:
        newsletters = document.get("newsletter", ())
        found = next((one for one in newsletters if one.get("name") == name), None)
    if found is None:
        raise UsageError(message("%(name)s: no newsletter has this name", name=name))
    return found


def _shown(value: Any) -> str | None:
    return None if value is None else str(value)
