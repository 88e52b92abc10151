"""The document of a mail: its structure, languages, size and styles, and what clients support."""

import re
from dataclasses import replace

import pytest

from publisher.gate.findings import RULES
from publisher.gate.mail_clients.caniemail import CHECKED_CLIENTS, Support, client_feature
from publisher.gate.rules import client_support, html_structure
from tests.publisher.gate.pages import (
    changed,
    codes,
    findings,
    mail_of,
    with_content,
    with_style,
)


def test_a_mail_without_html_or_with_a_condition_for_all_but_outlook_is_accepted() -> None:
    content = "<!--[if !mso]><!--><p>x</p><!--<![endif]-->"
    assert codes(html_structure, with_content(content)) == []
    assert codes(html_structure, "") == []


def test_many_handlers_are_one_finding_and_missing_tags_of_outlook_are_counted() -> None:
    page = with_content(f"<p {' '.join(f'on{n}=x' for n in range(50))}>x</p>")
    assert [finding.problem for finding in findings(html_structure, page)] == ["it has on0"]
    page = changed("</td></tr></table><![endif]", "</td></tr><![endif]")
    (found,) = findings(html_structure, page)
    assert found.problem == "1 <table> more opened than closed"


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
    found = findings(html_structure, with_content(content, language), language)
    assert {one.severity for one in found} <= {"warning"}
    assert {one.code for one in found} <= {
        "dir-text",
        "lang-text",
        "rtl-table",
        "heading-order",
    }


def test_languages_and_descriptions_that_are_right_are_accepted() -> None:
    content = '<p dir="ltr" style="text-align:right">1 Example Street</p>'
    assert codes(html_structure, with_content(content, "ar"), "ar") == []
    assert codes(html_structure, changed('<html lang="en"', '<html lang="en-GB"')) == []
    page = changed('role="article"', 'role="article" aria-roledescription="email"')
    assert codes(html_structure, page) == []


LONG = "<p>river</p>" * 6000


def test_a_mail_that_gmail_shows_whole_is_accepted_and_one_far_too_long_not_read() -> None:
    assert codes(client_support, with_content(LONG[:50_000])) == []
    found = findings(client_support, "<p>x</p>" * 50_000)
    assert found[0].problem == "the HTML has 400,002 bytes, too long for a closer look"


def test_bytes_are_counted_as_they_are_sent() -> None:
    page = with_content("河" * 25_000)
    assert len(page) < 60_000
    assert codes(client_support, page)[0] == "html-size"
    page = with_content("河" * 15_000)
    assert len(page.encode()) < 60_000
    mail = mail_of(page, encoding="quoted-printable")
    assert [finding.code for finding in client_support.check(mail)] == ["html-size"]
    body = b"x\n" * 36_000
    mail = replace(mail_of(""), content=b"Content-Type: text/html\r\n\r\n" + body)
    (finding,) = client_support.check(mail)
    assert finding.problem == "the HTML is sent as 108,000 bytes"


PHONES = "@media (max-width:600px) { .item { padding:0 !important; } }"


def test_selectors_of_gmail_comments_of_css_and_styles_of_outlook_are_accepted() -> None:
    assert codes(client_support, with_style(f"{PHONES} [class~=x] {{ margin:0; }}")) == []
    assert codes(client_support, with_style("/* p { margin:0!important; } */")) == []
    comment = f"<!--[if mso]><style>{'p { margin:0; }' * 1000}</style><![endif]-->"
    assert codes(client_support, changed("</head>", f"{comment}</head>")) == []


def test_a_finding_has_its_line_in_the_part() -> None:
    page = with_style("p { margin:0 !important; }\np { margin:0!important; }")
    (found,) = findings(client_support, page)
    lines = page.splitlines()
    assert found.line is not None
    assert lines[found.line - 1] == "p { margin:0!important; }"


def test_a_finding_names_clients_feature_and_date_and_partial_support_its_note() -> None:
    (found,) = findings(client_support, with_content('<div style="display:flex">x</div>'))
    assert found.problem == "display:flex is not supported (css-display-flex, tested 2021-11)"
    assert found.clients == ("Outlook Windows",)
    (found,) = findings(
        client_support, with_content('<p style="text-transform:lowercase">x</p>')
    )
    assert "`lowercase` value is not supported" in found.problem


def test_what_few_clients_lack_or_skip_is_accepted() -> None:
    feature = client_feature("css-selector-class")
    assert feature.support["gmail.ios"] == Support.PARTLY
    assert codes(client_support, with_style(".x { color:#112233; }")) == []
    rule = ".x { display:flex; }"
    assert codes(client_support, with_style(rule)) == ["css-support"]
    # Only Outlook for Windows does not support flex, and it does not support media queries.
    assert codes(client_support, with_style(f"@media (max-width:9px) {{ {rule} }}")) == []
    (found,) = findings(client_support, with_style("[data-ogsc] .x { color:var(--ink); }"))
    assert found.clients == ("Outlook.com", "Outlook macOS", "Outlook iOS", "Outlook Android")
    # Outlook for Windows does not support attribute selectors.
    assert codes(client_support, with_style("[data-ogsc] .x { float:left; }")) == []
    assert codes(client_support, with_content("<video></video><form></form>")) == []


@pytest.mark.parametrize("value", ["none", "normal", "auto", "0"])
def test_a_value_without_an_effect_needs_no_support(value: str) -> None:
    style = f"float:{value}; max-block-size:{value}; text-shadow:{value}"
    assert codes(client_support, with_content(f'<p style="{style}">x</p>')) == []


@pytest.mark.parametrize("slug", client_support.ACCEPTED_FEATURES)
def test_each_accepted_feature_lacks_support_somewhere(slug: str) -> None:
    support = client_feature(slug).support
    assert {support[client] for client in CHECKED_CLIENTS} & {Support.NO, Support.PARTLY}


def test_rules_that_are_said_to_check_a_feature_exist() -> None:
    named = {
        word
        for reason in client_support.ACCEPTED_FEATURES.values()
        if "checked by" in reason
        for word in re.findall(r"[a-z]+(?:-[a-z]+)+", reason)
    }
    assert named
    assert named - {"line-height"} <= {*RULES}


def test_inlined_styles_are_checked_like_those_of_rules() -> None:
    page = changed("</head>", "<style>.x { position:fixed; }</style></head>")
    inlined = with_content('<p style="position:fixed">x</p>')
    assert (
        codes(client_support, page)
        == codes(client_support, inlined)
        == ["css-support", "partial-support"]
    )
