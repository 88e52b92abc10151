"""The program as a process, with some of its constants changed: for tests that can't wait for long.

    python -m tests.slow.publisher.delivery.crashes.changed MODULE:NAME=NUMBER ... -- deliver FOLDER

Each constant is set before the command begins, and is looked up where it is used. `--pages=N`
lets the database grow to no more than N pages, on every connection: a disk that is full.
`--stop-after=N` stops the process when it asks for the N-th time whether it may finish a message, and
each time after that: a machine that sleeps, and goes on by SIGCONT. `--kill-at=N` kills it with -9 before
its N-th commit. `--freeze-at-file=N` stops it when it asks for the N-th time whether it may change a file as the
leader, before it gets the answer. `--clock=SECONDS` has this process see a clock that is wrong by so much.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from publisher.cli.main import main
from publisher.clock import SystemClock
from publisher.delivery.worker_pool import LeaseFence
from publisher.leader.holder import Leadership


def change(words: Sequence[str]) -> None:
    """Set what the words say; a constant that does not exist is a mistake."""
    for word in words:
        place, _, value = word.partition("=")
        if place in OPTIONS:
            OPTIONS[place](float(value))
            continue
        module, _, name = place.partition(":")
        kind = type(getattr(import_module(module), name))
        setattr(import_module(module), name, kind(value))


def die(number: float) -> None:
    """Kill this process at a commit, while its threads go on with what they do."""
    numbers = count(1)

    def at_commit(_connection: Any) -> None:
        if next(numbers) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "commit", at_commit)


def freeze_at_file(number: float) -> None:
    """Stop this process where it asks whether it may change a file."""
    numbers, require = count(1), Leadership._require_files

    def stop_and_require(self: Leadership, public: Path, epoch: int) -> None:
        if next(numbers) == number:
            # To this thread: sent to the process, it might go on for a moment.
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
        require(self, public, epoch)

    Leadership._require_files = stop_and_require  # type: ignore[method-assign]  # in this process only


def set_clock(ahead: float) -> None:
    """Let this process see another time of day. Durations and uptime stay."""
    real_time, real_now = time.time, SystemClock.now
    time.time = lambda: real_time() + ahead
    SystemClock.now = lambda self: real_now(self) + timedelta(seconds=ahead)  # type: ignore[method-assign]


def sleep_after(number: float) -> None:
    """Stop this process while its lease lasts, when it asks whether it may finish a message."""
    asked, is_open = count(1), LeaseFence.is_open.fget  # type: ignore[attr-defined]  # a property

    def stop_and_look(self: LeaseFence) -> bool:
        if next(asked) >= number and is_open(self):
            os.kill(os.getpid(), signal.SIGSTOP)
        return bool(is_open(self))

    LeaseFence.is_open = property(stop_and_look)  # type: ignore[method-assign,assignment]


def bound(pages: float) -> None:
    """Let no database have more pages than these, or than it has already."""

    def prepare(connection: Any, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages:.0f}")

    event.listen(Engine, "connect", prepare)


OPTIONS = {
    "--pages": bound,
    "--stop-after": sleep_after,
    "--kill-at": die,
    "--freeze-at-file": freeze_at_file,
    "--clock": set_clock,
}


if __name__ == "__main__":
    middle = sys.argv.index("--")
    change(sys.argv[1:middle])
    sys.exit(main(sys.argv[middle + 1 :]))
