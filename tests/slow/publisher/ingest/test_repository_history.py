"""Undated files get the day on which they were first committed."""

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pytest

from publisher.ingest.sources.folder import RepositoryHistory

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder: Path, *arguments: str, day: int = 1) -> None:
    who = ["-c", "user.name=Mara Example", "-c", "user.email=mara@tidewatch.example"]
    when = f"2026-01-{day:02}T08:00:00+00:00"
    environment = {"PATH": "/usr/bin:/bin", "GIT_COMMITTER_DATE": when, "HOME": str(folder)}
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, env=environment)


def test_a_folder_of_a_repository_has_the_days_of_first_commits(tmp_path: Path) -> None:
    folder = tmp_path / "site/texts"
    folder.mkdir(parents=True)
    (folder / "a.md").write_text("A tide that is long enough to be recognised.\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "a", day=3)
    git(tmp_path, "mv", "site/texts/a.md", "site/texts/mar\u00e9e 1.md")
    git(tmp_path, "commit", "-qm", "b", day=5)
    history = RepositoryHistory(folder)
    day = datetime(2026, 1, 3, 8, tzinfo=UTC)
    assert history.first_commit(PurePosixPath("mar\u00e9e 1.md")) == day
    assert history.first_commit(PurePosixPath("new.md")) is None


def test_a_broken_repository_is_no_history(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    assert RepositoryHistory(tmp_path).first_commit(PurePosixPath("a.md")) is None
