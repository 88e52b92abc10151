from __future__ import annotations

import hashlib

import pytest

from publisher.articles.model import MediaFile, Picture
from publisher.errors import ArticleError
from tests.publisher.ingest.helpers import drawn, png, read_text

CONTENT = png(640, 480)
HASH = hashlib.sha256(CONTENT).hexdigest()[:16]
FILES = {
    "images/Mein Bild.png": CONTENT,
    "en/图.PNG": CONTENT,
    "en/bad.png": b"<svg/>",
    # A screen of 65,535 by 65,535 pixels (GIF89a section 18).
    "en/huge.gif": b"GIF89a\xff\xff\xff\xff" + drawn("GIF", 1, 1)[10:],
    "en/new.jpeg": drawn("AVIF", 64, 48),
}


def draft_with(body: str, front: str = "") -> tuple[str, tuple[MediaFile, ...], Picture | None]:
    draft = read_text("en/a.md", f"---\ntitle: T\n{front}---\n{body}", FILES)
    return draft.html, draft.media, draft.picture


@pytest.mark.parametrize(
    "src",
    ["../images/Mein%20Bild.png", "/images/Mein%20Bild.png?v=1", "./../images//Mein Bild.png"],
)
def test_a_local_picture_gets_a_target_and_its_size(src: str) -> None:
    html, media, _picture = draft_with(f'<img src="{src}" alt="A"> <img src="{src}">')

    target = f"media/{HASH}/mein-bild.png"
    assert f'<img src="/{target}" alt="A" width="640" height="480">' in html
    assert media == (MediaFile(path="images/Mein Bild.png", target=target),)


def test_the_format_of_a_picture_is_read_from_its_content() -> None:
    html, media, _picture = draft_with("![x](new.jpeg)")

    assert media[0].target.endswith("/new.avif")
    assert 'width="64" height="48"' in html


def test_pictures_in_html_documents_get_their_size_too() -> None:
    page = '<h1>T</h1><p>x <img src="../images/Mein Bild.png" alt="A"></p>'
    html = read_text("en/a.html", page, FILES).html

    assert f'src="/media/{HASH}/mein-bild.png" alt="A" width="640" height="480"' in html


@pytest.mark.parametrize(
    ("given", "size"),
    [
        ('width="64"', 'width="64" height="48"'),
        ('height="48"', 'width="64" height="48"'),
        ('width="10" height="10"', 'width="10" height="10"'),
        ('width="50%"', 'width="640" height="480"'),
    ],
)
def test_a_given_size_is_kept_and_completed(given: str, size: str) -> None:
    html, _media, _picture = draft_with(f'<img alt="" src="图.PNG" {given}>')

    assert set(size.split()) <= set(html.rstrip("></p").split())


@pytest.mark.parametrize(
    ("src", "reason"),
    [
        ("images/x.png", "^images/x.png: no such picture$"),
        ("../../secret.png", "^../../secret.png: no such picture$"),
        ("../..", "no such picture"),
        ("%00.png", "no such picture"),
        ("/missing.png", "^/missing.png: no such picture$"),
        ("bad.png", "^bad.png: not a PNG, JPEG, GIF, WebP or AVIF picture, or not a whole one"),
        ("huge.gif", "^huge.gif: has more than 178 million pixels; scale it down$"),
    ],
)
def test_a_picture_that_can_not_be_shown_is_named(src: str, reason: str) -> None:
    with pytest.raises(ArticleError, match=reason):
        draft_with(f"![x]({src})")


def test_remote_pictures_stay_where_they_are() -> None:
    html, media, _picture = draft_with(
        '<img src="https://example.org/a.svg" width="5" alt="A">'
    )

    assert html == '<img src="https://example.org/a.svg" width="5" alt="A">'
    assert media == ()


def test_the_articles_own_picture() -> None:
    _html, media, picture = draft_with(
        "x", "image: {src: ../images/Mein Bild.png, alt: A, width: 320}\n"
    )

    assert picture == Picture(
        src=f"/media/{HASH}/mein-bild.png", alt="A", width=320, height=240
    )
    assert len(media) == 1


def test_the_articles_own_picture_may_be_remote() -> None:
    _html, _media, picture = draft_with("x", "image: //example.org/a.png\n")

    assert picture == Picture(src="https://example.org/a.png")


def test_the_stated_size_of_a_remote_picture_counts() -> None:
    said = "{src: 'https://example.org/a.png', alt: A pier, width: 1200, height: 630}"
    _html, _media, picture = draft_with("x", f"image: {said}\n")

    assert picture == Picture(
        src="https://example.org/a.png", alt="A pier", width=1200, height=630
    )


def test_a_picture_of_a_page_elsewhere_is_found_there() -> None:
    _html, _media, picture = draft_with("x", "image: a.png\nurl: https://example.org/b/c\n")

    assert picture == Picture(src="https://example.org/b/a.png")


@pytest.mark.parametrize(
    "src", ["javascript:alert(1)", "mailto:a@example.org", "#x", "http://[x"]
)
def test_other_addresses_are_no_pictures(src: str) -> None:
    with pytest.raises(ArticleError, match="not a picture's address"):
        draft_with("x", f"image: '{src}'\n")


def test_no_picture_is_taken_from_the_body() -> None:
    assert draft_with("![x](图.PNG)")[2] is None
