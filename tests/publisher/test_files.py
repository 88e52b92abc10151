from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from publisher import files

if TYPE_CHECKING:
    from pathlib import Path

LONG_AGO = (1_000_000_000, 1_000_000_000)


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_new_file_is_written_with_its_folders_and_nothing_beside_it(tmp_path: Path) -> None:
    assert files.write_if_changed(tmp_path / "en" / "weekly" / "index.html", b"one")
    assert names(tmp_path) == {"en/weekly/index.html"}
    assert (tmp_path / "en/weekly/index.html").read_bytes() == b"one"


def test_an_unchanged_file_keeps_its_time_and_its_inode(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    files.write_file(path, b"one")
    os.utime(path, LONG_AGO)
    before = path.stat()
    assert not files.write_if_changed(path, b"one")
    assert (path.stat().st_mtime, path.stat().st_ino) == (LONG_AGO[1], before.st_ino)


def test_a_changed_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    files.write_file(path, b"one, and longer")
    with path.open("rb") as reader:
        assert files.write_if_changed(path, b"two")
        assert reader.read() == b"one, and longer", "who reads the old one reads it to its end"
    assert path.read_bytes() == b"two"
    assert names(tmp_path) == {"feed.xml"}


def test_what_an_interrupted_write_left_is_written_over(tmp_path: Path) -> None:
    (tmp_path / ".feed.xml.part").write_bytes(b"half of something lon")
    files.write_file(tmp_path / "feed.xml", b"whole")
    assert names(tmp_path) == {"feed.xml"}
    assert (tmp_path / "feed.xml").read_bytes() == b"whole"


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "feed.xml" / "in the way").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        files.write_file(tmp_path / "feed.xml", b"new")
    assert (tmp_path / "feed.xml" / "in the way").is_dir()


def test_removing_takes_empty_folders_along_but_never_the_top(tmp_path: Path) -> None:
    top = tmp_path / "public"
    files.write_file(top / "en" / "stories" / "one" / "index.html", b"")
    files.remove_file(top / "en" / "stories" / "one" / "index.html", top)
    assert top.is_dir()
    assert not (top / "en").exists()


def test_removing_stops_at_a_folder_that_holds_something(tmp_path: Path) -> None:
    files.write_file(tmp_path / "en" / "one" / "index.html", b"")
    files.write_file(tmp_path / "en" / "two" / "index.html", b"")
    files.remove_file(tmp_path / "en" / "one" / "index.html", tmp_path)
    assert names(tmp_path) == {"en/two/index.html"}
    assert not (tmp_path / "en" / "one").exists()


def test_removing_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    files.remove_file(tmp_path / "en" / "gone.html", tmp_path)
    assert tmp_path.is_dir()


def test_removing_never_climbs_outside(tmp_path: Path) -> None:
    files.write_file(tmp_path / "elsewhere" / "a.html", b"")
    files.remove_file(tmp_path / "elsewhere" / "a.html", tmp_path / "public")
    assert (tmp_path / "elsewhere").is_dir()
    assert names(tmp_path) == set()


def test_folders_are_made_once(tmp_path: Path) -> None:
    files.make_folder(tmp_path / "a" / "b")
    files.make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def test_what_is_written_through_is_whole_and_replaces_what_was_there(tmp_path: Path) -> None:
    for content in (b"longer than what follows", b"short"):
        files.write_durably(tmp_path / "mail", content)
        assert names(tmp_path) == {"mail"}
        assert (tmp_path / "mail").read_bytes() == content
