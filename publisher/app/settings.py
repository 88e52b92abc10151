"""Change settings in publication.toml, for programs: comments, order and layout stay.

A key is a dotted name; a table in a list is named by its name or number, as in
`newsletter[weekly].title.en`. A running service takes a change at its next cycle
(`publisher.app.reload_settings`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from publisher.app.toml_files import ABSENT, ChangedSettings, change_toml, file_hash, try_toml
from publisher.config import SETTINGS_FILE, Settings, load_settings
from publisher.config.loader import parse_toml

# What callers import, with the values of other modules that they get.
__all__ = [
    "ABSENT",
    "ChangedSettings",
    "change_setting",
    "change_settings",
    "remove_setting",
    "settings_hash",
    "try_settings",
]


def settings_hash(folder: Path) -> str:
    """Return the hash of a publication's settings file as it is now; raise ConfigError."""
    path = folder / SETTINGS_FILE
    parse_toml(path)
    return file_hash(path.read_bytes())


def change_settings(
    folder: Path, changes: Mapping[str, object], expected: str | None = None
) -> list[ChangedSettings]:
    """Set several keys of a publication's settings, all or none; ABSENT removes one.

    Keys and the tables above them are added if they are missing. Values are of types that TOML has, also
    lists and tables. `newsletter[daily]` with a table adds a newsletter. `expected` is the hash of
    the file that the caller has seen. Raise ConfigError with key, problem and remedy if a key or the
    whole new text is wrong, or if the file is no longer the expected one; raise StorageError if it
    can't be written. The file is then as it was.
    """
    path = folder / SETTINGS_FILE
    if folder.is_dir():
        parse_toml(path)  # unlike other files, it has to be there

    def check(content: bytes) -> object:
        return load_settings(folder, {}, content)

    return change_toml(path, changes, expected, check)


def try_settings(folder: Path, changes: Mapping[str, object]) -> Settings:
    """Return the settings that several changes would make, and store nothing; raise as `change_settings`."""
    return try_toml(
        folder / SETTINGS_FILE, changes, lambda content: load_settings(folder, {}, content)
    )


def change_setting(
    folder: Path, key: str, value: object, expected: str | None = None
) -> ChangedSettings:
    """Set one key of a publication's settings, as `change_settings` does."""
    return change_settings(folder, {key: value}, expected)[0]


def remove_setting(folder: Path, key: str, expected: str | None = None) -> ChangedSettings:
    """Remove one key, or one table of a list; errors are those of `change_settings`."""
    return change_settings(folder, {key: ABSENT}, expected)[0]
