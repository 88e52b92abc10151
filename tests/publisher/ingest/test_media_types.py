"""What a file is, by its suffix and by its first bytes."""

from __future__ import annotations

import pytest

from publisher.ingest.media_types import HEAD_BYTES, MEDIA_KINDS, media_kind
from tests.publisher.ingest.helpers import mp3, opus, wav

BOX = b"\0\0\0\x20"
EPUB = b"PK\x03\x04" + bytes(26) + b"mimetypeapplication/epub+zip"
HEADS = {
    ".mp3": [mp3(1), mp3(1)[10:], b"\xff\xf3\x40\xc0"],
    ".m4a": [BOX + b"ftypM4A "],
    ".ogg": [opus(1)],
    ".oga": [opus(1)],
    ".opus": [opus(1)],
    ".wav": [wav(0), b"RF64\xff\xff\xff\xffWAVEds64"],
    ".flac": [b"fLaC\0\0\0\x22"],
    ".mp4": [BOX + b"ftypisom"],
    ".m4v": [BOX + b"ftypM4V "],
    ".webm": [b"\x1a\x45\xdf\xa3\x9f"],
    ".mov": [BOX + b"ftypqt  ", BOX + b"moov", b"\0\0\0\x08wide"],
    ".pdf": [b"%PDF-1.7\n", b"\xef\xbb\xbf\n%PDF-2.0\n"],
    ".epub": [EPUB],
}


def test_every_kind_is_known_by_its_first_bytes() -> None:
    assert set(HEADS) == set(MEDIA_KINDS)
    for suffix, heads in HEADS.items():
        for head in heads:
            assert MEDIA_KINDS[suffix].fits(head), (suffix, head)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"I",
        b"Words about a ferry.",
        b"<!doctype html><title>Not found</title>",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\0\0\0\0AVI LIST",
        b"PK\x03\x04" + bytes(60),
        bytes(HEAD_BYTES) + b"%PDF-1.7",
    ],
)
def test_anything_else_is_of_none_of_them(head: bytes) -> None:
    assert [suffix for suffix, kind in MEDIA_KINDS.items() if kind.fits(head)] == []


def test_aac_and_reserved_layers_and_versions_are_no_mp3() -> None:
    for second in (0xF1, 0xF9, 0xE0, 0xEB, 0xF0, 0xF8, 0x1F):
        assert not MEDIA_KINDS[".mp3"].fits(bytes([0xFF, second, 0x50, 0x80]))


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("talk.mp3", "audio/mpeg"),
        ("a.b/Talk.MP3", "audio/mpeg"),
        ("talk.m4a", "audio/mp4"),
        ("talk.opus", "audio/ogg"),
        ("talk.wav", "audio/wav"),
        ("talk.flac", "audio/flac"),
        ("film.m4v", "video/mp4"),
        ("film.webm", "video/webm"),
        ("film.mov", "video/quicktime"),
        ("plan.pdf", "application/pdf"),
        ("book.epub", "application/epub+zip"),
    ],
)
def test_a_suffix_stands_for_a_type(name: str, media_type: str) -> None:
    kind = media_kind(name)
    assert kind is not None
    assert kind.media_type == media_type


@pytest.mark.parametrize("name", ["mp3", ".mp3", "talk.mp3.zip", "talk", ""])
def test_a_name_without_one_of_the_suffixes_stands_for_none(name: str) -> None:
    assert media_kind(name) is None
