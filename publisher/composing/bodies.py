"""The parts of a message, each in the encoding that suits it, with places for values. Pure.

Knows no reader and no header of a message.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from publisher.composing.quoting import QuotedPart
from publisher.composing.sixfour import Base64Part
from publisher.composing.values import Values
from publisher.errors import DeliveryError
from publisher.languages import script

# Quoted-printable suits scripts that are mostly ASCII; base64 is shorter for all others.
LATIN = frozenset({"Latn"})
# Octets that take three in quoted-printable; those above ASCII do, too.
ESCAPED = (b"=", b"\t")
HIGH = bytes(range(128, 256))
# What the line ends add, of 76 columns: a soft break's sign, and CRLF.
SOFT_BREAKS = 78 / 75
BASE64 = 4 / 3 * 78 / 76

Encoding = Literal["quoted-printable", "base64"]


class Part(Protocol):
    """A part whose fixed text is encoded already."""

    def filled(self, values: Sequence[bytes]) -> list[bytes]:
        """Give the whole part with a reader's values."""
        ...


PARTS: dict[Encoding, type[QuotedPart | Base64Part]] = {
    "quoted-printable": QuotedPart,
    "base64": Base64Part,
}


@dataclass(frozen=True, slots=True)
class Bodies:
    """The body of a message: multipart/alternative, the text first (RFC 2046 section 5.1.4)."""

    boundary: str
    _opening: bytes
    _text: Part
    _between: bytes
    _html: Part
    _closing: bytes

    @classmethod
    def of(cls, values: Values, boundary: str) -> Bodies:
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


def _part(values: Values, text: str, *, is_html: bool) -> tuple[bytes, Part]:
    kind = "html" if is_html else "plain"
    try:
        encoding = transfer_encoding(text, values.letter.issue.language)
        part = PARTS[encoding]([*values.body(whole_lines(text), is_html=is_html)])
    except UnicodeEncodeError:
        raise DeliveryError(
            f"no message can be written: the text/{kind} part holds half a surrogate pair"
        ) from None
    head = (
        f'Content-Type: text/{kind}; charset="utf-8"\r\n'
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    return head.encode("ascii"), part


def whole_lines(text: str) -> str:
    """End every line alike, the last one too (RFC 2046 section 4.1.1)."""
    text = re.sub(r"\r\n?", "\n", text)
    return text if text.endswith("\n") else f"{text}\n"


def transfer_encoding(text: str, language: str) -> Encoding:
    """Choose how a part is encoded (RFC 2045 section 6): quoted-printable where it is shorter.

    In Latin scripts it is, and can be read in the source; but Vietnamese has so many accents, and
    a page may hold so much of another script, that base64 is shorter there.
    """
    if script(language) not in LATIN:
        return "base64"
    content = text.encode()
    escaped = sum(content.count(octet) for octet in ESCAPED)
    quoted = len(content) + 2 * (escaped + len(content) - len(content.translate(None, HIGH)))
    return "quoted-printable" if quoted * SOFT_BREAKS <= len(content) * BASE64 else "base64"
