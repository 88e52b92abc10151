"""Change single settings in publication.toml, for programs: comments, order and layout stay.

A key is a dotted name; a table in a list is named by its name or number, as in
`newsletter[weekly].title.en`. The whole new text is checked before it is written, and it is written
whole or not at all. A running service takes it at its next cycle (`publisher.app.live`).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from publisher.config import SETTINGS_FILE, load_settings
from publisher.config.loader import parse_toml
from publisher.config.setting_keys import split_key
from publisher.config.toml_edit import edit_toml
from publisher.config.toml_tables import ABSENT, SettingEditError
from publisher.disk_errors import storage_errors
from publisher.errors import ConfigError
from publisher.files import sync_folder, write_durably

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


def settings_hash(folder: Path) -> str:
    """Return the hash of a publication's settings file as it is now; raise ConfigError."""
    path = folder / SETTINGS_FILE
    parse_toml(path)
    return _hash(path.read_bytes())


def change_setting(
    folder: Path, key: str, value: object, expected: str | None = None
) -> ChangedSettings:
    """Set one key of a publication's settings; add it, and the tables above it, if it is missing.

    `value` is of a type that TOML has, also a list or a table. `newsletter[daily]` with a table
    adds a newsletter. `expected` is the hash of the file that the caller has seen. Raise
    ConfigError with key, problem and remedy if the key or the whole new text is wrong, or if the
    file is no longer the expected one; raise StorageError if it can't be written. The file is then
    as it was.
    """
    return _change(folder, key, value, expected)


def remove_setting(folder: Path, key: str, expected: str | None = None) -> ChangedSettings:
    """Remove one key, or one table of a list; errors are those of `change_setting`."""
    return _change(folder, key, ABSENT, expected)


def _change(folder: Path, key: str, value: object, expected: str | None) -> ChangedSettings:
    # A link stays one: the file that it leads to is replaced.
    path = folder / SETTINGS_FILE
    with _alone_in(folder, path):
        parse_toml(path)  # its errors are more detailed than those of an edit
        content = path.read_bytes()
        _require(path, key, content, expected)
        edited, old = _edited(path, key, content, value)
        if edited != content:
            load_settings(folder, {}, edited)
            _replace(path.resolve(), key, content, edited)
    new = None if value is ABSENT else value
    return ChangedSettings(key, None if old is ABSENT else old, new, _hash(edited))


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
    if expected is not None and _hash(content) != expected:
        problem = "somebody has changed the file meanwhile"
        raise ConfigError(str(path), key, problem, "read it again and repeat your change")


def _replace(path: Path, key: str, content: bytes, edited: bytes) -> None:
    """Replace the file, with its permissions, unless somebody has changed it meanwhile."""
    status = path.stat()
    if status.st_uid != os.geteuid() and os.geteuid() != 0:
        problem = f"{path} belongs to another user (number {status.st_uid})"
        raise ConfigError(str(path), key, problem, "make the change as that user")
    unfinished = path.with_name(f".{path.name}.part")
    with storage_errors(path.parent):
        unfinished.touch(0o600)
        try:
            write_durably(unfinished, edited)
            os.chown(unfinished, status.st_uid, status.st_gid)
            unfinished.chmod(status.st_mode & 0o7777)
            _require(path, key, path.read_bytes(), _hash(content))
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
        sync_folder(path.parent)


@contextmanager
def _alone_in(folder: Path, path: Path) -> Iterator[None]:
    """Lock the folder, so that one caller at a time changes the file.

    Editors take no lock; `_require` notices what they changed.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        problem = f"the folder can't be read: {error.strerror}"
        raise ConfigError(str(path), "", problem, "name a publication's folder") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
