"""Cutting pictures out of pictures, and laying many of them out on one. Knows Pillow, and no mail.

All pictures are PNG files in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

# In pixels of the sheet, however small its pictures are made.
GAP = 20
LABEL = 28
LETTERS = 18
# A grey that neither white nor black mails melt into.
GROUND = "#9aa0a8"
INK = "#000000"

# What viewers open at once, and two or three megabytes; with four languages the text is small,
# and can be read.
MOST_PIXELS = 16_000_000
# As many as a palette has: a third of the file that true colours would make, and no difference
# that is seen at that size.
COLOURS = 256

Size = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A picture, and the line above it, in ASCII: Pillow's own font has little else."""

    label: str
    picture: bytes


def cut(strips: Sequence[bytes], left: int, width: int, heights: Sequence[int]) -> bytes:
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


def sheet(
    rows: Sequence[Sequence[Labelled]],
    *,
    scale: float = 1.0,
    lowest: int | None = None,
    colours: int = COLOURS,
) -> bytes:
    """Lay rows of pictures out on one of so many colours, each below its label.

    `scale` is how large they are there, at most: a sheet of more than about MOST_PIXELS has
    them smaller. `lowest` is where pictures that are longer are cut off, in their own pixels.
    """
    sizes = [[_size(one.picture, lowest) for one in row] for row in rows]
    scale = min(scale, (MOST_PIXELS / _area(sizes)) ** 0.5)
    small = [
        [(_scaled(wide, scale), _scaled(high, scale)) for wide, high in row] for row in sizes
    ]
    width = max(sum(wide + GAP for wide, _high in row) for row in small) + GAP
    height = sum(_tallest(row) + LABEL + GAP for row in small)
    whole = Image.new("RGB", (width, height), GROUND)
    top = 0
    for row, before, after in zip(rows, sizes, small, strict=True):
        left = GAP
        for one, size, new in zip(row, before, after, strict=True):
            _lay(whole, one, (left, top), size, new)
            left += new[0] + GAP
        top += LABEL + _tallest(after) + GAP
    # Dithering is noise, which is the one thing that PNG can't make small.
    return _png(whole.quantize(colours, dither=Image.Dither.NONE), optimize=True)


def _lay(whole: Image.Image, one: Labelled, place: Size, size: Size, new: Size) -> None:
    left, top = place
    font = ImageFont.load_default(LETTERS)
    label = (left, top + LABEL // 2)
    ImageDraw.Draw(whole).text(label, one.label, fill=INK, font=font, anchor="lm")
    with _opened(one.picture) as picture:
        piece = picture.convert("RGB").crop((0, 0, *size))
    whole.paste(piece.resize(new, Image.Resampling.LANCZOS), (left, top + LABEL))


def _opened(picture: bytes) -> Image.Image:
    return Image.open(BytesIO(picture), formats=["PNG"])


def _size(picture: bytes, lowest: int | None) -> Size:
    with _opened(picture) as whole:
        width, height = whole.size
    return width, min(height, lowest or height)


def _scaled(length: int, scale: float) -> int:
    return max(1, round(length * scale))


def _area(sizes: Sequence[Sequence[Size]]) -> int:
    """Give the pixels of a sheet that has nothing but pictures on it."""
    return max(sum(wide for wide, _high in row) for row in sizes) * sum(map(_tallest, sizes))


def _tallest(row: Sequence[Size]) -> int:
    return max(high for _wide, high in row)


def _png(picture: Image.Image, *, optimize: bool = False) -> bytes:
    """Write a file; to `optimize` it takes seconds, for a tenth of its size."""
    file = BytesIO()
    picture.save(file, "PNG", optimize=optimize)
    return file.getvalue()
