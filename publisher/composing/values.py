"""What differs from reader to reader in a body: her words and her links, as octets. Pure.

Knows no encoding of a part.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter

from publisher.composing.headers import one_line
from publisher.composing.links import Kind, Seal, reader_url
from publisher.composing.message import Letter
from publisher.rendering.placeholders import (
    ADDRESS_PLACEHOLDER,
    INVISIBLE_CHARACTERS,
    LANGUAGE_PLACEHOLDER,
    NAME_PLACEHOLDER,
    PREFERENCES_PLACEHOLDER,
    TIMEZONE_PLACEHOLDER,
    UNSUBSCRIBE_PLACEHOLDER,
    WEB_PLACEHOLDER,
    Placeholder,
    split_at_placeholders,
)
from subscribers import Recipient

# What only joins letters shows nothing by itself, nor does a blank.
JOINERS = "\u200c\u200d "

Words = Callable[[Recipient], str]
Value = Callable[[Recipient], bytes]

LINKS: dict[str, Kind] = {
    UNSUBSCRIBE_PLACEHOLDER: "unsubscribe",
    PREFERENCES_PLACEHOLDER: "preferences",
    WEB_PLACEHOLDER: "web",
}
WORDS: dict[str, Words] = {
    NAME_PLACEHOLDER: attrgetter("name"),
    ADDRESS_PLACEHOLDER: attrgetter("address"),
    LANGUAGE_PLACEHOLDER: attrgetter("language"),
    TIMEZONE_PLACEHOLDER: lambda reader: reader.timezone or "",
}


def legible(text: str) -> str:
    """Put a reader's words on one line, without signs that turn or hide what is around them."""
    if text.isprintable():
        return text.strip()
    said = one_line(INVISIBLE_CHARACTERS.sub("", one_line(text)))
    return said if said.strip(JOINERS) else ""


def words(slot: Placeholder) -> Words:
    """Give what writes a reader's words, or else those that the place brings."""
    said, otherwise = WORDS[slot.token], legible(slot.otherwise)
    return lambda reader: legible(said(reader)) or otherwise


@dataclass(frozen=True, slots=True)
class Values:
    """The values that a letter needs of each reader, each of them once."""

    letter: Letter
    secret: str = field(repr=False)
    makers: list[Value] = field(default_factory=list)
    _numbers: dict[Kind | tuple[Placeholder, bool], int] = field(default_factory=dict)

    def of(self, reader: Recipient) -> list[bytes]:
        """Make them; raises UnicodeEncodeError for words that are no text."""
        return [make(reader) for make in self.makers]

    def seal(self, kind: Kind) -> Seal:
        """Give what signs the links of a kind."""
        return Seal(self.secret, kind, self.letter.issue.newsletter)

    def link(self, kind: Kind) -> tuple[str, int]:
        """Give a link's address up to the token, and the number of the token."""
        seal = self.seal(kind)
        url = reader_url(self.letter.publication, self.letter.issue, kind)
        return url, self._number(kind, lambda reader: seal.token(reader.id))

    def body(self, text: str, *, is_html: bool) -> Iterator[bytes | int]:
        """Take a body apart: octets, whose line ends are LF, and the numbers of values."""
        fixed = ""
        for piece in split_at_placeholders(text):
            if isinstance(piece, str) or piece.token not in {*LINKS, *WORDS}:
                fixed += str(piece)
                continue
            if piece.is_link:
                address, number = self.link(LINKS[piece.token])
                fixed += html.escape(address) if is_html else address
            else:
                number = self._words(piece, is_html=is_html)
            if fixed:
                yield fixed.encode()
            yield number
            fixed = ""
        if fixed:
            yield fixed.encode()

    def _words(self, slot: Placeholder, *, is_html: bool) -> int:
        write = words(slot)
        if is_html:
            return self._number(
                (slot, True), lambda reader: html.escape(write(reader)).encode()
            )
        return self._number((slot, False), lambda reader: write(reader).encode())

    def _number(self, what: Kind | tuple[Placeholder, bool], make: Value) -> int:
        number = self._numbers.setdefault(what, len(self.makers))
        if number == len(self.makers):
            self.makers.append(make)
        return number
