"""Read a message's content from a connection, up to the final dot, and check its form."""

from __future__ import annotations

import asyncio

_END = b"\r\n.\r\n"
# Characters of a line without its end (RFC 5321 section 4.5.3.1.6).
_MAX_LINE = 998


class ContentRefused(Exception):  # noqa: N818  # an answer, not a failure
    """A content that is refused; its text is the reply."""


async def read_content(reader: asyncio.StreamReader, start: bytes, size: int | None) -> bytes:
    """Return the content that begins with `start`, without stuffed dots (section 4.5.2).

    Raise ContentRefused for more than `size` bytes, for lines that are too long, and for bare line
    ends.
    """
    data = bytearray(start)
    is_too_large = False
    # A line with a single dot ends it, even the first.
    while not (data.endswith(_END) or data == _END[2:]):
        data += await _piece(reader, data)
        if size is not None and len(data) - len(_END) + 2 > size:
            is_too_large = True
            del data[: -len(_END)]
    if is_too_large:
        raise ContentRefused("552 5.3.4 Message too large")
    content = bytes(data[: -len(_END) + 2]).replace(b"\r\n.", b"\r\n").removeprefix(b".")
    _check_lines(content)
    return content


async def _piece(reader: asyncio.StreamReader, data: bytearray) -> bytes:
    """Read up to the next line with a single dot, or what fits into the buffer."""
    if data.endswith((b".", b".\r")):
        # The end may be half read already, and the next piece would not show it.
        return await reader.readexactly(1)
    try:
        return await reader.readuntil(_END[2:])
    except asyncio.LimitOverrunError as error:
        return await reader.read(max(error.consumed, 1))


def _check_lines(content: bytes) -> None:
    ends = content.count(b"\r\n")
    if content.count(b"\n") != ends or content.count(b"\r") != ends:
        raise ContentRefused("550 5.5.2 Bare newline (RFC 5321 section 2.3.8)")
    if max(map(len, content.split(b"\r\n"))) > _MAX_LINE:
        raise ContentRefused("500 5.5.2 Line too long (RFC 5321 section 4.5.3.1.6)")
