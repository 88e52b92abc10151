"""How long recordings last, from their own headers. Plays nothing; the one module that knows tinytag."""

from __future__ import annotations

import math
from typing import BinaryIO

from tinytag import TinyTag, TinyTagException


def media_duration(file: BinaryIO) -> int | None:
    """Give the length of a sound or film in whole seconds, at least 1.

    None if it can't be told: not every kind is read, and a header may lie or be cut short.
    """
    try:
        seconds = TinyTag.get(file_obj=file, tags=False).duration
    except TinyTagException:
        return None
    if seconds is None or not math.isfinite(seconds) or seconds <= 0:
        return None
    return max(1, round(seconds))
