"""Change values in a TOML file of a publication: comments, order and layout stay.

The whole new text is checked before it is written, and it is written whole or not at all.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar

from publisher.config.loader import parse_toml
from publisher.config.setting_keys import split_key
from publisher.config.toml_edit import edit_toml
from publisher.config.toml_tables import ABSENT, SettingEditError
from publisher.disk_errors import storage_errors
from publisher.errors import ChangedFileError, ConfigError
from publisher.files import sync_folder, write_durably
from publisher.messages import message, untranslated

__all__ = [
    "ABSENT",
    "ChangedSettings",
    "change_toml",
    "file_hash",
    "localised_changes",
    "try_toml",
]

_Checked = TypeVar("_Checked")

_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class ChangedSettings:
    """A changed setting. Values are those of TOML; None where there is none.

    `content_hash` is that of the file after the change: the `expected` of the next one.
    """

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

    `check` raises ConfigError for a new content that is wrong. `expected` is the hash of the file that
    the caller has seen. Raise ChangedFileError if the file is no longer that one, and ConfigError
    if a key is wrong.
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


def try_toml(
    path: Path, changes: Mapping[str, object], check: Callable[[bytes], _Checked]
) -> _Checked:
    """Return what `check` makes of a file with these changes, which are not stored; raise ConfigError."""
    return check(_edited_all(path, _content(path), changes)[0])


def _edited_all(
    path: Path, content: bytes, changes: Mapping[str, object]
) -> tuple[bytes, list[Any]]:
    """Return a content with all changes, and the old values."""
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
    """Return the new content of the file, and the old value or ABSENT."""
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
    """Lock the folder, so that one caller at a time changes its files.

    Editors take no lock; `_require` notices what they changed.
    """
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
