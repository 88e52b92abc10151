from __future__ import annotations

from dataclasses import replace

from publisher.gate.rules import size_and_styles
from tests.publisher.gate.pages import (
    Fault,
    changed,
    codes,
    findings,
    mail_of,
    with_content,
    with_style,
)

LONG = "<p>river</p>" * 6000

_SIZE_FAULTS = (
    Fault("the HTML has over 74,000 bytes", "html-size", with_content(LONG + LONG[:9000])),
    Fault("the HTML comes near that", "html-size-near", with_content(LONG[:60_000])),
    Fault("elements are too deep", "html-depth", with_content("<div>" * 101 + "</div>" * 101)),
)


def test_a_mail_that_gmail_shows_whole_is_accepted() -> None:
    assert codes(size_and_styles, with_content(LONG[:50_000])) == []


def test_bytes_are_counted_and_not_characters() -> None:
    page = with_content("河" * 25_000)
    assert len(page) < 60_000
    assert codes(size_and_styles, page)[0] == "html-size"


def test_quoted_printable_counts_as_it_is_sent() -> None:
    page = with_content("河" * 15_000)
    assert len(page.encode()) < 60_000
    mail = mail_of(page, encoding="quoted-printable")
    assert [finding.code for finding in size_and_styles.check(mail)] == ["html-size"]


def test_bare_line_feeds_count_as_two_bytes() -> None:
    body = b"x\n" * 36_000
    mail = replace(mail_of(""), content=b"Content-Type: text/html\r\n\r\n" + body)
    (finding,) = size_and_styles.check(mail)
    assert finding.problem == "the HTML is sent as 108,000 bytes"


def test_elements_of_a_far_too_long_mail_are_not_checked() -> None:
    found = findings(size_and_styles, "<p>x</p>" * 50_000)
    assert found[0].problem == "the HTML has 400,002 bytes, too long for a closer look"


PHONES = "@media (max-width:600px) { .item { padding:0 !important; } }"


def filled(size: int) -> str:
    return with_style("/* " + "x" * size + " */")


FAULTS = (
    *_SIZE_FAULTS,
    Fault(
        "a style sheet stands in the body",
        "style-place",
        with_content("<style>p { margin:0; }</style>"),
    ),
    Fault("the styles have over 16 kB", "style-size", filled(16_384)),
    Fault("they have over 8 kB", "style-size-near", filled(8_000)),
    Fault(
        "an @ rule is in another",
        "style-nested",
        with_style("@media all { @media (max-width:9px) { p { margin:0; } } }"),
    ),
    Fault(
        "a rule is in a rule",
        "style-nested",
        with_style("p { margin:0; & b { color:#112233; } }"),
    ),
    Fault(
        "it imports a style sheet",
        "style-import",
        with_style('@import "https://news.example.org/x.css";'),
    ),
    Fault("a declaration is none", "style-syntax", with_style("p { margin 0; }")),
    Fault("it has a comment of HTML", "style-syntax", with_style("<!-- p { margin:0; } -->")),
    Fault(
        "a web font stands beside the phones",
        "style-risk",
        with_style(f"{PHONES} @font-face {{ font-family:X; }}"),
    ),
    Fault(
        "dark mode stands beside the phones",
        "style-risk",
        with_style(f"{PHONES} @media (prefers-color-scheme:dark) {{ p {{ color:#ffffff; }} }}"),
    ),
    Fault(
        "Outlook's dark mode does",
        "style-risk",
        with_style(f"{PHONES} [data-ogsc] p {{ color:#ffffff; }}"),
    ),
    Fault(
        "!important follows without a space",
        "important-form",
        with_style("p { margin:0!important; }"),
    ),
    Fault("it is in capitals", "important-form", with_style("p { margin:0 !IMPORTANT; }")),
    Fault("it is torn apart", "important-form", with_style("p { margin:0 ! important; }")),
)


def test_the_attribute_selector_that_gmail_supports_is_accepted() -> None:
    assert codes(size_and_styles, with_style(f"{PHONES} [class~=x] {{ margin:0; }}")) == []


def test_comments_of_css_are_not_checked() -> None:
    assert codes(size_and_styles, with_style("/* p { margin:0!important; } */")) == []


def test_a_finding_has_its_line_in_the_part() -> None:
    page = with_style("p { margin:0 !important; }\np { margin:0!important; }")
    (found,) = findings(size_and_styles, page)
    lines = page.splitlines()
    assert found.line is not None
    assert lines[found.line - 1] == "p { margin:0!important; }"


def test_styles_in_outlooks_comments_do_not_count_for_gmails_limit() -> None:
    comment = f"<!--[if mso]><style>{'p { margin:0; }' * 1000}</style><![endif]-->"
    assert codes(size_and_styles, changed("</head>", f"{comment}</head>")) == []
