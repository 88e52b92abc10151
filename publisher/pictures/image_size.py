"""The format and size of a picture, as browsers show it."""

import struct
import warnings
from dataclasses import dataclass
from io import BytesIO

from PIL import ExifTags, Image, PngImagePlugin

from publisher.errors import ArticleError
from publisher.i18n.messages import message

# Formats that browsers show, by Pillow's names, and their suffixes. MPO is a JPEG followed by
# others; phones write it. `publisher.rendering.filters` has those that mails show.
_SUFFIXES = {
    "PNG": "png",
    "JPEG": "jpg",
    "MPO": "jpg",
    "GIF": "gif",
    "WEBP": "webp",
    "AVIF": "avif",
}
# Pillow detects MPO when it opens a JPEG.
_FORMATS = tuple(name for name in _SUFFIXES if name != "MPO")

_ROTATED = frozenset({5, 6, 7, 8})  # orientations that swap width and height (Exif 2.32, 4.6.4)

# The largest photographs of usual cameras have 61 million. Every reader's browser or mail program
# needs four bytes of memory for each, however small the file is.
MAX_IMAGE_PIXELS = 80_000_000

# Photo editors write long histories into a PNG. Pillow would refuse a picture with one text of
# more than 1 MB; now only the limit for all texts of a file applies.
PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """A picture's usual file suffix, and the size in pixels as browsers show it."""

    suffix: str
    width: int
    height: int


def measure_image(content: bytes) -> ImageInfo | None:
    """Return format and size; None for other formats or a damaged header. Raises ArticleError beyond MAX_IMAGE_PIXELS."""
    try:
        # Pillow warns about damaged metadata and of many pixels. This may hide a warning of another thread.
        with warnings.catch_warnings(action="ignore"), _open(content) as image:
            width, height = image.size
            if width * height > MAX_IMAGE_PIXELS:
                raise ArticleError(_too_many_pixels())
            if _is_rotated(image):
                width, height = height, width
            return ImageInfo(_SUFFIXES[image.format or ""], width, height)
    except Image.DecompressionBombError:
        raise ArticleError(_too_many_pixels()) from None
    # Pillow raises these for damaged headers; RuntimeError comes from its AVIF library.
    except (OSError, ValueError, RuntimeError):
        return None


def _too_many_pixels() -> str:
    most = MAX_IMAGE_PIXELS // 1_000_000
    return message("has more than %(most)s million pixels; scale it down", most=most)


def _open(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content), formats=_FORMATS)


def _is_rotated(image: Image.Image) -> bool:
    """Return whether Exif rotates the picture by 90 degrees; False if Exif is damaged.

    Browsers ignore Exif in WebP, and XMP. Pillow's `getexif` would include both.
    """
    exif = Image.Exif()
    try:
        exif.load(image.info.get("exif", b"") if image.format != "WEBP" else b"")
        return exif.get(ExifTags.Base.Orientation) in _ROTATED
    except (SyntaxError, ValueError, struct.error):
        return False
