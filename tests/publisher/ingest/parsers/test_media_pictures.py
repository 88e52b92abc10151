from __future__ import annotations

import hashlib
from pathlib import PurePosixPath

import pytest

from publisher.articles.model import MediaFile, Picture
from publisher.ingest.parsers import SourceDocument, parse_document
from tests.publisher.ingest.helpers import MemoryLibrary, drawn, png, read_text

NO_PICTURE = "not a PNG, JPEG, GIF, WebP or AVIF picture, or not a whole one; export it again"
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
    ("src", "kind", "what"),
    [
        ("images/x.png", "missing-picture", "images/x.png"),
        ("../../secret.png", "missing-picture", "../../secret.png"),
        ("../..", "missing-picture", "../.."),
        ("%00.png", "missing-picture", "%00.png"),
        ("/missing.png", "missing-picture", "/missing.png"),
        ("bad.png", "unsupported-picture", f"bad.png: {NO_PICTURE}"),
        (
            "huge.gif",
            "unsupported-picture",
            "huge.gif: has more than 80 million pixels; scale it down",
        ),
    ],
)
def test_a_picture_that_can_not_be_shown_becomes_its_description(
    src: str, kind: str, what: str
) -> None:
    article = read_text("en/a.md", f"---\ntitle: T\n---\nBefore.\n\n![A pier]({src})\n", FILES)
    assert article.html == "<p>Before.</p>\n<p>A pier</p>"
    (found,) = article.problems
    assert (found.kind, found.line, found.what) == (kind, 6, what)


def test_a_picture_without_alt_is_shown_and_listed() -> None:
    article = read_text("en/a.md", "---\ntitle: T\n---\n\n![](图.PNG)\n", FILES)
    assert 'alt=""' in article.html
    (found,) = article.problems
    assert (found.kind, found.line) == ("picture-without-alt", 5)


def test_root_paths_count_from_the_static_folders_then_from_the_source() -> None:
    files = {"static/img/a.png": png(300, 200), "img/a.png": CONTENT, "img/b.png": CONTENT}
    text = "---\ntitle: T\n---\n![A](/img/a.png)\n![B](/img/b.png)\n![C](c.png)\n"
    text += "![D](@site/static/img/d.png)\n"
    document = SourceDocument(
        PurePosixPath("en/a.md"),
        text.encode(),
        beside=(PurePosixPath("img"),),
        static=(PurePosixPath("static"),),
    )
    article = parse_document(
        document, MemoryLibrary(files | {"img/c.png": CONTENT, "static/img/d.png": CONTENT})
    )
    assert [one.path for one in article.media] == [
        "static/img/a.png",
        "img/b.png",
        "img/c.png",
        "static/img/d.png",
    ]
    assert article.problems == ()


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
    "src", ["javascript:alert(1)", "mailto:a@example.org", "#x", "http://[x", "missing.png"]
)
def test_an_address_without_a_picture_costs_the_picture_only(src: str) -> None:
    article = read_text("en/a.md", f"---\ntitle: T\nimage: '{src}'\n---\nx\n", FILES)
    assert article.picture is None
    assert [one.kind for one in article.problems] in (["missing-picture"], ["unknown-field"])


def test_without_a_picture_of_its_own_an_article_has_the_first_of_its_text() -> None:
    body = '<img src="https://example.org/badge.png" width="90" alt="b"> ![A pier](图.PNG)'
    html, _media, picture = draft_with(body)
    assert picture is not None
    assert (picture.alt, picture.width, picture.height) == ("A pier", 640, 480)
    assert picture.src in html


def test_the_picture_of_the_front_matter_has_the_words_that_the_text_has_for_it() -> None:
    _html, _media, picture = draft_with("![A pier](图.PNG)", "image: 图.PNG\n")
    assert picture is not None
    assert picture.alt == "A pier"
    article = read_text("en/a.md", "---\ntitle: T\nimage: 图.PNG\n---\nx\n", FILES)
    assert article.picture is not None
    assert [(one.kind, one.line) for one in article.problems] == [("picture-without-alt", 3)]


def test_a_picture_of_the_front_matter_may_be_named_from_the_root() -> None:
    _html, media, _picture = draft_with("x", "images: [images/Mein Bild.png]\n")
    assert [one.path for one in media] == ["images/Mein Bild.png"]
