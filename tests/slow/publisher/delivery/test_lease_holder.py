"""Living processes keep their rows; dead and expired ones lose them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from publisher.delivery.ledger.leases import LEASE_SECONDS
from publisher.testing import FakeTimer
from tests.databases import environment_of
from tests.processes import ENVIRONMENT, ROOT
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.ledger.open_ledgers import ANN, BOB, CYD, OpenLedger
from tests.publisher.delivery.test_lease_holder import SECOND, enlist, living, locks

# A process that enlists, says so, and then does nothing any more.
PROCESS = """
import pathlib, sys, time
from publisher.config import load_settings
from publisher.database import open_database
from publisher.delivery.lease_holder import hold_lease
from publisher.testing import FakeTimer, MemoryTransport

settings = load_settings(pathlib.Path(sys.argv[1]))
database = open_database(settings.database)
with hold_lease(settings, database, MemoryTransport("ambiguous"), FakeTimer()) as place:
    print(place.id, flush=True)
    time.sleep(600)
"""


@contextmanager
def process(publication: PublicationFolder) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Let another process hold a lease. It is gone afterwards in any case."""
    with subprocess.Popen(
        [sys.executable, "-c", PROCESS, str(publication.settings.folders.root)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=ENVIRONMENT | environment_of(publication.settings.folders.root),
    ) as started:
        try:
            assert started.stdout
            yield started, int(started.stdout.readline())
        finally:
            started.kill()


def test_rows_of_a_killed_process_are_free_at_once(
    ledger: OpenLedger, timer: FakeTimer
) -> None:
    with process(ledger.publication) as (started, number):
        ledger.mark(ledger.claim(1, lease_id=number))
        ledger.claim(1, lease_id=number)
        assert living(ledger.publication, timer) == {number}
        started.kill()
        started.wait(60)
        assert living(ledger.publication, timer) == set()
    assert ledger.states == {ANN: "in_doubt", BOB: "pending", CYD: "pending"}
    assert locks(ledger.publication) == []


def test_a_stopped_process_loses_its_lease_only_when_it_has_expired(
    ledger: OpenLedger, timer: FakeTimer
) -> None:
    with process(ledger.publication) as (started, number):
        ledger.claim(1, lease_id=number)
        os.kill(started.pid, signal.SIGSTOP)
        timer.advance(LEASE_SECONDS)
        assert living(ledger.publication, timer) == {number}
        timer.advance(SECOND)
        assert living(ledger.publication, timer) == set()
    assert ledger.counts == {"pending": 3}


def test_child_processes_do_not_keep_the_lock(ledger: OpenLedger, timer: FakeTimer) -> None:
    with enlist(ledger.publication, timer):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        assert living(ledger.publication, timer) == set()
    finally:
        child.kill()
        child.wait()
