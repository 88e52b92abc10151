"""Reads the kind and size of a picture from its header. No pixels are decoded."""

from __future__ import annotations

import struct
import warnings
from dataclasses import dataclass
from io import BytesIO

from PIL import ExifTags, Image, PngImagePlugin

from publisher.errors import ArticleError

# What browsers show, by Pillow's names, with the usual suffix. MPO is a JPEG with others behind
# it, as telephones write for depth. Mails are pickier: `publisher.rendering.filters`.
_SUFFIXES = {
    "PNG": "png",
    "JPEG": "jpg",
    "MPO": "jpg",
    "GIF": "gif",
    "WEBP": "webp",
    "AVIF": "avif",
}
# MPO is not asked for by that name: Pillow finds out when it opens a JPEG.
_FORMATS = tuple(name for name in _SUFFIXES if name != "MPO")

# Exif 2.32 section 4.6.4: these are shown with rows as columns.
_ROTATED = frozenset({5, 6, 7, 8})

# Twice what Pillow warns of, where it refuses: a picture that small files swell into, and that
# no subscriber's device can show.
MAX_IMAGE_PIXELS = 178_956_970

# Programs for photographs put whole histories into a PNG. Pillow allows that much for all texts
# of a file, and would refuse the picture for a single one of more than 1 MB.
PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """A picture's usual file suffix, and its size in pixels, as it is shown."""

    suffix: str
    width: int
    height: int


def measure_image(content: bytes) -> ImageInfo | None:
    """Measure a picture; None if it is of another kind, or its head is damaged or cut short.

    Raises ArticleError for more than MOST_PIXELS.
    """
    try:
        # Pillow warns of what it passes over in metadata, and of half of MOST_PIXELS. Another
        # thread may lose a warning over this, and nothing else.
        with warnings.catch_warnings(action="ignore"), _open(content) as image:
            width, height = image.size
            if _is_turned(image):
                width, height = height, width
            return ImageInfo(_SUFFIXES[image.format or ""], width, height)
    except Image.DecompressionBombError:
        most = MAX_IMAGE_PIXELS // 1_000_000
        raise ArticleError(f"has more than {most} million pixels; scale it down") from None
    # What Pillow raises for damaged headers; the AVIF library's own is a RuntimeError.
    except (OSError, ValueError, RuntimeError):
        return None


def _open(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content), formats=_FORMATS)


def _is_turned(image: Image.Image) -> bool:
    """Say if Exif has it shown on its side; a damaged one says nothing.

    Browsers pass over Exif in WebP, and over what XMP says of it, which Pillow's own answer
    (`getexif`) would include.
    """
    exif = Image.Exif()
    try:
        exif.load(image.info.get("exif", b"") if image.format != "WEBP" else b"")
        return exif.get(ExifTags.Base.Orientation) in _ROTATED
    except (SyntaxError, ValueError, struct.error):
        return False
