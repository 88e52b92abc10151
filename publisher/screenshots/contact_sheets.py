"""Crop screenshots, and compose many of them into one picture, with Pillow.

All pictures are PNG files in memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

# In pixels of the sheet, whatever the scale of its pictures.
SHEET_GAP = 20
SHEET_LABEL_HEIGHT = 28
_FONT_SIZE = 18
# A grey that differs from white and from black mails.
_BACKGROUND = "#9aa0a8"
_LABEL_COLOUR = "#000000"

# Two or three megabytes, which picture viewers open at once. With four languages the text is
# small, but readable.
MAX_SHEET_PIXELS = 16_000_000
# The most that a PNG palette holds. The file is a third of that in true colours, without a visible
# difference at this size.
_PALETTE_COLOURS = 256

PixelSize = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPicture:
    """A picture and the line above it, in ASCII: Pillow's own font has little else."""

    label: str
    picture: bytes


def crop_column(
    strips: Sequence[bytes], left: int, width: int, heights: Sequence[int]
) -> bytes:
    """Return a column of several pictures, `width` pixels from `left`, as one picture.

    `heights` says how many of the upper pixels of each picture are used.
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
    """Return rows of labelled pictures as one picture with at most `colours` colours.

    `scale` is the most by which pictures are scaled: it is reduced if the sheet would have more
    than about MAX_SHEET_PIXELS. Pictures are cut off at `lowest` pixels of their own height.
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
    # Without dithering: it is noise, which PNG can't compress.
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
    """Return the pixels of a sheet without labels and gaps."""
    return max(sum(wide for wide, _high in row) for row in sizes) * sum(map(_tallest, sizes))


def _tallest(row: Sequence[PixelSize]) -> int:
    return max(high for _wide, high in row)


def _png(picture: Image.Image, *, optimize: bool = False) -> bytes:
    """Return a PNG file; `optimize` takes seconds and saves a tenth."""
    file = BytesIO()
    picture.save(file, "PNG", optimize=optimize)
    return file.getvalue()
