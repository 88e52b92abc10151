"""What is left of an article's HTML: allowed elements, whole addresses, and nothing active."""

import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.articles.content.parser import parse_content
from publisher.articles.content.text import UNWANTED, clean_characters
from publisher.articles.model import Picture
from publisher.errors import ArticleError
from publisher.ingest.sanitise import MAX_ARTICLE_BYTES, sanitise
from tests.cpu_time import at_most


def safe(source: str) -> str:
    return sanitise(source, base_url=None).html


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('<p onclick="x()" style="a:b" class="c" id="d">one</p>', '<p id="d">one</p>'),
        ("<p>a<script>alert(1)</script>b</p>", "<p>ab</p>"),
        ("<p>a<iframe src=https://example.org></iframe>b</p>", "<p>ab</p>"),
        ("<form><input><button>go</button></form><p>x</p>", "<p>x</p>"),
        *(("<font color=red>kept</font>", "kept"), ("<h1>Title</h1>", "<h2>Title</h2>")),
        *(("<!-- gone --><p>x</p>", "<p>x</p>"), ('<a href="javascript:alert(1)">x</a>', "x")),
        ('<a href="data:text/html,x">x</a>', "x"),
        ('<a href=" JaVaScript:alert(1)">x</a>', "x"),
        ('<a href="java&#10;script:alert(1)">x</a>', "x"),
        *(('<a href="ftp://example.org/">x</a>', "x"), ('<a href="/relative">x</a>', "x")),
        *(('<a href="?q=1">x</a>', "x"), ('<a href="http://[bad">x</a>', "x")),
        *(('<a href="https:///nohost">x</a>', "x"), ('<a href="mailto:">x</a>', "x")),
        ("<a>x <b>y</b></a>", "x <b>y</b>"),
        ('<a href="//example.org/a">x</a>', '<a href="https://example.org/a">x</a>'),
        ('<a href="mailto:a@example.org">x</a>', '<a href="mailto:a@example.org">x</a>'),
        ('<a href="https://example.org/" rel=x>x</a>', '<a href="https://example.org/">x</a>'),
        ('<sup><a href="#fn1" id="r1">[1]</a></sup>', '<sup><span id="r1">[1]</span></sup>'),
        ('<p id="a"><a href="#a" id="b">y</a></p>', '<p id="a"><a href="#a" id="b">y</a></p>'),
        ('<p id="a">x</p><p id="a">y</p>', '<p id="a">x</p><p>y</p>'),
        (
            '<h2 id="Über-uns">x</h2><a href="#%C3%9Cber-uns">y</a>',
            '<h2 id="Über-uns">x</h2><a href="#%C3%9Cber-uns">y</a>',
        ),
        ('<p id="top">x</p><p id="a b">y</p><p id="a&quot;b">', "<p>x</p><p>y</p><p></p>"),
        ('<a name="old"></a>x', '<span id="old"></span>x'),
        ('<p>note <a href="#r1">↩︎</a></p>', "<p>note </p>"),
        ('<img src="data:image/png;base64,AAAA" alt="Alt">', "Alt"),
        ('<p><img src="x.png" alt="A &lt;b>"> tail</p>', "<p>A &lt;b&gt; tail</p>"),
        *(('<img src="mailto:a@example.org">', ""), ('<td width="9">x', "x")),
        ('<p lang="zh-Hans" dir="rtl">x</p>', '<p lang="zh-Hans" dir="rtl">x</p>'),
        ('<p lang="&quot;no" dir="up">x</p>', "<p>x</p>"),
        ('<ol start="3"><li>x</ol>', '<ol start="3"><li>x</li></ol>'),
    ],
)
def test_allowed_html_stays(source: str, expected: str) -> None:
    assert safe(source) == expected


def test_images_keep_sizes_that_are_numbers() -> None:
    html = safe('<img src="https://example.org/a.png" width="640" height="50%" onerror=x>')
    assert html == '<img src="https://example.org/a.png" width="640" alt="">'


