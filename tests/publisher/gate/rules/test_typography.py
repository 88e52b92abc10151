from __future__ import annotations

import pytest

from publisher.gate.rules import typography
from tests.publisher.gate.pages import (
    WORDS,
    Fault,
    changed,
    codes,
    with_content,
)


def set_in(style: str, language: str = "en") -> str:
    return changed('<p style="margin:12px 0 0 0">', f'<p style="margin:0; {style}">', language)


FAULTS = (
    Fault(
        "text is tiny", "text-small", with_content('<p style="font-size:11px">small print</p>')
    ),
    Fault("running text is small", "text-small", set_in("font-size:13px; line-height:24px")),
    Fault("lines are dense", "line-height", set_in("line-height:22px")),
    Fault("a factor makes them so", "line-height", set_in("line-height:1.2")),
    Fault("there is no line height", "line-height", set_in("line-height:normal")),
    Fault(
        "ideographs are dense", "line-height", set_in("line-height:1.5", "zh-Hant"), "zh-Hant"
    ),
    Fault("there is no font", "font-stack", changed("font-family:", "x-font:")),
    Fault("there is no generic font at the end", "font-stack", set_in("font-family:Helvetica")),
    Fault(
        "Hant is set in a font for Hans",
        "font-script",
        set_in("font-family:'Microsoft YaHei', sans-serif", "zh-Hant"),
        "zh-Hant",
    ),
    Fault(
        "no font for Hant is named",
        "font-script",
        set_in("font-family:Arial, sans-serif", "zh-Hant"),
        "zh-Hant",
    ),
    Fault(
        "ideographs are slanted",
        "script-italic",
        with_content("<em>渡輪</em>", "zh-Hant"),
        "zh-Hant",
    ),
    Fault(
        "ideographs are spaced",
        "script-spacing",
        set_in("letter-spacing:1px", "zh-Hant"),
        "zh-Hant",
    ),
    Fault(
        "Arabic letters are spaced", "script-spacing", set_in("letter-spacing:.1em", "ar"), "ar"
    ),
    Fault("Arabic is justified", "script-justify", set_in("text-align:justify", "ar"), "ar"),
    Fault(
        "an address is shown",
        "long-word",
        with_content(f"<p>https://news.example.org/{'x' * 40}</p>"),
    ),
)


@pytest.mark.parametrize(
    "content",
    [
        # Latin may be slanted and spaced.
        '<p style="letter-spacing:1px"><em>The week</em></p>',
        # A name can be read in any font.
        '<p lang="zh-Hans">简体中文</p>',
        # Hidden text may be of any size.
        '<div style="font-size:1px; display:none">x</div>',
        '<div style="font-size:1px">&nbsp;</div>',
        # A shorthand sets all of it.
        f'<p style="font:16px/24px Georgia, serif">{WORDS["en"]["text"]}</p>',
        # Chinese breaks anywhere, and a soft hyphen lets words do so.
        f"<p>{'渡輪' * 40}</p>",
        f"<p>{'ferry&shy;' * 12}</p>",
    ],
)
def test_legible_type_is_accepted(content: str) -> None:
    assert codes(typography, with_content(content)) == []


def test_latin_in_a_mail_in_chinese_needs_no_chinese_font() -> None:
    text = WORDS["en"]["text"]
    content = f'<p lang="en" style="font-family:Arial, sans-serif">{text}</p>'
    assert codes(typography, with_content(content, "zh-Hant"), "zh-Hant") == []
