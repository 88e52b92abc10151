"""Pictures: their size, and their conversion."""

import gzip
import struct
import warnings
import zlib
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageChops
from PIL.PngImagePlugin import PngInfo

from publisher.errors import ArticleError
from publisher.pictures.image_size import MAX_IMAGE_PIXELS, ImageInfo, measure_image
from publisher.pictures.picture_converter import (
    UnconvertibleError,
    converted_picture,
    narrower_copies,
)
from tests.cpu_time import at_most
from tests.publisher.ingest.helpers import drawn, png

SIZE = (60, 40)
UPRIGHT, ON_ITS_SIDE = (1, 2, 3, 4), (5, 6, 7, 8)
SUFFIXES = {"PNG": "png", "JPEG": "jpg", "GIF": "gif", "WEBP": "webp", "AVIF": "avif"}
HEADS = [drawn(kind, *SIZE) for kind in SUFFIXES]
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r tiff:Orientation="6"/></x:xmpmeta>'


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "A camera"
    exif[ExifTags.Base.Orientation] = orientation
    return exif


def with_app1(segment: bytes) -> bytes:
    """Put a segment before all others of a JPEG (ITU-T T.81 section B.2.4.6)."""
    content = drawn("JPEG", *SIZE)
    return (
        content[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + content[2:]
    )


def declaring(width: int, height: int) -> bytes:
    """Make a PNG of a few bytes that says it is of a size (ISO 15948 section 11.2.1)."""
    content = png(1, 1)
    header = b"IHDR" + struct.pack(">II", width, height) + content[24:29]
    return content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[33:]


def lossy_webp(width: int, height: int) -> bytes:
    """Make a WebP's canvas (RFC 9649 section 2.7) larger than what is in it."""
    content = bytearray(drawn("WEBP", *SIZE, exif=turned(1)))
    assert content[12:16] == b"VP8X"
    content[24:30] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(content)


@pytest.mark.parametrize("kind", SUFFIXES)
def test_every_kind_that_browsers_show_is_measured(kind: str) -> None:
    assert measure_image(drawn(kind, *SIZE)) == ImageInfo(SUFFIXES[kind], *SIZE)


def test_pictures_of_telephones_turned_or_of_the_largest_size_are_measured() -> None:
    content = drawn("MPO", *SIZE, save_all=True, append_images=[Image.new("L", (6, 4))])
    with Image.open(BytesIO(content)) as opened:
        assert opened.format == "MPO"
    assert measure_image(content) == ImageInfo("jpg", *SIZE)
    assert measure_image(drawn("WEBP", *SIZE, exif=turned(6))) == ImageInfo("webp", *SIZE)
    assert measure_image(drawn("JPEG", *SIZE, xmp=XMP)) == ImageInfo("jpg", *SIZE)
    largest = ImageInfo("png", MAX_IMAGE_PIXELS, 1)
    assert measure_image(declaring(MAX_IMAGE_PIXELS, 1)) == largest


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "AVIF"])
@pytest.mark.parametrize("orientation", [*UPRIGHT, *ON_ITS_SIDE])
def test_the_size_is_the_one_that_is_shown(kind: str, orientation: int) -> None:
    shown = SIZE if orientation in UPRIGHT else SIZE[::-1]
    content = drawn(kind, *SIZE, exif=turned(orientation))
    assert measure_image(content) == ImageInfo(SUFFIXES[kind], *shown)


@pytest.mark.parametrize(
    "segment",
    [
        *(b"Exif\0\0", b"Exif\0\0II", b"Exif\0\0II*\0\x08\0\0\0\0\0"),
        *(b"Exif\0\0II*\0\x08\0\0\0\x09\0\x12\x01", b"Exif\0\0??*\0\x08\0\0\0\x01\0", b"XM"),
    ],
)
def test_damaged_exif_turns_nothing(segment: bytes) -> None:
    assert measure_image(with_app1(segment)) == ImageInfo("jpg", *SIZE)


