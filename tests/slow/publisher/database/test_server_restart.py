"""What the program makes of a PostgreSQL server that was restarted."""

from contextlib import closing

import pytest
from sqlalchemy import create_engine, literal, select, text

from publisher.database import open_database
from tools.servers import PostgresDatabases, PostgresServer
from tools.servers.postgres_server import find_server_programs

pytestmark = pytest.mark.skipif(
    find_server_programs() is None, reason="PostgreSQL is not installed"
)
END_ALL_OTHERS = text(
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def test_a_lookup_goes_on_although_the_restart_has_ended_its_connection() -> None:
    with PostgresServer() as server, closing(PostgresDatabases(server.folder)) as databases:
        url = databases.create("news")
        with closing(open_database(url)) as database:
            look_up = database.prepared(select(literal("tide").label("word")))
            assert look_up({}) == ("tide",)
            restart = create_engine(url)
            with restart.connect() as connection:
                assert all(connection.scalars(END_ALL_OTHERS))
            restart.dispose()
            assert look_up({}) == ("tide",)
