"""Boxes, tables, colours and type of a mail."""

import pytest

from publisher.gate.rules import layout, typography
from tests.publisher.gate.pages import WORDS, celled, changed, codes, findings, with_content


@pytest.mark.parametrize(
    "content",
    [
        '<p style="margin:9px 0 0 0; padding:0">x</p>',
        '<table role="presentation" border="0" cellpadding="0" cellspacing="0" align="center" style="margin:0 auto"></table>',
        '<p style="border:1px solid #112233; border-collapse:collapse">x</p>',
        '<p style="color:red; background-color:transparent">x</p>',
        '<p style="line-height:1.5">x</p>',
        '<p style="display:none; line-height:9px">x</p>',
    ],
)
def test_styles_that_every_client_supports_are_accepted(content: str) -> None:
    assert codes(layout, with_content(content)) == []


def test_a_colour_behind_a_background_image_is_enough() -> None:
    style = "background-color:#112233; background-image:url(https://news.example.org/x.png)"
    assert codes(layout, celled(style, 'bgcolor="#112233"')) == []


def test_rules_that_were_not_inlined_are_checked_where_they_apply() -> None:
    page = with_content('<p class="note">x</p>')
    page = page.replace("<style>", "<style>td.note { padding:9px } p.note { padding:9px }", 1)
    assert [found.where for found in findings(layout, page)] == ["p.note"]


TABLE = '<table role="presentation" cellpadding="0" cellspacing="0" border="0"'


def without_table() -> str:
    """Limit the column by a <div>, and give Outlook's table no width."""
    page = changed(
        'align="center" dir="ltr" style="width:100%; max-width:600px"', 'dir="ltr" width="100%"'
    )
    page = page.replace('width="600" cell', "cell")
    return page.replace('<div role="article"', '<div style="max-width:600px" role="article"')


def test_data_and_columns_of_a_div_are_accepted_if_outlook_has_its_table() -> None:
    content = "<table><tr><th>Year</th><td>1978</td></tr></table>"
    assert codes(layout, with_content(content)) == []
    page = without_table().replace("<!--[if mso]><table", '<!--[if mso]><table width="600"')
    assert codes(layout, page) == []
    content = f'{TABLE} class="wide" width="564"><tr><td>x</td></tr></table>'
    page = with_content(content).replace(
        "<style>", "<style>.wide { width:100%; max-width:564px }", 1
    )
    assert codes(layout, page) == []


@pytest.mark.parametrize("width", ['width="320"', 'width="100%"', 'width="46"', ""])
def test_widths_that_fit_on_a_phone_may_be_fixed(width: str) -> None:
    content = f"{TABLE} {width}><tr><td>x</td></tr></table>"
    assert codes(layout, with_content(content)) == []


DARK = "@media (prefers-color-scheme:dark)"
GRAY = '<p class="note" style="color:#767676; background-color:#ffffff">x</p>'


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
    assert codes(typography, with_content(content)) == []


def test_a_ratio_is_never_rounded_up_and_a_background_image_does_not_count() -> None:
    page = changed("color:#1f1d1a;", "color:#777777;").replace("<h1", "<b").replace("<h2", "<b")
    problems = {f.problem for f in findings(typography, page) if f.code == "contrast"}
    assert problems == {"#777777 on #ffffff is 4.47:1 and needs 4.5:1"}
    content = '<div style="background:#ffffff url(x.png)"><p style="color:#ffffff">x</p></div>'
    problems = {f.problem for f in findings(typography, with_content(content))}
    assert "#ffffff on #ffffff is 1.0:1 and needs 4.5:1" in problems


def test_what_is_not_on_a_desktop_or_in_a_mail_without_dark_mode_does_not_count() -> None:
    rules = "@media (max-width:600px) { p { color:#ffffff !important } } @media print { p { color:#ffffff !important } }"
    assert codes(typography, changed("</head>", f"<style>{rules}</style></head>")) == []
    page = '<p style="color:#333333">x</p>'
    found = codes(typography, page)
    assert "dark-missing" in found
    assert "contrast-dark" not in found
    content = '<h2><a href="https://x.example" class="link" style="color:#1f1d1a; text-decoration:none">A map</a></h2>'
    assert codes(typography, with_content(content)) == []


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