def test_filling_history_and_a_cut_end_are_passed_over() -> None:
    content = drawn("JPEG", *SIZE)
    assert measure_image(content[:2] + b"\xff\xff" + content[2:]) == ImageInfo("jpg", *SIZE)
    history = PngInfo()
    history.add_itxt("XML:com.adobe.xmp", "cropped " * 400_000, zip=True)
    assert measure_image(drawn("PNG", *SIZE, pnginfo=history)) == ImageInfo("png", *SIZE)
    content = drawn("JPEG", 600, 400)
    assert measure_image(content[: len(content) // 2]) == ImageInfo("jpg", 600, 400)


@pytest.mark.parametrize(
    "content", [declaring(MAX_IMAGE_PIXELS + 1, 1), lossy_webp(16_000_000, 16_000_000)]
)
def test_a_picture_that_a_small_file_swells_into_is_refused(content: bytes) -> None:
    assert len(content) < 1000
    with pytest.raises(ArticleError, match=r"^has more than 80 million pixels; scale it down$"):
        measure_image(content)


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", drawn("BMP", *SIZE)),
        *(drawn("TIFF", *SIZE), declaring(0, 5), b"\xff\xd8\0\0", b"RIFF\0\0\0\0WEBPJUNK"),
        b"RIFF\0\0\0\0WEBPVP8X",
        *(head[:22] for head in HEADS if not head.startswith(b"GIF")),
        drawn("GIF", *SIZE)[:8],
    ],
)
def test_other_kinds_and_broken_heads_have_no_size(content: bytes) -> None:
    assert measure_image(content) is None


def test_nothing_is_warned_of() -> None:
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        measure_image(declaring(MAX_IMAGE_PIXELS, 1))
        measure_image(with_app1(b"Exif\0\0II*\0\x08\0\0\0\x09\0\x12\x01"))
    assert heard == []


@given(st.sampled_from(HEADS), st.integers(0, 400), st.integers(0, 8), st.binary(max_size=12))
def test_no_damage_is_too_odd(content: bytes, start: int, length: int, put: bytes) -> None:
    damaged = content[:start] + put + content[start + length :]
    try:
        found = measure_image(damaged)
    except ArticleError:
        return
    assert found is None or (found.width > 0 and found.height > 0)


# Pictures that browsers or mail clients do not show become PNG or JPEG; nothing is read elsewhere.


HEAD = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


def svg(size: str, content: str = '<rect width="9" height="9" fill="#0000ff"/>') -> bytes:
    return f"<?xml version='1.0'?><svg {HEAD} {size}>{content}</svg>".encode()


def opened(content: bytes) -> Image.Image:
    return Image.open(BytesIO(converted_picture(content)))


@pytest.mark.parametrize(
    ("size", "pixels"),
    [
        *(('width="90" height="30px"', (90, 30)), ('viewBox="0 0 120 40"', (120, 40))),
        ('viewBox="0 0 120 40" width="100%"', (120, 40)),
        ('viewBox="0 0 120 40" width="60"', (60, 20)),
        ('width="16000" height="4000"', (1600, 400)),
        *(('width="1e9" height="nan"', (300, 150)), ("", (300, 150))),
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
        ('<filter id="f"><feImage href="/etc/a.png"/></filter>', "shows another file"),
        ('<filter><feImage xlink:href="file:///etc/a.png"/></filter>', "shows another file"),
        ('<use href="/etc/a.svg#a"/>', "shows another file"),
        ('<image width="9" height="9"/>', "shows another file"),
        ("<foreignObject><p>Label</p></foreignObject>", "holds a piece of a web page"),
        ("<g>", "is no valid SVG"),
    ],
)
def test_a_drawing_that_would_lose_something_is_refused(content: str, reason: str) -> None:
    with pytest.raises(UnconvertibleError, match=reason):
        converted_picture(svg('width="9" height="9"', content))


