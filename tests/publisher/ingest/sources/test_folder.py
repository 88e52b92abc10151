"""Which files are there, and which look as they did before."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from publisher.ingest.item_state import (
    COARSEST_CLOCK_NS,
    FileStat,
    file_system_time,
    is_article_path,
    scan_folder,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    return tmp_path / "source"


def look(folder: Path) -> dict[str, str]:
    return {path: seen.signature for path, seen in scan_folder(folder).items()}


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
        "notes.docx",
        "README",
        "md",
    )
    for name in names:
        (folder / name).touch()
    assert list(look(folder)) == ["a.png", "b.md", "c.txt", "d.MP3", "e.pdf", "en/a.HTML"]


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
def test_a_file_that_was_read_within_two_seconds_of_its_change_is_not_trusted(
    age: int, trusted: bool
) -> None:
    seen = FileStat("a.md", "looks", changed_at=10**18)
    assert seen.trusted(10**18 + age) == (seen if trusted else FileStat("a.md", "", 10**18))


def test_the_signature_of_a_new_file_is_stored(folder: Path) -> None:
    (folder / "a.md").touch()
    (seen,) = scan_folder(folder).values()
    assert seen.signature
    assert seen.changed_at == (folder / "a.md").stat().st_ctime_ns
    assert seen.trusted(file_system_time(folder.parent / "marker")).signature == ""


def test_a_file_dated_in_the_future_is_not_trusted_before(folder: Path) -> None:
    (folder / "a.md").touch()
    ahead = file_system_time(folder.parent / "marker") + 100 * COARSEST_CLOCK_NS
    os.utime(folder / "a.md", ns=(ahead, ahead))
    (seen,) = scan_folder(folder).values()
    assert seen.trusted(ahead).signature == ""
    assert seen.trusted(ahead + COARSEST_CLOCK_NS) == seen


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


def test_pictures_are_no_articles() -> None:
    assert is_article_path("a.md")
    assert not is_article_path("a.PNG")