def test_relative_addresses_are_resolved_against_the_base_and_fragments_are_not() -> None:
    source = '<a href="../b?x=1#f">x</a><img src="/i.png" alt=""><a href="#x">y</a>'
    assert sanitise(source, base_url="https://example.org/a/c").html == (
        '<a href="https://example.org/b?x=1#f">x</a><img src="https://example.org/i.png" alt="">y'
    )


def test_local_pictures_count_before_the_base_address() -> None:
    def pictures(image: Picture) -> Picture | None:
        found = Picture(src="/media/1/a.png", width=4, height=3)
        return found if image.src == "a.png" else None

    source = '<img src="a.png" alt="A"><img src="b.png" alt="B">'
    html = sanitise(source, base_url="https://example.org/x/", find_image=pictures).html
    assert 'src="/media/1/a.png" alt="A" width="4" height="3"' in html
    assert 'src="https://example.org/x/b.png"' in html


def test_unclosed_tables_are_closed() -> None:
    html = safe("<table><tr><td>a<td>b<table><tr><td>c")
    assert html.count("<table>") == html.count("</table>") == 2
    assert parse_content(html).text.split() == ["a", "b", "c"]


@pytest.mark.parametrize(
    "source",
    ["<div>" * 300 + "x", "<blockquote>" * 100_000, "<b>" * 150 + "x", "<ul><li>" * 60 + "x"],
)
def test_deep_nesting_is_refused_at_once(source: str) -> None:
    with at_most(3), pytest.raises(ArticleError, match="nested more than"):
        safe(source)


def test_only_what_is_kept_counts_towards_depth_and_too_much_is_refused() -> None:
    assert safe("<font>" * 300 + "x") == "x"
    assert parse_content(safe("<p>x" * 500)).text.count("x") == 500
    with pytest.raises(ArticleError, match="larger than 5 MB"):
        safe("é" * (MAX_ARTICLE_BYTES // 2 + 1))


def test_unwanted_characters_are_removed_also_where_they_are_spelled_as_references() -> None:
    unclean = "a\x00b\ufeffc\ud800d\ufdd0e\U0001ffffe\u0301\x85\r\nx\ry\tz"
    assert clean_characters(unclean) == "abcdeé\nx\ny\tz"
    assert safe("<p>a&#1;&#xFDD0;b&#xD800;</p>") == "<p>ab\ufffd</p>"
    # Printable texts are not searched for them.
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    assert not [one for one in UNWANTED.findall(every) if one.isprintable()]


@pytest.mark.parametrize("marks", ["\u0338", "\u0323\u0338", "\u0338\u0338", "\x01\u0338"])
def test_normalisation_can_not_remove_the_end_of_a_tag(marks: str) -> None:
    html = safe(f"<p>{marks} onclick=alert(1) x</p><img alt='{marks}y'>")
    assert unicodedata.normalize("NFC", html) == html
    assert html.startswith("<p>")
    assert "\u226f" not in html


PIECES = (
    "<p>|</p>|<b>|</b>|<a href='x'>|<a href='https://example.org'>|</a>|<table>|<td>|</table>|"
    "<svg>|<math>|<style>|<title>|<li>|<h1>|<img src=x alt='<script>'>|<noscript>|<!--|-->|&lt;|"
    "\u0338|text|<pre>\n|<select>|<template>|</|<ul>|<br>|\x00|<a title='</p>'>"
)
MARKUP = st.lists(st.sampled_from(PIECES.split("|")), max_size=25).map("".join)


@given(MARKUP)
def test_output_is_stable_and_free_of_active_content(source: str) -> None:
    once = safe(source)
    tags = set(re.findall(r"<(\w+)", once))
    assert not tags & {"script", "svg", "math", "style", "title", "template", "h1", "noscript"}
    assert not re.search(r"<[^>]*\s(?:on\w+|style|class|id)=", once)
    assert unicodedata.is_normalized("NFC", once)
    assert parse_content(safe(once)).text.split() == parse_content(once).text.split()


def test_a_link_to_an_international_host_goes_where_browsers_go() -> None:
    source = '<p><a href="https://straße.de/ä">x</a> <a href="https://ü..de/">y</a></p>'
    found = sanitise(source, base_url=None).html
    assert 'href="https://xn--strae-oqa.de/%C3%A4"' in found
    assert "<a" not in found.partition("x</a>")[2]