def test_a_compressed_drawing_that_is_damaged_is_named() -> None:
    content = bytearray(gzip.compress(svg('width="9" height="9"')))
    content[10] ^= 0xFF
    with pytest.raises(UnconvertibleError, match="is no valid SVG"):
        converted_picture(bytes(content))


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
    assert (picture.format, picture.mode) == ("PNG", "RGBA")
    assert picture.getpixel((0, 0)) == (255, 0, 0, 0)


@pytest.mark.parametrize("content", [b"", b"BM not a bitmap", drawn("BMP", 9, 9)[:40]])
def test_a_damaged_picture_is_named(content: bytes) -> None:
    with pytest.raises(UnconvertibleError, match="can't be read; export it"):
        converted_picture(content)


def test_a_picture_of_100_megapixels_is_refused_before_it_is_decoded() -> None:
    header = bytearray(drawn("BMP", 1, 1))
    header[18:26] = (10_000).to_bytes(4, "little") * 2
    with at_most(2), pytest.raises(UnconvertibleError, match="more than 40 million pixels"):
        converted_picture(bytes(header))


def noisy(kind: str, width: int, height: int, **options: Any) -> bytes:
    """Draw a picture that has to be large."""
    file = BytesIO()
    Image.effect_noise((width, height), 90).convert("RGB").save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ("width", "widths"), [(1700, [1600, 800]), (1000, [1000, 800]), (500, [500])]
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_copies_of_a_picture_are_narrower_and_never_wider(
    kind: str, width: int, widths: list[int]
) -> None:
    content = noisy(kind, width, 300, **({"quality": 98} if kind != "PNG" else {}))
    copies = dict(narrower_copies(content))
    assert [*copies] == widths
    for own, copy in copies.items():
        assert measure_image(copy) == ImageInfo("webp", own, round(300 * own / width))
        assert len(copy) < len(content)


def test_copies_stand_upright_without_what_the_camera_wrote() -> None:
    content = noisy("JPEG", 900, 300, exif=turned(6), quality=98)
    copies = dict(narrower_copies(content))
    assert {own: measure_image(copy) for own, copy in copies.items()} == {
        300: ImageInfo("webp", 300, 900)
    }
    assert b"A camera" in content
    assert not any(b"A camera" in copy for copy in copies.values())


def test_a_drawing_stays_exact_and_transparent() -> None:
    drawing = Image.new("RGBA", (900, 100), (0, 0, 0, 0))
    drawing.paste((200, 30, 30, 255), (0, 0, 400, 100))
    file = BytesIO()
    drawing.save(file, "PNG", compress_level=0)
    (width, copy), *_ = narrower_copies(file.getvalue())
    assert width == 900
    assert Image.open(BytesIO(copy)).convert("RGBA").tobytes() == drawing.tobytes()


def test_what_moves_or_would_grow_has_no_copies() -> None:
    file = BytesIO()
    frames = [Image.effect_noise((900, 50), one) for one in (10, 90)]
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:])
    assert [*narrower_copies(file.getvalue())] == []
    assert [*narrower_copies(noisy("WEBP", 900, 300, quality=1))] == []


def test_a_picture_that_is_scaled_down_in_strips_shows_the_same() -> None:
    file, shades = BytesIO(), Image.linear_gradient("L").resize((7000, 500))
    whole = Image.merge("RGBA", (shades, shades.rotate(180), shades, shades.rotate(180)))
    whole.save(file, "PNG", compress_level=0)
    (width, copy), *_ = narrower_copies(file.getvalue())
    expected = whole.resize((1600, 114), Image.Resampling.LANCZOS)
    shown = Image.open(BytesIO(copy)).convert("RGBA")
    assert (width, shown.size) == (1600, expected.size)
    over_white = [
        Image.alpha_composite(Image.new("RGBA", one.size, "white"), one).convert("L")
        for one in (shown, expected)
    ]
    # What a loss of quality may change.
    difference = ImageChops.difference(*over_white)
    assert difference.point([0] * 16 + [255] * 240).getbbox() is None
