"""The values of a message that differ between recipients: names, addresses, links. Pure.

Each value of an issue's mail has a number. The parts and fields of the message refer to it by
that number.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter

from publisher.config import DigestKey
from publisher.mail.header_encoding import single_line
from publisher.mail.message import IssueMail
from publisher.mail.signed_links import LinkSigner, MailLinkKind, subscriber_url
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
from subscribers import Recipient, readable_address

# Joiners and blanks show nothing by themselves.
_JOINERS = "\u200c\u200d "

PlaceholderText = Callable[[Recipient], str]
_PersonalValue = Callable[[Recipient], bytes]

_LINK_KINDS: dict[str, MailLinkKind] = {
    UNSUBSCRIBE_PLACEHOLDER: "unsubscribe",
    PREFERENCES_PLACEHOLDER: "preferences",
    WEB_PLACEHOLDER: "web",
}
_TEXTS: dict[str, PlaceholderText] = {
    NAME_PLACEHOLDER: attrgetter("name"),
    ADDRESS_PLACEHOLDER: lambda recipient: readable_address(recipient.address),
    LANGUAGE_PLACEHOLDER: attrgetter("language"),
    TIMEZONE_PLACEHOLDER: lambda recipient: recipient.timezone or "",
}


def printable_line(text: str) -> str:
    """Return a recipient's text as one line, without characters that hide or turn other text."""
    if text.isprintable():
        return text.strip()
    line = single_line(INVISIBLE_CHARACTERS.sub("", single_line(text)))
    return line if line.strip(_JOINERS) else ""


def placeholder_text(placeholder: Placeholder) -> PlaceholderText:
    """Return a function from a recipient to the text of a placeholder, or to its fallback."""
    text, fallback = _TEXTS.get(placeholder.token), printable_line(placeholder.otherwise)
    if text is None:  # one of another kind of mail: it stays, for the gate to find
        return lambda _recipient: str(placeholder)
    return lambda recipient: printable_line(text(recipient)) or fallback


@dataclass(frozen=True, slots=True)
class PersonalValues:
    """The values that an issue's mail needs of each recipient, each of them once."""

    mail: IssueMail
    secret: str = field(repr=False)
    _values: list[_PersonalValue] = field(default_factory=list)
    _numbers: dict[MailLinkKind | tuple[Placeholder, bool], int] = field(default_factory=dict)

    def values_for(self, recipient: Recipient) -> list[bytes]:
        """Return a recipient's values by number. Raise UnicodeEncodeError for what is not text."""
        return [value(recipient) for value in self._values]

    def link_signer(self, kind: MailLinkKind) -> LinkSigner:
        """Return the signer of one kind of link. Those of a digest are about its newsletter."""
        newsletter = DigestKey.parse(self.mail.issue.newsletter).newsletter
        return LinkSigner(self.secret, kind, newsletter)

    def link(self, kind: MailLinkKind) -> tuple[str, int]:
        """Return a link's URL up to the token, and the number of the token."""
        signer = self.link_signer(kind)
        url = subscriber_url(self.mail.publication, self.mail.issue, kind)

        def token(recipient: Recipient) -> bytes:
            return signer.token(recipient.id, recipient.generation)

        return url, self._number(kind, token)

    def body_pieces(self, text: str, *, is_html: bool) -> Iterator[bytes | int]:
        """Yield a body cut at its values: fixed text as UTF-8, and the numbers of values."""
        fixed = ""
        for piece in split_at_placeholders(text):
            if isinstance(piece, str) or piece.token not in {*_LINK_KINDS, *_TEXTS}:
                fixed += str(piece)
                continue
            if piece.is_link:
                url, number = self.link(_LINK_KINDS[piece.token])
                fixed += html.escape(url) if is_html else url
            else:
                number = self._text_number(piece, is_html=is_html)
            if fixed:
                yield fixed.encode()
            yield number
            fixed = ""
        if fixed:
            yield fixed.encode()

    def _text_number(self, placeholder: Placeholder, *, is_html: bool) -> int:
        text = placeholder_text(placeholder)
        if is_html:
            return self._number(
                (placeholder, True), lambda recipient: html.escape(text(recipient)).encode()
            )
        return self._number((placeholder, False), lambda recipient: text(recipient).encode())

    def _number(
        self, key: MailLinkKind | tuple[Placeholder, bool], value: _PersonalValue
    ) -> int:
        number = self._numbers.setdefault(key, len(self._values))
        if number == len(self._values):
            self._values.append(value)
        return number
