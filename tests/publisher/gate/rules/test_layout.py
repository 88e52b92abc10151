"""Boxes, tables, colours and type of a mail."""

import pytest

from publisher.gate.rules import layout, typography
from tests.publisher.gate.pages import (
    WORDS,
    Fault,
    changed,
    codes,
    findings,
    inside,
    instead,
    with_content,
)


def celled(style: str, attributes: str = "") -> str:
    return with_content(
        '<table role="presentation" cellpadding="0" cellspacing="0" border="0"><tr>'
        f'<td {attributes} style="{style}">x</td></tr></table>'
    )


BOX_FAULTS = (
    inside("a paragraph has padding", "padding-place", '<p style="padding:0 0 9px 0">x</p>'),
    inside("a margin centres", "margin-auto", '<div style="margin:0 auto">x</div>'),
    inside("a margin is negative", "margin-negative", '<p style="margin:-9px 0 0 0">x</p>'),
    inside("a span has a margin", "margin-place", '<span style="margin-left:4px">x</span>'),
    Fault("text-align is start", "align-start", celled("text-align:start")),
    Fault(
        "a shorthand stands beside its longhand",
        "shorthand-mixed",
        celled("padding:0; padding-left:9px"),
    ),
    Fault("a colour has three digits", "colour-form", celled("color:#fff")),
    Fault("a colour is transparent", "colour-form", celled("color:rgba(0,0,0,.9)")),
    Fault(
        "a colour in a shorthand is of a newer form",
        "colour-form",
        celled("border:1px solid oklch(.5 .1 20)"),
    ),
    Fault("a cell has no bgcolor", "bgcolor", celled("background-color:#ffffff")),
    Fault(
        "it has another one", "bgcolor", celled("background-color:#ffffff", 'bgcolor="#fffffe"')
    ),
    Fault(
        "there is no colour behind a background image",
        "background-colour",
        celled("background-image:url(https://news.example.org/x.png)"),
    ),
    Fault(
        "there is no colour behind a gradient",
        "background-colour",
        celled("background:linear-gradient(#ffffff,#000000)"),
    ),
    Fault(
        "the image is in an attribute",
        "background-colour",
        celled("margin:0", 'background="x.png"'),
    ),
    instead(
        "a line height is not exact", "line-height-rule", "mso-line-height-rule:exactly; ", ""
    ),
)


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


TABLE_FAULTS = (
    inside(
        "a table for layout has no role", "table-role", "<table><tr><td>x</td></tr></table>"
    ),
    inside(
        "a table for layout has a heading", "table-role", f"{TABLE}><tr><th>x</th></tr></table>"
    ),
    instead(
        "a table has no cellpadding",
        "table-spacing",
        'cellpadding="0" cellspacing="0" border="0" align',
        "align",
    ),
    Fault(
        "nothing limits the column",
        "column-width",
        changed("600", "100%").replace("max-width:100%px", "width:100%"),
    ),
    Fault("only max-width on a div limits it", "column-outlook", without_table()),
    inside(
        "a table has a fixed width",
        "width-fixed",
        f'{TABLE} width="564"><tr><td>x</td></tr></table>',
    ),
    inside(
        "a style gives an image a fixed width",
        "width-fixed",
        '<img style="width:500px" src="x">',
    ),
    instead(
        "a minimum is a fixed width",
        "width-fixed",
        "width:100%; max-width:600px",
        "width:100%; min-width:600px",
    ),
)


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

CONTRAST_FAULTS = (
    inside("text is too pale", "contrast", '<p style="color:#777777">x</p>'),
    inside("a background is too dark", "contrast", '<p style="background-color:#8f2f12">x</p>'),
    inside(
        "a text colour is transparent", "contrast", '<p style="color:rgba(31,29,26,.5)">x</p>'
    ),
    inside("an element is transparent", "contrast", '<div style="opacity:.5"><p>x</p></div>'),
    inside(
        "bold text is a little too small",
        "contrast",
        '<b style="font-size:18px; color:#777777">x</b>',
    ),
    instead(
        "only the text changes in dark mode",
        "contrast-dark",
        ".item { background-color:#1f1c19 !important; color",
        ".item { color",
    ),
    inside(
        "a text of another colour does not change",
        "contrast-dark",
        '<p style="color:#1f1d1a">x</p>',
    ),
    instead(
        "a style attribute outranks dark mode",
        "contrast-dark",
        "#f1ede5 !important; }\n.link",
        "#f1ede5; }\n.link",
    ),
    Fault(
        "the canvas is dark, and its text is not",
        "contrast-dark",
        '<meta name="color-scheme" content="light dark"><p style="color:#333333">x</p>',
    ),
    instead(
        "a link in a text is not underlined",
        "link-unmarked",
        'class="link" style="color:#8f2f12; text-decoration:underline"',
        'class="link" style="color:#5a2a1a; text-decoration:none"',
    ),
    instead(
        "a link asks for no underline", "link-decoration", "; text-decoration:underline", ""
    ),
    inside(
        "a link would be blue on red",
        "link-colour",
        '<p style="background-color:#8f2f12"><a href="https://x.example" style="color:#ffffff">x</a></p>',
    ),
    instead("it has no dark colours", "dark-missing", DARK, "@media print"),
    instead("Outlook's dark mode has none", "dark-outlook", "data-ogs", "data-x"),
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


def set_in(style: str, language: str = "en") -> str:
    return changed('<p style="margin:12px 0 0 0">', f'<p style="margin:0; {style}">', language)


TYPE_FAULTS = (
    inside("text is tiny", "text-small", '<p style="font-size:11px">small print</p>'),
    Fault("running text is small", "text-small", set_in("font-size:13px; line-height:24px")),
    Fault("lines are dense", "line-height", set_in("line-height:22px")),
    Fault("a factor makes them so", "line-height", set_in("line-height:1.2")),
    Fault("there is no line height", "line-height", set_in("line-height:normal")),
    Fault(
        "ideographs are dense", "line-height", set_in("line-height:1.5", "zh-Hant"), "zh-Hant"
    ),
    instead("there is no font", "font-stack", "font-family:", "x-font:"),
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
    inside("ideographs are slanted", "script-italic", "<em>渡輪</em>", "zh-Hant"),
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
    inside("an address is shown", "long-word", f"<p>https://news.example.org/{'x' * 40}</p>"),
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
