"""What `publisher backup`, `restore` and `recover` refuse, make of what is there, show and ask for."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select, update

from publisher.config import load_settings
from publisher.delivery.lineage.quarantine import without_remedy
from publisher.delivery.lineage.witness import JournalPage, Witness, read_lineage, set_lineage
from publisher.delivery.tables import lineage_table
from publisher.issues import store
from publisher.leader.store import Process, report_running
from publisher.secrets import load_secret
from tests.databases import on_postgresql
from tests.publisher.cli.conftest import Run, done, refuses
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import DAY, ready, subscribe

NAME = f"weekly-en-{DAY}"
BACKUP = ("--now", "2026-01-09T11:00:00Z")
SENT = ("--now", "2026-01-09T12:00:00Z")
MONTHS_LATER = ("--now", "2026-04-11T12:00:00Z")
on_sqlite = pytest.mark.sqlite("a server's backup starts a process")


@pytest.fixture
def folder(publication: PublicationFolder) -> Path:
    subscribe(publication, *((f"reader.{n}@example.com", "en") for n in range(3)))
    ready(publication)
    return publication.settings.folders.root


@contextmanager
def put_back(publication: PublicationFolder) -> Iterator[None]:
    """Have the database's lineage as it was, after what is done within."""
    with publication.database.reading() as connection:
        page = connection.execute(select(lineage_table.c.page)).scalar_one()
    yield
    with publication.database.writing() as connection:
        connection.execute(update(lineage_table).values(page=page))


def test_on_a_server_the_journals_of_all_machines_are_to_be_named(
    run: Run, publication: PublicationFolder, folder: Path
) -> None:
    with put_back(publication):
        assert run("deliver", folder, *SENT)[0] == 0
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
    assert "(at least 1 transaction lost)" in out
    assert ("Each machine that sends has to be named" in out) == on_postgresql()
    found = json.loads(run(*recover, "--json")[1])
    assert (found["complete"], found["missing_pages"]) == (False, 1)
    out = run(*recover, "--journal", elsewhere)[1]
    assert "Witness and journal have everything" in out


def test_a_machine_that_has_lost_its_folder_may_have_sent_the_last_mails(
    run: Run, publication: PublicationFolder, folder: Path, tmp_path: Path
) -> None:
    with put_back(publication):
        assert run("deliver", folder, *SENT)[0] == 0
    elsewhere = tmp_path / "var of another machine"
    shutil.copytree(folder / "var" / "journal", elsewhere / "journal")
    shutil.copy(folder / "var" / "witness", elsewhere)
    assert run("deliver", folder, *SENT)[0] == 4
    recover = ("recover", folder, *SENT, "--journal", elsewhere)
    assert "Witness and journal have everything" in run(*recover)[1]
    (folder / "var" / "witness").rename(tmp_path / "witness")
    out = run(*recover)[1]
    assert ("This var/ has no witness" in out) == on_postgresql()
    (tmp_path / "witness").rename(folder / "var" / "witness")
    shutil.rmtree(elsewhere)
    elsewhere.mkdir()
    assert "Witness or journal are missing" in run(*recover)[1]


