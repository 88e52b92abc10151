"""Which files are there, and which look as they did before."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from publisher.errors import SourceError
from publisher.ingest.sites.base import LeftOut, LeftOutReason
from publisher.ingest.sites.plain import PlainSite
from publisher.ingest.sources import folder as folder_source
from publisher.ingest.sources.base import Item
from publisher.ingest.sources.folder import COARSEST_CLOCK_NS, FolderScan, file_system_time

# Nanoseconds: so late that every file was changed long before.
LATER = 2**62


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    return tmp_path / "source"


def scan(folder: Path, now: int = LATER) -> FolderScan:
    return folder_source.scan_folder(folder, now, PlainSite())


def scan_folder(folder: Path, now: int) -> list[Item]:
    return scan(folder, now).items


def look(folder: Path) -> dict[str, str]:
    return {item.key: item.signature for item in scan_folder(folder, LATER)}


def test_articles_pictures_and_attachments_are_listed_in_order_and_nothing_else(
    folder: Path,
) -> None:
    (folder / "en").mkdir()
    names = (
        "b.md",
        "en/a.HTML",
        "a.png",
        "c.txt",
        "d.MP3",
        "e.pdf",
        "notes.xyz",
        "README",
        "md",
    )
    for name in names:
        (folder / name).touch()
    assert list(look(folder)) == ["a.png", "b.md", "c.txt", "d.MP3", "e.pdf", "en/a.HTML"]


def test_what_is_left_out_is_counted_by_its_reason(folder: Path) -> None:
    (folder / "_drafts").mkdir()
    for name in ("a.md", "_x.md", "_y.md", "old.md~", "b.xyz", "c.XYZ", "x"):
        (folder / name).touch()
    assert scan(folder).left_out == {
        LeftOut(LeftOutReason.FOLDER, "_drafts"): 1,
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
    "name", [".hidden.md", "_draft.md", "old.md~", ".git/x.md", "_new/x.md"]
)
def test_hidden_and_backup_files_are_left_out(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).touch()
    assert look(folder) == {}


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


def test_a_new_file_has_no_signature_by_the_clock_of_the_file_system(folder: Path) -> None:
    (folder / "a.md").touch()
    now = file_system_time(folder.parent / "marker")
    assert scan_folder(folder, now) == [Item("a.md", "")]


def test_a_file_dated_in_the_future_has_no_signature_before(folder: Path) -> None:
    (folder / "a.md").touch()
    ahead = file_system_time(folder.parent / "marker") + 100 * COARSEST_CLOCK_NS
    os.utime(folder / "a.md", ns=(ahead, ahead))
    assert [one.signature for one in scan_folder(folder, ahead)] == [""]
    assert all(one.signature for one in scan_folder(folder, ahead + COARSEST_CLOCK_NS))


def test_the_time_is_the_file_systems_and_increases(folder: Path) -> None:
    marker = folder.parent / "marker"
    first = file_system_time(marker)
    os.utime(marker, ns=(0, 0))
    assert file_system_time(marker) >= first > 0


def test_links_to_files_are_followed_and_links_to_folders_are_not(folder: Path) -> None:
    (folder / "en").mkdir()
    (folder / "en/x.md").touch()
    (folder / "y.md").symlink_to("en/x.md")
    (folder / "round").symlink_to(folder, target_is_directory=True)
    (folder / "odd.md").symlink_to(folder, target_is_directory=True)
    assert list(look(folder)) == ["en/x.md", "y.md"]


def test_a_pipe_is_no_article(folder: Path) -> None:
    os.mkfifo(folder / "pipe.md")
    assert look(folder) == {}


def test_pictures_are_no_documents(folder: Path) -> None:
    for name in ("a.md", "a.PNG"):
        (folder / name).touch()
    assert {one.key: one.is_document for one in scan_folder(folder, LATER)} == {
        "a.md": True,
        "a.PNG": False,
    }
