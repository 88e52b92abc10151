"""How header fields are put on the wire.

The standard library folds fields that no mail program will put together again: it turns long
`List-Unsubscribe` addresses into encoded words, and loses the spaces between the encoded words
of a subject. It also decodes what merely looks like an encoded word, line ends and all, so that
a name could become a header. Our fields are therefore encoded and folded here. Knows no
message.
"""

from __future__ import annotations

import re
from base64 import b64encode
from email.headerregistry import Address

from publisher.errors import DeliveryError

# RFC 5322 section 2.1.1, without the line end.
_LONGEST_LINE = 998
# RFC 2047 section 2, for lines that hold encoded words.
HEADER_COLUMNS = 76
# Makes words of 60 characters, which fit on one line with `Subject: `; RFC 2047 allows 75.
_ENCODED_BYTES = 36
# RFC 5322 section 3.2.3: what needs no quotes in a display name.
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
# What nearly every address is, and needs no closer look (RFC 5322 sections 3.2.3 and 3.4.1);
# without `?`, of which encoded words are made.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=^_`{|}~-]+"
PLAIN_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
# What ends a line for anybody, and spaces.
BLANKS = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")


def encode_field(name: str, value: str) -> bytes:
    """Write a field, folded, with its line end; raises DeliveryError for one that can't be.

    The value is ASCII by its grammar (RFC 2369, 2919, 5064, 5322, 8058) or was made so by `words`
    or `mailbox`.
    """
    if not value.isascii() or not value.isprintable():
        raise DeliveryError(f"{name} holds what a header can't: {value!r}")
    if value and len(name) + len(value) + 2 <= HEADER_COLUMNS:
        return f"{name}: {value}\r\n".encode("ascii")
    lines = _folded(f"{name}: {value}")
    if max(map(len, lines)) > _LONGEST_LINE:
        raise DeliveryError(f"{name} is longer than a line of mail may be")
    # An empty value leaves no blank behind, which a relay might take away.
    return "".join(f"{line.rstrip()}\r\n" for line in lines).encode("ascii")


def encode_text(text: str) -> str:
    """Write the value of a field that is free text: as it is, or in encoded words (RFC 2047)."""
    line = single_line(text)
    return line if _is_plain(line) else _encoded(line)


def encode_mailbox(name: str, address: str) -> str:
    """Write a display name and an address (RFC 5322 section 3.4); raises ValueError for a bad one."""
    if not PLAIN_ADDRESS.fullmatch(address):
        address = _checked(address)
    line = single_line(name)
    if not line:
        return address
    if not _is_plain(line):
        line = _encoded(line)
    elif not _ATOMS.fullmatch(line):
        escaped = line.replace("\\", r"\\").replace('"', r"\"")
        line = f'"{escaped}"'
    return f"{line} <{address}>"


def _checked(address: str) -> str:
    """Give back an address that the standard library, which takes its time, reads as it stands."""
    try:
        read = Address(addr_spec=address).addr_spec
    except Exception as error:  # its parser raises whatever it likes
        raise ValueError(f"{address!r} is no address: {error}") from error
    if read != address:
        raise ValueError(f"another address is read in {address!r}")
    return address


def single_line(text: str) -> str:
    """Keep what somebody calls herself, or an article, from becoming a header of its own."""
    if not text.isprintable() or "  " in text:
        text = BLANKS.sub(" ", text)
    return text.strip()


def _is_plain(line: str) -> bool:
    # What looks like an encoded word would be decoded as one; and only encoded words of one long
    # word can be put on several lines.
    if not line.isascii() or "=?" in line:
        return False
    return len(line) <= HEADER_COLUMNS or max(map(len, line.split(" "))) <= HEADER_COLUMNS


def _encoded(line: str) -> str:
    octets = line.encode()
    if len(octets) <= _ENCODED_BYTES:
        return f"=?utf-8?b?{b64encode(octets).decode('ascii')}?="
    chunks = [b""]
    for character in line:
        octets = character.encode()  # all of a character is in one word (RFC 2047 section 5)
        if len(chunks[-1]) + len(octets) > _ENCODED_BYTES:
            chunks.append(b"")
        chunks[-1] += octets
    return " ".join(f"=?utf-8?b?{b64encode(chunk).decode('ascii')}?=" for chunk in chunks)


def _folded(text: str) -> list[str]:
    """Break before a space where a line would be too long; never between a name and its value."""
    name, first, *rest = text.split(" ")
    lines = [f"{name} {first}"]
    for word in rest:
        if len(lines[-1]) + 1 + len(word) > HEADER_COLUMNS:
            lines.append("")
        lines[-1] += f" {word}"
    return lines
