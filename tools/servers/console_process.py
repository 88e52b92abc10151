"""`publisher console` in a process of its own, and a browser of somebody who is signed in.

    python -m tools.servers.console_process FOLDER [INSTANT]

With an instant, its clock stands still there.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Self
from urllib.parse import urlencode

from publisher.accounts.model import Grant, Role
from publisher.accounts.sessions import Browser, begin_session, complete_session
from publisher.accounts.store import NewAccount, add_account, find_account
from publisher.cli.main import main
from publisher.clock import FixedClock
from publisher.database import Database
from publisher.testing import SECRET
from publisher.web.console import server
from tests.databases import environment_of
from tests.processes import ENVIRONMENT, ROOT

# Seconds within which a process on a busy machine has started, or answered.
PATIENCE = 300.0
COOKIE = "__Host-console-session"


class ConsoleProcess:
    """The console of a publication."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(folder), *options],
            cwd=ROOT,
            env=ENVIRONMENT | environment_of(folder) | {"PUBLISHER_SECRET": SECRET},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None  # a pipe was asked for
        line = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
        assert found, f"publisher console did not start: {line}"
        self.port = int(found[1])

    def kill(self) -> None:
        """End it, as the kernel does when memory runs out."""
        self.process.kill()
        self.process.communicate(timeout=PATIENCE)


@contextmanager
def console_process(folder: Path, *options: str) -> Iterator[ConsoleProcess]:
    """Run the console while the block lasts."""
    process = ConsoleProcess(folder, *options)
    try:
        yield process
    finally:
        process.kill()


def session(database: Database, role: str, at: datetime, email: str = "") -> str:
    """Sign somebody in, for whom there is an account from now on. Return the session's token."""
    email = email or f"{role}@example.org"
    with database.writing() as connection:
        account = find_account(connection, email) or add_account(
            connection, NewAccount(email, role, "en", (Grant(Role(role)),)), at
        )
        token = begin_session(connection, Browser("Firefox", ""), at)
        return complete_session(connection, token, account.id, at)


@dataclass(frozen=True)
class Answer:
    """What the console answered."""

    status: int
    place: str
    text: str


class ConsoleBrowser:
    """One connection to the console, which is kept, with the cookie of a session. For one thread."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self._headers = {
            "Host": f"localhost:{port}",
            "Cookie": f"{COOKIE}={token}",
            "Sec-Fetch-Site": "same-origin",
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_what: object) -> None:
        self._connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self._ask("GET", path, None, self._headers | headers)

    def post(self, path: str, fields: dict[str, str] | None = None) -> Answer:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._ask("POST", path, urlencode(fields or {}).encode(), self._headers | kind)

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> Answer:
        """Ask; raise ConnectionError if the console is gone."""
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
            text = answer.read().decode()
        except (OSError, HTTPException) as error:
            self._connection.close()
            raise ConnectionError(str(error)) from error
        return Answer(answer.status, answer.headers.get("Location", ""), text)


def run(folder: str, *at: str) -> int:
    """Serve the console, by the clock of the machine or at an instant."""
    for instant in at:
        clock = partial(FixedClock, datetime.fromisoformat(instant))
        setattr(server, "SystemClock", clock)  # noqa: B010  # in this process only
    return main(["console", "--port", "0", folder])


if __name__ == "__main__":
    sys.exit(run(*sys.argv[1:]))
