"""Titles, names, texts, addresses and times as sources on the web write them, made fit to store. Pure.

Texts stay HTML that nobody has cleaned: `publisher.ingest.sanitise` does that.
"""

import html
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias
from urllib.parse import urljoin, urlsplit

from publisher.polling.model import AnswerError

JsonObject: TypeAlias = dict[str, Any]

_MAX_TITLE = 500  # characters; a longer title is a text in the wrong place
_MAX_NAME = 200
_MAX_ADDRESS = 8000  # of one that is fetched (publisher.fetching.addresses)
# Controls but tab and line ends, byte order marks, lone surrogates, noncharacters: no XML or JSON may contain them.
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ud800-\udfff\ufffe\uffff]")
_LINE_BREAK = re.compile(r"<(?:br|/p|/div|/li)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[a-zA-Z/!][^<>]*>")
# As far as a tag may reach: a quote that does not end is taken to end with the next tag.
_START_TAG = re.compile(r"""<[a-zA-Z](?:[^"'>]++|"[^"]*+"|'[^']*+'|["'][^<]*+)*+""")
_QUOTED = re.compile(r"""\"[^\"]*+\"|'[^']*+'""")
_MAX_TAG = 8_000  # characters of a tag without the values of its attributes
_MAILBOX = re.compile(r"\S+@\S+")
_FIRST_YEAR = 1990  # the web is younger: an earlier date is that of a clock that was not set
_LINK = re.compile(r"<([^<>]*)>([^,<]*(?:,(?!\s*<)[^,<]*)*)")
_PARAMETER = re.compile(r"""\b([a-zA-Z]+)\s*=\s*"?([^";]+)""")
# Of an address.
PICTURE_NAME = re.compile(r"\.(?:jpe?g|png|gif|webp|avif)(?:\?|$)", re.IGNORECASE)


def header_links(headers: Mapping[str, str]) -> Iterator[tuple[str, list[str], str]]:
    """Yield the addresses of a header field Link, with their relations and languages (RFC 8288)."""
    for address, parameters in _LINK.findall(headers.get("Link", "")):
        named = {name.lower(): value for name, value in _PARAMETER.findall(parameters)}
        yield address.strip(), named.get("rel", "").lower().split(), named.get("hreflang", "")


def without_controls(text: str) -> str:
    """Remove characters that no document may contain."""
    return _UNWANTED.sub("", text)


def plain_title(text: str, *, is_html: bool = False, limit: int = _MAX_TITLE) -> str:
    """Return a title or name as plain text in one line, cut behind so many characters."""
    if is_html:
        text = html.unescape(_TAG.sub("", _LINE_BREAK.sub(" ", text)))
    line = " ".join(without_controls(text).split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def person_name(text: str) -> str:
    """Return the name of an author without an address: Ann of `ann@example.org (Ann)`; may be empty."""
    name = _MAILBOX.sub("", plain_title(text, limit=2 * _MAX_NAME))
    # Pairs that have held the address, or the name.
    name = re.sub(r"\(\s*\)|<\s*>", "", name).strip(" \"'<>")
    return plain_title(
        re.sub(r"\((.*)\)", r"\1", name) if name[:1] == "(" else name, limit=_MAX_NAME
    )


def harmless_tags(html: str) -> str:
    """Return HTML in which tags with thousands of attributes are text: parsers take time that grows with their square."""
    return _START_TAG.sub(_harmless, html)


def _harmless(tag: re.Match[str]) -> str:
    is_long = len(tag[0]) > _MAX_TAG and len(_QUOTED.sub('""', tag[0])) > _MAX_TAG
    return f"&lt;{tag[0][1:]}" if is_long else tag[0]


def text_as_html(text: str, *, is_escaped: bool = False) -> str:
    """Return plain text as paragraphs; an empty line separates two, a line end stays."""
    text = text.replace("\r\n", "\n").strip()
    blocks = re.split(r"\n\s*\n", text if is_escaped else html.escape(text, quote=False))
    lines = [block.replace("\n", "<br>\n") for block in blocks if block]
    return "\n".join(f"<p>{block}</p>" for block in lines)


def web_address(written: str, base: str = "") -> str:
    """Return an absolute address of http or https; empty for others, and for one that is malformed."""
    try:
        # As browsers read them (WHATWG URL section 4.4).
        line = re.sub(r"[\t\r\n]", "", without_controls(written).strip()).replace(" ", "%20")
        address = urljoin(base, line) if line else ""
        parts = urlsplit(address)
        is_web = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return ""
    return address if is_web and len(address) <= _MAX_ADDRESS else ""


def iso_time(text: str) -> datetime | None:
    """Read a time of ISO 8601 or RFC 3339, in UTC if it names no zone; None if it is malformed."""
    try:
        moment = datetime.fromisoformat(text.strip().upper())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def entry_times(
    published: datetime | None, updated: datetime | None
) -> tuple[datetime | None, datetime | None]:
    """Return when an entry was published and updated: the former is the latter where it is silent."""
    published, updated = (
        moment.replace(microsecond=0) if moment and moment.year >= _FIRST_YEAR else None
        for moment in (published, updated)
    )
    published = published or updated
    if published and updated and updated < published:
        updated = published
    return published, updated


def json_value(body: bytes) -> Any:
    """Return what a JSON document holds; raise AnswerError."""
    try:
        return json.loads(body)
    except RecursionError:
        raise AnswerError("this is JSON that is nested too deeply") from None
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise AnswerError(f"this is malformed JSON in line {line}") from None


def json_text(item: JsonObject, *keys: str) -> str:
    """Return the first text of these; numbers, as many ids are written, are texts."""
    values = [item.get(key) for key in keys]
    texts = (str(value) for value in values if type(value) in {str, int})
    return next((without_controls(text) for text in texts if text), "")


def json_times(
    item: JsonObject, published: str, updated: str
) -> tuple[datetime | None, datetime | None]:
    """Return `entry_times` of the texts with these keys."""
    return entry_times(*(iso_time(json_text(item, key)) for key in (published, updated)))


def json_objects(item: JsonObject, key: str) -> list[JsonObject]:
    """Return the objects of a list, or the one that stands in its place; of another type there are none."""
    values = item.get(key)
    listed = values if isinstance(values, list) else [values]
    return [one for one in listed if isinstance(one, dict)]
