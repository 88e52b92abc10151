"""Pictures and attachments as they come out of a parser: found, checked against their bytes."""

import hashlib
from dataclasses import replace
from pathlib import PurePosixPath

import pytest

from publisher.articles.model import Attachment, MediaFile, ParsedArticle, Picture
from publisher.errors import ArticleError
from publisher.ingest.parsers import parse_document
from publisher.ingest.parsers.document import Dialect, SourceDocument
from tests.publisher.ingest.helpers import MemoryLibrary, drawn, mp3, opus, png, read_text, wav

NO_PICTURE = "not a PNG, JPEG, GIF, WebP or AVIF picture, or not a whole one; export it again"
TOO_MANY = "has more than 80 million pixels; scale it down"
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


def draft_with(body: str, front: str = "") -> ParsedArticle:
    return read_text("en/a.md", f"---\ntitle: T\n{front}---\n{body}", FILES)


@pytest.mark.parametrize(
    "src",
    ["../images/Mein%20Bild.png", "/images/Mein%20Bild.png?v=1", "./../images//Mein Bild.png"],
)
def test_a_local_picture_gets_a_target_and_its_size(src: str) -> None:
    article = draft_with(f'<img src="{src}" alt="A"> <img src="{src}">')
    target = f"media/{HASH}/mein-bild.png"
    assert f'<img src="/{target}" alt="A" width="640" height="480">' in article.html
    assert article.media == (MediaFile(path="images/Mein Bild.png", target=target),)


def test_the_size_of_a_picture_is_that_of_its_content_in_html_documents_too() -> None:
    article = draft_with("![x](new.jpeg)")
    assert article.media[0].target.endswith("/new.avif")
    assert 'width="64" height="48"' in article.html
    page = '<h1>T</h1><p>x <img src="../images/Mein Bild.png" alt="A"></p>'
    html = read_text("en/a.html", page, FILES).html
    assert f'src="/media/{HASH}/mein-bild.png" alt="A" width="640" height="480"' in html


@pytest.mark.parametrize(
    ("given", "size"),
    [
        *(('width="64"', 'width="64" height="48"'), ('height="48"', 'width="64" height="48"')),
        ('width="10" height="10"', 'width="10" height="10"'),
        ('width="50%"', 'width="640" height="480"'),
    ],
)
def test_a_given_size_is_kept_and_completed(given: str, size: str) -> None:
    html = draft_with(f'<img alt="" src="图.PNG" {given}>').html
    assert set(size.split()) <= set(html.rstrip("></p").split())


@pytest.mark.parametrize(
    ("src", "kind", "what"),
    [
        ("images/x.png", "missing-picture", "images/x.png"),
        ("../../secret.png", "missing-picture", "../../secret.png"),
        *(("../..", "missing-picture", "../.."), ("%00.png", "missing-picture", "%00.png")),
        ("/missing.png", "missing-picture", "/missing.png"),
        ("bad.png", "unsupported-picture", f"bad.png: {NO_PICTURE}"),
        ("huge.gif", "unsupported-picture", f"huge.gif: {TOO_MANY}"),
    ],
)
def test_a_picture_that_can_not_be_shown_becomes_its_description(
    src: str, kind: str, what: str
) -> None:
    article = draft_with(f"Before.\n\n![A pier]({src})\n")
    assert article.html == "<p>Before.</p>\n<p>A pier</p>"
    (found,) = article.problems
    assert (found.kind, found.line, found.what) == (kind, 6, what)


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
    paths = ["static/img/a.png", "img/b.png", "img/c.png", "static/img/d.png"]
    assert [file.path for file in article.media] == paths
    assert article.problems == ()


def test_remote_pictures_stay_where_they_are_and_those_without_alt_are_listed() -> None:
    tag = '<img src="https://example.org/a.svg" width="5" alt="A">'
    assert (draft_with(tag).html, draft_with(tag).media) == (tag, ())
    article = draft_with("\n![](图.PNG)\n")
    assert 'alt=""' in article.html
    (found,) = article.problems
    assert (found.kind, found.line) == ("picture-without-alt", 5)


REMOTE = Picture(src="https://example.org/a.png")
LOCAL = Picture(src=f"/media/{HASH}/mein-bild.png", width=640, height=480)


