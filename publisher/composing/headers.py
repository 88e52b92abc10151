"""How header fields are put on the wire.

The standard library folds fields that no mail program will put together again: it turns long
`List-Unsubscribe` addresses into encoded words, and loses the spaces between the encoded words
of a subject. It also decodes what merely looks like an encoded word, line ends and all, so that
a name could become a header. Our fields are therefore encoded here, and stored and folded as
they stand. Knows no message.
"""

from __future__ import annotations

import re
from base64 import b64encode
from email.headerregistry import Address, HeaderRegistry
from email.policy import EmailPolicy
from typing import Any

from publisher.errors import DeliveryError

# Fields whose values are ASCII by their grammar (RFC 2369, 2919, 5064, 5322, 8058) or are made so
# by `words` and `mailbox`.
OURS = re.compile(r"from|to|subject|list-.*|message-id|feedback-id|archived-at", re.IGNORECASE)
# RFC 5322 section 2.1.1, without the line end.
LONGEST_LINE = 998
# RFC 2047 section 2, for lines that hold encoded words.
COLUMNS = 76
# Makes words of 60 characters, which fit on one line with `Subject: `; RFC 2047 allows 75.
ENCODED_BYTES = 36
# RFC 5322 section 3.2.3: what needs no quotes in a display name.
ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
# What ends a line for anybody, and spaces.
BLANKS = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")


def words(text: str) -> str:
    """Write the value of a field that is free text: as it is, or in encoded words (RFC 2047)."""
    line = _one_line(text)
    return line if _is_plain(line) else _encoded(line)


def mailbox(name: str, address: str) -> str:
    """Write a display name and an address (RFC 5322 section 3.4); raises ValueError for a bad one."""
    checked = Address(addr_spec=address)
    line = _one_line(name)
    if not line:
        return checked.addr_spec
    if not _is_plain(line):
        line = _encoded(line)
    elif not ATOMS.fullmatch(line):
        line = '"{}"'.format(re.sub(r'(["\\])', r"\\\1", line))
    return f"{line} <{checked.addr_spec}>"


def _one_line(text: str) -> str:
    """Keep what somebody calls herself, or an article, from becoming a header of its own."""
    return BLANKS.sub(" ", text).strip()


def _is_plain(line: str) -> bool:
    # What looks like an encoded word would be decoded as one.
    return line.isascii() and "=?" not in line


def _encoded(line: str) -> str:
    chunks = [b""]
    for character in line:
        octets = character.encode()  # all of a character is in one word (RFC 2047 section 5)
        if len(chunks[-1]) + len(octets) > ENCODED_BYTES:
            chunks.append(b"")
        chunks[-1] += octets
    return " ".join(f"=?utf-8?b?{b64encode(chunk).decode('ascii')}?=" for chunk in chunks)


class WirePolicy(EmailPolicy):
    """The policy of every message that leaves: CRLF, 7-bit, our fields as they stand."""

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        """Take a field into a message."""
        return (
            (name, value) if OURS.fullmatch(name) else super().header_store_parse(name, value)
        )

    def fold(self, name: str, value: Any) -> str:
        """Fold one field; raises DeliveryError for one that can't be."""
        if not OURS.fullmatch(name):
            return str(super().fold(name, value))
        text = f"{name}: {value}"
        if not text.isascii() or not text.isprintable():
            raise DeliveryError(f"{name} holds what a header can't: {value!r}")
        lines = _fold(text)
        if max(map(len, lines)) > LONGEST_LINE:
            raise DeliveryError(f"{name} is longer than a line of mail may be")
        return "".join(f"{line}{self.linesep}" for line in lines)

    def fold_binary(self, name: str, value: Any) -> bytes:
        """Fold one field into bytes."""
        return self.fold(name, value).encode("ascii")


def _fold(text: str) -> list[str]:
    """Break before a space where a line would be too long; never between a name and its value."""
    name, first, *rest = text.split(" ")
    lines = [f"{name} {first}"]
    for word in rest:
        if len(lines[-1]) + 1 + len(word) > COLUMNS:
            lines.append("")
        lines[-1] += f" {word}"
    return lines


WIRE = WirePolicy(
    linesep="\r\n",
    max_line_length=COLUMNS,
    cte_type="7bit",
    utf8=False,
    header_factory=HeaderRegistry(),
)
