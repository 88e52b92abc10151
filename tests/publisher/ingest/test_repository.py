"""The day on which a file came, from what Git prints."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from publisher.ingest.repository import RepositoryHistory, first_commits

# Newest first: b.md was a.md before, and c.md was deleted and came back.
LOG = (
    "\x012026-01-03T00:00:00+00:00\0\nR100\0a.md\0b.md\0A\0c.md\0"
    "\x012026-01-02T00:00:00+00:00\0\nR090\0first.md\0a.md\0"
    "\x012026-01-01T00:00:00+00:00\0\nA\0first.md\0A\0c.md\0A\0caf\u00e9 1.md\0"
)


def test_a_file_came_when_it_had_its_first_name() -> None:
    first = datetime(2026, 1, 1, tzinfo=UTC)
    assert first_commits(LOG.split("\0")) == {
        "b.md": first,
        "c.md": first,
        "caf\u00e9 1.md": first,
    }


def test_what_is_cut_off_breaks_nothing() -> None:
    fields = LOG.split("\0")
    found = [len(first_commits(fields[:end])) for end in range(len(fields) + 1)]
    assert (found[0], found[-2]) == (0, 3)


def test_without_a_repository_nothing_is_known(tmp_path: Path) -> None:
    assert RepositoryHistory(tmp_path).first_commit(PurePosixPath("a.md")) is None
