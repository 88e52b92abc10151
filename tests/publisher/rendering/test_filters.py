"""What templates ask for."""

from dataclasses import replace
from typing import Any

import pytest

from publisher.articles.model import Byline, Picture
from publisher.rendering import filters
from publisher.rendering.colours_and_fonts import typeface
from tests.cpu_time import at_most
from tests.publisher.rendering import sample


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("en", "A Sample, Office, City; B Sample"),
        ("zh-Hans", "A Sample，Office, City；B Sample"),
        ("ar", "A Sample، Office, City؛ B Sample"),
        ("ja", "A Sample、Office, City；B Sample"),
    ],
)
def test_bylines_with_affiliations_are_told_apart(language: str, written: str) -> None:
    bylines = (Byline(name="A Sample", affiliation="Office, City"), Byline(name="B Sample"))
    assert filters.byline_names(bylines, language) == written


def test_names_are_listed_and_conversions_told_as_the_language_does() -> None:
    bylines = (Byline(name="A"), Byline(name="B"), Byline(name="C"))
    assert filters.byline_names(bylines, "en") == "A, B, and C"
    assert filters.byline_names(bylines, "zh-Hant") == "A、B和C"
    assert filters.byline_names((), "en") == ""
    assert filters.converted_from(sample.item("zh-Hant", shown_as="converted")) == "Hans"
    assert filters.converted_from(sample.item("zh-Hans", shown_as="converted")) == "Hant"
    assert filters.converted_from(sample.item("zh-Hans")) is None


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("/media/a.png", "https://example.org/news/media/a.png"),
        ("media/a.png", "https://example.org/news/media/a.png"),
        ("https://cdn.example.com/a.png", "https://cdn.example.com/a.png"),
        ("//cdn.example.com/a.png", "//cdn.example.com/a.png"),
    ],
)
def test_paths_below_the_web_root_become_urls(address: str, url: str) -> None:
    assert filters.absolute_url(address, "https://example.org/news") == url


def test_only_attributes_of_tags_become_absolute() -> None:
    html = (
        '<p title="a &gt; b">src="/x"</p><img alt="x > y" src="/media/a.png">'
        '<a href="//example.com/">b</a><a href="/c/" rel="nofollow">c</a><a href="#d">d</a><br/>'
    )
    expected = html.replace('"/media', '"https://e.org/media').replace(
        '"/c/', '"https://e.org/c/'
    )
    assert filters.absolute_html(html, "https://e.org") == expected


def test_only_paths_of_ours_become_absolute_as_they_are() -> None:
    html = '<p class="a">x = /y</p><a href="https://e.org/">z</a>'
    assert filters.absolute_html(html, "https://e.org") is html
    assert filters.absolute_html('<a href="/x">y</a>', r"https://e.org/\1") == (
        r'<a href="https://e.org/\1/x">y</a>'
    )


@pytest.mark.parametrize("piece", ["<a ", "<a b='", '<a b="', "<a b=c ", '<a ="/', "<a b = "])
def test_broken_tags_without_end_cost_no_more_than_they_are_long(piece: str) -> None:
    html = piece * 50_000 + '="/'
    assert filters.absolute_html(html, "https://e.org") == html


@pytest.mark.parametrize(
    ("text", "css"),
    [
        ("Copy it.", '"Copy it."'),
        ("«خلاصة»", '"«خلاصة»"'),
        ('a "b" \\ c', r'"a \22 b\22  \5c  c"'),
        ("a\nb</style>", r'"a\a b\3c /style\3e "'),
        ("", '""'),
    ],
)
def test_a_text_can_not_end_its_css_string(text: str, css: str) -> None:
    assert filters.css_string(text) == css


@pytest.mark.parametrize(
    ("width", "height", "shown"),
    [
        (1200, 630, (600, 315)),
        (500, 250, (600, 300)),
        (200, 100, (200, 100)),
        (2400, 1, (600, 1)),
    ],
)
def test_a_picture_takes_the_width_of_the_mail_unless_it_is_small(
    width: int, height: int, shown: tuple[int, int]
) -> None:
    given = Picture(src="/a.png", alt="A pier", width=width, height=height)
    assert filters.mail_picture(given) == replace(given, width=shown[0], height=shown[1])
    assert filters.mail_picture_problem(given) is None


SIZE_UNKNOWN = "its size is unknown: give width and height"
NO_ALT = "it has no alternative text: write alt"
NAMED = "its alternative text is a file's name: write what it shows"


