"""Settings in publication.toml: read as text, changed by programs, and edited in the console.

Comments, order and layout of a file stay. The whole new text is checked before it is written, and it is written whole
or not at all. A key is a dotted name; a table in a list is named by its name or number, as in
`newsletter[weekly].title.en`. Editors may change titles, and when and how issues are made; all other settings are for
whoever has the file. Secrets are shown as `***`. A running service takes a change at its next cycle.
"""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any, get_args

from pydantic import SecretStr

from publisher.app.editing_state import Actor, EditingState, Permission
from publisher.config import SETTINGS_FILE, Settings, load_settings
from publisher.config.loader import parse_toml
from publisher.config.newsletters import Newsletter
from publisher.config.setting_keys import ABSENT, SettingEditError, split_key
from publisher.config.toml_edit import edit_toml
from publisher.config.values import ConfigTable, Localised
from publisher.errors import ChangedFileError, ConfigError, UsageError
from publisher.files import storage_errors, sync_folder, write_durably
from publisher.i18n.messages import message, untranslated

_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class ChangedSettings:
    """A changed setting, with values of TOML. `content_hash` of the file after it is the `expected` of the next change."""

    key: str
    old: Any
    new: Any
    content_hash: str


def change_toml(
    path: Path,
    changes: Mapping[str, object],
    expected: str | None,
    check: Callable[[bytes], object],
) -> list[ChangedSettings]:
    """Set the values of several keys at once; ABSENT removes one. A missing file counts as empty.

    `check` raises ConfigError for a new content that is wrong. `expected` is the hash of the file that the caller has
    seen. Raise ChangedFileError if the file is no longer that one, and ConfigError if a key is wrong.
    """
    # A link stays one: the file that it leads to is replaced.
    with _alone_in(path.parent):
        content = _content(path)
        _require(path, next(iter(changes), ""), content, expected)
        edited, olds = _edited_all(path, content, changes)
        if edited != content:
            check(edited)
            _replace(path.resolve(), next(iter(changes)), content, edited)
    now = file_hash(edited)
    return [
        ChangedSettings(key, _or_none(old), _or_none(new), now)
        for (key, new), old in zip(changes.items(), olds, strict=True)
    ]


def _edited_all(
    path: Path, content: bytes, changes: Mapping[str, object]
) -> tuple[bytes, list[Any]]:
    olds = []
    for key, value in changes.items():
        content, old = _edited(path, key, content, value)
        olds.append(old)
    return content, olds


def file_hash(content: bytes) -> str:
    """Return the hash by which a caller says which content it has seen."""
    return hashlib.sha256(content).hexdigest()


def localised_changes(
    key: str, now: str | Mapping[str, str] | None, wanted: Mapping[str, str]
) -> dict[str, object]:
    """Return the changes that give a text in some languages; an empty text removes a language.

    `now` is the value of the key: one text for any language, a table by language, or None. Pure.
    """
    table = {} if now is None else {"": now} if isinstance(now, str) else dict(now)
    after = {tag: text for tag, text in ({**table, **wanted}).items() if text}
    if not after:
        return {} if now is None else {key: ABSENT}
    if not isinstance(now, Mapping):
        return _instead_of_one_text(key, now, after)
    return {
        f"{key}.{tag}": after.get(tag, ABSENT)
        for tag in wanted
        if table.get(tag, "") != after.get(tag, "")
    }


def _instead_of_one_text(
    key: str, now: str | None, after: Mapping[str, str]
) -> dict[str, object]:
    """Keep one text for all languages while all are the same, else write a table; "" alone is one text."""
    if now is not None and set(after.values()) <= {now}:
        return {}
    named = {tag: text for tag, text in after.items() if tag}
    return {key: named or after[""]}


def _content(path: Path) -> bytes:
    if not os.path.lexists(path):
        return b""
    parse_toml(path)  # its errors are more detailed than those of an edit
    return path.read_bytes()


def _or_none(value: Any) -> Any:
    return None if value is ABSENT else value


