"""Boxes, tables, colours and type of a mail."""

from publisher.gate.rules import layout, typography
from tests.publisher.gate.pages import WORDS, celled, changed, codes, findings, with_content


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


DARK = "@media (prefers-color-scheme:dark)"


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


def test_latin_in_a_mail_in_chinese_needs_no_chinese_font() -> None:
    text = WORDS["en"]["text"]
    content = f'<p lang="en" style="font-family:Arial, sans-serif">{text}</p>'
    assert codes(typography, with_content(content, "zh-Hant"), "zh-Hant") == []
