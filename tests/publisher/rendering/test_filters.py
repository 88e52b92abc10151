"""What templates ask for."""

from __future__ import annotations

import pytest

from publisher.articles.model import Byline, Picture
from publisher.rendering import filters
from publisher.rendering.typography import typeface
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
    assert filters.names(bylines, language) == written


def test_bare_names_are_listed_as_the_language_does() -> None:
    bylines = (Byline(name="A"), Byline(name="B"), Byline(name="C"))
    assert filters.names(bylines, "en") == "A, B, and C"
    assert filters.names(bylines, "zh-Hant") == "A、B和C"
    assert filters.names((), "en") == ""


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
    assert filters.absolute(address, "https://example.org/news") == url


def test_only_attributes_of_tags_become_absolute() -> None:
    html = (
        '<p title="a &gt; b">src="/x"</p><img alt="x > y" src="/media/a.png">'
        '<a href="//example.com/">b</a><a href="/c/" rel="nofollow">c</a><a href="#d">d</a><br/>'
    )
    expected = html.replace('"/media', '"https://e.org/media').replace(
        '"/c/', '"https://e.org/c/'
    )
    assert filters.absolute_html(html, "https://e.org") == expected


@pytest.mark.parametrize(
    ("width", "height", "shown"),
    [
        (1200, 630, (600, 315)),
        (500, 250, (600, 300)),
        (200, 100, (200, 100)),
        (None, None, (600, None)),
        (1200, None, (600, None)),
    ],
)
def test_a_picture_takes_the_width_of_the_mail_unless_it_is_small(
    width: int | None, height: int | None, shown: tuple[int, int | None]
) -> None:
    picture = filters.mail_picture(Picture(src="/a.png", width=width, height=height))
    assert picture is not None
    assert (picture.width, picture.height) == shown


@pytest.mark.parametrize("source", ["/a.svg", "/a.WEBP?v=1", "https://e.org/a.avif"])
def test_formats_that_mail_can_not_show_are_left_out(source: str) -> None:
    assert filters.mail_picture(Picture(src=source)) is None
    assert filters.mail_picture(None) is None


def test_a_conversion_comes_from_the_other_script() -> None:
    assert filters.converted_from(sample.item("zh-Hant", shown_as="converted")) == "Hans"
    assert filters.converted_from(sample.item("zh-Hans", shown_as="converted")) == "Hant"
    assert filters.converted_from(sample.item("zh-Hans")) is None


def test_sides_follow_the_direction() -> None:
    sides = {
        tag: (filters.start(tag), filters.end(tag), filters.arrow(tag)) for tag in ("en", "ar")
    }
    assert sides == {"en": ("left", "right", "→"), "ar": ("right", "left", "←")}


def test_simplified_and_traditional_chinese_are_set_in_different_fonts() -> None:
    assert "YaHei" in typeface("zh-Hans").body
    assert "JhengHei" in typeface("zh-Hant-HK").body
    assert typeface("de") == typeface("en")
    assert typeface("fa") == typeface("ar")
