from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.articles.imagesize import ImageInfo, measure
from tests.publisher.articles.reading import png

GIF = b"GIF89a" + struct.pack("<HH", 7, 5) + b"\0\0\0"
LOSSY = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 0x4000 | 30, 20)
LOSSLESS = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f" + struct.pack("<I", 29 | 19 << 14)
EXTENDED = b"RIFF\0\0\0\0WEBPVP8X" + bytes(8) + b"\x2b\x01\x00\xc7\x00\x00"


def jpeg(before: bytes = b"") -> bytes:
    frame = b"\xff\xc2" + struct.pack(">HBHH", 11, 8, 40, 60) + bytes(4)
    return b"\xff\xd8" + before + b"\xff\xdb\0\x04\0\0" + b"\xff\xff" + frame[1:]


def exif(order: str, orientation: int) -> bytes:
    mark = b"II" if order == "<" else b"MM"
    entries = [struct.pack(f"{order}HHIHH", 0x010F, 3, 1, 1, 0)]
    entries.append(struct.pack(f"{order}HHIHH", 0x0112, 3, 1, orientation, 0))
    body = mark + struct.pack(f"{order}HIH", 42, 8, len(entries)) + b"".join(entries)
    segment = b"Exif\0\0" + body
    return b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (png(640, 480), ImageInfo("png", 640, 480)),
        (GIF, ImageInfo("gif", 7, 5)),
        (LOSSY, ImageInfo("webp", 30, 20)),
        (LOSSLESS, ImageInfo("webp", 30, 20)),
        (EXTENDED, ImageInfo("webp", 300, 200)),
        (jpeg(), ImageInfo("jpg", 60, 40)),
        (jpeg(b"\xff\x01"), ImageInfo("jpg", 60, 40)),
        (jpeg(exif(">", 1)), ImageInfo("jpg", 60, 40)),
        (jpeg(exif("<", 6)), ImageInfo("jpg", 40, 60)),
        (jpeg(exif(">", 8)), ImageInfo("jpg", 40, 60)),
        (jpeg(b"\xff\xe1\0\x08Exif\0\0"), ImageInfo("jpg", 60, 40)),
        (jpeg(b"\xff\xe1\0\x04XM"), ImageInfo("jpg", 60, 40)),
        (jpeg(b"\xff\xe1\0\x0aExif\0\0II"), ImageInfo("jpg", 60, 40)),
        (jpeg(b"\xff\xe1\0\x12Exif\0\0II*\0\x08\0\0\0\0\0"), ImageInfo("jpg", 60, 40)),
        (jpeg()[:14], None),
        (b"\xff\xd8\0\0", None),
        (png(0, 5), None),
        (png(5, 5)[:20], None),
        (b"RIFF\0\0\0\0WEBPJUNK", None),
        (b"RIFF\0\0\0\0WEBPVP8X", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", None),
        (b"", None),
    ],
)
def test_pictures_are_measured_by_their_first_bytes(
    content: bytes, expected: ImageInfo | None
) -> None:
    assert measure(content) == expected


@given(
    st.binary(max_size=60),
    st.sampled_from([b"\xff\xd8", b"\xff\xd8\xff\xe1", GIF[:6], b"RIFF"]),
)
def test_no_bytes_are_too_odd(content: bytes, head: bytes) -> None:
    found = measure(head + content)
    assert found is None or (found.width >= 0 and found.height >= 0)
