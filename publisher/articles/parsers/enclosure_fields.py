"""Read the attachments in front matter, in the forms that blogs and podcasts use.

`media` looks up the files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from publisher.articles.model import AttachmentField
from publisher.articles.parsers.fields import read_line, reject
from publisher.articles.parsers.front_matter import YamlValue, normal_key

# Keys of the same meaning; the first with a value counts.
_ADDRESS_KEYS = ("src", "url", "file", "href", "mp3")
_TYPE_KEYS = ("type", "media_type", "mime_type")
_LENGTH_KEYS = ("length", "bytes")

# RFC 6838 section 4.2: the names of a type and a subtype.
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
_BYTES = re.compile(r"[0-9]{1,15}")
_SECONDS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,9})?")
_CLOCK = re.compile(
    r"((?P<hours>[0-9]{1,3}):(?=[0-5]?[0-9]:))?(?P<minutes>[0-9]{1,3}):(?P<seconds>[0-5][0-9])"
)


def read_attachments(key: str, value: YamlValue) -> tuple[AttachmentField, ...]:
    """Return attachments from an address, a mapping with `src`, or a list of those."""
    items = value if isinstance(value, list) else [value]
    return tuple(_one(key, item) for item in items if item not in (None, ""))


def read_podcast(values: Mapping[str, YamlValue]) -> tuple[AttachmentField, ...]:
    """Return the attachment of podcast themes: `podcast: {mp3, duration}`, or `podcast_link`.

    Other values of `podcast`, such as a season and a number, are ignored.
    """
    value = values.get("podcast")
    parts = _parts(value) if isinstance(value, dict) else {}
    if _first(parts, _ADDRESS_KEYS):
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
    src = read_line(f"{key}.src", _first(parts, _ADDRESS_KEYS))
    if not src:
        reject(key, value, "an attachment", "its path or address as src")
    return AttachmentField(
        key=key,
        src=src,
        media_type=_media_type(f"{key}.type", _first(parts, _TYPE_KEYS)),
        length=_length(f"{key}.length", _first(parts, _LENGTH_KEYS)),
        title=read_line(f"{key}.title", parts.get("title")) or None,
        duration=_duration(f"{key}.duration", parts.get("duration")),
    )


def _of_text(key: str, value: YamlValue) -> AttachmentField:
    """Read an address; or an address, a length and a type in lines, as WordPress exports them."""
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
    if text and not _MEDIA_TYPE.fullmatch(text):
        reject(key, value, "a media type", "one like audio/mpeg")
    return text or None


def _length(key: str, value: YamlValue) -> int | None:
    """Read a size in bytes; 0 means unknown."""
    text = read_line(key, value)
    if text and not _BYTES.fullmatch(text):
        reject(key, value, "a size in bytes", "a whole number like 34216300")
    return int(text or 0) or None


def _duration(key: str, value: YamlValue) -> int | None:
    """Read a duration in seconds, or as MM:SS or HH:MM:SS."""
    text = read_line(key, value)
    if not text:
        return None
    if _SECONDS.fullmatch(text):
        return round(float(text)) or None
    clock = _CLOCK.fullmatch(text)
    if not clock:
        reject(key, value, "a duration", "seconds, MM:SS or HH:MM:SS")
    hours, minutes, seconds = (
        int(clock[part] or 0) for part in ("hours", "minutes", "seconds")
    )
    return (hours * 3600 + minutes * 60 + seconds) or None
