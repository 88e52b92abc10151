"""Backups of a database on a server, as users with fewer rights, and with a password."""

import os
import shutil
import subprocess
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from pydantic import SecretStr
from sqlalchemy import create_engine, func, inspect, make_url, select
from sqlalchemy.schema import CreateSchema

from publisher.app.operation.backup import Backup, back_up_publication, restore_publication
from publisher.config import Settings
from publisher.database import open_database
from publisher.delivery.lineage.witness import read_lineage
from publisher.errors import DatabaseError
from subscribers.tables import subscriber
from tests.databases import new_database, on_postgresql
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import subscribe


def as_role(publication: PublicationFolder, *rights: str) -> Settings:
    """Give a new role some rights in the database of a publication; return settings that use it."""
    settings = publication.settings
    url = make_url(str(settings.database)).set(drivername="postgresql+psycopg")
    # All databases of a server share its roles.
    role, password = f"backup_of_{url.database}", "not so secret"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
        for one in rights:
            connection.exec_driver_sql(f"GRANT {one} TO {role}")
    engine.dispose()
    own = url.set(drivername="postgresql", username=role, password=password)
    address = SecretStr(own.render_as_string(hide_password=False))
    return replace(settings, database_address=address)


@pytest.fixture(autouse=True)
def _on_server() -> None:
    if not on_postgresql():
        pytest.skip("needs the server of --database=postgresql")


def back_up(settings: Settings, publication: PublicationFolder, target: Path) -> Backup:
    return back_up_publication(settings, target, publication.clock)


def at_empty_database(publication: PublicationFolder, folder: Path) -> Settings:
    """Return settings that use a new database without tables."""
    address = SecretStr(str(new_database(folder / "restored.db")))
    return replace(publication.settings, database_address=address)


def in_schema(settings: Settings, schema: str) -> Settings:
    """Return settings whose address names a schema, as its users write it."""
    name = '"' + schema.replace('"', '""') + '"'
    path = quote(f"-csearch_path={name}".replace(" ", "\\ "))
    mark = "&" if "?" in str(settings.database) else "?"
    return replace(
        settings, database_address=SecretStr(f"{settings.database}{mark}options={path}")
    )


def test_a_role_that_may_read_all_makes_a_backup(
    publication: PublicationFolder, tmp_path: Path
) -> None:
    settings = as_role(publication, "pg_read_all_data", "pg_monitor")
    backup = back_up(settings, publication, tmp_path)
    assert (backup.folder / "publisher.dump").stat().st_size > 0


@pytest.mark.parametrize("rights", [(), ("SELECT ON lineage, alembic_version",)])
def test_a_role_that_may_not_gets_one_clear_error_and_no_half_of_a_backup(
    publication: PublicationFolder, tmp_path: Path, rights: tuple[str, ...]
) -> None:
    settings = as_role(publication, *rights)
    with pytest.raises(DatabaseError) as raised:
        back_up(settings, publication, tmp_path / "backups")
    text = str(raised.value)
    assert "permission denied" in text
    assert "\n" not in text
    assert "not so secret" not in text
    assert [*(tmp_path / "backups").glob("*")] == []


