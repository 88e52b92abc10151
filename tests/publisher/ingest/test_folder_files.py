"""The files of a source folder: what may be seen of them, and how they come to the web root."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path, PurePosixPath

import pytest

from publisher import files as module
from publisher.articles.model import MediaFile
from publisher.ingest.folder_files import FolderFiles
from tests.publisher.ingest.helpers import wav

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


def test_a_file_is_copied_in_pieces_and_nothing_is_left_beside_it(
    folder: Path, public: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PIECE", 1000)
    (folder / TALK).write_bytes(wav(3))
    files = FolderFiles(folder)
    files.inspect(TALK)
    files.publish(MEDIA, public)
    assert [file.name for file in public.rglob("*") if file.is_file()] == ["talk.wav"]
    assert (public / MEDIA.target).read_bytes() == wav(3)


def test_a_file_that_lies_there_already_is_not_copied_again(folder: Path, public: Path) -> None:
    (folder / TALK).write_bytes(wav(3))
    files = FolderFiles(folder)
    files.inspect(TALK)
    (public / MEDIA.target).parent.mkdir(parents=True)
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
