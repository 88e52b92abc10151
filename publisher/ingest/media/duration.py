"""The duration of audio and video files, from their headers, by tinytag."""

import math
from typing import BinaryIO

from tinytag import TinyTag, TinyTagException


def media_duration(file: BinaryIO) -> int | None:
    """Return whole seconds, at least 1; None if unknown. tinytag does not read every kind, and headers may be wrong."""
    try:
        seconds = TinyTag.get(file_obj=file, tags=False).duration
    except TinyTagException:
        return None
    if seconds is None or not math.isfinite(seconds) or seconds <= 0:
        return None
    return max(1, round(seconds))
