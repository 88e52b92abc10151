from __future__ import annotations

import pytest

from publisher.gate.rules import lang_and_dir
from tests.publisher.gate.pages import (
    Fault,
    changed,
    codes,
    findings,
    sound,
    with_content,
)


def only_html_has_dir() -> str:
    page = sound("ar")
    head, body = page.split("<body", 1)
    body = body.replace('dir="rtl"', "")
    return f"{head}<body{body}"


FAULTS = (
    Fault("it has no language", "lang", changed('<html lang="en"', "<html")),
    Fault("it has another language", "lang", changed('<html lang="en"', '<html lang="de"')),
    Fault(
        "it has another script",
        "lang",
        changed('lang="zh-Hant"', 'lang="zh-CN"', "zh-Hant"),
        "zh-Hant",
    ),
    Fault(
        "its language is not a tag",
        "lang",
        changed('<html lang="en"', '<html lang="english_"'),
    ),
    Fault(
        "the language of a text is not a tag", "lang-text", with_content('<p lang="12">x</p>')
    ),
    Fault(
        "it has no direction",
        "dir",
        changed('<html lang="en" dir="ltr"', '<html lang="en"'),
    ),
    Fault(
        "it has the wrong direction",
        "dir",
        changed('<html lang="ar" dir="rtl"', '<html lang="ar" dir="ltr"', "ar"),
        "ar",
    ),
    Fault(
        "a layout table's dir contradicts its lang",
        "dir",
        with_content(
            '<table role="presentation"><tr><td lang="ar" dir="ltr">x</td></tr></table>'
        ),
    ),
    Fault(
        "a layout cell lays Arabic out ltr",
        "dir",
        with_content(
            '<table role="presentation" dir="rtl"><tr><td dir="ltr"><p>العبّارة التي</p>', "ar"
        ),
        "ar",
    ),
    Fault(
        "the wrapper lays Arabic out ltr",
        "dir",
        with_content('<div role="article" lang="ar" dir="ltr">العبّارة التي</div>', "ar"),
        "ar",
    ),
    Fault(
        "a text's dir contradicts its lang",
        "dir-text",
        with_content('<p lang="ar" dir="ltr">x</p>'),
    ),
    Fault(
        "an Arabic paragraph is laid out ltr",
        "dir-text",
        with_content('<p lang="ar">العبّارة التي</p>'),
    ),
    Fault(
        "CSS lays it out ltr",
        "dir",
        changed('<p style="', '<p style="direction:ltr; ', "ar"),
        "ar",
    ),
    Fault("only <html> says that it runs rtl", "dir", only_html_has_dir(), "ar"),
    Fault("nothing is around the content", "wrapper", changed('role="article"', "")),
    Fault("the wrapper has no name", "wrapper", changed('aria-label="The week"', "")),
    Fault("<body> has no language", "body-lang", changed('xml:lang="en"', "")),
    Fault(
        "the description is in English",
        "role-description",
        changed('role="article"', 'role="article" aria-roledescription="email"', "ar"),
        "ar",
    ),
    Fault(
        "a table has no direction",
        "rtl-table",
        with_content("<table><tr><td>و</td></tr></table>", "ar"),
        "ar",
    ),
    Fault(
        "text is aligned left",
        "rtl-left",
        changed("text-align:right", "text-align:left", "ar"),
        "ar",
    ),
    Fault(
        "a cell is aligned left",
        "rtl-left",
        with_content('<table><tr><td align="left">و', "ar"),
        "ar",
    ),
)


@pytest.mark.parametrize(
    "content",
    [
        '<p lang="ar" dir="rtl">العبّارة التي تنتظر</p>',
        '<p lang="ar" dir="auto">العبّارة التي تنتظر</p>',
        # A name within a sentence is put in order by the bidirectional algorithm.
        '<p>In <a href="https://news.example.org/ar/" lang="ar">العربية</a> too</p>',
        '<p dir="ltr">+1 555 0100</p>',
    ],
)
def test_another_language_that_is_marked_is_accepted(content: str) -> None:
    assert codes(lang_and_dir, with_content(content)) == []


@pytest.mark.parametrize(
    "content",
    [
        '<p dir="ltr">العبّارة التي تنتظر</p>',
        '<p dir="auto">العبّارة التي تنتظر</p>',
        '<p><i lang="ar" dir="ltr">salam</i></p>',
        '<blockquote dir="ltr"><p>العبّارة التي تنتظر</p></blockquote>',
        '<div lang="ar" dir="rtl"><pre dir="ltr" lang="ar">a = 1</pre></div>',
        '<div dir="ltr"><h3 lang="ar">العبّارة</h3><ul><li>التي تنتظر</li></ul></div>',
        '<table><tr><td lang="ar" dir="ltr">العبّارة</td></tr></table>',
        '<p lang="english_">of Arabia</p>',
    ],
)
@pytest.mark.parametrize("language", ["en", "ar"])
def test_languages_and_directions_of_an_article_are_never_errors(
    content: str, language: str
) -> None:
    found = findings(lang_and_dir, with_content(content, language), language)
    assert {one.severity for one in found} <= {"warning"}
    assert {one.code for one in found} <= {"dir-text", "lang-text", "rtl-table"}


def test_an_address_in_latin_letters_may_run_ltr_in_an_arabic_mail() -> None:
    content = '<p dir="ltr" style="text-align:right">1 Example Street</p>'
    assert codes(lang_and_dir, with_content(content, "ar"), "ar") == []


def test_a_region_does_not_make_another_language() -> None:
    assert codes(lang_and_dir, changed('<html lang="en"', '<html lang="en-GB"')) == []


def test_a_description_in_english_is_right_in_an_english_mail() -> None:
    page = changed('role="article"', 'role="article" aria-roledescription="email"')
    assert codes(lang_and_dir, page) == []