def test_a_folder_that_is_no_backup_and_a_journal_that_is_no_folder_are_refused(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    assert f"{tmp_path}: is no backup that `publisher backup` made" in refuses(
        run, "restore", tmp_path, folder
    )
    assert (
        f"--journal: {tmp_path / 'nowhere'}: is no folder; give the var/ of a machine"
        in refuses(run, "recover", folder, "--journal", tmp_path / "nowhere", *SENT)
    )


@pytest.mark.sqlite("a database on a server is there before the publication")
def test_a_publication_without_a_database_has_nothing_to_back_up(
    run: Run, small: Path, tmp_path: Path
) -> None:
    assert "there is nothing to back up" in refuses(run, "backup", tmp_path / "backups", small)
    assert not [*(tmp_path / "backups").glob("*")]


@on_sqlite
def test_a_backup_is_for_its_user_only_and_never_where_everybody_may_fetch_it(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    before = os.umask(0)
    try:
        code, out, _err = run("backup", tmp_path / "backups", folder)
    finally:
        os.umask(before)
    assert code == 0
    backup = Path(out.strip())
    assert backup.stat().st_mode & 0o777 == 0o700
    assert {one.stat().st_mode & 0o777 for one in backup.iterdir()} == {0o600}
    assert "lies in public/, and everybody can read what is there" in refuses(
        run, "backup", folder / "public" / "backups", folder
    )
    (tmp_path / "file").write_text("")
    assert f"{tmp_path / 'file'}: can't be made: " in refuses(
        run, "backup", tmp_path / "file", folder, code=1
    )


def test_a_machine_that_the_backup_knows_and_nobody_names_is_missed(
    run: Run, publication: PublicationFolder, folder: Path, tmp_path: Path
) -> None:
    with publication.database.writing() as connection:
        for host in ("one", "two", "three"):
            report_running(connection, Process(f"{host}/1", host, 1), NOW.timestamp())
    with put_back(publication):
        assert run("deliver", folder, *SENT)[0] == 0
    assert run("deliver", folder, *SENT)[0] == 4
    places = [shutil.copytree(folder / "var", tmp_path / name) for name in ("two", "three")]
    some = ("recover", folder, *SENT, "--journal", places[0])
    assert ("Witness and journal have everything" in run(*some)[1]) != on_postgresql()
    assert "Witness and journal have everything" in run(*some, "--journal", places[1])[1]


@pytest.mark.sqlite("from a file to a file")
@pytest.mark.usefixtures("folder")
def test_a_database_is_copied_with_the_same_rows(
    run: Run, publication: PublicationFolder, tmp_path: Path
) -> None:
    publication.database.close()
    source, target = publication.settings.folders.database, tmp_path / "copy.db"
    code, out, _err = run("database", "copy", source, target, "--json")
    assert code == 0
    rows = {one["table"]: one["rows"] for one in json.loads(out)}
    assert rows["subscriber"] == 3
    assert str(target) in refuses(run, "database", "copy", source, target, code=1)


@pytest.mark.sqlite("a server's backup is a dump")
def test_a_damaged_file_is_neither_restored_nor_in_the_way_of_a_backup(
    run: Run, publication: PublicationFolder, folder: Path, tmp_path: Path
) -> None:
    publication.database.close()
    backup = Path(run("backup", tmp_path, folder)[1].strip())
    damaged = shutil.copytree(backup, tmp_path / "damaged")
    path = folder / "var" / "publisher.db"
    before = path.read_bytes()
    for size in (100_000, 0):
        with (damaged / "publisher.db").open("r+b") as file:
            file.truncate(size)
        code, _out, err = run("restore", damaged, folder)
        assert (code, path.read_bytes()) == (1, before)
        assert "publisher.db: is damaged (" in err
        assert "restore another backup" in err
    broken = b"no database" + before[11:100_000]
    path.write_bytes(broken)
    assert run("restore", backup, folder)[0] == 0
    [kept] = path.parent.glob("*before-restore*")
    assert kept.read_bytes() == broken


@on_sqlite
def test_a_backup_without_its_secret_is_refused_with_the_file_that_is_missing(
    run: Run, publication: PublicationFolder, folder: Path, tmp_path: Path
) -> None:
    publication.database.close()
    backup = Path(run("backup", tmp_path, folder)[1].strip())
    secret = backup / "secret"
    secret.write_text("")
    code, _out, err = run("restore", backup, folder)
    assert (code, err) == (1, f"publisher: {secret}: is damaged; restore another backup\n")
    secret.unlink()
    code, _out, err = run("restore", backup, folder)
    assert (code, err) == (1, f"publisher: {secret}: is not there; restore another backup\n")
    assert not [*(folder / "var").glob("*before-restore*")]


@pytest.mark.sqlite("a server's backup is a dump")
def test_a_database_that_others_have_open_is_not_replaced_and_no_copy_stays(
    run: Run, publication: PublicationFolder, folder: Path, tmp_path: Path
) -> None:
    backup = Path(run("backup", tmp_path, folder)[1].strip())
    with publication.database.reading() as connection:
        assert read_lineage(connection)
        code, _out, err = run("restore", backup, folder)
    assert code == 1
    assert "another process has it open" in err
    found = {one.name for one in (folder / "var").iterdir()}
    assert not [one for one in found if "restore" in one]


# --- a backup that is put back


@pytest.fixture
def backup(
    run: Run,
    publication: PublicationFolder,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A backup of the publication, after which an issue was sent."""
    with publication.database.writing() as connection:
        store.set_planned_until(connection, "weekly", "en", NOW)
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
    assert "was written" in refuses(run, "run", "--once", folder, code=1)
    return folder, backup


@on_sqlite
def test_a_start_that_is_refused_leaves_no_secret_in_the_way_of_a_backup(
    run: Run, lost: tuple[Path, Path]
) -> None:
    folder, backup = lost
    assert not (folder / "var" / "secret").exists()
    assert run("restore", backup, folder)[0] == 0
    assert (folder / "var" / "secret").read_text() == (backup / "secret").read_text()


@on_sqlite
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


@on_sqlite
def test_the_secret_of_a_database_that_was_used_stays(
    run: Run, folder: Path, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PUBLISHER_SECRET")
    made = load_secret(load_settings(folder))
    assert "is not the secret of the backup" in refuses(run, "restore", backup, folder, *SENT)
    assert (folder / "var" / "secret").read_text() == made


# --- what `recover` shows


@on_sqlite
def test_a_preview_logs_nothing_and_counts_what_is_merely_too_late_in_one_line(
    run: Run, folder: Path, backup: Path
) -> None:
    assert run("restore", backup, folder, *SENT)[0] == 0
    out = done(run, "recover", folder, *MONTHS_LATER)
    found = json.loads(run("recover", folder, *MONTHS_LATER, "--json")[1])
    late = [one for one in found["issues"] if one["state"] == "skipped"]
    assert len(late) > 5
    assert f"Skipped as too late: {len(late)} more issues; --json lists them." in out
    assert not [one["issue"] for one in late if one["issue"] in out]
    out = done(run, "recover", folder, *MONTHS_LATER, "--release")
    assert "Nothing is planned or sent until" not in out
    assert without_remedy(found["reason"]) in out
    assert found["reason"] not in out


@on_sqlite
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


@on_sqlite
def test_what_nobody_knows_is_said_and_an_issue_that_a_person_knows_to_be_sent_is(
    run: Run, folder: Path, backup: Path
) -> None:
    shutil.rmtree(folder / "var" / "journal")
    assert run("restore", backup, folder, *SENT)[0] == 0
    out = run("recover", folder, *SENT)[1]
    assert "Who left since 2026-01-09 11:00 UTC may not be known" in out
    assert "If you know that one was sent, say --sent ISSUE" in out
    assert run("recover", folder, "--release", "--sent", NAME, *SENT)[0] == 0
    before = {*(folder / "outbox").rglob("*.eml")}
    assert run("deliver", folder, *SENT)[0] == 0
    assert {*(folder / "outbox").rglob("*.eml")} == before
    found = json.loads(run("issues", "report", "weekly", DAY, folder, "--json")[1])
    assert {one["issue"]: one["state"] for one in found["issues"]}[NAME] == "sent"


@on_sqlite
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
