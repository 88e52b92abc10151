"""The parts of a message, each in the encoding that suits it, with places for values. Pure.

Knows no reader and no header of a message.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from publisher.errors import DeliveryError
from publisher.languages import script
from publisher.mail.base64_parts import Base64Part
from publisher.mail.personalisation import PersonalValues
from publisher.mail.quoted_printable import QuotedPrintablePart

# Quoted-printable suits scripts that are mostly ASCII; base64 is shorter for all others.
_LATIN = frozenset({"Latn"})
# Octets that take three in quoted-printable; those above ASCII do, too.
_ESCAPED = (b"=", b"\t")
_NON_ASCII = bytes(range(128, 256))
# What the line ends add, of 76 columns: a soft break's sign, and CRLF.
_QUOTED_LINE_FACTOR = 78 / 75
_BASE64_FACTOR = 4 / 3 * 78 / 76

TransferEncoding = Literal["quoted-printable", "base64"]


class EncodedPart(Protocol):
    """A part whose fixed text is encoded already."""

    def filled(self, values: Sequence[bytes]) -> list[bytes]:
        """Give the whole part with a reader's values."""
        ...


_PART_TYPES: dict[TransferEncoding, type[QuotedPrintablePart | Base64Part]] = {
    "quoted-printable": QuotedPrintablePart,
    "base64": Base64Part,
}


@dataclass(frozen=True, slots=True)
class MultipartBody:
    """The body of a message: multipart/alternative, the text first (RFC 2046 section 5.1.4)."""

    boundary: str
    _opening: bytes
    _text: EncodedPart
    _between: bytes
    _html: EncodedPart
    _closing: bytes

    @classmethod
    def of(cls, values: PersonalValues, boundary: str) -> MultipartBody:
        """Compile both parts of a letter; raises DeliveryError for one that is no text."""
        letter = values.letter
        opening, text = _part(values, letter.text, is_html=False)
        between, html = _part(values, letter.html, is_html=True)
        mark = b"--" + boundary.encode("ascii")
        return cls(
            boundary,
            mark + b"\r\n" + opening,
            text,
            b"\r\n" + mark + b"\r\n" + between,
            html,
            b"\r\n" + mark + b"--\r\n",
        )

    def filled(self, values: Sequence[bytes]) -> list[bytes]:
        """Give everything after the header's empty line, in segments to be joined."""
        text, html = self._text.filled(values), self._html.filled(values)
        return [self._opening, *text, self._between, *html, self._closing]


def _part(values: PersonalValues, text: str, *, is_html: bool) -> tuple[bytes, EncodedPart]:
    kind = "html" if is_html else "plain"
    try:
        encoding = choose_encoding(text, values.letter.issue.language)
        part = _PART_TYPES[encoding]([*values.body(with_line_ends(text), is_html=is_html)])
    except UnicodeEncodeError:
        raise DeliveryError(
            f"no message can be written: the text/{kind} part holds half a surrogate pair"
        ) from None
    head = (
        f'Content-Type: text/{kind}; charset="utf-8"\r\n'
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    return head.encode("ascii"), part


def with_line_ends(text: str) -> str:
    """End every line alike, the last one too (RFC 2046 section 4.1.1)."""
    text = re.sub(r"\r\n?", "\n", text)
    return text if text.endswith("\n") else f"{text}\n"


def choose_encoding(text: str, language: str) -> TransferEncoding:
    """Choose how a part is encoded (RFC 2045 section 6): quoted-printable where it is shorter.

    In Latin scripts it is, and can be read in the source; but Vietnamese has so many accents, and
    a page may hold so much of another script, that base64 is shorter there.
    """
    if script(language) not in _LATIN:
        return "base64"
    content = text.encode()
    escaped = sum(content.count(octet) for octet in _ESCAPED)
    quoted = len(content) + 2 * (
        escaped + len(content) - len(content.translate(None, _NON_ASCII))
    )
    return (
        "quoted-printable"
        if quoted * _QUOTED_LINE_FACTOR <= len(content) * _BASE64_FACTOR
        else "base64"
    )
