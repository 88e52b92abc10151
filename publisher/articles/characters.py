"""Characters that a text may hold, and what lies between lines. Knows no markup and no format."""

from __future__ import annotations

import re
import unicodedata

# C0 and C1 controls but tab and line feed, the byte order mark, lone surrogates, noncharacters:
# XML may not hold most of them, and none has a meaning in prose.
UNWANTED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\ud800-\udfff\ufdd0-\ufdef"
    + "".join(chr(plane << 16 | 0xFFFE) + chr(plane << 16 | 0xFFFF) for plane in range(17))
    + "]"
)
# The one mark that composes with `<` and `>`.
OVERLAY = "\u0338"
# Scripts that put nothing between words: a line break in the source is no space to their readers.
WIDE = "\u3000-\u30ff\u31f0-\u9fff\uf900-\ufaff\uff01-\uff60\U00020000-\U0003ffff"
SPACELESS = re.compile(f"[{WIDE}]")
WIDE_BREAK = re.compile(f"(?<=[{WIDE}])[ \t]*\n[ \t]*(?=[{WIDE}])")


def clean_text(text: str) -> str:
    """Remove characters that no document should hold, and compose the others (NFC).

    An overlay behind an angle bracket goes too: composed, the two would be one letter, and the
    end of a tag would be gone.
    """
    text = UNWANTED.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    if unicodedata.is_normalized("NFC", text):
        return text
    first, *others = re.split("([<>])", text)
    composed = [unicodedata.normalize("NFC", piece).lstrip(OVERLAY) for piece in others]
    return unicodedata.normalize("NFC", first) + "".join(composed)
