"""Encode and fold header fields (RFC 5322, RFC 2047). Pure.

The standard library folds some fields so that no mail program can read them: it turns long
`List-Unsubscribe` addresses into encoded words, and loses the spaces between the encoded words
of a subject. It also decodes text that only looks like an encoded word, line ends included, so
that a name could become a header field.
"""

from __future__ import annotations

import re
from base64 import b64encode
from email.headerregistry import Address

from publisher.errors import DeliveryError
from publisher.mail_limits import MAX_LINE_LENGTH, MIME_COLUMNS

# Makes encoded words of 60 characters, which fit on one line with `Subject: `; RFC 2047 allows 75.
_ENCODED_BYTES = 36
# What needs no quotes in a display name (RFC 5322 section 3.2.3).
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
# Nearly every address (RFC 5322 sections 3.2.3 and 3.4.1), which then needs no parser. Without
# `?`, which begins and ends encoded words.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=^_`{|}~-]+"
PLAIN_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
# Spaces, controls and all that some program takes for a line end.
BLANKS = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")


def encode_field(name: str, value: str) -> bytes:
    """Return a field, folded, with its line end. Raise DeliveryError for one that can't be.

    The value must be ASCII: by its grammar (RFC 2369, 2919, 5064, 5322, 8058), or as returned by
    `encode_text` or `encode_mailbox`.
    """
    if not value.isascii() or not value.isprintable():
        raise DeliveryError(f"{name} holds what a header can't: {value!r}")
    if value and len(name) + len(value) + 2 <= MIME_COLUMNS:
        return f"{name}: {value}\r\n".encode("ascii")
    lines = _folded(f"{name}: {value}")
    if max(map(len, lines)) > MAX_LINE_LENGTH:
        raise DeliveryError(
            f"{name} needs a line of more than {MAX_LINE_LENGTH} characters, which no mail may have; "
            "shorten its address or longest word"
        )
    # An empty value leaves no blank at the line's end, which a relay might remove.
    return "".join(f"{line.rstrip()}\r\n" for line in lines).encode("ascii")


def encode_text(text: str) -> str:
    """Return the value of a field that is free text: as it is, or in encoded words (RFC 2047)."""
    line = single_line(text)
    return line if _is_plain(line) else _encoded(line)


def encode_mailbox(name: str, address: str) -> str:
    """Return a display name and an address (RFC 5322 section 3.4).

    Raise ValueError for an address that can't be written.
    """
    if not PLAIN_ADDRESS.fullmatch(address):
        address = _checked_address(address)
    line = single_line(name)
    if not line:
        return address
    if not _is_plain(line):
        line = _encoded(line)
    elif not _ATOMS.fullmatch(line):
        escaped = line.replace("\\", r"\\").replace('"', r"\"")
        line = f'"{escaped}"'
    return f"{line} <{address}>"


def _checked_address(address: str) -> str:
    """Return the address if the standard library reads it unchanged. Slow; raises ValueError."""
    try:
        read = Address(addr_spec=address).addr_spec
    except Exception as error:  # its parser raises errors of many types
        raise ValueError(f"{address!r} is no address: {error}") from error
    if read != address:
        raise ValueError(f"mail programs read another address in {address!r}")
    return address


def single_line(text: str) -> str:
    """Return a text as one line, so that no part of it can become a header field of its own."""
    if not text.isprintable() or "  " in text:
        text = BLANKS.sub(" ", text)
    return text.strip()


def _is_plain(line: str) -> bool:
    # Mail programs would decode what looks like an encoded word. And one word that is too long
    # for a line can be folded only as encoded words.
    if not line.isascii() or "=?" in line:
        return False
    return len(line) <= MIME_COLUMNS or max(map(len, line.split(" "))) <= MIME_COLUMNS


def _encoded(line: str) -> str:
    words = []
    while len(line.encode()) > _ENCODED_BYTES:
        end = _word_end(line)
        words.append(_base64(line[:end]) if end else _quoted(line[0]))
        line = line[end or 1 :]
    return " ".join([*words, _base64(line)])


def _base64(text: str) -> str:
    return f"=?utf-8?b?{b64encode(text.encode()).decode('ascii')}?="


def _word_end(line: str) -> int:
    """Return after how many characters a word may end that others follow; 0 if after none.

    Base64 of whole groups of three bytes has no padding: GMime up to 3.2.13 (Geary, notmuch, mu)
    ends the text at the first `=`. No character is split (RFC 2047 section 5).
    """
    end = size = 0
    for number, character in enumerate(line, 1):
        size += len(character.encode())
        if size > _ENCODED_BYTES:
            break
        end = end if size % 3 else number
    return end


def _quoted(character: str) -> str:
    """Return an encoded word of one character, for a line that has no group of whole characters."""
    return f"=?utf-8?q?{''.join(f'={octet:02X}' for octet in character.encode())}?="


def _folded(text: str) -> list[str]:
    """Break long lines before a space, but never between a field's name and its value."""
    name, first, *rest = text.split(" ")
    lines = [f"{name} {first}"]
    for word in rest:
        if len(lines[-1]) + 1 + len(word) > MIME_COLUMNS:
            lines.append("")
        lines[-1] += f" {word}"
    return lines
