"""Copies of foreign pictures that mails can show: decoded and encoded again, so that nothing else of a file is left."""

import io
import math
import warnings

from PIL import Image, ImageOps

from publisher.errors import ArticleError

# Pixels of a copy's longer side, and of a picture before it is decoded.
_MAX_SIDE, _MAX_PIXELS = 1_200, 50_000_000
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "AVIF")
# Bytes: a larger PNG becomes a JPEG; a larger GIF that moves, its first picture.
_MAX_PNG, _MAX_MOVING = 300_000, 5_000_000


def copy_for_mails(content: bytes) -> tuple[str, bytes]:
    """Return a copy and the ending of its name: png, jpg or gif. Raise ArticleError for what is no picture."""
    try:
        with (
            warnings.catch_warnings(action="error", category=Image.DecompressionBombWarning),
            Image.open(io.BytesIO(content), formats=_FORMATS) as image,
        ):
            if math.prod(image.size) > _MAX_PIXELS:
                raise ArticleError("it has more than 50 million pixels")
            if (
                getattr(image, "is_animated", False)
                and image.format == "GIF"
                and len(content) <= _MAX_MOVING
            ):
                image.verify()
                return "gif", content
            return _encoded(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ArticleError("it has too many pixels") from None
    except (OSError, ValueError, SyntaxError, RuntimeError):
        raise ArticleError("it is no picture that can be shown") from None


def _encoded(image: Image.Image) -> tuple[str, bytes]:
    """Return a copy, upright and not larger than mails show: PNG where it has few bytes, else JPEG on white."""
    image.draft("RGB", (_MAX_SIDE, _MAX_SIDE))
    image = ImageOps.exif_transpose(image)
    image.thumbnail((_MAX_SIDE, _MAX_SIDE))
    is_drawn = image.mode in {"1", "L", "P", "LA", "PA"} or image.has_transparency_data
    if is_drawn:
        flat = image.convert("RGBA" if image.has_transparency_data else "RGB")
        if len(copy := _saved_as(flat, "PNG", optimize=True)) <= _MAX_PNG:
            return "png", copy
    profile = image.info.get("icc_profile", b"") if image.mode != "CMYK" else b""
    ground = Image.new("RGB", image.size, "white")
    over = image.convert("RGBA")
    ground.paste(over, mask=over.getchannel("A"))
    return "jpg", _saved_as(ground, "JPEG", quality=82, icc_profile=profile)


def _saved_as(image: Image.Image, form: str, **options: object) -> bytes:
    content = io.BytesIO()
    image.save(content, form, **options)
    return content.getvalue()
