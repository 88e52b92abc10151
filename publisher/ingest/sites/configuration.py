"""The files by which a site is configured: read within bounds, and hashed together.

Data files stand under their path without the ending: `people/wu.yml` is `people.wu`. They are read at once, so
that the site's digest has them, and parsed when they are asked for. A configuration that is JavaScript or
TypeScript is not run: its comments are taken out, and plain strings, lists and nested objects are looked up by the
names of their keys. What it computes is not found.
"""

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
from publisher.i18n.messages import untranslated
from publisher.ingest.parsers.front_matter import YamlValue, extent, normal_key, plain_value

# Bytes of one file, and of all. Configurations have some kilobytes, data files some hundreds.
_MAX_FILE = 2_000_000
_MAX_ALL = 30_000_000
_MAX_FILES = 2_000  # files below one folder
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
        """Return a file's text; None if absent, outside the folder or not UTF-8. Raises SourceError if too large."""
        if path not in self._texts:
            self._texts[path] = self._read(path)
        return self._texts[path]

    def data(self, path: str) -> Any:
        """Return what a file of YAML, TOML or JSON holds, None if absent. Raises SourceError if it can't be read."""
        text = self.text(path)
        if text is None:
            return None
        try:
            return load_data(PurePosixPath(path).suffix, text)
        except (ValueError, RecursionError, yaml.YAMLError) as error:
            problem = " ".join(str(error).split())[:300]
            raise unreadable(shown_place(self.root, self.root / path), problem) from None

    def table(self, path: str) -> dict[str, Any] | None:
        """Return a file of YAML, TOML or JSON as a mapping, None if absent. Raises SourceError if it can't be read."""
        loaded = self.data(path)
        if loaded is None and self.text(path) is None:
            return None
        return loaded if isinstance(loaded, dict) else {}

    def first_table(self, *paths: str) -> dict[str, Any] | None:
        return next((found for path in paths if (found := self.table(path)) is not None), None)

    def script(self, *paths: str) -> ScriptObject:
        texts = map(self.text, paths)
        return ScriptObject.of_script(next((one for one in texts if one is not None), ""))

    def below(self, folder: str, endings: tuple[str, ...]) -> Iterator[str]:
        found: list[str] = []
        if not self.exists(folder):
            return
        for place, _folders, names in os.walk(self.root / folder):
            paths = (Path(place, name) for name in names if name.endswith(endings))
            found += [str(path.relative_to(self.root)) for path in paths if path.is_file()]
            if len(found) > _MAX_FILES:
                shown, most = shown_place(self.root, self.root / folder), _MAX_FILES
                raise SourceError.saying(
                    "%(place)s: has more than %(most)s files", place=shown, most=most
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
            shown = shown_place(self.root, place)
            raise SourceError.saying(
                "%(place)s: is too large for a site's configuration", place=shown
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
    return SourceError.saying(
        "%(place)s: can't be read: %(why)s", place=place, why=untranslated(why)
    )


def own_domain(files: ConfigurationFiles, *paths: str) -> str:
    """Return the address that a `CNAME` file gives a site on GitHub Pages, empty without one."""
    texts = (files.text(path) for path in paths)
    domain = next((one.strip() for one in texts if one), "")
    return f"https://{domain}" if _DOMAIN.fullmatch(domain) else ""


class _DataLoader(yaml.SafeLoader):
    """Reads an alias without an anchor as nothing, as Jekyll 3 does: themes come with such files."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) and event.anchor not in self.anchors:
            self.get_event()  # type: ignore[no-untyped-call]
            return yaml.ScalarNode("tag:yaml.org,2002:null", "")
        return super().compose_node(parent, index)


def load_data(ending: str, text: str) -> Any:
    """Return what YAML, TOML or JSON holds, by a file's ending. Raises ValueError or YAMLError if malformed."""
    if ending == ".toml":
        return tomllib.loads(text)
    if ending == ".json":
        return json.loads(text)
    loader = _DataLoader(text)
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
    if isinstance(value, list):
        yield from ((str(name), {}) for name in value)
    if isinstance(value, dict):
        yield from (
            (str(name), options if isinstance(options, dict) else {})
            for name, options in value.items()
        )


class DataFiles(Mapping[str, Any]):
    """The data files below a folder; a folder in it is a mapping of its own."""

    def __init__(self, files: ConfigurationFiles, folder: str) -> None:
        self._files = files
        self._folder = PurePosixPath(folder)
        self._loaded: dict[str, Any] | None = None
        self._paths = list(files.below(folder, (".yml", ".yaml", ".json", ".toml")))
        for path in self._paths:
            files.text(path)

    def table(self, *names: str) -> Mapping[str, Any]:
        found = (self[name] for name in names if name in self)
        return next((one for one in found if isinstance(one, Mapping)), {})

    def __getitem__(self, key: str) -> Any:
        return self._all()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> dict[str, Any]:
        if self._loaded is None:
            self._loaded = {}
            for path in self._paths:
                self._load(self._loaded, path)
        return self._loaded

    def _load(self, into: dict[str, Any], path: str) -> None:
        *folders, name = PurePosixPath(path).relative_to(self._folder).with_suffix("").parts
        try:
            loaded = self._files.data(path)
        except SourceError:
            return  # a broken data file costs the values that it has, which are then reported
        for folder in folders:
            inner = into.setdefault(folder, {})
            if not isinstance(inner, dict):
                return
            into = inner
        into[name] = loaded


def plain_values(values: Mapping[str, Any]) -> dict[str, YamlValue]:
    """Return typed values in the form of front matter, whose scalars are texts as written."""
    return {normal_key(key): plain_value(one) for key, one in values.items()}


# Characters. Configurations have some thousands; more are bundled programs.
_MAX_LENGTH = 300_000
_TOKEN = re.compile(
    r"(?P<string>'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"|`(?:[^`\\]|\\.)*`)"
    r"|(?P<comment>//[^\n]*|/\*.*?\*/)",
    re.DOTALL,
)
_STRING = re.compile(r"'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"|`[^`$\\]*`")
# A key with a text, a word, or the beginning of something that nests.
_ENTRY = re.compile(
    r"(?<![\w$])(?:"
    rf"(?P<key>[\w$]{{1,60}})['\"]?\s*:\s*(?:(?P<value>{_STRING.pattern}|true\b|false\b|\d+\b)|(?P<opening>[\[{{]))"
    r"|(?P<function>[\w$]{1,60}\s*(?::\s*(?:async\s+)?function\s*\w*\s*)?\([^()\n]*\)\s*(?:=>\s*)?\{))"
)
_OPENING, _CLOSING = "{[(", "}])"


class ScriptObject:
    """The text of an object in a script, without comments."""

    def __init__(self, text: str) -> None:
        self.text = text

    @classmethod
    def of_script(cls, source: str) -> ScriptObject:
        """Return a whole script; one that is too long is empty."""
        kept = source if len(source) <= _MAX_LENGTH else ""
        return cls(_TOKEN.sub(lambda token: token["string"] or " ", kept))

    def string(self, key: str) -> str | None:
        match = re.search(rf"{_key(key)}(?:'([^'\n]*)'|\"([^\"\n]*)\"|`([^`$]*)`)", self.text)
        return next((one for one in match.groups() if one is not None), None) if match else None

    def strings(self, key: str, script: ScriptObject | None = None) -> tuple[str, ...]:
        """Return the strings of the list of a key, also of a list that has a name in `script`."""
        found = next(_parts(self.text, rf"{_key(key)}\["), "")
        named = re.search(rf"{_key(key)}([A-Za-z_$][\w$]*)", self.text)
        if named and script and not found:
            found = next(_parts(script.text, rf"\b{re.escape(named[1])}\s*=\s*\["), "")
        return tuple(
            one or two for one, two in re.findall(r"'([^'\n]*)'|\"([^\"\n]*)\"", found)
        )

    def without_inner_objects(self) -> ScriptObject:
        """Return this object without the objects in it: their keys are theirs."""
        kept, depth = list[str](), 0
        for token in re.finditer(rf"{_STRING.pattern}|[^{{}}'\"`]+|.", self.text, re.DOTALL):
            depth -= token[0] == "}"
            if depth <= 1:
                kept.append(token[0])
            depth += token[0] == "{"
        return ScriptObject("".join(kept))

    def has(self, key: str, word: str) -> bool:
        return re.search(rf"{_key(key)}{word}\b", self.text) is not None

    def object(self, key: str) -> ScriptObject:
        return next(self.objects(key), ScriptObject(""))

    def objects(self, key: str) -> Iterator[ScriptObject]:
        yield from map(ScriptObject, _parts(self.text, rf"{_key(key)}\{{"))

    def objects_after(self, text: str) -> Iterator[ScriptObject]:
        """Yield the object behind each occurrence of a text, as in `["plugin", {...}]`."""
        yield from map(ScriptObject, _parts(self.text, rf"{re.escape(text)}['\"`)\s,]*\{{"))

    def own_objects(self) -> Iterator[tuple[str, ScriptObject]]:
        position = 1
        pattern = re.compile(r"['\"]?([\w-]+)['\"]?\s*:\s*\{")
        while match := pattern.search(self.text, position):
            inner = _balanced(self.text, match.end() - 1)
            yield match[1], ScriptObject(inner)
            position = match.end() - 1 + len(inner)

    def exported_values(self) -> dict[str, str | list[str]]:
        """Return the texts, lists of texts, and words directly in the object that a script exports."""
        exported = re.search(r"(?:module\.exports\s*=|export\s+default)\s*\(?\s*\{", self.text)
        if exported is None:
            return {}
        inside = _balanced(self.text, exported.end() - 1)
        found: dict[str, str | list[str]] = {}
        position = 1
        while entry := _ENTRY.search(inside, position):
            position = entry.end()
            if entry["function"]:
                position += len(_balanced(inside, position - 1)) - 1
            elif entry["opening"]:
                part = _balanced(inside, position - 1)
                position += len(part) - 1
                texts = [_unquoted(one) for one in _STRING.findall(part)]
                if entry["opening"] == "[":
                    found[entry["key"]] = texts
            else:
                found[entry["key"]] = _unquoted(entry["value"])
        return found


def _parts(text: str, pattern: str) -> Iterator[str]:
    for match in re.finditer(pattern, text):
        yield _balanced(text, match.end() - 1)


def _key(name: str) -> str:
    return rf"(?<![\w$.-])['\"]?{re.escape(name)}['\"]?\s*:\s*"


def _balanced(text: str, start: int) -> str:
    """Return a text from an opening bracket to its closing one; strings are skipped."""
    depth = 0
    position = start
    while position < len(text):
        string = _TOKEN.match(text, position)
        if string:
            position = string.end()
            continue
        depth += (text[position] in _OPENING) - (text[position] in _CLOSING)
        position += 1
        if depth == 0:
            break
    return text[start:position]


def _unquoted(value: str) -> str:
    return value[1:-1] if value[:1] in {"'", '"', "`"} else value
