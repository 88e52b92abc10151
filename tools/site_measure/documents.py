"""Documents of a site as they lie in its folder: front matter, body, and a few forms to compare."""

import html
import json
import re
import tomllib
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

DOCUMENTS = frozenset({".md", ".mdx", ".markdown", ".html"})
_FENCED = re.compile(
    r"\A\ufeff?(---|\+\+\+)[ \t]*\r?\n(.*?)^\1[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE
)
_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True)
class SourceFile:
    """A document: its path below the site's folder, lower-case front matter, and the text."""

    path: PurePosixPath
    fields: dict[str, Any]
    body: str


@dataclass(frozen=True)
class Expected:
    """What a document should become. None, or nothing, where the site does not say it."""

    file: SourceFile
    language: str
    title: str
    days: frozenset[date] = frozenset()
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    group: str = ""
    names: tuple[str, ...] = field(default=())


def read_document(root: Path, path: Path) -> SourceFile:
    """Return a document; without front matter its fields are empty."""
    text = path.read_bytes().decode("utf-8-sig", "replace").replace("\r\n", "\n")
    fields, body = _split(text)
    lower = {str(key).lower(): value for key, value in fields.items()}
    return SourceFile(PurePosixPath(path.relative_to(root).as_posix()), lower, body)


def _split(text: str) -> tuple[dict[str, Any], str]:
    found = _FENCED.match(text)
    try:
        if found:
            is_yaml = found[1] == "---"
            table = yaml.load(found[2], _Strings) if is_yaml else tomllib.loads(found[2])
            return (table if isinstance(table, dict) else {}), text[found.end() :]
        if text.startswith("{\n"):
            table, end = json.JSONDecoder().raw_decode(text)
            return table, text[end:]
    except (yaml.YAMLError, tomllib.TOMLDecodeError, ValueError):
        return {}, text
    return {}, text


class _Strings(yaml.BaseLoader):
    """YAML whose values stay as they are written."""


def read_table(root: Path, *names: str) -> dict[str, Any]:
    """Return the first of several files of data that is there; an empty one if none is."""
    for name in names:
        path = root / name
        if not path.is_file():
            continue
        text = path.read_text("utf-8")
        if path.suffix == ".toml":
            return tomllib.loads(text)
        table = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
        return table if isinstance(table, dict) else {}
    return {}


def is_true(value: Any) -> bool:
    """Return whether a value of front matter says yes."""
    return str(value).lower() in {"true", "yes", "on", "1"}


def is_false(value: Any) -> bool:
    """Return whether a value of front matter says no."""
    return str(value).lower() in {"false", "no", "off", "0"}


def as_list(value: Any) -> list[Any]:
    """Return a list, a single value as a list, nothing as an empty one."""
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]


def days_of(value: Any) -> frozenset[date]:
    """Return the days that a date may be: as it is written, and in UTC."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return frozenset({value})
    written = re.match(r"\s*(\d{4})-(\d{1,2})-(\d{1,2})", str(value or ""))
    if not written:
        return frozenset()
    found = {date(*map(int, written.groups()))}
    moment = moment_of(value)
    return frozenset(found | ({moment.astimezone(UTC).date()} if moment else set()))


def moment_of(value: Any) -> datetime | None:
    """Return a date with its time, in UTC if it names no zone; None for what is none."""
    text = re.sub(r"\s+([+-]\d\d:?\d\d)$", r"\1", str(value or "").strip())
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def letters(text: str) -> str:
    """Return a text's letters and digits in one case, to compare what was typeset."""
    folded = unicodedata.normalize("NFKC", html.unescape(text)).casefold()
    return "".join(one for one in folded if one.isalnum())


def without_tags(text: str) -> str:
    """Return a title without the elements in it."""
    return _TAG.sub("", text)


def loose_language(tag: str) -> str:
    """Return a language so far that different spellings of it are equal."""
    parts = tag.lower().replace("_", "-").split("-")
    if parts[0] == "zh":
        return "zh-hant" if {"tw", "hk", "mo", "hant"} & set(parts) else "zh-hans"
    return {"ua": "uk", "cz": "cs", "jp": "ja", "gr": "el", "dk": "da"}.get(parts[0], parts[0])


def title_of(document: SourceFile) -> str:
    """Return the title in the front matter, else the first heading."""
    stated = document.fields.get("title")
    if isinstance(stated, str | int | float) and str(stated).strip():
        return str(stated)
    found = re.search(r"^#[ \t]+(.+?)[ \t]*#*$|^(.+)\n===+$", document.body, re.MULTILINE)
    return (found[1] or found[2]) if found else ""