def _edited(path: Path, key: str, content: bytes, value: object) -> tuple[bytes, Any]:
    text = content.decode("utf-8-sig")
    has_crlf = "\r\n" in text
    try:
        plain = StringIO(text, newline=None).read()
        edited, old = edit_toml(plain, split_key(key), value)
    except SettingEditError as error:
        raise ConfigError(str(path), key, error.problem, error.remedy) from None
    if edited == plain:
        return content, old
    edited = edited.replace("\n", "\r\n") if has_crlf else edited
    mark = _BYTE_ORDER_MARK if content.startswith(_BYTE_ORDER_MARK.encode()) else ""
    return f"{mark}{edited}".encode(), old


def _require(path: Path, key: str, content: bytes, expected: str | None) -> None:
    if expected is not None and file_hash(content) != expected:
        problem = message("somebody has changed the file meanwhile")
        remedy = message("read it again and repeat your change")
        raise ChangedFileError(str(path), key, problem, remedy)


def _replace(path: Path, key: str, content: bytes, edited: bytes) -> None:
    """Replace the file, with its owner and permissions, unless somebody has changed it meanwhile."""
    status = path.stat() if path.exists() else path.parent.stat()
    mode = status.st_mode & (0o7777 if path.exists() else 0o666)
    if status.st_uid != os.geteuid() and os.geteuid() != 0:
        problem = message(
            "%(path)s belongs to another user (number %(number)s)",
            path=path,
            number=str(status.st_uid),
        )
        raise ConfigError(str(path), key, problem, message("make the change as that user"))
    unfinished = path.with_name(f".{path.name}.part")
    with storage_errors(path.parent):
        unfinished.touch(0o600)
        try:
            write_durably(unfinished, edited)
            os.chown(unfinished, status.st_uid, status.st_gid)
            unfinished.chmod(mode)
            seen = path.read_bytes() if path.exists() else b""
            _require(path, key, seen, file_hash(content))
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
        sync_folder(path.parent)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Lock the folder: one caller at a time changes its files. Text editors take no lock: `_require` sees their changes."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        problem = message(
            "the folder can't be read: %(why)s", why=untranslated(str(error.strerror))
        )
        remedy = "name a publication's folder"
        raise ConfigError(str(folder / "publication.toml"), "", problem, remedy) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def settings_hash(folder: Path) -> str:
    """Return the hash of a publication's settings file as it is now; raise ConfigError."""
    path = folder / SETTINGS_FILE
    parse_toml(path)
    return file_hash(path.read_bytes())


def change_settings(
    folder: Path, changes: Mapping[str, object], expected: str | None = None
) -> list[ChangedSettings]:
    """Set keys of a publication's settings, all or none; ABSENT removes one, or a table of a list.

    Keys and the tables above them are added if they are missing. Values are of types that TOML has, also lists and
    tables. `newsletter[daily]` with a table adds a newsletter. `expected` is the hash of the file that the caller has
    seen. Raise ConfigError with key, problem and remedy if a key or the whole new text is wrong, or if the file is no
    longer the expected one; raise StorageError if it can't be written. The file is then as it was.
    """
    path = folder / SETTINGS_FILE
    if folder.is_dir():
        parse_toml(path)  # unlike other files, it has to be there
    return change_toml(path, changes, expected, partial(load_settings, folder, {}))


def try_settings(folder: Path, changes: Mapping[str, object]) -> Settings:
    """Return the settings that several changes would make, and store nothing; raise as `change_settings`."""
    path = folder / SETTINGS_FILE
    content, _olds = _edited_all(path, _content(path), changes)
    return load_settings(folder, {}, content)


