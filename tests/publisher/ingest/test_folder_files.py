"""The files of a source folder: which are there, what may be seen of them, and what each is."""

import hashlib
import os
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path, PurePosixPath

import pytest

from publisher import files as module
from publisher.articles.model import MediaFile
from publisher.errors import SourceError
from publisher.ingest.media.document_media import FolderFiles
from publisher.ingest.media.duration import media_duration
from publisher.ingest.media.kinds import HEAD_BYTES, MEDIA_KINDS, media_kind
from publisher.ingest.sites.base import LeftOut, LeftOutReason
from publisher.ingest.sources import folder as folder_source
from publisher.ingest.sources.base import Item
from publisher.ingest.sources.folder import (
    COARSEST_CLOCK_NS,
    FolderScan,
    RepositoryHistory,
    file_system_time,
    first_commits,
)
from tests.publisher.ingest.helpers import mp3, opus, wav
from tests.publisher.ingest.sites.helpers import opened

# The files of a source folder: what may be seen of them, and how they come to the web root.


TALK = PurePosixPath("talk.wav")
MEDIA = MediaFile(path="talk.wav", target="media/0123/talk.wav")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    return tmp_path / "source"


@pytest.fixture
def public(tmp_path: Path) -> Path:
    return tmp_path / "public"


def test_a_large_file_is_inspected_without_being_kept_in_memory(folder: Path) -> None:
    content = wav(3)
    (folder / TALK).write_bytes(content)
    found = FolderFiles(folder).inspect(TALK)
    assert found is not None
    assert (found.length, found.duration) == (len(content), 3)
    assert found.sha256 == hashlib.sha256(content).hexdigest()
    assert found.head == content[:1024]


def test_nothing_is_returned_for_an_absent_outside_or_irregular_file(folder: Path) -> None:
    (folder.parent / "secret.wav").write_bytes(wav(1))
    (folder / "link.wav").symlink_to("../secret.wav")
    (folder / "folder.wav").mkdir()
    os.mkfifo(folder / "pipe.wav")
    files = FolderFiles(folder)
    names = ("absent.wav", "link.wav", "folder.wav", "pipe.wav", f"{'x' * 300}.wav")
    for name in names:
        assert files.inspect(PurePosixPath(name)) is None
    assert files.requested == tuple(sorted(names))