@pytest.mark.parametrize(
    ("lacks", "reason"),
    [
        ({"src": "/a.svg"}, "mail clients don't show .svg: give a .jpg or .png"),
        (
            {"src": "/a.WEBP?v=1", "alt": ""},
            f"mail clients don't show .webp: give a .jpg or .png; {NO_ALT}",
        ),
        ({"src": "https://e.org/a.avif"}, "mail clients don't show .avif: give a .jpg or .png"),
        ({"width": None}, SIZE_UNKNOWN),
        ({"height": None}, SIZE_UNKNOWN),
        ({"alt": ""}, NO_ALT),
        ({"alt": " \u3000"}, NO_ALT),
        ({"alt": "IMG_1234.png"}, NAMED),
        ({"alt": " ../images/cat.PNG\n"}, NAMED),
        ({"alt": "my%20cat.jpeg"}, NAMED),
        ({"alt": "貓.webp", "width": None}, f"{SIZE_UNKNOWN}; {NAMED}"),
        ({"width": None, "height": None, "alt": ""}, f"{SIZE_UNKNOWN}; {NO_ALT}"),
    ],
)
def test_a_picture_that_a_mail_can_not_show_is_left_out_for_a_reason(
    lacks: dict[str, Any], reason: str
) -> None:
    whole = Picture(src="/a.jpg", alt="A pier", width=1200, height=630)
    assert filters.mail_picture_problem(whole) is None
    picture = replace(whole, **lacks)
    assert filters.mail_picture_problem(picture) == reason


def test_the_picture_of_an_article_is_shown_without_words_if_it_has_none() -> None:
    whole = Picture(src="/a.jpg", alt="A pier", width=600, height=315)
    for alt in ("", "IMG_1234.png"):
        assert filters.mail_picture(replace(whole, alt=alt)) == replace(whole, alt="")
    assert filters.mail_picture(replace(whole, alt="", src="/a.webp")) is None
    assert filters.mail_picture(replace(whole, width=None)) is None


@pytest.mark.parametrize("alt", ["The logo of cat.png", "A pier.", "e.org/png", "cat.png, old"])
def test_words_about_a_file_are_an_alternative_text(alt: str) -> None:
    assert (
        filters.mail_picture_problem(Picture(src="/a.jpg", alt=alt, width=9, height=9)) is None
    )


def test_sides_and_fonts_follow_the_language() -> None:
    sides = {
        tag: (filters.start_side(tag), filters.end_side(tag), filters.arrow(tag))
        for tag in ("en", "ar")
    }
    assert sides == {"en": ("left", "right", "→"), "ar": ("right", "left", "←")}
    assert "YaHei" in typeface("zh-Hans").body
    assert "JhengHei" in typeface("zh-Hant-HK").body
    assert typeface("de") == typeface("en")
    assert typeface("fa") == typeface("ar")


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("/media/abc/fog-horn.mp3", "fog-horn.mp3"),
        ("https://example.org/a/%E9%9B%BE.mp3?x=1", "雾.mp3"),
        ("https://example.org/", "https://example.org/"),
    ],
)
def test_a_file_is_named_by_the_end_of_its_address(address: str, name: str) -> None:
    assert filters.file_name(address) == name


@pytest.mark.parametrize(
    ("seconds", "shown"), [(7, "0:07"), (60, "1:00"), (3599, "59:59"), (3723, "1:02:03")]
)
def test_a_duration_is_shown_as_players_do(seconds: int, shown: str) -> None:
    assert filters.duration_text(seconds) == shown


def test_a_picture_that_the_text_shows_is_not_shown_again_unless_it_is_code() -> None:
    src = "https://example.org/p.jpg?a=1&b=2"
    html = '<p><img src="https://example.org/p.jpg?a=1&amp;b=2" alt=""></p>'
    assert (
        filters.own_picture(sample.article("en", picture=Picture(src=src), html=html)) is None
    )
    html = '<p><code>&lt;img src="/media/abc/p.jpg"&gt;</code> <img src="/b.png" alt=""></p>'
    picture = Picture(src="/media/abc/p.jpg")
    assert filters.own_picture(sample.article("en", picture=picture, html=html)) == picture


def test_values_of_attributes_are_not_searched_for_others() -> None:
    html = (
        '<p><img alt="see src=\'/foo\' or" src="/a.png" title=\'x href="/b"\'>'
        "<a title=' src=\"/c\" ' href='/d'>d</a></p>"
    )
    expected = html.replace('"/a.png', '"https://e.org/a.png').replace(
        "'/d", "'https://e.org/d"
    )
    assert filters.absolute_html(html, "https://e.org") == expected


@pytest.mark.parametrize("piece", [' x="<a"', " x='<a '", " <a", ' <a x="<a b="/c"', "<a x=' "])
def test_tags_within_tags_cost_no_more_than_they_are_long(piece: str) -> None:
    html = "<a" + piece * (400_000 // len(piece)) + ' ="/'
    with at_most(5):
        filters.absolute_html(html, "https://e.org")