@pytest.mark.parametrize(
    ("stated", "picture"),
    [
        (
            "image: {src: ../images/Mein Bild.png, alt: A, width: 320}",
            replace(LOCAL, alt="A", width=320, height=240),
        ),
        *(("images: [images/Mein Bild.png]", LOCAL), ("image: //example.org/a.png", REMOTE)),
        (
            "image: {src: 'https://example.org/a.png', alt: A pier, width: 1200, height: 630}",
            replace(REMOTE, alt="A pier", width=1200, height=630),
        ),
        ("image: a.png\nurl: https://example.org/b", REMOTE),
    ],
)
def test_the_articles_own_picture_is_a_file_or_stands_elsewhere_with_a_stated_size(
    stated: str, picture: Picture
) -> None:
    article = draft_with("x", f"{stated}\n")
    assert article.picture == picture
    copied = ["images/Mein Bild.png"] if picture.src.startswith("/media/") else []
    assert [file.path for file in article.media] == copied


@pytest.mark.parametrize(
    "src", ["javascript:alert(1)", "mailto:a@example.org", "#x", "http://[x", "missing.png"]
)
def test_an_address_without_a_picture_costs_the_picture_only(src: str) -> None:
    article = draft_with("x", f"image: '{src}'\n")
    assert article.picture is None
    assert [one.kind for one in article.problems] in (["missing-picture"], ["unknown-field"])


def test_without_a_picture_of_its_own_an_article_has_the_first_of_its_text() -> None:
    body = '<img src="https://example.org/badge.png" width="90" alt="b"> ![A pier](图.PNG)'
    article = draft_with(body)
    assert article.picture is not None
    assert replace(article.picture, src="") == Picture(
        src="", alt="A pier", width=640, height=480
    )
    assert article.picture.src in article.html


def test_the_picture_of_the_front_matter_has_the_words_that_the_text_has_for_it() -> None:
    article = draft_with("![A pier](图.PNG)", "image: 图.PNG\n")
    assert article.picture is not None
    assert article.picture.alt == "A pier"
    article = draft_with("x", "image: 图.PNG\n")
    assert article.picture is not None
    assert [(one.kind, one.line) for one in article.problems] == [("picture-without-alt", 3)]


TALK = mp3(400)
ATTACHED = {
    "en/talk.mp3": TALK,
    "sounds/Café #1.wav": wav(3),
    "en/图.OPUS": opus(90),
    "en/plan.pdf": b"%PDF-1.7\n",
    "en/text.mp3": b"Words.",
    "en/tables.zip": b"PK\x03\x04",
}


def place(content: bytes, name: str) -> str:
    return f"media/{hashlib.sha256(content).hexdigest()[:16]}/{name}"


def draft(matter: str, name: str = "en/a.md") -> ParsedArticle:
    return read_text(name, f"---\ntitle: T\n{matter}---\nWords.\n", ATTACHED)


def test_a_local_audio_file_has_type_length_and_duration_of_its_content() -> None:
    found = draft("audio: {src: talk.mp3, length: 5, title: The talk}\n")
    target = place(TALK, "talk.mp3")
    talk = Attachment(src=f"/{target}", media_type="audio/mpeg", length=len(TALK), duration=10)
    assert found.attachments == (replace(talk, title="The talk"),)
    assert found.media == (MediaFile(path="en/talk.mp3", target=target),)


def test_type_and_duration_are_those_of_front_matter_or_of_the_file() -> None:
    (found,) = draft(
        "audio: {src: talk.mp3, type: audio/x-mp3, duration: '0:11'}\n"
    ).attachments
    assert (found.media_type, found.duration) == ("audio/x-mp3", 11)
    (found,) = draft("attachments: [plan.pdf]\n").attachments
    assert (found.media_type, found.length, found.duration) == ("application/pdf", 9, None)
    (found,) = draft("audio: 图.OPUS\n").attachments
    assert (found.src, found.duration) == (f"/{place(opus(90), 'tu.opus')}", 90)
    (found,) = draft("audio: {src: 'https://example.org/1', type: audio/mpeg}\n").attachments
    assert found.media_type == "audio/mpeg"


@pytest.mark.parametrize(
    "src", ["../sounds/Café #1.wav", "/sounds/Caf%C3%A9%20%231.wav", "./../sounds//Café #1.wav"]
)
def test_a_path_may_be_written_as_files_or_as_addresses_are(src: str) -> None:
    (found,) = draft(f"audio: '{src}'\n").attachments
    assert found.src == f"/{place(wav(3), 'cafe-1.wav')}"


