"""Clean characters in text, and join lines as each script does."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

# C0 and C1 controls except tab and line feed, byte order mark, lone surrogates, noncharacters:
# XML forbids most of them, and none has a meaning in text.
UNWANTED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\ud800-\udfff\ufdd0-\ufdef"
    + "".join(chr(plane << 16 | 0xFFFE) + chr(plane << 16 | 0xFFFF) for plane in range(17))
    + "]"
)
# The only combining mark that composes with `<` and `>`.
_OVERLAY = "\u0338"
# Scripts without spaces between words: a line break between two such characters is no space.
_WIDE = "\u3000-\u30ff\u31f0-\u9fff\uf900-\ufaff\uff01-\uff60\U00020000-\U0003ffff"
UNSPACED_CHARACTER = re.compile(f"[{_WIDE}]")
WIDE_BREAK = re.compile(f"(?<=[{_WIDE}])[ \t]*\n[ \t]*(?=[{_WIDE}])")


def clean_characters(text: str) -> str:
    """Remove characters that no document should contain, and normalise the others (NFC).

    A combining overlay behind an angle bracket is removed too: it would compose with the bracket
    and so remove the end of an HTML tag.
    """
    text = UNWANTED.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    if unicodedata.is_normalized("NFC", text):
        return text
    first, *others = re.split("([<>])", text)
    composed = [unicodedata.normalize("NFC", piece).lstrip(_OVERLAY) for piece in others]
    return unicodedata.normalize("NFC", first) + "".join(composed)


def join_lines(lines: Iterable[str]) -> str:
    """Join the lines of one paragraph: by a space, or by nothing between Chinese or Japanese."""
    joined = ""
    for line in lines:
        text = line.strip()
        joined += text if not joined or joins_without_space(joined, text) else f" {text}"
    return joined


def joins_without_space(before: str, after: str) -> bool:
    """Return whether a line break between the two is no space (CSS Text 3 section 4.1.3)."""
    return bool(UNSPACED_CHARACTER.match(before[-1:]) and UNSPACED_CHARACTER.match(after[:1]))
