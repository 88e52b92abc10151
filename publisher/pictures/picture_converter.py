"""A program of its own: a picture on standard input, a PNG or JPEG on standard output.

With `--narrow`, narrower copies as WebP: a line with width and bytes before each.

`publisher.pictures.conversion` starts it. It limits its own time and memory, because a small file can take any
amount of both. It imports nothing of the publisher. Exit code 2 and a line on standard error say why a picture
can't be converted.
"""

import gzip
import io
import math
import os
import re
import resource
import sys
import warnings
import zlib
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from lxml import etree
from PIL import Image, ImageFont, ImageOps

_MAX_SIDE = 1_600  # pixels of the longer side: twice the width of a page's text
_MAX_PIXELS = 40_000_000  # pixels before decoding: a scan of a page at 600 dpi has 35 million
_MAX_SVG_BYTES = 10_000_000  # bytes of a compressed SVG (.svgz) when it is unpacked
# Seconds of processor time, and bytes of address space. Fonts are mapped into memory.
_MAX_SECONDS = 10
_MAX_MEMORY = 2 << 30
# Formats of Pillow's that browsers do not show, and that need no program of their own.
_FORMATS = ("BMP", "DIB", "TIFF", "JPEG2000", "ICO", "PPM", "TGA", "PCX")
# Where Linux distributions put fonts, and so many of them that are looked at.
_FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts")
_MAX_FONTS = 3_000
_COMMON_FONTS = (
    "DejaVu Sans",
    "Liberation Sans",
    "Noto Sans",
    "Open Sans",
    "Roboto",
    "FreeSans",
)
# Pixels: the width of a page's text, and twice that, for screens with two pixels for each of CSS.
_COPY_WIDTHS = (800, 1_600)
_QUALITY = 80
_STRIP = 64  # rows of a picture that is scaled down, made at a time
_FLAT_COLOURS = 4_096  # drawings and screenshots have so few colours; they stay exact
_PIXELS = re.compile(r"\s*([0-9.]+)(?:px)?\s*")
_SVG = "{http://www.w3.org/2000/svg}"
_DEFAULT_SIZE = (300.0, 150.0)  # of a replaced element without a size (CSS 2.2 section 10.3.2)


class UnconvertibleError(ValueError):
    """Why a picture can't be converted, and what to do."""


def converted_picture(content: bytes) -> bytes:
    """Return a picture as PNG, or as JPEG if it is a photograph; raise UnconvertibleError."""
    if content[:2] == b"\x1f\x8b" or b"<svg" in content[:4_000]:
        return _converted_svg(content)
    return _converted_image(content)


def _converted_image(content: bytes) -> bytes:
    try:
        with (
            warnings.catch_warnings(action="ignore"),
            Image.open(io.BytesIO(content), formats=_FORMATS) as image,
        ):
            if math.prod(image.size) > _MAX_PIXELS:
                most = _MAX_PIXELS // 1_000_000
                raise UnconvertibleError(f"has more than {most} million pixels; scale it down")
            is_plain = image.mode in {"1", "L", "P", "RGBA", "LA", "PA", "I", "I;16"}
            image.thumbnail((_MAX_SIDE, _MAX_SIDE))
            with_alpha = "RGBA" if image.has_transparency_data else "RGB"
            result = io.BytesIO()
            if is_plain:
                image.convert(with_alpha).save(result, "PNG")
            else:
                image.convert("RGB").save(result, "JPEG", quality=88)
            return result.getvalue()
    except Image.DecompressionBombError:
        raise UnconvertibleError("has too many pixels; scale it down") from None
    except (OSError, ValueError, SyntaxError) as error:
        if isinstance(error, UnconvertibleError):
            raise
        raise UnconvertibleError("can't be read; export it as PNG or JPEG") from None


class _Decoded(NamedTuple):
    """A picture for copies: `is_flat` has few colours; `profile` is that of its colours."""

    image: Image.Image
    is_flat: bool
    profile: bytes


