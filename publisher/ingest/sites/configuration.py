"""The files by which a site is configured: read within bounds, and hashed together."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from publisher.errors import SourceError
from publisher.ingest.parsers.front_matter import extent
from publisher.messages import message, untranslated

# Bytes of one file, and of all. Configurations have some kilobytes, data files some hundreds.
_MAX_FILE = 2_000_000
_MAX_ALL = 30_000_000
# Files below one folder.
_MAX_FILES = 2_000
# Characters of YAML with every alias replaced by what it stands for: a file may be written to be small
# and mean billions.
_MAX_EXPANDED = 5_000_000
_DOMAIN = re.compile(r"(?:[a-z0-9-]{1,63}\.)+[a-z]{2,63}", re.IGNORECASE)


class ConfigurationFiles:
    """Reads files below a site's folder; `digest` changes if any of them does."""

    def __init__(self, root: Path) -> None:
        # Path.resolve() raises other errors for a link that leads to itself.
        self.root = Path(os.path.realpath(root))
        self._texts: dict[str, str | None] = {}

    def exists(self, path: str) -> bool:
        """Return whether there is a file or a folder. No system takes a name of 5,000 characters."""
        try:
            return (self.root / path).exists()
        except OSError:
            return False

    def text(self, path: str) -> str | None:
        """Return a file's text, None if it is absent, outside the folder, or not UTF-8.

        Raises SourceError for what is too large.
        """
        if path not in self._texts:
            self._texts[path] = self._read(path)
        return self._texts[path]

    def included(self, folder: PurePosixPath, root: PurePosixPath, name: str) -> str | None:
        """Return a file that a document in a folder includes: `./x.md`, or `@/x.md` from a root.

        It is no configuration, so the digest does not have it. None as for `text`, and for what is too
        large.
        """
        alias, slash, inside = name.partition("/")
        is_rooted = slash and alias in {"@", "@site", "~"}
        place = root / inside if is_rooted else folder / name
        try:
            return self._read(str(place))
        except SourceError:
            return None

    def data(self, path: str) -> Any:
        """Return what a file of YAML, TOML or JSON holds, None if there is none.

        Raises SourceError with the reason if it can't be read.
        """
        text = self.text(path)
        if text is None:
            return None
        try:
            return load_data(PurePosixPath(path).suffix, text)
        except (ValueError, RecursionError, yaml.YAMLError) as error:
            problem = " ".join(str(error).split())[:300]
            raise unreadable(shown_place(self.root, self.root / path), problem) from None

    def table(self, path: str) -> dict[str, Any] | None:
        """Return a file of YAML, TOML or JSON as a mapping, None if there is none.

        Raises SourceError with the reason if it can't be read.
        """
        loaded = self.data(path)
        if loaded is None and self.text(path) is None:
            return None
        return loaded if isinstance(loaded, dict) else {}

    def first_table(self, *paths: str) -> dict[str, Any] | None:
        """Return the first of several files that is there."""
        return next((found for path in paths if (found := self.table(path)) is not None), None)

    def below(self, folder: str, endings: tuple[str, ...]) -> Iterator[str]:
        """Yield the paths of files below a folder, sorted."""
        found: list[str] = []
        if not self.exists(folder):
            return
        for place, _folders, names in os.walk(self.root / folder):
            paths = (Path(place, name) for name in names if name.endswith(endings))
            found += [str(path.relative_to(self.root)) for path in paths if path.is_file()]
            if len(found) > _MAX_FILES:
                raise SourceError(
                    message(
                        "%(place)s: has more than %(most)s files",
                        place=shown_place(self.root, self.root / folder),
                        most=_MAX_FILES,
                    )
                )
        yield from sorted(found)

    def names(self, folder: str, beginning: str) -> frozenset[str]:
        """Return the names in a folder that begin in some way; none if it can't be read."""
        try:
            found = [one.name for one in (self.root / folder).iterdir()]
        except (OSError, ValueError):
            return frozenset()
        return frozenset(name for name in found if name.startswith(beginning))

    @property
    def digest(self) -> str:
        """A hash of all that was read so far; empty if there was nothing to read."""
        if not any(text is not None for text in self._texts.values()):
            return ""
        return hashlib.sha256(repr(sorted(self._texts.items())).encode()).hexdigest()

    def _read(self, path: str) -> str | None:
        try:
            place = Path(os.path.realpath(self.root / path))
            if not place.is_relative_to(self.root) or not place.is_file():
                return None
        except (OSError, ValueError):  # no name of a file, such as one of 5,000 characters
            return None
        read = sum(len(text) for text in self._texts.values() if text)
        if place.stat().st_size > min(_MAX_FILE, _MAX_ALL - read):
            raise SourceError(
                message(
                    "%(place)s: is too large for a site's configuration",
                    place=shown_place(self.root, place),
                )
            )
        try:
            return place.read_text("utf-8-sig")
        except UnicodeDecodeError:
            return None
        except OSError as error:
            raise unreadable(
                shown_place(self.root, place), error.strerror or str(error)
            ) from error


def shown_place(root: Path, place: str | Path) -> str:
    """Return a file or folder as the site's folder is called, and what is below it.

    Whoever may see the console reads it, and not everybody is to know where that is on the machine.
    """
    return str(Path(root.absolute().name, os.path.relpath(place, root)))


def unreadable(place: str, why: str) -> SourceError:
    """Return the error for a file or folder that can't be read; `why` stays English."""
    return SourceError(
        message("%(place)s: can't be read: %(why)s", place=place, why=untranslated(why))
    )


def own_domain(files: ConfigurationFiles, *paths: str) -> str:
    """Return the address that a `CNAME` file gives a site on GitHub Pages, empty without one."""
    texts = (files.text(path) for path in paths)
    domain = next((one.strip() for one in texts if one), "")
    return f"https://{domain}" if _DOMAIN.fullmatch(domain) else ""


def load_data(ending: str, text: str) -> Any:
    """Return what a file of YAML, TOML or JSON holds, by its ending.

    Raises ValueError or YAMLError if it is malformed.
    """
    if ending == ".toml":
        return tomllib.loads(text)
    if ending == ".json":
        return json.loads(text)
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        if extent(node, {})[1] > _MAX_EXPANDED:
            raise ValueError("its aliases stand for too much, or for themselves")
        return loader.construct_document(node)
    finally:
        loader.dispose()


def named_tables(value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the names in a list, or in a table with the table of each."""
    if isinstance(value, list):
        yield from ((str(name), {}) for name in value)
    if isinstance(value, dict):
        yield from (
            (str(name), options if isinstance(options, dict) else {})
            for name, options in value.items()
        )