@pytest.mark.parametrize("name", ["en/a.md", "en/a.html", "en/a.txt"])
def test_every_format_with_front_matter_has_attachments(name: str) -> None:
    assert len(draft("audio: talk.mp3\n", name).attachments) == 1


def test_a_remote_file_stays_where_it_is() -> None:
    found = draft(
        "audio: {url: 'https://example.org/a.mp3?x=1', length: 17, duration: 60}\n"
        "video: //example.org/b.webm\n"
    )
    assert found.attachments == (
        Attachment(
            src="https://example.org/a.mp3?x=1", media_type="audio/mpeg", length=17, duration=60
        ),
        Attachment(src="https://example.org/b.webm", media_type="video/webm"),
    )
    assert found.media == ()


def test_a_file_of_a_page_elsewhere_is_found_there_unless_it_is_here() -> None:
    found = draft("url: https://example.org/b/c\nattachments: [a.mp3, talk.mp3]\n").attachments
    places = ["https://example.org/b/a.mp3", f"/{place(TALK, 'talk.mp3')}"]
    assert [one.src for one in found] == places


def test_a_file_that_is_named_twice_is_attached_once_with_all_metadata() -> None:
    found = draft(
        "attachments:\n- {src: ./talk.mp3, title: The talk}\n- https://example.org/1\n"
        "- {src: 'https://example.org/1', type: audio/ogg, length: 3}\naudio: talk.mp3\n"
    ).attachments
    facts = [(one.title, one.media_type, one.length) for one in found]
    assert facts == [("The talk", "audio/mpeg", len(TALK)), (None, "audio/ogg", 3)]


@pytest.mark.parametrize(
    ("matter", "reason"),
    [
        ("audio: x.mp3", "^audio: x.mp3: no such file; put it beside the article, or write"),
        ("audio: ../../x.mp3", "^audio: ../../x.mp3: no such file"),
        (
            "audio: text.mp3",
            (
                "^audio: text.mp3: named .mp3, but there is no MP3 in it; export it as MP3, or give it "
                "the suffix of what it is$"
            ),
        ),
        (
            "attachments: [tables.zip]",
            "^attachments: tables.zip: not a kind of file that is attached; use one of .mp3, .m4a, ",
        ),
        (
            "enclosure: https://example.org/watch?v=1",
            (
                "^enclosure: https://example.org/watch.*: its address does not say what it is; add a "
                "type, as type: audio/mpeg$"
            ),
        ),
        ("audio: ftp://example.org/a.mp3", "^audio: .*: no address of the web; write a path"),
        ("audio: 'mailto:a@example.org'", "no address of the web"),
        ("audio: 'https://example.org/a b.mp3'", "no address of the web"),
        ("audio: 'https://example.org:x/a.mp3'", "no address of the web"),
        ("audio: 'http://[x/a.mp3'", "no address of the web"),
        (f"audio: 'https://{'ü' * 70}.example.org/a.mp3'", "no address of the web"),
    ],
)
def test_errors_of_attachments_name_the_file_and_the_remedy(matter: str, reason: str) -> None:
    with pytest.raises(ArticleError, match=reason):
        draft(f"{matter}\n")


@pytest.mark.parametrize("key", ["audio", "video"])
def test_the_page_of_a_player_elsewhere_is_no_attachment(key: str) -> None:
    assert draft(f"{key}: https://example.org/watch?v=1\n").attachments == ()


@pytest.mark.parametrize(
    ("matter", "addresses", "problem"),
    [
        ("audio: x.mp3", ["https://example.org/log/x.mp3"], "x.mp3"),
        ("audio: /s/x.mp3", ["https://example.org/s/x.mp3"], "/s/x.mp3"),
        ("attachments: [x.zip]", [], "x.zip"),
        ("audio: text.mp3", [], "audio: text.mp3: named .mp3, but there is no MP3 in it"),
    ],
)
def test_a_missing_attachment_of_a_site_costs_no_article(
    matter: str, addresses: list[str], problem: str
) -> None:
    text = f"---\ntitle: T\n{matter}\n---\nWords.\n".encode()
    document = SourceDocument(
        PurePosixPath("en/a.md"),
        text,
        dialect=Dialect.GOLDMARK,
        site_url="https://example.org/log",
    )
    found = parse_document(document, MemoryLibrary(ATTACHED))
    assert [one.src for one in found.attachments] == addresses
    kinds = {(one.kind.value, one.line) for one in found.problems}
    assert kinds == {("missing-attachment", 3)}
    assert found.problems[0].what.startswith(problem)