def test_a_file_is_copied_once_in_pieces_and_nothing_is_left_beside_it(
    folder: Path, public: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PIECE", 1000)
    (folder / TALK).write_bytes(wav(3))
    files = FolderFiles(folder)
    files.inspect(TALK)
    files.publish(MEDIA, public)
    assert [file.name for file in public.rglob("*") if file.is_file()] == ["talk.wav"]
    assert (public / MEDIA.target).read_bytes() == wav(3)
    (public / MEDIA.target).write_bytes(b"as it was")
    files.publish(MEDIA, public)
    assert (public / MEDIA.target).read_bytes() == b"as it was"


def test_a_copy_that_fails_leaves_no_half_of_a_file(
    folder: Path, public: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    (folder / TALK).write_bytes(wav(3))
    files = FolderFiles(folder)
    files.inspect(TALK)
    monkeypatch.setattr(os, "fsync", full)
    (public / MEDIA.target).parent.mkdir(parents=True)
    with pytest.raises(OSError, match="No space left"):
        files.publish(MEDIA, public)
    assert [file for file in public.rglob("*") if file.is_file()] == []


# Which files are there, and which look as they did before.


# Nanoseconds: so late that every file was changed long before.
LATER = 2**62


def scan(folder: Path, now: int = LATER) -> FolderScan:
    site = opened(folder, site="plain")
    return folder_source.scan_folder(folder, now, site)


def scan_folder(folder: Path, now: int) -> list[Item]:
    return scan(folder, now).items


def look(folder: Path) -> dict[str, str]:
    return {item.key: item.signature for item in scan_folder(folder, LATER)}


def test_articles_pictures_and_attachments_are_listed_in_order_and_nothing_else(
    folder: Path,
) -> None:
    (folder / "en").mkdir()
    listed = ["a.png", "b.md", "c.txt", "d.MP3", "e.pdf", "en/a.HTML"]
    for name in (*listed[::-1], "notes.xyz", "README", "md"):
        (folder / name).touch()
    assert list(look(folder)) == listed
    documents = [item.key for item in scan(folder).items if item.is_document]
    assert documents == ["b.md", "c.txt", "en/a.HTML"]


def test_what_is_left_out_is_counted_by_its_reason(folder: Path) -> None:
    names = ("a.md", "_x.md", "_y.md", ".hidden.md", "old.md~", "b.xyz", "c.XYZ", "x")
    for name in (*names, "_drafts/x.md", ".git/x.md"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    assert list(look(folder)) == ["a.md"]
    assert scan(folder).left_out == {
        LeftOut(LeftOutReason.FOLDER, "_drafts"): 1,
        LeftOut(LeftOutReason.FOLDER, ".git"): 1,
        LeftOut(LeftOutReason.HIDDEN, "."): 1,
        LeftOut(LeftOutReason.HIDDEN, "_"): 2,
        LeftOut(LeftOutReason.ENDING, ".xyz"): 2,
        LeftOut(LeftOutReason.ENDING, ".md~"): 1,
        LeftOut(LeftOutReason.ENDING, ""): 1,
    }


def test_a_folder_with_too_many_documents_is_refused_with_what_to_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_source, "MAX_FILES", 2)
    for name in ("a.md", "b.md"):
        (folder / name).touch()
    assert len(scan(folder).items) == 2
    (folder / "c.md").touch()
    with pytest.raises(SourceError, match="more than 2 documents; name a folder in it as path"):
        scan(folder)


def test_of_too_many_pictures_none_is_watched(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_source, "MAX_FILES", 2)
    for name in ("a.md", "b.png", "c.mp3", "d.png", "e.pdf"):
        (folder / name).touch()
    assert list(look(folder)) == ["a.md"]
    assert scan(folder).left_out == {LeftOut(LeftOutReason.UNWATCHED): 4}


def test_many_reasons_to_leave_files_out_are_counted_together(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_source, "_MAX_GROUPS", 2)
    for number in range(5):
        (folder / f"x.{number}").touch()
    found = scan(folder).left_out
    assert (len(found), found[LeftOut(LeftOutReason.ENDING)]) == (3, 3)


@pytest.mark.parametrize(
    ("age", "trusted"),
    [(-1, False), (0, False), (COARSEST_CLOCK_NS - 1, False), (COARSEST_CLOCK_NS, True)],
)
def test_a_file_that_changed_less_than_two_seconds_ago_has_no_signature(
    folder: Path, age: int, trusted: bool
) -> None:
    (folder / "a.md").touch()
    changed = (folder / "a.md").stat().st_ctime_ns
    (seen,) = scan_folder(folder, changed + age)
    assert bool(seen.signature) == trusted


def test_a_new_file_or_one_of_the_future_has_no_signature(folder: Path) -> None:
    (folder / "a.md").touch()
    now = file_system_time(folder.parent / "marker")
    assert scan_folder(folder, now) == [Item("a.md", "")]
    (folder / "a.md").touch()
    ahead = file_system_time(folder.parent / "marker") + 100 * COARSEST_CLOCK_NS
    os.utime(folder / "a.md", ns=(ahead, ahead))
    assert [one.signature for one in scan_folder(folder, ahead)] == [""]
    assert all(one.signature for one in scan_folder(folder, ahead + COARSEST_CLOCK_NS))
    marker = folder.parent / "marker"
    first = file_system_time(marker)
    os.utime(marker, ns=(0, 0))
    assert file_system_time(marker) >= first > 0


def test_neither_links_to_folders_nor_pipes_are_articles(folder: Path) -> None:
    os.mkfifo(folder / "pipe.md")
    assert look(folder) == {}
    (folder / "en").mkdir()
    (folder / "en/x.md").touch()
    (folder / "y.md").symlink_to("en/x.md")
    (folder / "round").symlink_to(folder, target_is_directory=True)
    (folder / "odd.md").symlink_to(folder, target_is_directory=True)
    assert list(look(folder)) == ["en/x.md", "y.md"]


# What a file is, by its suffix and by its first bytes.


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


def test_every_kind_is_known_by_its_first_bytes_and_aac_is_no_mp3() -> None:
    assert set(HEADS) == set(MEDIA_KINDS)
    for suffix, heads in HEADS.items():
        for head in heads:
            assert MEDIA_KINDS[suffix].fits(head), (suffix, head)
    for second in (0xF1, 0xF9, 0xE0, 0xEB, 0xF0, 0xF8, 0x1F):
        assert not MEDIA_KINDS[".mp3"].fits(bytes([0xFF, second, 0x50, 0x80]))


@pytest.mark.parametrize(
    "head",
    [
        *(b"", b"I", b"Words about a ferry.", b"<!doctype html><title>Not found</title>"),
        *(b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0AVI LIST", b"PK\x03\x04" + bytes(60)),
        bytes(HEAD_BYTES) + b"%PDF-1.7",
    ],
)
def test_anything_else_is_of_none_of_them(head: bytes) -> None:
    assert [suffix for suffix, kind in MEDIA_KINDS.items() if kind.fits(head)] == []


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        *(("talk.mp3", "audio/mpeg"), ("a.b/Talk.MP3", "audio/mpeg")),
        *(("talk.m4a", "audio/mp4"), ("talk.opus", "audio/ogg"), ("talk.wav", "audio/wav")),
        *(("talk.flac", "audio/flac"), ("film.m4v", "video/mp4"), ("film.webm", "video/webm")),
        *(("film.mov", "video/quicktime"), ("plan.pdf", "application/pdf")),
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


# How long recordings last.


@pytest.mark.parametrize(
    ("content", "seconds"),
    [
        *((wav(2.4), 2), (wav(2.6), 3), (wav(0.01), 1)),
        *((mp3(400), 10), (mp3(400)[10:], 10), (opus(90), 90)),
    ],
)
def test_the_duration_of_a_recording_is_in_whole_seconds(content: bytes, seconds: int) -> None:
    assert media_duration(BytesIO(content)) == seconds


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"ID3", b"OggS", b"fLaC", b"Words.", b"%PDF-1.7\n"),
        *(wav(0), wav(1)[:20], opus(1)[:40]),
    ],
)
def test_an_unreadable_file_has_no_duration(content: bytes) -> None:
    assert media_duration(BytesIO(content)) is None