def narrower_copies(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield copies of a picture as WebP, with their widths, the widest first; none if they save nothing.

    What moves stays as it is. Places and names of cameras (Exif) are left out, colour profiles are kept.
    """
    decoded = _decoded(content)
    if decoded is None:
        return
    image, is_flat, profile = decoded
    most = len(content)
    for width in sorted({min(width, image.width) for width in _COPY_WIDTHS}, reverse=True):
        size = width, max(1, round(image.height * width / image.width))
        copy = io.BytesIO()
        image.resize(size, Image.Resampling.LANCZOS).save(
            copy, "WEBP", quality=_QUALITY, lossless=is_flat, icc_profile=profile
        )
        if len(copy.getvalue()) >= most:
            return
        most = len(copy.getvalue())
        yield width, copy.getvalue()


def _decoded(content: bytes) -> _Decoded | None:
    """Return an upright picture; None if it moves, or is too large."""
    with Image.open(io.BytesIO(content), formats=("JPEG", "PNG", "WEBP")) as opened:
        if getattr(opened, "is_animated", False) or opened.mode[0] in "IF":
            return None
        # JPEG is decoded at a half, a quarter or an eighth, if that is large enough.
        opened.draft("RGB", (max(_COPY_WIDTHS), max(_COPY_WIDTHS)))
        if math.prod(opened.size) > _MAX_PIXELS:
            return None
        profile = opened.info.get("icc_profile", b"") if opened.mode != "CMYK" else b""
        if opened.format != "WEBP":  # browsers ignore Exif in it
            ImageOps.exif_transpose(opened, in_place=True)
        is_flat = opened.format == "PNG" and opened.getcolors(_FLAT_COLOURS) is not None
        image = _scaled_down(opened, "RGBA" if opened.has_transparency_data else "RGB")
        return _Decoded(image, is_flat, profile)


def _scaled_down(image: Image.Image, mode: str) -> Image.Image:
    """Return a picture in a mode, not much more than twice as wide as its copies need.

    It is made strip by strip: each copy of a whole picture of 40 million pixels takes 160 MB.
    """
    factor = image.width // (2 * max(_COPY_WIDTHS))
    if factor <= 1:
        return image.convert(mode)
    width, height = (math.ceil(side / factor) for side in image.size)
    small = Image.new(mode, (width, height))
    for top in range(0, height, _STRIP):
        strip = image.crop(
            (0, top * factor, image.width, min((top + _STRIP) * factor, image.height))
        )
        small.paste(strip.convert(mode).reduce(factor), (0, top))
    return small


def _converted_svg(content: bytes) -> bytes:
    import resvg_py  # loads in a while, and most pictures are none

    tree = _svg_tree(content)
    _check_svg(tree)
    width, height = _svg_size(tree)
    scale = min(1.0, _MAX_SIDE / max(width, height))
    tree.set("width", f"{width:f}")
    tree.set("height", f"{height:f}")
    has_text = next(tree.iter(f"{_SVG}text"), None) is not None
    # In the place of fonts that the drawing names and that are not installed.
    family = _font_family() if has_text else None
    rendered = partial(
        resvg_py.svg_to_bytes,
        svg_string=etree.tostring(tree, encoding="unicode"),
        font_family=family,
        serif_family=family,
        sans_serif_family=family,
        monospace_family=family,
        width=max(1, round(width * scale)),
        height=max(1, round(height * scale)),
    )
    try:
        picture = rendered(skip_system_fonts=not has_text)
        lost_text = has_text and picture == rendered(skip_system_fonts=True)
    except ValueError:
        raise UnconvertibleError("is no valid SVG; export it as PNG") from None
    if lost_text:
        problem = "its text needs a font that is not installed; export it as PNG"
        raise UnconvertibleError(problem)
    return picture


def _font_family() -> str | None:
    """Return the name of an installed font for text, a common one if possible; None without any."""
    found: dict[str, None] = {}
    for folder in _FONT_FOLDERS:
        for path in sorted(Path(folder).rglob("*.[to]t[fc]"))[:_MAX_FONTS]:
            with suppress(OSError):
                found[ImageFont.truetype(path).getname()[0] or ""] = None
    return next((name for name in (*_COMMON_FONTS, *found) if name in found), None)


def _svg_tree(content: bytes) -> etree._Element:
    try:
        if content[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
                content = file.read(_MAX_SVG_BYTES + 1)
        if len(content) > _MAX_SVG_BYTES:
            raise UnconvertibleError("is a drawing of more than 10 MB; export it as PNG")
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True
        )
        return etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, OSError, EOFError, zlib.error):
        raise UnconvertibleError("is no valid SVG; export it as PNG") from None


def _check_svg(tree: etree._Element) -> None:
    """Refuse what would be lost, or read from somewhere else."""
    for element in tree.iter(f"{_SVG}*"):
        # resvg opens the files that images and filters name, wherever they are. Links draw nothing.
        is_image = element.tag == f"{_SVG}image"
        named = [
            str(one) for name, one in element.items() if etree.QName(name).localname == "href"
        ]
        inside = ("data:",) if is_image else ("data:", "#")
        is_inside = all(one.strip().startswith(inside) for one in named)
        if element.tag != f"{_SVG}a" and not (is_inside and (named or not is_image)):
            raise UnconvertibleError("shows another file; export it as PNG")
    for foreign in tree.iter(f"{_SVG}foreignObject"):
        if next(foreign.iterancestors(f"{_SVG}switch"), None) is None:
            raise UnconvertibleError("holds a piece of a web page; export it as PNG")


def _svg_size(tree: etree._Element) -> tuple[float, float]:
    """Return the size in CSS pixels that an SVG states, or that of its view."""
    stated = [_PIXELS.fullmatch(tree.get(name, "")) for name in ("width", "height")]
    view = re.findall(r"-?[0-9.]+", tree.get("viewBox", ""))
    try:
        size = [float(one[1]) if one else 0.0 for one in stated]
        box = [float(one) for one in view[2:4]] or list(_DEFAULT_SIZE)
    except ValueError:
        raise UnconvertibleError("has no size; export it as PNG") from None
    if not all(one > 0 and math.isfinite(one) for one in box):
        box = list(_DEFAULT_SIZE)
    ratio = box[1] / box[0]
    width = size[0] or (size[1] / ratio if size[1] else box[0])
    height = size[1] or width * ratio
    if not (math.isfinite(width) and math.isfinite(height)):
        raise UnconvertibleError("has no size; export it as PNG")
    return max(width, 1.0), max(height, 1.0)


def main() -> int:
    resource.setrlimit(resource.RLIMIT_CPU, (_MAX_SECONDS, _MAX_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY, _MAX_MEMORY))
    content = sys.stdin.buffer.read()
    try:
        if "--narrow" in sys.argv:
            os.nice(10)
            for width, copy in narrower_copies(content):
                sys.stdout.buffer.write(b"%d %d\n" % (width, len(copy)) + copy)
        else:
            sys.stdout.buffer.write(converted_picture(content))
    except UnconvertibleError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
