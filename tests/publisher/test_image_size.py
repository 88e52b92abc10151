from __future__ import annotations

import struct
import warnings
import zlib
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from publisher.errors import ArticleError
from publisher.image_size import MAX_IMAGE_PIXELS, ImageInfo, measure_image
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


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF"])
def test_a_moving_picture_is_as_large_as_its_first(kind: str) -> None:
    others = [Image.new("RGB", SIZE, "red"), Image.new("RGB", SIZE, "green")]
    content = drawn(kind, *SIZE, save_all=True, append_images=others)
    assert measure_image(content) == ImageInfo(SUFFIXES[kind], *SIZE)


@pytest.mark.parametrize(
    "options", [{"lossless": True}, {"exif": turned(1)}, {"progressive": True}]
)
@pytest.mark.parametrize("kind", ["WEBP", "JPEG"])
def test_variants_of_a_kind_are_measured(kind: str, options: dict[str, Any]) -> None:
    assert measure_image(drawn(kind, *SIZE, **options)) == ImageInfo(SUFFIXES[kind], *SIZE)


def test_a_telephones_picture_with_others_behind_it_is_a_jpeg() -> None:
    content = drawn("MPO", *SIZE, save_all=True, append_images=[Image.new("L", (6, 4))])
    with Image.open(BytesIO(content)) as opened:
        assert opened.format == "MPO"
    assert measure_image(content) == ImageInfo("jpg", *SIZE)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "AVIF"])
@pytest.mark.parametrize("orientation", [*UPRIGHT, *ON_ITS_SIDE])
def test_the_size_is_the_one_that_is_shown(kind: str, orientation: int) -> None:
    shown = SIZE if orientation in UPRIGHT else SIZE[::-1]
    content = drawn(kind, *SIZE, exif=turned(orientation))
    assert measure_image(content) == ImageInfo(SUFFIXES[kind], *shown)


def test_a_turn_that_browsers_pass_over_is_none() -> None:
    assert measure_image(drawn("WEBP", *SIZE, exif=turned(6))) == ImageInfo("webp", *SIZE)
    assert measure_image(drawn("JPEG", *SIZE, xmp=XMP)) == ImageInfo("jpg", *SIZE)


@pytest.mark.parametrize(
    "segment",
    [
        b"Exif\0\0",
        b"Exif\0\0II",
        b"Exif\0\0II*\0\x08\0\0\0\0\0",
        b"Exif\0\0II*\0\x08\0\0\0\x09\0\x12\x01",
        b"Exif\0\0??*\0\x08\0\0\0\x01\0",
        b"XM",
    ],
)
def test_damaged_exif_turns_nothing(segment: bytes) -> None:
    assert measure_image(with_app1(segment)) == ImageInfo("jpg", *SIZE)


def test_filling_between_segments_is_passed_over() -> None:
    content = drawn("JPEG", *SIZE)
    assert measure_image(content[:2] + b"\xff\xff" + content[2:]) == ImageInfo("jpg", *SIZE)


def test_a_picture_with_a_long_history_in_it_is_measured() -> None:
    history = PngInfo()
    history.add_itxt("XML:com.adobe.xmp", "cropped " * 400_000, zip=True)
    assert measure_image(drawn("PNG", *SIZE, pnginfo=history)) == ImageInfo("png", *SIZE)


def test_a_picture_whose_end_is_cut_off_is_as_large_as_its_head_says() -> None:
    content = drawn("JPEG", 600, 400)
    assert measure_image(content[: len(content) // 2]) == ImageInfo("jpg", 600, 400)


def test_the_largest_picture_is_measured() -> None:
    assert measure_image(declaring(MAX_IMAGE_PIXELS, 1)) == ImageInfo(
        "png", MAX_IMAGE_PIXELS, 1
    )


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
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        drawn("BMP", *SIZE),
        drawn("TIFF", *SIZE),
        declaring(0, 5),
        b"\xff\xd8\0\0",
        b"RIFF\0\0\0\0WEBPJUNK",
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
