"""Reading a message's content off a connection, up to the final dot, and judging its form.

Knows no command and no reply but those to what can't be taken.
"""

from __future__ import annotations

import asyncio

_END = b"\r\n.\r\n"
# Characters of a line without its end (RFC 5321 section 4.5.3.1.6).
_MAX_LINE = 998


class ContentRefused(Exception):  # noqa: N818  # what it says of the content
    """A content that is not taken; its text is the reply."""


async def read_content(reader: asyncio.StreamReader, start: bytes, size: int | None) -> bytes:
    """Read what begins with `start`, whole, and undo the stuffing of dots (section 4.5.2).

    Raises NotTaken for more than `size` bytes, lines that are too long and bare newlines.
    """
    data = bytearray(start)
    is_too_large = False
    # A lone dot ends it, at the very beginning too.
    while not (data.endswith(_END) or data == _END[2:]):
        data += await _piece(reader, data)
        if size is not None and len(data) - len(_END) + 2 > size:
            is_too_large = True
            del data[: -len(_END)]
    if is_too_large:
        raise ContentRefused("552 5.3.4 Message too large")
    content = bytes(data[: -len(_END) + 2]).replace(b"\r\n.", b"\r\n").removeprefix(b".")
    _judge(content)
    return content


async def _piece(reader: asyncio.StreamReader, data: bytearray) -> bytes:
    """Read on to the next dot at a line's end, or as far as the reader's buffer goes."""
    if data.endswith((b".", b".\r")):
        # Half of the end is here already: what is read next would not show it.
        return await reader.readexactly(1)
    try:
        return await reader.readuntil(_END[2:])
    except asyncio.LimitOverrunError as error:
        return await reader.read(max(error.consumed, 1))


def _judge(content: bytes) -> None:
    ends = content.count(b"\r\n")
    if content.count(b"\n") != ends or content.count(b"\r") != ends:
        raise ContentRefused("550 5.5.2 Bare newline (RFC 5321 section 2.3.8)")
    if max(map(len, content.split(b"\r\n"))) > _MAX_LINE:
        raise ContentRefused("500 5.5.2 Line too long (RFC 5321 section 4.5.3.1.6)")
