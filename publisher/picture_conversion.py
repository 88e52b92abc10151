"""Convert pictures that browsers or mail clients do not show, in a process with limits."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from publisher.errors import ArticleError
from publisher.messages import message

# Formats that are converted, by their suffixes. A drawing (SVG) can hold a program, so it is not
# published as it is.
CONVERTED_SUFFIXES = frozenset(
    {".svg", ".svgz", ".bmp", ".dib", ".tif", ".tiff", ".jp2", ".ico", ".ppm", ".tga", ".pcx"}
)
# Seconds of the clock; the program itself has a limit of processor time.
_TIMEOUT = 60
_PROGRAM = Path(__file__).with_name("picture_converter.py")


def convert_picture(content: bytes) -> bytes:
    """Return a picture as PNG or JPEG; raise ArticleError, which says why it can't be converted."""
    try:
        done = subprocess.run(  # noqa: S603  # this interpreter and a program of ours
            [sys.executable, "-I", str(_PROGRAM)],
            input=content,
            capture_output=True,
            timeout=_TIMEOUT,
            env={},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ArticleError(_too_much()) from None
    if done.returncode == 0 and done.stdout:
        return done.stdout
    reason = done.stderr.decode("utf-8", "replace").strip()
    raise ArticleError(reason if done.returncode == 2 and reason else _too_much())  # noqa: PLR2004  # as the program says


def _too_much() -> str:
    return message("takes too long or too much memory to convert; export it as PNG")
