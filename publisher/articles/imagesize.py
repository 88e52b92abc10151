"""The kind and size of a picture, from the first bytes of its file. Decodes no pixels.

Knows PNG, JPEG, GIF and WebP, which are what mail programs show.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Start-of-frame markers (ITU-T T.81 table B.1): all of C0 to CF but DHT, JPG and DAC.
JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Markers that have no length after them: TEM, RST0 to RST7.
JPEG_MARK = 0xFF
JPEG_APP1 = 0xE1  # where Exif lies
JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD8)})

EXIF_ORIENTATION = 0x0112
EXIF_ON_ITS_SIDE = frozenset({5, 6, 7, 8})


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """A picture's usual file suffix, and its size in pixels, as it is shown."""

    suffix: str
    width: int
    height: int


def measure(content: bytes) -> ImageInfo | None:
    """Measure a picture; None if it is of another kind, cut short, or has no extent."""
    for suffix, reader in READERS.items():
        try:
            size = reader(content)
        except (struct.error, IndexError):
            return None
        if size:
            return ImageInfo(suffix, *size) if all(size) else None
    return None


Size = tuple[int, int]


def _png(content: bytes) -> Size | None:
    """Read the IHDR chunk (ISO 15948 section 11.2.1)."""
    if not content.startswith(PNG_SIGNATURE) or content[12:16] != b"IHDR":
        return None
    width, height = struct.unpack_from(">II", content, 16)
    return width, height


def _gif(content: bytes) -> Size | None:
    """Read the logical screen descriptor (GIF89a section 18)."""
    if content[:6] not in {b"GIF87a", b"GIF89a"}:
        return None
    width, height = struct.unpack_from("<HH", content, 6)
    return width, height


def _webp(content: bytes) -> Size | None:
    """Read the first chunk of the three kinds of WebP (RFC 9649 section 2)."""
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP":
        return None
    kind = content[12:16]
    if kind == b"VP8X":
        low, high, *rest = struct.unpack_from("<HBHB", content, 24)
        return (low | high << 16) + 1, (rest[0] | rest[1] << 16) + 1
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", content, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


def _jpeg(content: bytes) -> Size | None:
    """Walk the segments to the frame header (ITU-T T.81 section B.2.2)."""
    if content[:2] != b"\xff\xd8":
        return None
    position = 2
    turned = False
    while True:
        while content[position + 1] == JPEG_MARK:  # fill bytes
            position += 1
        if content[position] != JPEG_MARK:
            return None
        marker = content[position + 1]
        position += 2
        if marker in JPEG_BARE:
            continue
        (length,) = struct.unpack_from(">H", content, position)
        if marker in JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", content, position + 3)
            return (height, width) if turned else (width, height)
        if marker == JPEG_APP1:
            turned = turned or _turned(content[position + 2 : position + length])
        position += max(2, length)


def _turned(segment: bytes) -> bool:
    """Say if Exif has the picture shown on its side (Exif 2.32 section 4.6.4)."""
    if segment[:6] != b"Exif\0\0":
        return False
    tiff = segment[6:]
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return False
    try:
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, _kind, _number, value = struct.unpack_from(f"{order}HHIH", tiff, entry)
            if tag == EXIF_ORIENTATION:
                return value in EXIF_ON_ITS_SIDE
    except struct.error:
        return False
    return False


READERS: dict[str, Callable[[bytes], Size | None]] = {
    "png": _png,
    "jpg": _jpeg,
    "gif": _gif,
    "webp": _webp,
}