# The day on which a file came, from what Git prints.


# Newest first: b.md was a.md before, and c.md was deleted and came back.
LOG = (
    "\x012026-01-03T00:00:00+00:00\0\nR100\0a.md\0b.md\0A\0c.md\0"
    "\x012026-01-02T00:00:00+00:00\0\nR090\0first.md\0a.md\0"
    "\x012026-01-01T00:00:00+00:00\0\nA\0first.md\0A\0c.md\0A\0caf\u00e9 1.md\0"
)


def test_a_file_came_when_it_had_its_first_name_and_nothing_is_known_without_a_repository(
    tmp_path: Path,
) -> None:
    names = ("b.md", "c.md", "caf\u00e9 1.md")
    first = datetime(2026, 1, 1, tzinfo=UTC)
    assert first_commits(LOG.split("\0")) == dict.fromkeys(names, first)
    fields = LOG.split("\0")
    found = [len(first_commits(fields[:end])) for end in range(len(fields) + 1)]
    assert (found[0], found[-2]) == (0, 3)
    assert RepositoryHistory(tmp_path).first_commit(PurePosixPath("a.md")) is None


@pytest.mark.parametrize(
    "time",
    [
        *("2026-01-02T00:00:00+99:99", "2026-01-02T00:00:00+518:00", ""),
        *("-0001-01-01T00:00:00+00:00", "0001-01-01T00:00:00+23:00"),
        *("9999-12-31T23:59:59-23:00", "10000-01-01T00:00:00+00:00"),
    ],
)
def test_a_commit_with_an_impossible_time_dates_nothing_and_the_others_count(time: str) -> None:
    # A name that begins like the word for a renamed file.
    log = f"\x01{time}\0\nA\0README.md\0\x012026-01-01T00:00:00+00:00\0\nA\0good.md\0"
    assert first_commits(log.split("\0")) == {"good.md": datetime(2026, 1, 1, tzinfo=UTC)}
