"""PgBouncer in transaction mode before a PostgreSQL server of the tests, reached by a Unix socket."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
# Two sessions of the server, so that transactions that follow each other get different ones.
SESSIONS = 2
_SETTINGS = """
[databases]
* = host={server}
[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = {folder}
auth_type = trust
auth_file = {folder}/users
pool_mode = {mode}
default_pool_size = {sessions}
server_round_robin = 1
logfile = {folder}/log
"""


@contextmanager
def pgbouncer(server: Path, mode: str = "transaction") -> Iterator[str]:
    """Start it; yield the end of an address: `postgresql://publisher@/NAME` and this."""
    folder = server / f"pooler-{mode}"
    folder.mkdir()
    text = _SETTINGS.format(server=server, folder=folder, mode=mode, sessions=SESSIONS)
    (folder / "settings").write_text(text)
    (folder / "users").write_text('"publisher" ""\n')
    user = None
    if os.getuid() == 0:  # PgBouncer refuses to run as root
        user = server.stat().st_uid
        os.chown(folder, user, -1)
    process = subprocess.Popen(
        [str(PROGRAM), "-q", str(folder / "settings")], stderr=subprocess.DEVNULL, user=user
    )
    try:
        while not (folder / ".s.PGSQL.6432").exists():
            assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.01)
        yield f"?host={folder}&port=6432"
    finally:
        process.terminate()
        process.wait()


def forget_search_path(address: str) -> None:
    """Leave sessions to others as `pg_dump` does."""
    with psycopg.connect(address, autocommit=True) as theirs:
        for _ in range(2 * SESSIONS):
            theirs.execute("SELECT set_config('search_path', '', false)")
        for _ in range(SESSIONS):
            assert theirs.execute("SHOW search_path").fetchall() == [("",)]
