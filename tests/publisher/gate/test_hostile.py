"""Whatever a mail is made of, the gate answers, and in time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.gate.checks import MOST_OF_A_KIND, RULES, check_mail
from publisher.gate.css.stylesheet import colour, declarations, parts, sheet
from publisher.gate.findings import GateReport
from publisher.gate.mail import CheckedMail

# Seconds of work for the worst of them on a machine that is busy; each takes under three alone.
LONGEST = 60.0

PIECES = st.sampled_from(
    [
        "<p", "<td", "<table", "<a", "<img", "<div", "<style", "<html", "<body", "<meta", "<title",
        "<!--[if mso]>", "<![endif]-->", "<!--", "-->", "</style>", "</table>", "</p>", "</a>",
        "<!DOCTYPE html>", "<!doctype html public '", "<?xml version='1.0' encoding='x'?>",
        ">", " style='", " class='", " href='", " src='", " lang='", " dir='", " bgcolor='", "'",
        "color:", "background:", "font:", "font-size:", "line-height:", "padding:", "margin:",
        "#fff", "rgba(0,0,0,.5)", "hsl(1e999 1% 1%)", "var(--x)", "calc(1px + 1em)", "1e999px",
        "@media (prefers-color-scheme:dark) {", "@import url(x);", "@font-face {", "{", "}", ";",
        "!important", ".a > b ~ c + [d|='e'] :not(f)::g", "url(", "http://[", "https://x/%zz",
        "ar", "zh-Hant", "rtl", "en_", "{{", "%}", "@@X@@", "*|X|*", "None", "العبّارة", "渡輪",
        "\x00", "\x92", "\ufffd", "\u202e", "\U0010ffff", " ", "\r\n", "x" * 60,
    ]
)  # fmt: skip
SOUP = st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=60).map("".join)


def a_mail(content: bytes, language: str = "en") -> CheckedMail:
    return CheckedMail(content=content, language=language, hosts=frozenset({"x"}), preheader="")


def of_html(html: str) -> CheckedMail:
    head = b"Content-Type: text/html; charset=utf-8\r\n\r\n"
    return a_mail(head + html.encode(errors="surrogatepass"))


def is_readable(report: GateReport) -> bool:
    """Tell whether a person can read it: not too much, and nothing unseen in it."""
    counts = [report.findings.count(finding) for finding in report.findings]
    lines = [f"{one.problem} {one.where}" for one in report.findings if one.rule.part == "html"]
    return (
        len(report.findings) <= MOST_OF_A_KIND * len(RULES)
        and counts == [1] * len(counts)
        and all(len(line) < 500 and line.isprintable() for line in lines)
    )


@given(st.binary(max_size=2000), st.sampled_from(["en", "zh-Hant", "ar"]))
def test_any_octets_are_answered(content: bytes, language: str) -> None:
    assert is_readable(check_mail(a_mail(content, language)))


@settings(max_examples=150, deadline=None)
@given(SOUP, st.sampled_from(["en", "zh-Hant", "ar"]))
def test_any_soup_of_tags_is_answered(html: str, language: str) -> None:
    head = b"Content-Type: text/html; charset=utf-8\r\n\r\n"
    content = head + html.encode(errors="surrogatepass")
    assert is_readable(check_mail(a_mail(content, language)))


@given(st.text(max_size=200))
def test_any_style_is_parsed(text: str) -> None:
    assert isinstance(declarations(text), tuple)
    assert isinstance(sheet(text).rules, tuple)
    assert isinstance(parts(text), tuple)


@given(st.one_of(st.text(max_size=30), st.from_regex(r"(rgba?|hsla?|hwb)\([0-9e%,. /-]*\)")))
def test_any_colour_is_one_of_six_digits_or_none(text: str) -> None:
    found = colour(text)
    assert found is None or (len(found[0]) == 7 and 0 <= found[1] <= 1)


P = "<p style='color:#eee'>hello <b>x</b></p>"
HOSTILE = {
    "five megabytes": P * 130_000,
    "as much as is looked at": P * 7_300,
    "as many styles as elements": "".join(
        f"<p style='color:#{n:06x};padding:{n}px;font:{n}px/2 x'>h</p>" for n in range(4_000)
    ),
    "300 deep": "<div>" * 300 + "x",
    "20,000 deep": "<div class=a>" * 20_000 + "x",
    "many selectors for deep elements": "<style>"
    + "".join(f".a .a .a .a .a {{ color:#{n:06x} }}" for n in range(1_000))
    + f"</style>{'<div class=a>x' * 3_000}",
    "many selectors for siblings": "<style>"
    + "".join(f".a ~ .a ~ .a {{ color:#{n:06x} }}" for n in range(60))
    + f"</style>{'<i class=a>x</i>' * 1_000}",
    "many rules for many classes": "<style>"
    + "".join(f"p {{ color:#{n:06x} }}" for n in range(1_000))
    + "</style>"
    + "".join(f"<p class=a{n}>x" for n in range(2_000)),
    "brackets": f"<style>{'(' * 99_999}</style><p style='color:{'(' * 99_999}'>x",
    "braces": f"<style>{'@media x{' * 30_000}</style>x",
    "broken css": "<style>}}}{{{;;;:::@@@@ !important /* </style>x <p style='};;{:'>y",
    "white space before !important": f"<style>a{{b:c{' ' * 280_000}!</style>",
    "a query of white space": f"<style>@media (a:{' ' * 250_000}b{{p{{top:0}}}}</style>x",
    "conditions left open": "<!--[if " * 35_000 + "<![if x" * 5_000,
    "places of templates": "{{" * 50_000 + "{#" * 50_000 + "@@A" * 20_000 + "*|A" * 9_000,
    "attributes": f"<p {' '.join(f'on{n}=1' for n in range(15_000))}>",
    "links": "".join(f"<a href='https://x.org/{n}'>read</a>" for n in range(3_000)),
    "sources": f'<img srcset="{"a, " * 90_000}"><p style="background:{"url(a)," * 900}">x',
    "document types": '<!doctype html public "a" \'' * 9_000,
}


@pytest.mark.untraced  # it would be most of the time that is measured
@pytest.mark.parametrize("html", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_html_is_answered_in_time(html: str) -> None:
    begun = time.process_time()
    report = check_mail(of_html(html))
    assert time.process_time() - begun < LONGEST
    assert is_readable(report)
    assert report.errors
