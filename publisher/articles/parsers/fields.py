"""Single values of front matter, from the loose forms that people write to typed ones.

Each function takes the key only to name it in its error. Knows no key's meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import NoReturn
from urllib.parse import urlsplit

from feeds import FeedsError
from feeds.identifiers import absolute_uri
from publisher.articles.model import Byline, Picture
from publisher.articles.parsers.dates import parse_date
from publisher.articles.parsers.front_matter import YamlValue, normal_key
from publisher.errors import ArticleError

# What lines are broken and words parted with; other spaces are typography, and stay.
BREAKS = re.compile("[ \t\n\r\f\v\u0085\u2028\u2029]+")
# An error is one line; that much of a wrong value is enough to find it.
LONGEST_QUOTE = 60
TRUE_WORDS = frozenset({"true", "yes", "on", "1"})
FALSE_WORDS = frozenset({"false", "no", "off", "0"})


def reject(key: str, value: YamlValue, problem: str, remedy: str) -> NoReturn:
    """Raise the ArticleError that names the key, what stands there, and what would be right."""
    shown = repr(value) if isinstance(value, str) else "nothing"
    if isinstance(value, list | dict):
        shown = "a list" if isinstance(value, list) else "a mapping"
    if len(shown) > LONGEST_QUOTE:
        shown = f"{shown[:LONGEST_QUOTE]}..."
    raise ArticleError(f"{key}: {shown} is not {problem}; write {remedy}")


def read_line(key: str, value: YamlValue) -> str:
    """Read one line of text; None is the empty one."""
    if value is None:
        return ""
    if not isinstance(value, str):
        reject(key, value, "a text", "one line")
    return BREAKS.sub(" ", value.strip())


def read_flag(key: str, value: YamlValue) -> bool:
    """Read a boolean in any of YAML's spellings."""
    word = read_line(key, value).lower()
    if word not in TRUE_WORDS | FALSE_WORDS:
        reject(key, value, "a yes or no", "true or false")
    return word in TRUE_WORDS


def read_date(key: str, value: YamlValue) -> date | datetime | None:
    """Read a date, or a date and time."""
    text = " ".join(read_line(key, value).split())
    found = parse_date(text)
    if text and found is None:
        reject(key, value, "a date", "2026-01-09 or 2026-01-09 08:00")
    return found


def read_list(key: str, value: YamlValue) -> tuple[str, ...]:
    """Read a list, or a text with commas, without repetitions."""
    if isinstance(value, list):
        return unique_texts(read_line(key, item) for item in value)
    if isinstance(value, dict):
        reject(key, value, "a list", "[one, two]")
    return unique_texts(re.split("[,，、]", read_line(key, value)))


def unique_texts(items: Iterable[str]) -> tuple[str, ...]:
    """Strip the items and drop empty and repeated ones, in order."""
    return tuple(dict.fromkeys(item.strip() for item in items if item.strip()))


def read_languages(key: str, value: YamlValue) -> tuple[str, ...]:
    """Read language tags: a list, a text, or a mapping from tag to address."""
    if isinstance(value, dict):
        return unique_texts(str(tag) for tag in value)
    if isinstance(value, str):
        return unique_texts(re.split(r"[\s,，、]+", value))
    return read_list(key, value)


def read_url(key: str, value: YamlValue) -> str | None:
    """Read an absolute http or https URL."""
    text = read_line(key, value)
    if not text:
        return None
    try:
        parts = urlsplit(text)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname)
        good = good and not re.search(r"\s", text) and bool(absolute_uri(text))
    except (ValueError, FeedsError):
        good = False
    if not good:
        reject(key, value, "an absolute address", "one like https://example.org/article")
    return text


def read_picture(key: str, value: YamlValue) -> Picture | None:
    """Read a picture: its address, or a mapping with `src`, `alt`, `width` and `height`."""
    if not isinstance(value, dict):
        src = _source(key, value)
        return Picture(src=src) if src else None
    parts = {normal_key(name): item for name, item in value.items()}
    src = _source(f"{key}.src", parts.get("src") or parts.get("url"))
    if not src:
        reject(key, value, "a picture", "its address as src")
    return Picture(
        src=src,
        alt=read_line(f"{key}.alt", parts.get("alt")),
        width=_pixels(f"{key}.width", parts.get("width")),
        height=_pixels(f"{key}.height", parts.get("height")),
    )


def _source(key: str, value: YamlValue) -> str:
    """Read where a picture is: a path, or an address whose host exists in the network's spelling."""
    src = read_line(key, value)
    if not src.lower().startswith(("http://", "https://")):
        return src
    try:
        absolute_uri(src)
    except FeedsError:
        reject(
            key, value, "a picture's address", "a path or one like https://example.org/a.jpg"
        )
    return src


def _pixels(key: str, value: YamlValue) -> int | None:
    text = read_line(key, value)
    if not text:
        return None
    if not re.fullmatch("[0-9]{1,5}", text) or int(text) == 0:
        reject(key, value, "a size in pixels", "a whole number like 640")
    return int(text)


def read_bylines(key: str, value: YamlValue) -> tuple[Byline, ...]:
    """Read authors: a name, a mapping with `name` and `affiliation`, or a list of those."""
    items = value if isinstance(value, list) else [value]
    return tuple(byline for item in items if (byline := _byline(key, item)))


def _byline(key: str, value: YamlValue) -> Byline | None:
    if not isinstance(value, dict):
        name = read_line(key, value)
        return Byline(name=name) if name else None
    parts = {normal_key(part): item for part, item in value.items()}
    name = read_line(f"{key}.name", parts.get("name"))
    if not name:
        reject(key, value, "an author", "a name, or name: and affiliation:")
    affiliation = read_line(f"{key}.affiliation", parts.get("affiliation"))
    return Byline(name=name, affiliation=affiliation or None)


def with_affiliations(
    authors: tuple[Byline, ...], key: str, value: YamlValue
) -> tuple[Byline, ...]:
    """Give authors the affiliations that stand apart: one for all, or one for each in order."""
    if isinstance(value, list):
        each = [read_line(key, item) for item in value]
    else:
        each = [read_line(key, value)] * max(1, len(authors))
    if len(each) != len(authors):
        count = f"{len(each)} for {len(authors)} authors"
        raise ArticleError(f"{key}: {count}; write one for all, or one for each")
    return tuple(
        Byline(name=author.name, affiliation=author.affiliation or own or None)
        for author, own in zip(authors, each, strict=True)
    )
