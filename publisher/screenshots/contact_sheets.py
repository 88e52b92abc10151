"""Cutting pictures out of pictures, and laying many of them out on one. Knows Pillow, and no mail.

All pictures are PNG files in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

# In pixels of the sheet, however small its pictures are made.
SHEET_GAP = 20
SHEET_LABEL_HEIGHT = 28
_FONT_SIZE = 18
# A grey that neither white nor black mails melt into.
_BACKGROUND = "#9aa0a8"
_LABEL_COLOUR = "#000000"

# What viewers open at once, and two or three megabytes; with four languages the text is small,
# and can be read.
MAX_SHEET_PIXELS = 16_000_000
# As many as a palette has: a third of the file that true colours would make, and no difference
# that is seen at that size.
_PALETTE_COLOURS = 256

PixelSize = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPicture:
    """A picture, and the line above it, in ASCII: Pillow's own font has little else."""

    label: str
    picture: bytes


def crop_column(
    strips: Sequence[bytes], left: int, width: int, heights: Sequence[int]
) -> bytes:
    """Cut a column out of pictures, `width` pixels from `left` on, and put the pieces together.

    Of each picture its upper `heights` pixels are taken.
    """
    whole = Image.new("RGB", (width, sum(heights)))
    top = 0
    for strip, height in zip(strips, heights, strict=True):
        with _opened(strip) as picture:
            whole.paste(picture.crop((left, 0, left + width, height)), (0, top))
        top += height
    return _png(whole)


def compose_contact_sheet(
    rows: Sequence[Sequence[LabelledPicture]],
    *,
    scale: float = 1.0,
    lowest: int | None = None,
    colours: int = _PALETTE_COLOURS,
) -> bytes:
    """Lay rows of pictures out on one of so many colours, each below its label.

    `scale` is how large they are there, at most: a sheet of more than about MOST_PIXELS has
    them smaller. `lowest` is where pictures that are longer are cut off, in their own pixels.
    """
    sizes = [[_size(one.picture, lowest) for one in row] for row in rows]
    scale = min(scale, (MAX_SHEET_PIXELS / _area(sizes)) ** 0.5)
    small = [
        [(_scaled(wide, scale), _scaled(high, scale)) for wide, high in row] for row in sizes
    ]
    width = max(sum(wide + SHEET_GAP for wide, _high in row) for row in small) + SHEET_GAP
    height = sum(_tallest(row) + SHEET_LABEL_HEIGHT + SHEET_GAP for row in small)
    whole = Image.new("RGB", (width, height), _BACKGROUND)
    top = 0
    for row, before, after in zip(rows, sizes, small, strict=True):
        left = SHEET_GAP
        for one, size, new in zip(row, before, after, strict=True):
            _lay(whole, one, (left, top), size, new)
            left += new[0] + SHEET_GAP
        top += SHEET_LABEL_HEIGHT + _tallest(after) + SHEET_GAP
    # Dithering is noise, which is the one thing that PNG can't make small.
    return _png(whole.quantize(colours, dither=Image.Dither.NONE), optimize=True)


def _lay(
    whole: Image.Image, one: LabelledPicture, place: PixelSize, size: PixelSize, new: PixelSize
) -> None:
    left, top = place
    font = ImageFont.load_default(_FONT_SIZE)
    label = (left, top + SHEET_LABEL_HEIGHT // 2)
    ImageDraw.Draw(whole).text(label, one.label, fill=_LABEL_COLOUR, font=font, anchor="lm")
    with _opened(one.picture) as picture:
        piece = picture.convert("RGB").crop((0, 0, *size))
    whole.paste(piece.resize(new, Image.Resampling.LANCZOS), (left, top + SHEET_LABEL_HEIGHT))


def _opened(picture: bytes) -> Image.Image:
    return Image.open(BytesIO(picture), formats=["PNG"])


def _size(picture: bytes, lowest: int | None) -> PixelSize:
    with _opened(picture) as whole:
        width, height = whole.size
    return width, min(height, lowest or height)


def _scaled(length: int, scale: float) -> int:
    return max(1, round(length * scale))


def _area(sizes: Sequence[Sequence[PixelSize]]) -> int:
    """Give the pixels of a sheet that has nothing but pictures on it."""
    return max(sum(wide for wide, _high in row) for row in sizes) * sum(map(_tallest, sizes))


def _tallest(row: Sequence[PixelSize]) -> int:
    return max(high for _wide, high in row)


def _png(picture: Image.Image, *, optimize: bool = False) -> bytes:
    """Write a file; to `optimize` it takes seconds, for a tenth of its size."""
    file = BytesIO()
    picture.save(file, "PNG", optimize=optimize)
    return file.getvalue()
