"""`publisher backup`, `restore` and `recover`, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from sqlalchemy import select, update

from publisher.accounts import audit
from publisher.delivery.lineage.journal import JournalPage
from publisher.delivery.lineage.state import read_lineage, set_lineage
from publisher.delivery.lineage.witness import Witness
from publisher.delivery.tables import lineage_table
from tests.databases import on_postgresql
from tests.publisher.cli.conftest import Run
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import DAY, outbox, ready, subscribe

NAME = f"weekly-en-{DAY}"
BACKUP = ("--now", "2026-01-09T11:00:00Z")
SENT = ("--now", "2026-01-09T12:00:00Z")


@pytest.fixture
def folder(publication: PublicationFolder) -> Path:
    subscribe(publication, *((f"reader.{n}@example.com", "en") for n in range(3)))
    ready(publication)
    return publication.settings.folders.root


@pytest.fixture
def restored(
    run: Run, publication: PublicationFolder, folder: Path, tmp_path: Path
) -> PublicationFolder:
    """A publication whose backup was put back after an issue was sent."""
    if on_postgresql():
        pytest.skip("a dump is restored into another database")
    code, out, _err = run("backup", tmp_path / "backups", folder, *BACKUP)
    assert (code, out) == (0, f"{tmp_path}/backups/publisher-20260109T110000Z\n")
    assert run("deliver", folder, *SENT)[0] == 0
    assert len(outbox(publication)) == 3
    publication.database.close()
    code, out, _err = run("restore", out.strip(), folder, *SENT)
    assert (code, out.split(". ")[0]) == (0, "restored as it was at 2026-01-09 11:00:00 UTC")
    return publication


def test_a_restored_publication_sends_only_what_was_not_sent(
    restored: PublicationFolder, run: Run
) -> None:
    folder = restored.settings.folders.root
    assert run("deliver", folder, *SENT)[0] == 4
    code, out, _err = run("recover", folder, "--json", *SENT)
    found = json.loads(out)
    assert (code, found["complete"], found["released"]) == (0, True, False)
    assert {one["issue"]: one["sent"] for one in found["issues"]}[NAME] == 3
    code, out, _err = run("recover", folder, *SENT)
    assert "Nothing is changed yet" in out
    assert run("deliver", folder, *SENT)[0] == 4
    code, out, _err = run("recover", folder, "--release", *SENT)
    assert code == 0
    assert "Mail goes out again with the next run." in out
    with restored.database.reading() as connection:
        ((_number, entry),) = audit.read_log(connection, limit=9)
    assert (entry.actor, entry.verb, entry.object) == ("terminal", "recover", "database")
    assert run("deliver", folder, *SENT)[0] == 0
    assert len(outbox(restored)) == 3
    code, _out, err = run("recover", folder, *SENT)
    assert code != 0
    assert "is not quarantined; there is nothing to recover" in err


def test_without_the_journal_nothing_is_sent_and_all_is_in_doubt(
    restored: PublicationFolder, run: Run
) -> None:
    folder = restored.settings.folders.root
    for file in (folder / "var" / "journal").iterdir():
        file.unlink()
    out = run("recover", folder, *SENT)[1]
    assert "Witness or journal are missing, or have gaps" in out
    code, _out, err = run("recover", folder, "--send", "weekly-en-2020-01-01", *SENT)
    assert code != 0
    assert "weekly-en-2020-01-01: no issue that is to be decided about" in err


def test_on_a_server_the_journals_of_all_machines_are_to_be_named(
    run: Run, publication: PublicationFolder, folder: Path
) -> None:
    with publication.database.reading() as connection:
        page = connection.execute(select(lineage_table.c.page)).scalar_one()
    assert run("deliver", folder, *SENT)[0] == 0
    with publication.database.writing() as connection:
        connection.execute(update(lineage_table).values(page=page))
    assert run("deliver", folder, *SENT)[0] == 4
    out = run("recover", folder, *SENT)[1]
    assert ("of each machine that sends by --journal" in out) == on_postgresql()
    assert ("Witness and journal have everything" in out) != on_postgresql()
    out = run("recover", folder, "--journal", folder / "var", *SENT)[1]
    assert "Witness and journal have everything" in out


def test_a_machine_whose_journal_is_not_named_is_missed(
    run: Run, publication: PublicationFolder, folder: Path, tmp_path: Path
) -> None:
    assert run("deliver", folder, *SENT)[0] == 0
    with publication.database.writing() as connection:
        here = read_lineage(connection)
        assert here is not None
        set_lineage(connection, page=here.page + 1)
    number = here.page + 1
    page = JournalPage(here.incarnation, number, number, 9, {NAME: {"sent": [99]}})
    elsewhere = tmp_path / "var of another machine"
    Witness([elsewhere]).record(page, publication.clock.now())
    # The first one's witness learns of the page, and then both are lost.
    assert run("deliver", folder, *SENT)[0] == 0
    with publication.database.writing() as connection:
        set_lineage(connection, page=0)
    recover = ("recover", folder, *SENT, "--journal", folder / "var")
    out = run(*recover)[1]
    assert "(1 transaction known to be lost)" in out
    assert ("Each machine that sends has to be named" in out) == on_postgresql()
    found = json.loads(run(*recover, "--json")[1])
    assert (found["complete"], found["missing_pages"]) == (False, 1)
    out = run(*recover, "--journal", elsewhere)[1]
    assert "Witness and journal have everything" in out


def test_a_machine_that_has_lost_its_folder_may_have_sent_the_last_mails(
    run: Run, publication: PublicationFolder, folder: Path, tmp_path: Path
) -> None:
    with publication.database.reading() as connection:
        page = connection.execute(select(lineage_table.c.page)).scalar_one()
    assert run("deliver", folder, *SENT)[0] == 0
    elsewhere = tmp_path / "var of another machine"
    shutil.copytree(folder / "var" / "journal", elsewhere / "journal")
    shutil.copy(folder / "var" / "witness", elsewhere)
    with publication.database.writing() as connection:
        connection.execute(update(lineage_table).values(page=page))
    assert run("deliver", folder, *SENT)[0] == 4
    recover = ("recover", folder, *SENT, "--journal", elsewhere)
    assert "Witness and journal have everything" in run(*recover)[1]
    shutil.rmtree(elsewhere)
    elsewhere.mkdir()
    assert "Witness or journal are missing" in run(*recover)[1]


def test_a_folder_that_is_no_backup_is_refused(run: Run, folder: Path, tmp_path: Path) -> None:
    code, _out, err = run("restore", tmp_path, folder)
    assert code != 0
    assert f"{tmp_path}: is no backup that `publisher backup` made" in err


def test_a_publication_without_a_database_has_nothing_to_back_up(
    run: Run, small: Path, tmp_path: Path
) -> None:
    if on_postgresql():
        pytest.skip("a server's database is there before the publication")
    code, _out, err = run("backup", tmp_path / "backups", small)
    assert code != 0
    assert "there is nothing to back up" in err
    assert not [*(tmp_path / "backups").glob("*")]


@pytest.mark.usefixtures("folder")
def test_a_database_is_copied_with_the_same_rows(
    run: Run, publication: PublicationFolder, tmp_path: Path
) -> None:
    if on_postgresql():
        pytest.skip("from a file to a file")
    publication.database.close()
    source, target = publication.settings.folders.database, tmp_path / "copy.db"
    code, out, _err = run("database", "copy", source, target, "--json")
    assert code == 0
    rows = {one["table"]: one["rows"] for one in json.loads(out)}
    assert rows["subscriber"] == 3
    code, _out, err = run("database", "copy", source, target)
    assert code != 0
    assert str(target) in err


def test_another_secret_is_taken_on_purpose_only(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("database", "adopt-secret", folder)[:2] == (
        0,
        "this is the publication's secret\n",
    )
    monkeypatch.setenv("PUBLISHER_SECRET", "quite another secret of these tests")
    code, out, _err = run("database", "adopt-secret", folder)
    assert code == 0
    assert "the secret was changed" in out


def test_doubts_are_compared_with_a_log_that_can_be_read(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    log = tmp_path / "mail.log"
    log.write_text("nothing of ours\n")
    code, out, _err = run("doubt", "reconcile", "--log", log, folder)
    assert (code, out) == (0, "0 marked as sent, 0 returned, 0 still in doubt\n")
    code, _out, err = run("doubt", "reconcile", "--log", tmp_path / "no.log", folder)
    assert code != 0
    assert "no.log: can't be read: No such file" in err
