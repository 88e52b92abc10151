"""Addresses as a mail may write them, and pictures that a mail may show."""

from __future__ import annotations

import pytest

from publisher.articles.model import Picture
from publisher.mail_limits import MAX_URL_LENGTH
from publisher.rendering.prose import BodyLink, body_links, mail_content, omitted_pictures
from publisher.rendering.prose.mail_urls import MailUrls
from tests.publisher.rendering.prose.helpers import BASE, read

SITE = MailUrls.of(BASE, ["media.example.org"])
PICTURE = Picture(src="/media/a.png", alt="A chart", width=1000, height=500)


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("https://example.org/a?b=1&c=%20#d", "https://example.org/a?b=1&c=%20#d"),
        ("/en/story/", "https://news.example.org/en/story/"),
        ("https://straße.example/ä b", "https://xn--strae-oqa.example/%C3%A4%20b"),
        ("http://例え.example/あ", "http://xn--r8jz45g.example/%E3%81%82"),
        ("mailto:ann@example.org?subject=é", "mailto:ann@example.org?subject=%C3%A9"),
        ("//cdn.example.org/x", "https://cdn.example.org/x"),
        ("HTTPS://Example.org/", "HTTPS://Example.org/"),
        ("https://example.org/@", "https://example.org/@"),
        ("https://example.org/" + "a" * 1980, "https://example.org/" + "a" * 1980),
        ("https://example.org/@@UNSUBSCRIBE@@", "https://example.org/@%E2%80%8C@UNSUBSCRIBE@@"),
    ],
)
def test_an_address_is_written_in_ascii(address: str, written: str) -> None:
    assert SITE.link(address) == written
    assert len(written) <= MAX_URL_LENGTH


@pytest.mark.parametrize(
    "address",
    [
        "",
        "relative/path",
        "#place",
        "javascript:alert(1)",
        "ftp://example.org/",
        "https:///nowhere",
        "https://ü..example/",
        "https://exa mple.org/",
        "https://[::1",
        "https://[::1]y/ü",
        "https://example.org:port/",
        "mailto:",
        "https://example.org/" + "ä" * 400,
    ],
)
def test_addresses_that_mail_programs_do_not_open_are_no_links(address: str) -> None:
    assert SITE.link(address) is None


def test_a_publication_below_a_path_keeps_it() -> None:
    assert (
        MailUrls.of("https://example.org/news").link("/en/") == "https://example.org/news/en/"
    )


def test_a_picture_is_shrunk_to_its_room_and_never_enlarged() -> None:
    shown = SITE.picture(PICTURE, 528)
    assert shown == Picture(src=f"{BASE}/media/a.png", alt="A chart", width=528, height=264)
    small = SITE.picture(Picture(src="/a.gif", alt="x", width=300, height=1), 528)
    assert small is not None
    assert (small.width, small.height) == (300, 1)
    flat = SITE.picture(Picture(src="/a.gif", alt="x", width=3000, height=1), 528)
    assert flat is not None
    assert flat.height == 1


def test_pictures_may_lie_on_other_hosts_of_the_publication() -> None:
    elsewhere = Picture(src="https://media.example.org/a.jpg", alt="x", width=9, height=9)
    assert SITE.picture(elsewhere, 528) == elsewhere
    assert MailUrls.of(BASE).picture(elsewhere, 528) is None


def test_omitted_pictures_are_listed_with_their_reasons() -> None:
    prose = read(
        '<img src="/m/a.png" alt="fine" width="9" height="9">'
        '<img src="/m/b.svg" alt="b" width="9" height="9">'
        '<img src="/m/c.png" alt="" width="9" height="9">'
        '<img src="/m/d.png" alt="d"><img src="https://x.example/e.png" alt="e">'
        '<img src="/m/f.png" alt="f.png" width="9" height="9">'
        '<img src="/m/g" alt="g" width="9" height="9"><img src="/m/g" alt="again">'
        '<p>words <img src="https://x.example/pixel.gif" alt="" width="1" height="1"></p>'
    )
    told = omitted_pictures(prose, base_url=BASE)
    assert [line.partition(":")[0] for line in told] == [
        *("b.svg", "c.png", "d.png", "e.png", "f.png", "g"),
    ]
    assert all(site_reason.partition(": ")[2] for site_reason in told)


def test_a_file_name_is_no_alternative_text() -> None:
    hashed = Picture(src="/media/cat.0a1b2c3d.png", alt="cat.png", width=9, height=9)
    assert SITE.picture(hashed, 528) is None
    reason = SITE.omission_reason(hashed)
    assert reason == "its alternative text is a file's name: write what it shows"


def test_links_are_listed_once_with_their_words() -> None:
    prose = mail_content(
        '<p><a href="https://example.org/a">one <b>two</b></a> and '
        '<a href="https://example.org/a">again</a>, <a href="https://example.org/b">three</a></p>'
        '<p><a href="ftp://example.org/">no link</a></p>'
    )
    assert body_links(prose, base_url=BASE) == (
        BodyLink(title="one two", url="https://example.org/a"),
        BodyLink(title="three", url="https://example.org/b"),
    )


def test_a_link_that_says_its_address_is_not_listed() -> None:
    prose = read(
        '<a href="https://example.org/">https://example.org/</a> '
        '<a href="mailto:ann@example.org">ann@example.org</a>'
    )
    assert body_links(prose, base_url=BASE) == ()


def test_a_linked_picture_is_listed_if_it_is_shown() -> None:
    picture = '<a href="/en/"><img src="/m/a.png" alt="{}" width="90" height="90"></a>'
    assert body_links(read(picture.format("Map")), base_url=BASE) == (
        BodyLink(title="Map", url=f"{BASE}/en/"),
    )
    assert body_links(read(picture.format("")), base_url=BASE) == ()
