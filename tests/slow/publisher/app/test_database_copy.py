"""A publication that moves from a file to a server and back."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from importlib import import_module
from pathlib import Path
from time import sleep

import psycopg
import pytest
from sqlalchemy import Connection, delete, insert, select, text, update

from publisher.accounts.tables import account_table
from publisher.app.operation.databases import copy_publication
from publisher.clock import FixedClock
from publisher.database import copy, engine, metadata, open_database
from publisher.database.copy import TableContent, back_up, read_all_tables
from publisher.database.dialect import server_session
from publisher.delivery.ledger.leases import create_lease, release_lease
from publisher.delivery.lineage.quarantine import find_sign
from publisher.delivery.lineage.witness import read_lineage
from publisher.errors import DatabaseError, UsageError
from publisher.issues.tables import issue_table
from publisher.secrets import fingerprint, stored_fingerprint
from subscribers.tables import subscribers_metadata
from tests.databases import DATABASE_FILE
from tests.processes import ROOT, publisher
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.starting_points import Point
from tools.servers import PostgresDatabases, PostgresServer
from tools.servers.postgres_server import find_server_programs

pytestmark = pytest.mark.skipif(
    find_server_programs() is None, reason="PostgreSQL is not installed"
)
CLOCK = FixedClock(NOW)


def every_table() -> set[str]:
    """Return the names of all tables in the code, whoever declares them."""
    for path in sorted((ROOT / "publisher").rglob("*.py")):
        if "    metadata,\n" in path.read_text("utf-8"):
            import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    return {*metadata.tables, *subscribers_metadata.tables}


def others(content: Mapping[str, TableContent]) -> dict[str, TableContent]:
    """Return all but what says where a publication was moved."""
    return {name: one for name, one in content.items() if name != "lineage"}


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresDatabases]:
    with PostgresServer() as started, closing(PostgresDatabases(started.folder)) as databases:
        yield databases


@pytest.fixture
def source(
    starting_point: Callable[..., PublicationFolder], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The file of a publication that has sent two issues."""
    file = tmp_path_factory.mktemp("source") / "publisher.db"
    made = starting_point(Point.SENT, "en", "ar")
    made.database.close()
    back_up(made.settings.folders.database, file)
    return file


