"""What differs from reader to reader in a body: her words and her links, as octets. Pure.

Knows no encoding of a part.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter

from publisher.mail.header_encoding import single_line
from publisher.mail.message import IssueMail
from publisher.mail.signed_links import LinkKind, LinkSigner, subscriber_url
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
_JOINERS = "\u200c\u200d "

SlotText = Callable[[Recipient], str]
MakeValue = Callable[[Recipient], bytes]

_LINK_KINDS: dict[str, LinkKind] = {
    UNSUBSCRIBE_PLACEHOLDER: "unsubscribe",
    PREFERENCES_PLACEHOLDER: "preferences",
    WEB_PLACEHOLDER: "web",
}
_SLOT_TEXTS: dict[str, SlotText] = {
    NAME_PLACEHOLDER: attrgetter("name"),
    ADDRESS_PLACEHOLDER: attrgetter("address"),
    LANGUAGE_PLACEHOLDER: attrgetter("language"),
    TIMEZONE_PLACEHOLDER: lambda reader: reader.timezone or "",
}


def printable_line(text: str) -> str:
    """Put a reader's words on one line, without signs that turn or hide what is around them."""
    if text.isprintable():
        return text.strip()
    said = single_line(INVISIBLE_CHARACTERS.sub("", single_line(text)))
    return said if said.strip(_JOINERS) else ""


def slot_text(slot: Placeholder) -> SlotText:
    """Give what writes a reader's words, or else those that the place brings."""
    said, otherwise = _SLOT_TEXTS[slot.token], printable_line(slot.otherwise)
    return lambda reader: printable_line(said(reader)) or otherwise


@dataclass(frozen=True, slots=True)
class PersonalValues:
    """The values that a letter needs of each reader, each of them once."""

    letter: IssueMail
    secret: str = field(repr=False)
    makers: list[MakeValue] = field(default_factory=list)
    _numbers: dict[LinkKind | tuple[Placeholder, bool], int] = field(default_factory=dict)

    def of(self, reader: Recipient) -> list[bytes]:
        """Make them; raises UnicodeEncodeError for words that are no text."""
        return [make(reader) for make in self.makers]

    def seal(self, kind: LinkKind) -> LinkSigner:
        """Give what signs the links of a kind."""
        return LinkSigner(self.secret, kind, self.letter.issue.newsletter)

    def link(self, kind: LinkKind) -> tuple[str, int]:
        """Give a link's address up to the token, and the number of the token."""
        seal = self.seal(kind)
        url = subscriber_url(self.letter.publication, self.letter.issue, kind)
        return url, self._number(kind, lambda reader: seal.token(reader.id))

    def body(self, text: str, *, is_html: bool) -> Iterator[bytes | int]:
        """Take a body apart: octets, whose line ends are LF, and the numbers of values."""
        fixed = ""
        for piece in split_at_placeholders(text):
            if isinstance(piece, str) or piece.token not in {*_LINK_KINDS, *_SLOT_TEXTS}:
                fixed += str(piece)
                continue
            if piece.is_link:
                address, number = self.link(_LINK_KINDS[piece.token])
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
        write = slot_text(slot)
        if is_html:
            return self._number(
                (slot, True), lambda reader: html.escape(write(reader)).encode()
            )
        return self._number((slot, False), lambda reader: write(reader).encode())

    def _number(self, what: LinkKind | tuple[Placeholder, bool], make: MakeValue) -> int:
        number = self._numbers.setdefault(what, len(self.makers))
        if number == len(self.makers):
            self.makers.append(make)
        return number
