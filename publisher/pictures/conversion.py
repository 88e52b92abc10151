"""Convert pictures in a process apart: a small file can take any amount of time and memory."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from publisher.errors import ArticleError
from publisher.i18n.messages import message

_TIMEOUT = 60  # seconds of the clock; the program itself has a limit of processor time
_PROGRAM = Path(__file__).with_name("picture_converter.py")


def convert_picture(content: bytes) -> bytes:
    """Return a picture as PNG or JPEG; raise ArticleError, which says why it can't be converted."""
    return _converted(content)


def narrow_picture(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield narrower WebP copies and widths in pixels, widest first; none if they save no bytes. Raises ArticleError."""
    rest = _converted(content, "--narrow")
    while rest:
        head, _, rest = rest.partition(b"\n")
        width, length = map(int, head.split())
        yield width, rest[:length]
        rest = rest[length:]


def _converted(content: bytes, *options: str) -> bytes:
    too_much = message("takes too long or too much memory to convert; export it as PNG")
    try:
        done = subprocess.run(  # noqa: S603  # this interpreter and a program of ours
            [sys.executable, "-I", str(_PROGRAM), *options],
            input=content,
            capture_output=True,
            timeout=_TIMEOUT,
            env={},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ArticleError(too_much) from None
    if done.returncode == 0 and (done.stdout or options):
        return done.stdout
    reason = done.stderr.decode("utf-8", "replace").strip()
    raise ArticleError(reason if done.returncode == 2 and reason else too_much)  # noqa: PLR2004  # as the program says
