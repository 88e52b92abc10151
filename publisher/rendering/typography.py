"""Which fonts and line heights a language is set in: system fonts only, chosen by script.

Han characters are one code point for several shapes, so Simplified, Traditional, Japanese and
Korean each name their own fonts. Knows no template.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from publisher.languages import script


@dataclass(frozen=True, slots=True, kw_only=True)
class Typeface:
    """Font stacks as CSS writes them; line heights as multiples of the font size.

    `office` is one font that Outlook on Windows has: its engine reads a stack badly.
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
    # CJK characters fill their square: lines need more air than Latin ones to be told apart.
    fonts = f"{stack},Arial,sans-serif"
    return Typeface(
        body=fonts, heading=fonts, office=office, leading=1.72, heading_leading=1.38
    )


def _semitic(stack: str, office: str) -> Typeface:
    # Marks above and below the letters need room, and are cut off in tight headings.
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
    """Give what a language is set in; `sans` sets headings like the rest."""
    face = BY_SCRIPT.get(script(language), WESTERN)
    return replace(face, heading=face.body) if headings == "sans" else face
