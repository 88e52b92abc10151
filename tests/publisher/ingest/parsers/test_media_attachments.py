"""Attachments as they come out of a parser: found, checked against their bytes, each once."""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath

import pytest

from publisher.articles.model import Attachment, MediaFile, ParsedArticle
from publisher.errors import ArticleError
from publisher.ingest.parsers import Dialect, SourceDocument, parse_document
from tests.publisher.ingest.helpers import MemoryLibrary, mp3, opus, read_text, wav

TALK = mp3(400)
FILES = {
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
    return read_text(name, f"---\ntitle: T\n{matter}---\nWords.\n", FILES)


def test_a_local_audio_file_has_type_length_and_duration_of_its_content() -> None:
    found = draft("audio: {src: talk.mp3, length: 5, title: The talk}\n")
    target = place(TALK, "talk.mp3")
    assert found.attachments == (
        Attachment(
            src=f"/{target}",
            media_type="audio/mpeg",
            length=len(TALK),
            title="The talk",
            duration=10,
        ),
    )
    assert found.media == (MediaFile(path="en/talk.mp3", target=target),)


def test_type_and_duration_in_front_matter_count_first() -> None:
    (found,) = draft(
        "audio: {src: talk.mp3, type: audio/x-mp3, duration: '0:11'}\n"
    ).attachments
    assert (found.media_type, found.duration) == ("audio/x-mp3", 11)


def test_a_document_has_no_duration() -> None:
    (found,) = draft("attachments: [plan.pdf]\n").attachments
    assert (found.media_type, found.length, found.duration) == ("application/pdf", 9, None)


@pytest.mark.parametrize(
    "src", ["../sounds/Café #1.wav", "/sounds/Caf%C3%A9%20%231.wav", "./../sounds//Café #1.wav"]
)
def test_a_path_may_be_written_as_files_or_as_addresses_are(src: str) -> None:
    (found,) = draft(f"audio: '{src}'\n").attachments
    assert found.src == f"/{place(wav(3), 'cafe-1.wav')}"


def test_names_are_made_ascii_and_suffixes_small() -> None:
    (found,) = draft("audio: 图.OPUS\n").attachments
    assert (found.src, found.duration) == (f"/{place(opus(90), 'tu.opus')}", 90)


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


def test_an_address_without_a_suffix_may_have_a_stated_type() -> None:
    (found,) = draft("audio: {src: 'https://example.org/1', type: audio/mpeg}\n").attachments
    assert found.media_type == "audio/mpeg"


def test_a_file_of_a_page_elsewhere_is_found_there_unless_it_is_here() -> None:
    found = draft("url: https://example.org/b/c\nattachments: [a.mp3, talk.mp3]\n").attachments
    assert [one.src for one in found] == [
        "https://example.org/b/a.mp3",
        f"/{place(TALK, 'talk.mp3')}",
    ]


def test_a_file_that_is_named_twice_is_attached_once_with_all_metadata() -> None:
    found = draft(
        "attachments:\n- {src: ./talk.mp3, title: The talk}\n- https://example.org/1\n"
        "- {src: 'https://example.org/1', type: audio/ogg, length: 3}\naudio: talk.mp3\n"
    ).attachments
    assert [(one.title, one.media_type, one.length) for one in found] == [
        ("The talk", "audio/mpeg", len(TALK)),
        (None, "audio/ogg", 3),
    ]


@pytest.mark.parametrize(
    ("matter", "reason"),
    [
        (
            "audio: x.mp3",
            "^audio: x.mp3: no such file; put it beside the article, or write its",
        ),
        ("audio: ../../x.mp3", "^audio: ../../x.mp3: no such file"),
        (
            "audio: text.mp3",
            (
                "^audio: text.mp3: named .mp3, but there is no MP3 in it; export it as "
                "MP3, or give it the suffix of what it is$"
            ),
        ),
        (
            "attachments: [tables.zip]",
            (
                "^attachments: tables.zip: not a kind of file that is "
                "attached; use one of .mp3, .m4a, "
            ),
        ),
        (
            "enclosure: https://example.org/watch?v=1",
            (
                "^enclosure: https://example.org/watch.*: its address "
                "does not say what it is; add a type, as type: audio/mpeg$"
            ),
        ),
        (
            "audio: ftp://example.org/a.mp3",
            "^audio: .*: no address of the web; write a path or h",
        ),
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
    found = parse_document(document, MemoryLibrary(FILES))

    assert [one.src for one in found.attachments] == addresses
    kinds = {(one.kind.value, one.line) for one in found.problems}
    assert kinds == {("missing-attachment", 3)}
    assert found.problems[0].what.startswith(problem)
