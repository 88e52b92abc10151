"""What `publisher restore` makes of what lies beside a lost database, and what `publisher recover` shows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from publisher.config import load_settings
from publisher.delivery.lineage.quarantine import without_remedy
from publisher.issues import store
from publisher.secret_key import load_secret
from tests.publisher.cli.conftest import Run
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import DAY, ready, subscribe

pytestmark = pytest.mark.sqlite("a server's backup starts a process")
BACKUP = ("--now", "2026-01-09T11:00:00Z")
SENT = ("--now", "2026-01-09T12:00:00Z")
MONTHS_LATER = ("--now", "2026-04-11T12:00:00Z")


@pytest.fixture
def folder(publication: PublicationFolder) -> Path:
    subscribe(publication, *((f"reader.{n}@example.com", "en") for n in range(3)))
    ready(publication)
    with publication.database.writing() as connection:
        store.set_planned_until(connection, "weekly", "en", NOW)
    return publication.settings.folders.root


@pytest.fixture
def backup(
    run: Run,
    publication: PublicationFolder,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A backup of the publication, after which an issue was sent."""
    monkeypatch.setenv("PUBLISHER_SECRET", "as long as a secret in a file has to be")
    made = Path(run("backup", tmp_path / "backups", folder, *BACKUP)[1].strip())
    assert run("deliver", folder, *SENT)[0] == 0
    publication.database.close()
    return made


# --- after var/ is lost


@pytest.fixture
def lost(
    run: Run, folder: Path, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, Path]:
    """A publication whose var/ is lost, and which was started again; and its backup."""
    monkeypatch.delenv("PUBLISHER_SECRET")
    shutil.rmtree(folder / "var")
    index = folder / "public" / "feeds" / "index.opml"
    index.parent.mkdir(parents=True, exist_ok=True)
    index.write_text("<opml/>")
    code, _out, err = run("run", "--once", folder)
    assert (code, "was written" in err) == (1, True)
    return folder, backup


def test_a_start_that_is_refused_leaves_no_secret_in_the_way_of_a_backup(
    run: Run, lost: tuple[Path, Path]
) -> None:
    folder, backup = lost
    assert not (folder / "var" / "secret").exists()
    assert run("restore", backup, folder)[0] == 0
    assert (folder / "var" / "secret").read_text() == (backup / "secret").read_text()


def test_a_secret_that_was_made_for_an_empty_database_is_put_aside(
    run: Run, lost: tuple[Path, Path]
) -> None:
    folder, backup = lost
    # As `publisher web` or `deliver` do, which are started with the service.
    made = load_secret(load_settings(folder))
    assert run("restore", backup, folder, *SENT)[0] == 0
    var = folder / "var"
    assert (var / "secret").read_text() == (backup / "secret").read_text()
    assert (var / "secret-before-restore-20260109T120000Z").read_text() == made


def test_the_secret_of_a_database_that_was_used_stays(
    run: Run, folder: Path, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PUBLISHER_SECRET")
    made = load_secret(load_settings(folder))
    code, _out, err = run("restore", backup, folder, *SENT)
    assert code == 2
    assert "is not the secret of the backup" in err
    assert (folder / "var" / "secret").read_text() == made


# --- what `recover` shows


def test_a_preview_logs_nothing_and_counts_what_is_merely_too_late_in_one_line(
    run: Run, folder: Path, backup: Path
) -> None:
    assert run("restore", backup, folder, *SENT)[0] == 0
    code, out, err = run("recover", folder, *MONTHS_LATER)
    assert (code, err) == (0, "")
    found = json.loads(run("recover", folder, *MONTHS_LATER, "--json")[1])
    late = [one for one in found["issues"] if one["state"] == "skipped"]
    assert len(late) > 5
    assert f"Skipped as too late: {len(late)} more issues; --json lists them." in out
    assert not [one["issue"] for one in late if one["issue"] in out]
    code, out, err = run("recover", folder, *MONTHS_LATER, "--release")
    assert (code, err) == (0, "")
    assert "Nothing is planned or sent until" not in out
    assert without_remedy(found["reason"]) in out
    assert found["reason"] not in out


def test_who_gets_an_issue_that_is_not_opened_is_not_counted_yet(
    run: Run, folder: Path, backup: Path
) -> None:
    assert run("restore", backup, folder, *SENT)[0] == 0
    next_week = ("--now", "2026-01-16T12:00:00Z")
    found = json.loads(run("recover", folder, *next_week, "--json")[1])
    numbers = {one["issue"]: (one["sent"], one["not_sent"]) for one in found["issues"]}
    assert numbers[f"weekly-en-{DAY}"] == (3, None)
    assert numbers["weekly-en-2026-01-16"] == (0, None)
    assert "not counted yet" in run("recover", folder, *next_week)[1]


def test_a_clock_that_is_before_the_backup_is_refused(
    run: Run, folder: Path, backup: Path
) -> None:
    assert run("restore", backup, folder, *SENT)[0] == 0
    for option in ("--release", "--json"):
        code, _out, err = run("recover", folder, "--now", "2026-01-09T10:00:00Z", option)
        assert code == 1
        assert "(2026-01-09 10:00:00 UTC) is before the backup was made" in err
        assert "(2026-01-09 11:00:00 UTC): set it right" in err
    assert run("recover", folder, *SENT, "--release")[0] == 0