@pytest.fixture
def whole(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the demo's file. It has given ids to rows that are deleted, and corrects an issue."""
    file = tmp_path_factory.mktemp("whole") / "publisher.db"
    back_up(demo / DATABASE_FILE, file)
    with closing(open_database(file)) as database, database.writing() as connection:
        for _ in range(5):
            next_id(connection)
        first, *_others, last = connection.scalars(select(issue_table.c.id))
        connection.execute(
            update(issue_table).where(issue_table.c.id == last).values(corrects_id=first)
        )
    return file


def twin(source: Path, folder: Path) -> Path:
    """Copy a file by hand: of the two, one can be moved."""
    file = folder / "twin.db"
    back_up(source, file)
    return file


def next_id(connection: Connection) -> int:
    """Return the id that the next account gets, and leave none."""
    values = {"email": "ann@example.com", "name": "Ann", "language": "en", "created_at": NOW}
    key = connection.execute(insert(account_table).values(values)).inserted_primary_key
    connection.execute(delete(account_table).where(account_table.c.email == "ann@example.com"))
    assert key is not None
    return int(key[0])


def lease(connection: Connection, until: float) -> int:
    return create_lease(connection, "memory", "ambiguous", "lock", until)


def content(address: Path | str) -> dict[str, TableContent]:
    with closing(open_database(address)) as database, database.reading() as connection:
        return read_all_tables(connection)


@pytest.fixture
def target(server: PostgresDatabases, tmp_path: Path) -> str:
    return server.create(tmp_path.name)


def test_every_table_moves_to_a_server_and_back_and_no_copy_gives_an_id_again(
    whole: Path, target: str, tmp_path: Path
) -> None:
    copied = copy_publication(str(whole), target, CLOCK)
    assert {name for name, _content in copied} == every_table()
    assert sum(content.rows for _name, content in copied) > 300
    back = tmp_path / "back.db"
    assert others(dict(copy_publication(target, str(back), CLOCK))) == others(dict(copied))
    for address in (whole, target, back):
        assert others(content(address)) == others(dict(copied))
    assert [*tmp_path.iterdir()] == [back]
    ids = []
    for address in (whole, target, back):
        with closing(open_database(address)) as database, database.writing() as connection:
            ids.append(next_id(connection))
    assert ids[0] > 5
    assert len({*ids}) == 1


def test_the_source_waits_while_rows_are_compared(
    source: Path, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_publication(str(source), target, CLOCK)
    monkeypatch.setattr(server_session, "WRITER_IDLE_SECONDS", 1)

    def slowly(connection: Connection) -> dict[str, TableContent]:
        sleep(2.5)
        return read_all_tables(connection)

    monkeypatch.setattr(copy, "read_all_tables", slowly)
    copy_publication(target, str(tmp_path / "back.db"), CLOCK)
    assert "it was moved to" in (reason(target) or "")


def reason(address: Path | str) -> str | None:
    with closing(open_database(address)) as database, database.reading() as connection:
        found = read_lineage(connection)
    assert found is not None
    return found.quarantine_reason


def test_a_database_that_was_moved_sends_nothing_any_more_and_is_not_copied_again(
    source: Path, target: str, tmp_path: Path
) -> None:
    copy_publication(str(source), target, CLOCK)
    name = target.partition("?")[0].replace("publisher@", "")
    assert reason(source) == f"it was moved to {name}"
    assert reason(target) is None
    with closing(open_database(target)) as database, database.reading() as connection:
        lineage = read_lineage(connection)
        assert find_sign(lineage, database.server_id(connection), []) == ""
    again = tmp_path / "again.db"
    with pytest.raises(DatabaseError, match=r"it was moved to .* Copy the database that sends"):
        copy_publication(str(source), str(again), CLOCK)
    assert not again.exists()
    with pytest.raises(DatabaseError, match="is there already"):
        copy_publication(target, str(source), CLOCK)
    copy_publication(target, str(again), CLOCK)


def test_databases_of_another_version_are_refused_and_kept(
    source: Path, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = twin(source, tmp_path)
    open_database(target).close()
    with monkeypatch.context() as patched:
        patched.setattr(engine, "HEAD", "0999")
        with pytest.raises(DatabaseError, match="has to be upgraded first"):
            copy_publication(str(older), str(tmp_path / "new.db"), CLOCK)
    with closing(open_database(target)) as database, database.writing() as connection:
        connection.execute(text("DELETE FROM alembic_version"))
    with pytest.raises(DatabaseError, match="has tables already"):
        copy_publication(str(source), target, CLOCK)


def test_nothing_is_copied_while_somebody_sends_or_another_process_has_it_open(
    source: Path, target: str, tmp_path: Path
) -> None:
    with closing(open_database(source)) as database:
        # The clock of the database counts, whatever this machine's is.
        until = database.timer.time() + 600
        with database.writing() as connection:
            number = lease(connection, until)
        try:
            with pytest.raises(
                DatabaseError, match=r"mail is being sent \(1 leases\).* in [56]\d\d seconds"
            ):
                copy_publication(str(source), target, CLOCK)
        finally:
            with database.writing() as connection:
                release_lease(connection, number)
        with pytest.raises(DatabaseError, match="has it open"):
            copy_publication(str(source), target, CLOCK)
    copy_publication(str(source), target, CLOCK)
    other = psycopg.connect(target, application_name="publisher/elsewhere/1")
    with closing(other), pytest.raises(DatabaseError, match="have it open"):
        copy_publication(target, str(tmp_path / "back.db"), CLOCK)


@pytest.mark.parametrize(
    ("given", "counts"),
    [("of the environment", "of the environment"), (None, "beside the file")],
)
def test_the_copy_knows_with_which_secret_the_publication_was_used(
    source: Path, target: str, given: str | None, counts: str
) -> None:
    (source.parent / "secret").write_text("beside the file\n")
    with closing(open_database(source)) as database, database.writing() as connection:
        connection.execute(
            text("DELETE FROM secret_fingerprint")
        )  # as in one that was never used
    copy_publication(str(source), target, CLOCK, given)
    with closing(open_database(target)) as database, database.reading() as connection:
        found = stored_fingerprint(connection)
    assert found == fingerprint(counts)


def test_what_a_killed_copy_left_is_in_nobody_s_way(source: Path, tmp_path: Path) -> None:
    file = tmp_path / "new.db"
    back_up(source, tmp_path / "new.db.unfinished")
    copy_publication(str(source), str(file), CLOCK)
    assert others(content(file)) == others(content(source))
    assert (reason(file), str(reason(source))) == (None, f"it was moved to {file}")


def test_a_copy_that_differs_is_not_kept(source: Path, target: str) -> None:
    with closing(open_database(target)) as database, database.writing() as connection:
        connection.execute(
            text(
                "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS"
                " $$BEGIN NEW.title = NEW.title || '!'; RETURN NEW; END$$"
            )
        )
        connection.execute(
            text(
                "CREATE TRIGGER spoil BEFORE INSERT ON article FOR EACH ROW EXECUTE FUNCTION spoil()"
            )
        )
    with pytest.raises(DatabaseError, match="the copy differs in article; nothing was kept"):
        copy_publication(str(source), target, CLOCK)
    assert {one.rows for one in others(content(target)).values()} == {0}
    assert reason(source) is None


def test_the_command_prints_each_table_and_what_was_refused(
    source: Path, target: str, tmp_path: Path
) -> None:
    done = publisher("database", "copy", twin(source, tmp_path), target)
    assert (done.code, done.err) == (0, "")
    assert "both sides are equal" in done.out
    assert "delivery" in done.out
    before = content(target)
    again = publisher("database", "copy", source, target)
    assert again.code == 1
    assert "is not empty; copy into another one" in again.err
    assert content(target) == before
    wrong = publisher("database", "copy", source, "postgresql://ann:tide@de@db/lantern")
    assert wrong.code == 2
    assert "tide" not in wrong.err


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("postgresql://ann:tide@localhost", "^the address is no address of a database"),
        ("mysql://ann:tide@db.example.org/lantern", "write postgresql://user@host/name"),
    ],
)
def test_a_wrong_address_is_not_repeated_and_not_taken_for_a_file(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, problem: str
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(UsageError, match=problem) as caught:
        copy_publication(str(source), address, CLOCK)
    assert "tide" not in str(caught.value)
    assert sorted(tmp_path.iterdir()) == before


def test_a_mistyped_path_is_named_and_the_source_goes_on(source: Path, tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match=r"nowhere: is no folder; make it"):
        copy_publication(str(source), str(tmp_path / "nowhere" / "new.db"), CLOCK)
    with pytest.raises(DatabaseError, match=r"missing\.db: is no file; name the publication's"):
        copy_publication(str(tmp_path / "missing.db"), str(tmp_path / "new.db"), CLOCK)
    assert not (tmp_path / "nowhere").exists()
    with closing(open_database(source)) as database, database.reading() as connection:
        lineage = read_lineage(connection)
    assert lineage is not None
    assert lineage.quarantined_at is None
