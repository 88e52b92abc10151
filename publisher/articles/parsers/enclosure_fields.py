"""What front matter says of the sounds, films and documents that go along with an article.

Takes the forms that blogs and podcasts use. Knows no file: whether there is one, and what it
is, `annexes` finds out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from publisher.articles.parsers.fields import read_line, reject
from publisher.articles.parsers.front_matter import YamlValue, normal_key

# The names of one thing; the first that holds a value counts.
ADDRESS = ("src", "url", "file", "href", "mp3")
TYPE = ("type", "media_type", "mime_type")
LENGTH = ("length", "bytes")

# RFC 6838 section 4.2: the names of a type and a subtype.
MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
BYTES = re.compile(r"[0-9]{1,15}")
SECONDS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,9})?")
CLOCK = re.compile(
    r"((?P<hours>[0-9]{1,3}):(?=[0-5]?[0-9]:))?(?P<minutes>[0-9]{1,3}):(?P<seconds>[0-5][0-9])"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentField:
    """An attachment as it is written; None where front matter is silent.

    `key` is where it stands, for errors; `length` is in bytes, `duration` in seconds.
    """

    key: str
    src: str
    media_type: str | None = None
    length: int | None = None
    title: str | None = None
    duration: int | None = None

    def or_else(self, other: AttachmentField) -> AttachmentField:
        """Fill what is silent here from another."""
        silent = [one.name for one in fields(self) if getattr(self, one.name) is None]
        return replace(self, **{name: getattr(other, name) for name in silent})


def read_attachments(key: str, value: YamlValue) -> tuple[AttachmentField, ...]:
    """Read attachments: an address, a mapping with `src`, or a list of those."""
    items = value if isinstance(value, list) else [value]
    return tuple(_one(key, item) for item in items if item not in (None, ""))


def read_podcast(values: Mapping[str, YamlValue]) -> tuple[AttachmentField, ...]:
    """Read what podcast themes know: `podcast: {mp3, duration}`, or keys like `podcast_link`.

    Other uses of the name, as for a season and a number, are nobody's business here.
    """
    value = values.get("podcast")
    parts = _parts(value) if isinstance(value, dict) else {}
    if _first(parts, ADDRESS):
        return (_one("podcast", value),)
    link = values.get("podcast_link")
    if not link:
        return ()
    return (
        AttachmentField(
            key="podcast_link",
            src=read_line("podcast_link", link),
            length=_length("podcast_file_size", values.get("podcast_file_size")),
            duration=_duration("podcast_duration", values.get("podcast_duration")),
        ),
    )


def _one(key: str, value: YamlValue) -> AttachmentField:
    if not isinstance(value, dict):
        return _of_text(key, value)
    parts = _parts(value)
    src = read_line(f"{key}.src", _first(parts, ADDRESS))
    if not src:
        reject(key, value, "an attachment", "its path or address as src")
    return AttachmentField(
        key=key,
        src=src,
        media_type=_media_type(f"{key}.type", _first(parts, TYPE)),
        length=_length(f"{key}.length", _first(parts, LENGTH)),
        title=read_line(f"{key}.title", parts.get("title")) or None,
        duration=_duration(f"{key}.duration", parts.get("duration")),
    )


def _of_text(key: str, value: YamlValue) -> AttachmentField:
    """Read an address; or, as WordPress exports it, an address, a length and a type by lines."""
    src, length, media_type = (
        (*value.split("\n"), None, None)[:3] if isinstance(value, str) else (value, None, None)
    )
    return AttachmentField(
        key=key,
        src=read_line(key, src),
        length=_length(f"{key}, second line", length),
        media_type=_media_type(f"{key}, third line", media_type),
    )


def _parts(value: dict[str, YamlValue]) -> dict[str, YamlValue]:
    return {normal_key(name): item for name, item in value.items()}


def _first(parts: Mapping[str, YamlValue], names: tuple[str, ...]) -> YamlValue:
    return next((parts[name] for name in names if parts.get(name)), None)


def _media_type(key: str, value: YamlValue) -> str | None:
    text = read_line(key, value).lower()
    if text and not MEDIA_TYPE.fullmatch(text):
        reject(key, value, "a media type", "one like audio/mpeg")
    return text or None


def _length(key: str, value: YamlValue) -> int | None:
    """Read a size in bytes; nought is what those write who don't know."""
    text = read_line(key, value)
    if text and not BYTES.fullmatch(text):
        reject(key, value, "a size in bytes", "a whole number like 34216300")
    return int(text or 0) or None


def _duration(key: str, value: YamlValue) -> int | None:
    """Read a duration in seconds, or as a clock shows it."""
    text = read_line(key, value)
    if not text:
        return None
    if SECONDS.fullmatch(text):
        return round(float(text)) or None
    clock = CLOCK.fullmatch(text)
    if not clock:
        reject(key, value, "a duration", "seconds, MM:SS or HH:MM:SS")
    hours, minutes, seconds = (
        int(clock[part] or 0) for part in ("hours", "minutes", "seconds")
    )
    return (hours * 3600 + minutes * 60 + seconds) or None
