"""The header of a message as it stands on the wire: fields, not decoded, in their order.

The standard library mends what it reads; whoever looks for faults needs the octets. Knows no
rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import MessageError
from email.header import decode_header, make_header

HEAD_END = re.compile(rb"\r?\n\r?\n")
FIELD_START = re.compile(rb"([!-9;-~]+)[ \t]*:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A header field: its name as written, its lines without their ends, where it begins."""

    name: str
    lines: tuple[bytes, ...]
    number: int

    @property
    def value(self) -> str:
        """The unfolded value (RFC 5322 section 2.2.3); what is not ASCII in it is escaped."""
        whole = b"".join(self.lines).partition(b":")[2]
        return whole.decode("ascii", "backslashreplace").strip()


def head(content: bytes) -> bytes:
    """Give everything before the first empty line."""
    return HEAD_END.split(content, maxsplit=1)[0]


def header_fields(content: bytes) -> tuple[Field, ...]:
    """Read the header of a message; what is no field belongs to the one before it."""
    return tuple(_fields(head(content)))


def _fields(block: bytes) -> Iterator[Field]:
    name, lines, number = "", [], 1
    for count, line in enumerate(re.split(rb"\r?\n", block), 1):
        found = FIELD_START.match(line)
        if not found or line[:1] in b" \t":
            lines.append(line)
            continue
        if name:
            yield Field(name=name, lines=tuple(lines), number=number)
        name, lines, number = found[1].decode("ascii"), [line], count
    if name:
        yield Field(name=name, lines=tuple(lines), number=number)


def fields_named(found: tuple[Field, ...], name: str) -> list[Field]:
    """Give the fields of a name, however it is written."""
    return [field for field in found if field.name.lower() == name.lower()]


def decode_words(value: str) -> str:
    """Decode the encoded words of a value; what can't be decoded stays as it is."""
    try:
        return str(make_header(decode_header(value)))
    except (ValueError, LookupError, MessageError):
        return value