def test_passwords_are_given_to_pg_dump_but_not_on_its_command_line(
    publication: PublicationFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "pg_dump"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$PGPASSWORD $*" >"{tmp_path}/called"\nexit 1\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    settings = as_role(publication, "pg_read_all_data", "pg_monitor")
    with pytest.raises(DatabaseError, match="pg_dump: exit code 1"):
        back_up(settings, publication, tmp_path / "backups")
    password, _space, words = (tmp_path / "called").read_text().partition(" --")
    assert password == "not so secret"
    assert "secret" not in words
    # A server that is gone is not waited for.
    assert "keepalives_idle=10 " in words
    url = make_url(str(settings.database)).update_query_dict({"sslpassword": "a secret key"})
    address = SecretStr(url.render_as_string(hide_password=False))
    with pytest.raises(DatabaseError, match="has sslpassword, which these programs take from"):
        back_up(replace(settings, database_address=address), publication, tmp_path / "other")


@pytest.mark.parametrize(
    "form",
    [
        "/{1}?host=127.0.0.1:1&host={0}:5432",
        "/{1}?host=127.0.0.1,{0}&port=1,5432",
        "127.0.0.1:1,{0}:5432/{1}",
    ],
)
def test_the_server_is_found_among_several_hosts(
    publication: PublicationFolder, tmp_path: Path, form: str
) -> None:
    url = make_url(str(publication.settings.database))
    folder = quote(str(url.query["host"]), safe="")
    text = f"postgresql://{url.username}@{form.format(folder, url.database)}"
    settings = replace(publication.settings, database_address=SecretStr(text))
    backup = back_up(settings, publication, tmp_path)
    assert (backup.folder / "publisher.dump").stat().st_size > 0


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_dump_that_is_cut_off_leaves_the_database_empty_for_the_whole_one(
    publication: PublicationFolder, tmp_path: Path, share: float
) -> None:
    backup = back_up(publication.settings, publication, tmp_path / "backups")
    cut = shutil.copytree(backup.folder, tmp_path / "cut")
    with (cut / "publisher.dump").open("r+b") as file:
        file.truncate(int(file.seek(0, os.SEEK_END) * share))
    settings = at_empty_database(publication, tmp_path)
    with pytest.raises(DatabaseError) as raised:
        restore_publication(settings, cut, publication.clock)
    said = str(raised.value)
    assert said.startswith(f"{cut / 'publisher.dump'}: is damaged")
    assert said.endswith("restore another backup")
    assert "\n" not in said
    restore_publication(settings, backup.folder, publication.clock)
    with (
        closing(open_database(settings.database)) as database,
        database.reading() as connection,
    ):
        assert read_lineage(connection)


def test_a_dump_needs_neither_the_roles_nor_the_extensions_nor_the_schema_of_its_server(
    publication: PublicationFolder, tmp_path: Path
) -> None:
    with publication.database.writing() as connection:
        for statement in (
            f"CREATE ROLE reporting_{os.getpid()}",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO reporting_{os.getpid()}",
            "CREATE EXTENSION IF NOT EXISTS plpgsql",
            "COMMENT ON EXTENSION plpgsql IS 'of an administrator'",
            "CREATE SCHEMA elsewhere",
            "CREATE TABLE elsewhere.other (n integer)",
        ):
            connection.exec_driver_sql(statement)
    backup = back_up(publication.settings, publication, tmp_path / "backups")
    with publication.database.writing() as connection:
        connection.exec_driver_sql(f"DROP OWNED BY reporting_{os.getpid()}")
        connection.exec_driver_sql(f"DROP ROLE reporting_{os.getpid()}")
    settings = at_empty_database(publication, tmp_path)
    restore_publication(settings, backup.folder, publication.clock)
    with (
        closing(open_database(settings.database)) as database,
        database.reading() as connection,
    ):
        assert read_lineage(connection)
        assert "elsewhere" not in inspect(connection).get_schema_names()


def test_a_schema_that_only_the_publication_had_is_made(
    publication: PublicationFolder, tmp_path: Path
) -> None:
    with publication.database.writing() as connection:
        connection.exec_driver_sql("ALTER SCHEMA public RENAME TO letters")
        name = connection.exec_driver_sql("SELECT current_database()").scalar_one()
        connection.exec_driver_sql(f'ALTER DATABASE "{name}" SET search_path = letters')
    publication.database.close()
    backup = back_up(publication.settings, publication, tmp_path / "backups")
    settings = at_empty_database(publication, tmp_path)
    engine = create_engine(
        make_url(str(settings.database)).set(drivername="postgresql+psycopg")
    )
    with engine.begin() as connection:
        name = connection.exec_driver_sql("SELECT current_database()").scalar_one()
        connection.exec_driver_sql(f'ALTER DATABASE "{name}" SET search_path = letters')
    engine.dispose()
    restore_publication(settings, backup.folder, publication.clock)
    with (
        closing(open_database(settings.database)) as database,
        database.reading() as connection,
    ):
        assert read_lineage(connection)


def test_a_database_that_is_not_there_is_named(
    publication: PublicationFolder, tmp_path: Path
) -> None:
    backup = back_up(publication.settings, publication, tmp_path / "backups")
    url = make_url(str(publication.settings.database)).set(database="nowhere")
    address = SecretStr(url.render_as_string(hide_password=False))
    settings = replace(publication.settings, database_address=address)
    with pytest.raises(DatabaseError, match='database "nowhere" does not exist'):
        restore_publication(settings, backup.folder, publication.clock)


def test_a_backup_has_the_publication_alone_of_two_in_one_database(
    publication: PublicationFolder, tmp_path: Path
) -> None:
    schema = 'the "second" one'
    subscribe(publication, ("ann@example.com", "en"))
    with publication.database.writing() as connection:
        connection.execute(CreateSchema(schema))
    second = in_schema(publication.settings, schema)
    with closing(open_database(second.database)):
        backup = back_up(second, publication, tmp_path / "backups")
    restored = in_schema(at_empty_database(publication, tmp_path), schema)
    restore_publication(restored, backup.folder, publication.clock)
    with (
        closing(open_database(restored.database)) as database,
        database.reading() as connection,
    ):
        assert connection.execute(select(func.count(subscriber.c.id))).scalar_one() == 0
        names = inspect(connection)
        assert names.has_table("subscriber", schema)
        assert not names.has_table("subscriber", "public")


def test_a_dump_of_two_publications_is_refused(
    publication: PublicationFolder, tmp_path: Path
) -> None:
    with publication.database.writing() as connection:
        connection.execute(CreateSchema("second"))
    with closing(open_database(in_schema(publication.settings, "second").database)):
        backup = back_up(publication.settings, publication, tmp_path / "backups")
    url = make_url(str(publication.settings.database))
    dump = [f"--dbname={url.render_as_string(hide_password=False)}", "--format=custom"]
    file = backup.folder / "publisher.dump"
    subprocess.run(["pg_dump", *dump, f"--file={file}"], check=True)
    settings = at_empty_database(publication, tmp_path)
    with pytest.raises(
        DatabaseError, match="several publications, in the schemas public, second"
    ):
        restore_publication(settings, backup.folder, publication.clock)
