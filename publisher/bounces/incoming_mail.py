"""Parse a mail that somebody sent us, within bounds, and say whether its sender is authenticated. Pure; never raises.

Anybody may send anything, and the parser's time grows with lines times depth: so size, lines and depth are limited
before. The policy is `compat32`, the only one that returns malformed fields as they came.

Whether our server has authenticated the sender is in Authentication-Results (RFC 8601 section 5). Anybody can write
such a field, so only one with the configured authserv-id counts, and of these the topmost.
"""

import contextlib
import html
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes, message_from_string
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.policy import compat32
from email.utils import getaddresses
from itertools import islice
from typing import Final

# Bytes that are read of a mail. The report comes first, and the returned original after it.
MAX_MAIL = 1_000_000
_MAX_LINES = 50_000  # lines that are read: at 20 bytes a line, as many as the bytes allow
_MAX_LINE_LENGTH = 4_000  # Bytes of a line that are read. RFC 5322 allows 998.
_MAX_DEPTH = 20  # Levels of parts within parts. A report has three.
_MAX_PARTS = 200  # parts that are read
MAX_TEXT = 50_000  # characters of a text that are read
_MAX_FIELD = 2_000  # characters of a field that are read
_CONTAINER = re.compile(rb"(?:multipart|message)/", re.IGNORECASE)
_CONTENT_TYPE = re.compile(rb"^content-type:", re.IGNORECASE | re.MULTILINE)
# The time to read its parameters grows with the square of their number.
_LONG_CONTENT_TYPE = re.compile(
    rb"^content-type:[^\n]*(?:\n[ \t][^\n]*){30,}", re.IGNORECASE | re.MULTILINE
)
_HIDDEN_HTML = re.compile(r"(?is)<(style|script|head)\b.{0,5000}?</\1\s*>|<!--.*?-->")
_LINE_END_HTML = re.compile(r"(?i)<(?:br|/p|/div|/tr|/li|/h\d)\b[^<>]{0,200}>")
_TAG = re.compile(r"<[A-Za-z/!][^<>]{0,2000}>")
_BLANK_LINES = re.compile(r"\n[ \t]*\n")
# What the standard library raises for content that is no content of its kind.
_UNREADABLE = (MessageError, ValueError, LookupError, TypeError, AttributeError, IndexError)


def parse_mail(raw: bytes) -> Message:
    start = raw[:MAX_MAIL].lstrip()
    lines = start.split(b"\n", _MAX_LINES)[:_MAX_LINES]
    content = b"\n".join(line[:_MAX_LINE_LENGTH] for line in lines)
    content = _LONG_CONTENT_TYPE.sub(b"X-Content-Type: too long", content)
    if len(_CONTAINER.findall(content)) > 2 * _MAX_DEPTH:
        # More parts than any report has. As one text, it is read in one pass.
        content = _CONTENT_TYPE.sub(b"X-Content-Type:", content)
    try:
        return message_from_bytes(content, policy=compat32)
    except (*_UNREADABLE, RecursionError):
        return message_from_string("", policy=compat32)


def field(message: Message, name: str) -> str:
    text = next(_values(message, name), "")
    if "=?" in text:
        with contextlib.suppress(*_UNREADABLE):
            text = str(make_header(decode_header(text)))
    return _storable(" ".join(text.split()))


def fields(message: Message, name: str) -> list[str]:
    values = islice(_values(message, name), _MAX_PARTS)
    return [_storable(" ".join(value.split())) for value in values]


def _values(message: Message, name: str) -> Iterator[str]:
    """Yield the fields of a name as they came. Some servers write UTF-8 without encoding it."""
    for key, value in message.raw_items():
        if key.lower() == name.lower():
            text = str(value)[:_MAX_FIELD]
            with contextlib.suppress(UnicodeEncodeError):  # half of a surrogate pair
                text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            yield text


def leaf_parts(message: Message, depth: int = 0) -> Iterator[Message]:
    inner = message.get_payload()
    if message.get_content_maintype() != "multipart" or not isinstance(inner, list):
        yield message
        return
    if depth < _MAX_DEPTH:
        for part in inner[:_MAX_PARTS]:
            if isinstance(part, Message):
                yield from leaf_parts(part, depth + 1)


def part_text(part: Message) -> str:
    text = part_content(part)
    if part.get_content_type() == "text/html":
        text = _LINE_END_HTML.sub("\n", _HIDDEN_HTML.sub(" ", text))
        text = html.unescape(_TAG.sub("", text))
    return text.replace("\r\n", "\n").replace("\r", "\n")