def list_settings(settings: Settings) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the name of each table with its keys and values, as they count now."""
    named: list[tuple[str, Any]] = [
        *((one.name, getattr(settings, one.name)) for one in fields(settings)),
        *((f"source[{one.name}]", one) for one in settings.sources),
        *((f"newsletter[{one.name}]", one) for one in settings.newsletters),
    ]
    return [
        (name, list(_lines(table))) for name, table in named if isinstance(table, ConfigTable)
    ]


def _lines(table: ConfigTable, prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, field in type(table).model_fields.items():
        if field.exclude:
            continue
        value, key = getattr(table, name), f"{prefix}{field.alias or name}"
        if isinstance(value, ConfigTable):
            yield from _lines(value, f"{key}.")
        elif isinstance(value, Mapping) and _are_tables(value.values()):
            for part, one in value.items():
                yield from _lines(one, f"{key}.{part}.")
        elif isinstance(value, list | tuple) and _are_tables(value):
            for number, one in enumerate(value):
                yield from _lines(one, f"{key}[{number}].")
        elif isinstance(value, Localised):
            yield key, " / ".join(value)
        elif value is not None:
            yield key, _text(value)


def _are_tables(values: Any) -> bool:
    return bool(values) and all(isinstance(one, ConfigTable) for one in values)


def _text(value: Any) -> str:
    if isinstance(value, SecretStr):
        return "***"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple | frozenset):
        return ", ".join(map(_text, value))
    return str(value)


# Keys of a newsletter besides its title; those that this version has.
_NEWSLETTER_KEYS = tuple(
    key
    for key in ("schedule", "at", "lead", "approval", "unapproved", "undo")
    if key in Newsletter.model_fields
)
# Dates of a changed schedule that are shown, and how far ahead they may be.
_DATES, _DATES_WITHIN = 5, timedelta(days=5 * 366)
PUBLICATION = "publication"  # the name of the table [publication], where others are newsletters


@dataclass(frozen=True, slots=True, kw_only=True)
class EditableField:
    """A key and its value as text, empty if absent; `choices`, if only these may be. A title has one for each `language`."""

    key: str
    value: str
    is_number: bool = False
    choices: tuple[str, ...] = ()
    language: str = ""

    @property
    def name(self) -> str:
        return f"{self.key}.{self.language}" if self.language else self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class EditableTable:
    """The table [publication], or that of a newsletter, by name."""

    name: str
    fields: tuple[EditableField, ...]
    content_hash: str


def read_editable_table(state: EditingState, name: str) -> EditableTable:
    """Return what editors may change of one table; raise UsageError if there is none."""
    folder = state.settings.folders.root
    seen = settings_hash(folder)
    table = _table(parse_toml(folder / SETTINGS_FILE), name)
    fields = (*_titles(table, state.settings.publication.languages), *_others(table, name))
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
    """Return languages with their next local times, if a form were stored. Raise ConfigError as `save_editable_table` does."""
    now = state.clock.now()
    after = try_settings(state.settings.folders.root, _changes(state, name, given))
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
    """Change the file as a form says; an empty value removes the key. Raise ConfigError, also if the file is not `expected`."""
    actor.require(Permission.CHANGE_SETTINGS)
    changes = _changes(state, name, given)
    if not changes:
        return []
    with state.changing(actor, "change-settings", f"{SETTINGS_FILE}: {name}") as change:
        done = change_settings(state.settings.folders.root, changes, expected)
        change.details["changes"] = {
            one.key: [_shown(one.old), _shown(one.new)] for one in done
        }
    return done


def _changes(state: EditingState, name: str, given: Mapping[str, str]) -> dict[str, object]:
    table = _table(parse_toml(state.settings.folders.root / SETTINGS_FILE), name)
    fields = read_editable_table(state, name).fields
    prefix = PUBLICATION if name == PUBLICATION else f"newsletter[{name}]"
    # All of them: one title for all languages becomes a title in each as soon as one differs.
    titles = {one.language: given.get(one.name, one.value) for one in fields if one.language}
    changes = localised_changes(f"{prefix}.title", table.get("title"), titles)
    for one in fields:
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
        annotation = Newsletter.model_fields[key].annotation
        types = [one for one in (*get_args(annotation), annotation) if isinstance(one, type)]
        choices = next((tuple(one) for one in types if issubclass(one, StrEnum)), ())
        yield EditableField(
            key=key,
            value=_shown(table.get(key)) or "",
            is_number=int in types,
            choices=tuple(map(str, choices)),
        )


def _table(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    if name == PUBLICATION:
        found: Mapping[str, Any] | None = document[PUBLICATION]
    else:
        newsletters = document.get("newsletter", ())
        found = next((one for one in newsletters if one.get("name") == name), None)
    if found is None:
        raise UsageError.saying("%(name)s: no newsletter has this name", name=name)
    return found


def _shown(value: Any) -> str | None:
    return None if value is None else str(value)
