"""Pictures that browsers or mail clients do not show become PNG or JPEG; nothing is read elsewhere."""

from __future__ import annotations

import gzip
from io import BytesIO

import pytest
from PIL import Image

from publisher.picture_converter import UnconvertibleError, converted_picture
from tests.cpu_time import at_most
from tests.publisher.ingest.helpers import drawn

HEAD = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


def svg(size: str, content: str = '<rect width="9" height="9" fill="#0000ff"/>') -> bytes:
    return f"<?xml version='1.0'?><svg {HEAD} {size}>{content}</svg>".encode()


def opened(content: bytes) -> Image.Image:
    return Image.open(BytesIO(converted_picture(content)))


@pytest.mark.parametrize(
    ("size", "pixels"),
    [
        ('width="90" height="30px"', (90, 30)),
        ('viewBox="0 0 120 40"', (120, 40)),
        ('viewBox="0 0 120 40" width="100%"', (120, 40)),
        ('viewBox="0 0 120 40" width="60"', (60, 20)),
        ('width="16000" height="4000"', (1600, 400)),
        ('width="1e9" height="nan"', (300, 150)),
        ("", (300, 150)),
    ],
)
def test_a_drawing_becomes_a_png_in_its_own_size(size: str, pixels: tuple[int, int]) -> None:
    picture = opened(svg(size))
    assert (picture.format, picture.size) == ("PNG", pixels)
    assert picture.convert("RGBA").getpixel((0, 0)) == (0, 0, 255, 255)
    assert opened(gzip.compress(svg(size))).size == pixels


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('<image href="/etc/passwd.png" width="9" height="9"/>', "shows another file"),
        ('<image xlink:href="https://example.org/a.png"/>', "shows another file"),
        ("<foreignObject><p>Label</p></foreignObject>", "holds a piece of a web page"),
        ("<g>", "is no valid SVG"),
    ],
)
def test_a_drawing_that_would_lose_something_is_refused(content: str, reason: str) -> None:
    with pytest.raises(UnconvertibleError, match=reason):
        converted_picture(svg('width="9" height="9"', content))


def test_entities_that_grow_are_not_followed() -> None:
    bomb = '<!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">'
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    content = bomb.encode() + b"]>" + svg('width="9" height="9"', "<desc>&i;</desc>")[21:]
    with at_most(5), pytest.raises(UnconvertibleError, match="is no valid SVG"):
        converted_picture(content)


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "JPEG2000", "PPM", "TGA", "PCX"])
def test_a_photograph_in_another_format_becomes_a_jpeg_of_at_most_1600_pixels(
    kind: str,
) -> None:
    picture = opened(drawn(kind, 3200, 200))
    assert (picture.format, picture.size) == ("JPEG", (1600, 100))


def test_what_is_transparent_stays_so() -> None:
    file = BytesIO()
    Image.new("RGBA", (40, 30), (255, 0, 0, 0)).save(file, "TIFF")
    picture = opened(file.getvalue())
    assert (picture.format, picture.mode, picture.getpixel((0, 0))) == (
        "PNG",
        "RGBA",
        (255, 0, 0, 0),
    )


@pytest.mark.parametrize("content", [b"", b"BM not a bitmap", drawn("BMP", 9, 9)[:40]])
def test_a_damaged_picture_is_named(content: bytes) -> None:
    with pytest.raises(UnconvertibleError, match="can't be read; export it"):
        converted_picture(content)


def test_a_picture_of_100_megapixels_is_refused_before_it_is_decoded() -> None:
    header = bytearray(drawn("BMP", 1, 1))
    header[18:26] = (10_000).to_bytes(4, "little") * 2
    with at_most(2), pytest.raises(UnconvertibleError, match="more than 40 million pixels"):
        converted_picture(bytes(header))
