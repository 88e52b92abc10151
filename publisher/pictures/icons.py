"""Draw icons: square pictures of a few sizes, of a picture or of a letter on a colour. Pure."""

from collections.abc import Iterable
from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw, ImageFont, ImageOps

_LETTER_HEIGHT = 0.62  # of the side, the height of a letter


def letter_picture(colour: str, letter: str, side: int) -> bytes:
    """Return a square PNG with a white letter on a colour; letters other than A to Z and digits are left out."""
    drawn = Image.new("RGBA", (side, side), colour)
    # The font that Pillow brings has these letters; what others it has depends on its version.
    if letter.isascii():
        font = ImageFont.load_default(side * _LETTER_HEIGHT)
        ImageDraw.Draw(drawn).text((side / 2, side / 2), letter, "white", font, anchor="mm")
    return _saved(drawn, "PNG")


def square_png(picture: bytes, side: int) -> bytes:
    """Return a picture as a square PNG; `side` is in pixels. What it lacks at its sides is transparent."""
    return _saved(_padded(picture, side), "PNG")


def ico_file(picture: bytes, sides: Iterable[int]) -> bytes:
    """Return a picture in several sizes in one file, as browsers ask for /favicon.ico."""
    sizes = [(side, side) for side in sides]
    return _saved(_padded(picture, max(sides)), "ICO", sizes=sizes)


def _padded(picture: bytes, side: int) -> Image.Image:
    with Image.open(BytesIO(picture)) as opened:
        turned = ImageOps.exif_transpose(opened).convert("RGBA")
    return ImageOps.pad(turned, (side, side))


def _saved(image: Image.Image, form: str, **options: Any) -> bytes:
    content = BytesIO()
    image.save(content, form, **options)
    return content.getvalue()
