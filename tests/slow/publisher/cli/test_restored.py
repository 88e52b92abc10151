"""`publisher backup`, `restore` and `recover`: a file, or on a server a dump and an empty database."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from publisher.accounts import audit
from publisher.database import open_database
from tests.databases import new_database, on_postgresql
from tests.publisher.cli.conftest import Run
from tests.publisher.cli.test_restoring import BACKUP, NAME, SENT, folder
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import outbox

__all__ = ["folder"]


@pytest.fixture
def restored(
    run: Run, publication: PublicationFolder, folder: Path, tmp_path: Path
) -> Iterator[PublicationFolder]:
    """A publication whose backup was put back after an issue was sent."""
    code, out, _err = run("backup", tmp_path / "backups", folder, *BACKUP)
    assert (code, out) == (0, f"{tmp_path}/backups/publisher-20260109T110000Z\n")
    assert run("deliver", folder, *SENT)[0] == 0
    assert len(outbox(publication)) == 3
    publication.database.close()
    backup = out.strip()
    if on_postgresql():
        code, _out, err = run("restore", backup, folder, *SENT)
        assert code != 0
        assert "has tables; restore into an empty database, and set PUBLISHER_DATABASE" in err
        new_database(publication.settings.folders.database)
    code, out, _err = run("restore", backup, folder, *SENT)
    assert (code, out.split(". ")[0]) == (0, "restored as it was at 2026-01-09 11:00:00 UTC")
    with closing(open_database(publication.settings.database)) as publication.database:
        yield publication


@pytest.fixture
def recover(restored: PublicationFolder) -> tuple[object, ...]:
    """The command; on a server the operator names the journals of all machines."""
    folders = restored.settings.folders
    named = ("--journal", folders.var) if on_postgresql() else ()
    return ("recover", folders.root, *SENT, *named)


def test_a_restored_publication_sends_only_what_was_not_sent(
    restored: PublicationFolder, run: Run, recover: tuple[object, ...]
) -> None:
    folder = restored.settings.folders.root
    assert run("deliver", folder, *SENT)[0] == 4
    code, out, _err = run(*recover, "--json")
    found = json.loads(out)
    assert (code, found["complete"], found["released"]) == (0, True, False)
    assert {one["issue"]: one["sent"] for one in found["issues"]}[NAME] == 3
    code, out, _err = run(*recover)
    assert "Nothing is changed yet" in out
    assert run("deliver", folder, *SENT)[0] == 4
    code, out, _err = run(*recover, "--release")
    assert code == 0
    assert "Mail goes out again with the next run." in out
    with restored.database.reading() as connection:
        ((_number, entry),) = audit.read_log(connection, limit=9)
    assert (entry.actor, entry.verb, entry.object) == ("terminal", "recover", "database")
    assert run("deliver", folder, *SENT)[0] == 0
    assert len(outbox(restored)) == 3
    code, _out, err = run(*recover)
    assert code != 0
    assert "is not quarantined; there is nothing to recover" in err


def test_without_the_journal_nothing_is_sent_and_all_is_in_doubt(
    restored: PublicationFolder, run: Run, recover: tuple[object, ...]
) -> None:
    for file in (restored.settings.folders.var / "journal").iterdir():
        file.unlink()
    out = run(*recover)[1]
    assert "Witness or journal are missing, or have gaps" in out
    code, _out, err = run(*recover, "--send", "weekly-en-2020-01-01")
    assert code != 0
    assert "weekly-en-2020-01-01: no issue that is to be decided about" in err
