"""A program that kills deliverers, one after another, and takes their mail away meanwhile.

    python -m tests.slow.publisher.delivery.transports.test_kills FOLDER LAYOUT RECIPIENTS KILLS

Each deliverer is a process of its own, forked, over a small ledger in SQLite; it is killed right
before one of its file operations, by chance. Prints as JSON how many were killed before they were
done, and how often each recipient's message was taken.
"""

import itertools
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest

from publisher.config.delivery import OutboxLayoutKind
from publisher.delivery.transports.outbox import OutboxTransport
from tests.publisher.delivery.transports.messages import LAYOUTS, Key, a_message, take_away, yes

ISSUE = 7
AT_ONCE = 6
# Of a deliverer that is killed, so many file operations are seen at most.
LONGEST_LIFE = 100
OPERATIONS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir"}
TABLES = """
CREATE TABLE row (recipient INTEGER PRIMARY KEY, state TEXT DEFAULT 'pending', sender INTEGER);
CREATE TABLE sender (id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT);
PRAGMA journal_mode = wal;
"""
FREE = "UPDATE row SET state = 'pending', sender = NULL WHERE state = 'attempting'"
MARK = (
    "UPDATE row SET state = 'attempting', sender = ? WHERE recipient IN "
    "(SELECT recipient FROM row WHERE state = 'pending' LIMIT ?) RETURNING recipient"
)
SETTLE = "UPDATE row SET state = 'sent' WHERE sender = ? AND state = 'attempting'"
SENT = "SELECT recipient FROM row WHERE sender = ? AND state = 'sent'"


def deliver(books: sqlite3.Connection, transport: OutboxTransport) -> None:
    """Send what is left. No other process is running."""
    sender = books.execute("INSERT INTO sender (at) VALUES ('') RETURNING id").fetchone()[0]
    books.execute(FREE)
    for gone in transport.leftovers():
        transport.recover(gone, _sent_by(books, gone))
    connections = [transport.connect(sender, yes) for _ in range(2)]
    while rows := [row[0] for row in books.execute(MARK, (sender, AT_ONCE)).fetchall()]:
        threads = [
            Thread(target=lambda c=connection, p=part: [c.send(a_message(one)) for one in p])
            for connection, part in zip(connections, (rows[::2], rows[1::2]), strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        books.execute(SETTLE, (sender,))
        transport.on_committed(sender, [(ISSUE, one) for one in rows])
    for connection in connections:
        connection.close()


def _sent_by(
    books: sqlite3.Connection, sender: int
) -> Callable[[Sequence[Key]], Collection[Key]]:
    def sent(asked: Sequence[Key]) -> Collection[Key]:
        mine = {(ISSUE, row[0]) for row in books.execute(SENT, (sender,))}
        return mine & set(asked)

    return sent


def start(folder: Path, layout: OutboxLayoutKind, life: int | None) -> int:
    """Fork a deliverer, which is killed after so many file operations; gives its number."""
    child = os.fork()
    if not child:
        if life:
            sys.addaudithook(_kill_after(life))
        with closing(_books(folder)) as books:
            deliver(books, OutboxTransport(folder / "outbox", layout))
        os._exit(0)
    return child


def _kill_after(operations: int) -> Callable[[str, tuple[object, ...]], None]:
    left = itertools.count(operations, -1)

    def look(event: str, _: tuple[object, ...]) -> None:
        if event in OPERATIONS and next(left) <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return look


def has_ended(child: int) -> int | None:
    """Give the signal that has ended a deliverer, 0 if it is done, None if it lives."""
    ended, status = os.waitpid(child, os.WNOHANG)
    if not ended:
        return None
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status)
    if status:
        raise RuntimeError(f"a deliverer failed: {status}")
    return 0


def main(folder: Path, layout: OutboxLayoutKind, recipients: int, kills: int) -> None:
    """Let deliverers be killed until that is enough, and the last one finish."""
    with closing(_books(folder)) as books:
        books.executescript(TABLES)
        books.executemany(
            "INSERT INTO row (recipient) VALUES (?)", [(n,) for n in range(recipients)]
        )
    taken: Counter[bytes] = Counter()
    killed = 0
    ended: int | None = signal.SIGKILL
    while ended:
        life = random.randint(1, LONGEST_LIFE) if killed < kills else None
        child = start(folder, layout, life)
        while (ended := has_ended(child)) is None:
            if random.random() < 0.3:
                taken.update(take_away(folder / "outbox"))
            time.sleep(0.001)
        killed += ended == signal.SIGKILL
    taken.update(take_away(folder / "outbox"))
    counts = [taken.pop(a_message(n).message.content, 0) for n in range(recipients)]
    left = [str(path) for path in (folder / "outbox").rglob("*") if path.is_file()]
    told = {"killed": killed, "counts": counts, "others": len(taken), "left": left}
    sys.stdout.write(json.dumps(told))


def _books(folder: Path) -> sqlite3.Connection:
    books = sqlite3.connect(folder / "books.db", isolation_level=None)
    # A kill is no power cut.
    books.execute("PRAGMA synchronous = off")
    return books


RECIPIENTS, KILLS = 300, 30


@pytest.mark.parametrize("layout", LAYOUTS)
def test_killed_at_any_moment_while_mail_is_taken_away_every_message_is_there_once(
    tmp_path: Path, layout: OutboxLayoutKind
) -> None:
    module = "tests.slow.publisher.delivery.transports.test_kills"
    command = [sys.executable, "-m", module, str(tmp_path), layout, str(RECIPIENTS), str(KILLS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["counts"] == [1] * RECIPIENTS
    assert (told["others"], told["left"]) == (0, [])
    assert told["killed"] >= KILLS / 2


if __name__ == "__main__":
    main(Path(sys.argv[1]), OutboxLayoutKind(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
