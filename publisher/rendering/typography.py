"""Fonts and line heights of a language: system fonts, chosen by script.

A Han character has one code point and several shapes, so Simplified, Traditional, Japanese and Korean
have fonts of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from publisher.languages import script


@dataclass(frozen=True, slots=True, kw_only=True)
class Typeface:
    """Font stacks in CSS; line heights as multiples of the font size.

    `office` is one font of Windows, since Outlook there reads stacks wrongly.
    """

    body: str
    heading: str
    office: str
    leading: float
    heading_leading: float


SANS = "-apple-system,'Segoe UI',Roboto,Arial,sans-serif"

WESTERN = Typeface(
    body=SANS,
    heading="Georgia,'Times New Roman',serif",
    office="Arial",
    leading=1.55,
    heading_leading=1.22,
)


def _asian(stack: str, office: str) -> Typeface:
    # CJK characters fill their square, so lines need more space than Latin ones.
    fonts = f"{stack},Arial,sans-serif"
    return Typeface(
        body=fonts, heading=fonts, office=office, leading=1.72, heading_leading=1.38
    )


def _semitic(stack: str, office: str) -> Typeface:
    # Marks above and below the letters are cut off in tight lines.
    fonts = f"{stack},Arial,sans-serif"
    return Typeface(body=fonts, heading=fonts, office=office, leading=1.75, heading_leading=1.5)


BY_SCRIPT = {
    "Hans": _asian(
        "'PingFang SC','Hiragino Sans GB','Microsoft YaHei','Noto Sans CJK SC'",
        "Microsoft YaHei",
    ),
    "Hant": _asian(
        "'PingFang TC','Microsoft JhengHei','Noto Sans CJK TC'", "Microsoft JhengHei"
    ),
    "Jpan": _asian("'Hiragino Sans','Yu Gothic',Meiryo,'Noto Sans CJK JP'", "Meiryo"),
    "Kore": _asian("'Apple SD Gothic Neo','Malgun Gothic','Noto Sans CJK KR'", "Malgun Gothic"),
    "Arab": _semitic("'Segoe UI',Tahoma,'Geeza Pro','Noto Sans Arabic'", "Segoe UI"),
    "Hebr": _semitic("'Segoe UI','Noto Sans Hebrew'", "Segoe UI"),
}


@lru_cache(maxsize=256)
def typeface(language: str, headings: str = "serif") -> Typeface:
    """Return the typeface of a language; `sans` sets headings like the text."""
    face = BY_SCRIPT.get(script(language), WESTERN)
    return replace(face, heading=face.body) if headings == "sans" else face