def part_content(part: Message) -> str:
    try:
        content = part.get_payload(decode=True)
    except _UNREADABLE:
        return ""
    if not isinstance(content, bytes):
        return ""
    try:
        text = content.decode(part.get_content_charset() or "utf-8", "replace")
    except _UNREADABLE:
        text = content.decode("utf-8", "replace")
    return _storable(text[:MAX_TEXT])


def _storable(text: str) -> str:
    """Return text without half surrogate pairs and NUL, which not every database stores."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")


def status_groups(part: Message) -> list[Message]:
    """Return the groups of fields of a machine-readable part (RFC 3464 section 2, RFC 5965)."""
    inner = part.get_payload()
    if isinstance(inner, list):
        groups = [one for one in inner if isinstance(one, Message)]
        # message/global-delivery-status (RFC 6533) is parsed as one message with a text.
        rest = [one.get_payload() for one in groups]
        text = "\n\n".join(one for one in rest if isinstance(one, str) and ":" in one)
    else:
        groups, text = [], part_content(part)
    found = [one for one in groups if one.keys()]
    for lines in _BLANK_LINES.split(text.replace("\r\n", "\n"))[:_MAX_PARTS]:
        if not lines.strip():
            continue
        group = message_from_string(lines.strip("\n") + "\n\n", policy=compat32)
        if group.keys():
            found.append(group)
    return found[:_MAX_PARTS]


# The properties whose domain a passed method vouches for.
_PROPERTIES: Final = {
    "dmarc": ("header.from",),
    "dkim": ("header.d", "header.i"),
    "spf": ("smtp.mailfrom",),
}
_EQUALS: Final = re.compile(r"\s*=\s*")


@dataclass(frozen=True, slots=True)
class _Result:
    """What one method found: `dkim`, `pass`, and the properties with their values."""

    method: str
    result: str
    properties: dict[str, str]


def sole_sender(values: Sequence[str]) -> str:
    """Return the only address of the only From field, else "": of two, servers and mail clients take different ones."""
    found = getaddresses(values) if len(values) == 1 else []
    return found[0][1] if len(found) == 1 else ""


def is_authenticated(values: Iterable[str], authserv_id: str, domain: str) -> bool:
    """Return whether the server `authserv_id` authenticated a mail from `domain`; `values` are its results, the topmost first.

    `dmarc=pass` counts for the domain of From; a passed DKIM or SPF for its own domain and those below. `dmarc=fail`
    forbids.
    """
    results = next((r for one in values if (r := _results(one, authserv_id)) is not None), [])
    if any((one.method, one.result) == ("dmarc", "fail") for one in results):
        return False
    return any(one.result == "pass" and _vouches_for(one, domain.lower()) for one in results)


def _vouches_for(result: _Result, domain: str) -> bool:
    for name in _PROPERTIES.get(result.method, ()):
        value = result.properties.get(name, "").rpartition("@")[2]
        is_above = result.method != "dmarc" and "." in value and domain.endswith(f".{value}")
        if value and (domain == value or is_above):
            return True
    return False


def _results(value: str, authserv_id: str) -> list[_Result] | None:
    """Return the results of a field, none if it can't be read; None if it is of another server."""
    name, *rest = _bare(value).lower().split(";")
    if name.split() and name.split()[0] != authserv_id.lower():
        return None
    found = []
    for text in rest:
        method, *properties = _EQUALS.sub("=", text).split() or [""]
        kind, _, result = method.partition("=")
        pairs = (one.partition("=") for one in properties)
        values = {name: value for name, _, value in pairs}
        found.append(_Result(kind.partition("/")[0], result, values))
    return found


def _bare(value: str) -> str:
    """Return a field without comments and quoted texts, which a sender chooses; "" if one is left open or glued to a word."""
    kept, depth, is_quoted, is_escaped = [" "], 0, False, False
    for sign in value:
        if is_escaped:
            is_escaped = False
        elif sign == "\\":
            is_escaped = True
        elif is_quoted or (sign == '"' and not depth):
            is_quoted = sign != '"' if is_quoted else True
        elif sign == "(":
            if not depth and kept[-1] not in " =;":
                return ""
            depth += 1
        elif sign == ")" and depth:
            depth -= 1
        elif not depth:
            kept.append(sign)
    return "" if is_quoted or depth else "".join(kept)
