from __future__ import annotations

import pytest

from publisher.gate.rules import contrast
from tests.publisher.gate.pages import (
    Fault,
    changed,
    codes,
    findings,
    with_content,
)

DARK = "@media (prefers-color-scheme:dark)"
GRAY = '<p class="note" style="color:#767676; background-color:#ffffff">x</p>'

FAULTS = (
    Fault("text is too pale", "contrast", with_content('<p style="color:#777777">x</p>')),
    Fault(
        "a background is too dark",
        "contrast",
        with_content('<p style="background-color:#8f2f12">x</p>'),
    ),
    Fault(
        "a text colour is transparent",
        "contrast",
        with_content('<p style="color:rgba(31,29,26,.5)">x</p>'),
    ),
    Fault(
        "an element is transparent",
        "contrast",
        with_content('<div style="opacity:.5"><p>x</p></div>'),
    ),
    Fault(
        "bold text is a little too small",
        "contrast",
        with_content('<b style="font-size:18px; color:#777777">x</b>'),
    ),
    Fault(
        "only the text changes in dark mode",
        "contrast-dark",
        changed(".item { background-color:#1f1c19 !important; color", ".item { color"),
    ),
    Fault(
        "a text of another colour does not change",
        "contrast-dark",
        with_content('<p style="color:#1f1d1a">x</p>'),
    ),
    Fault(
        "a style attribute outranks dark mode",
        "contrast-dark",
        changed("#f1ede5 !important; }\n.link", "#f1ede5; }\n.link"),
    ),
    Fault(
        "the canvas is dark, and its text is not",
        "contrast-dark",
        '<meta name="color-scheme" content="light dark"><p style="color:#333333">x</p>',
    ),
    Fault(
        "a link in a text is not underlined",
        "link-unmarked",
        changed(
            'class="link" style="color:#8f2f12"',
            'class="link" style="color:#5a2a1a; text-decoration:none"',
        ),
    ),
    Fault("it has no dark colours", "dark-missing", changed(DARK, "@media print")),
    Fault("Outlook's dark mode has none", "dark-outlook", changed("data-ogs", "data-x")),
)


@pytest.mark.parametrize(
    "content",
    [
        '<h2 class="note" style="font-size:24px; color:#888888; background-color:#ffffff">x</h2>',
        '<b class="note" style="font-size:19px; color:#888888; background-color:#ffffff">x</b>',
        GRAY,
        # Punctuation and hidden text need no contrast.
        '<p style="color:#ffffff; background-color:#ffffff">&nbsp;· |</p>',
        '<p style="color:#ffffff; background-color:#ffffff; display:none">x</p>',
        # The nearest background counts, and an element's own colour.
        '<div style="background-color:#000000"><p class="note" style="background:#ffffff; color:#333333">x</p></div>',
        '<div style="color:#ffffff"><p class="note" style="color:#333333; background:#ffffff none">x</p></div>',
    ],
)
def test_text_with_enough_contrast_is_accepted(content: str) -> None:
    assert codes(contrast, with_content(content)) == []


def test_the_ratio_is_never_rounded_up() -> None:
    page = changed("color:#1f1d1a;", "color:#777777;").replace("<h1", "<b").replace("<h2", "<b")
    problems = {f.problem for f in findings(contrast, page) if f.code == "contrast"}
    assert problems == {"#777777 on #ffffff is 4.47:1 and needs 4.5:1"}


def test_a_background_image_does_not_count_since_it_may_be_blocked() -> None:
    content = '<div style="background:#ffffff url(x.png)"><p style="color:#ffffff">x</p></div>'
    problems = [f.problem for f in findings(contrast, with_content(content))]
    assert "#ffffff on #ffffff is 1.0:1 and needs 4.5:1" in problems


def test_colours_for_phones_and_paper_do_not_count_on_a_desktop() -> None:
    rules = "@media (max-width:600px) { p { color:#ffffff !important } } @media print { p { color:#ffffff !important } }"
    assert codes(contrast, changed("</head>", f"<style>{rules}</style></head>")) == []


def test_a_link_that_is_the_whole_heading_needs_no_underline() -> None:
    content = '<h2><a href="https://x.example" class="link" style="color:#1f1d1a; text-decoration:none">A map</a></h2>'
    assert codes(contrast, with_content(content)) == []


def test_dark_mode_is_not_checked_in_a_mail_without_it() -> None:
    page = '<p style="color:#333333">x</p>'
    assert codes(contrast, page) == ["dark-missing"]
