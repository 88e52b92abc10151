"""The sheet in which browsers show raw feeds, and the colours of pages and feeds."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from publisher.colours import AA, contrast
from publisher.languages import direction
from publisher.rendering import Renderer
from publisher.rendering.typography import typeface
from tests.publisher.rendering import sample

SHEETS = {tag: Renderer().feed_style(sample.publication(tag)) for tag in sample.LANGUAGES}
RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
# What each colour of text stands on somewhere.
GROUNDS = {
    "ink": ("paper", "tint", "sheet"),
    "soft": ("paper", "tint", "sheet"),
    "accent": ("paper", "tint", "sheet"),
    "label": ("paper", "sheet"),
}


def rules(sheet: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for selectors, declarations in RULE.findall(sheet.partition("*|* ")[2]):
        for selector in selectors.split("*/")[-1].split(","):
            found[selector.strip()] = found.get(selector.strip(), "") + declarations
    return found


def palettes(sheet: str) -> list[dict[str, str]]:
    """Give the colours in light, and those in dark."""
    blocks = [text for text in re.findall(r":root \{([^}]*)\}", sheet) if "--paper" in text]
    return [dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block)) for block in blocks]


@pytest.mark.parametrize("language", sample.LANGUAGES)
def test_it_has_the_language_s_direction_and_typeface(language: str) -> None:
    root = rules(SHEETS[language])["atom|feed"]
    assert f"direction: {direction(language)};" in root
    assert typeface(language).body in root
    assert root == rules(SHEETS[language])["|rss"]


@pytest.mark.parametrize("language", sample.LANGUAGES)
def test_it_is_whole_and_fetches_nothing(language: str) -> None:
    sheet = SHEETS[language]
    assert sheet.count("{") == sheet.count("}")
    assert "{{" not in sheet
    assert "@import" not in sheet
    assert re.findall(r"url\(([^)]*)\)", sheet) == [
        '"http://www.w3.org/2005/Atom"',
        '"http://purl.org/dc/elements/1.1/"',
    ]


def test_namespaces_are_declared_before_anything_else() -> None:
    lines = [line for line in SHEETS["en"].splitlines() if line.strip()]
    assert [line.split()[:2] for line in lines[:2]] == [
        ["@namespace", "atom"],
        ["@namespace", "dc"],
    ]
    assert not any(line.startswith("@namespace") for line in lines[2:])


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "To follow it, copy the address of this page into a feed reader."),
        ("zh-Hans", "如要订阅，请将本页地址复制到 RSS 阅读器中。"),
        ("zh-Hant", "如要訂閱，請將本頁網址複製到 RSS 閱讀器中。"),
        ("ar", "لمتابعتها، انسخ عنوان هذه الصفحة إلى قارئ الخلاصات."),
        ("de", "To follow it, copy the address of this page into a feed reader."),
    ],
)
def test_the_style_says_what_to_do_in_the_language_of_the_feed(
    language: str, words: str
) -> None:
    for selector in ("|rss::before", "atom|feed::before"):
        assert f'"{words}"' in rules(SHEETS[language])[selector]


def test_english_words_above_a_feed_from_right_to_left_run_from_left_to_right() -> None:
    sheet = rules(Renderer().feed_style(replace(sample.publication("ar"), language="he")))
    assert "direction: rtl;" in sheet["|rss"]
    assert "direction: ltr;" in sheet["|rss::before"]


def test_it_shows_what_people_read_and_hides_all_else() -> None:
    sheet = SHEETS["en"]
    assert "*|* { display: none; }" in sheet
    shown = {
        selector
        for selector, declarations in rules(sheet).items()
        if re.search(r"display: (block|flex)", declarations)
    }
    assert shown == {
        "|rss",
        "|rss::before",
        "|rss > |channel",
        "|channel > |title",
        "|channel > |description",
        "|channel > |item",
        "|item > |title",
        "|item > |description",
        "|item > |pubDate",
        "|item > dc|creator",
        "atom|feed",
        "atom|feed::before",
        "atom|feed > atom|title",
        "atom|feed > atom|subtitle",
        "atom|feed > atom|entry",
        "atom|entry > atom|title",
        "atom|entry > atom|summary",
        "atom|entry > atom|published",
        "atom|entry > atom|author",
        "atom|entry > atom|author > atom|name",
    }


def test_every_text_of_an_entry_finds_its_own_direction() -> None:
    sheet = rules(SHEETS["en"])
    for selector in ("|item > |title", "|item > |description", "atom|entry > atom|summary"):
        assert "unicode-bidi: plaintext;" in sheet[selector]


@pytest.mark.parametrize("where", ["page", "feed"])
def test_every_colour_of_text_stands_out_in_light_and_in_dark(where: str) -> None:
    page = Renderer().home_page(sample.home("en"), sample.feeds("en"))
    found = palettes(page if where == "page" else SHEETS["en"])
    assert len(found) == 2
    for palette in found:
        for ink, grounds in GROUNDS.items():
            for ground in grounds:
                if ink in palette and ground in palette:
                    assert contrast(palette[ink], palette[ground]) >= AA, (ink, ground)
