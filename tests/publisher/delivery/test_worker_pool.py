"""Runs with workers in threads, and what ends them: leases, locks, faults."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from publisher.config.delivery import DeliverySettings, DomainRateSettings, RateSettings
from publisher.database import open_database
from publisher.delivery import worker_pool
from publisher.delivery.dispatcher import DeliveryReport
from publisher.delivery.job import Job
from publisher.delivery.lease_holder import revoke_dead_leases
from publisher.delivery.ledger import leases
from publisher.delivery.ledger.claims import Claim
from publisher.delivery.ledger_writer import LedgerBatch, LedgerWriter
from publisher.delivery.lineage import quarantine
from publisher.delivery.lineage import witness as witnesses
from publisher.delivery.lineage.witness import Lineage
from publisher.delivery.queues import WorkQueue
from publisher.delivery.transports.base import (
    ACCEPTED_OUTCOME,
    Outcome,
    OutgoingMessage,
    SendStatus,
    Unreachable,
)
from publisher.issues.model import IssueState
from publisher.testing import FakeTimer, MemoryTransport
from publisher.testing.fakes import MemoryConnection
from subscribers.model import SubscriberStatus
from subscribers.store import find_subscriber
from tests.databases import wait_for_locks
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery import mailing
from tests.publisher.delivery.mailing import send

# Seconds; nothing here takes one, and a machine that is busy may take ten.
LONG = 30.0
UNKNOWN = Outcome(SendStatus.UNKNOWN, "no answer came")


def runs(publication: PublicationFolder) -> list[leases.SendLease]:
    with publication.database.reading() as connection:
        return leases.list_leases(connection)


def locks(publication: PublicationFolder) -> list[str]:
    folder = publication.settings.folders.senders
    return [file.name for file in folder.iterdir()] if folder.is_dir() else []


def busy() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("worker-")]


# --- the fence


def test_nothing_is_sent_when_the_lease_may_be_lost(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As long as a lease lasts no test can wait.
    monkeypatch.setattr(leases, "LEASE_SECONDS", 0.0)
    issue = mailing.ready_for(publication, *mailing.many(3))
    transport = MemoryTransport("ambiguous", connections=2)
    send(publication, transport, timer=FakeTimer())
    assert transport.offered == []
    assert mailing.counts(publication, issue) == {"deferred": 3}


class BusyThread:
    """A worker that waits for a reply, on a clock that only such waits move."""

    now = 1000.0

    def join(self, seconds: float) -> None:
        BusyThread.now += seconds

    def is_alive(self) -> bool:
        return True


def test_a_stop_waits_for_all_workers_together_for_half_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker_pool, "monotonic", lambda: BusyThread.now)
    unused: Any = None
    writer: Any = SimpleNamespace(queue=WorkQueue(8, prefetch=1))
    pool = worker_pool.WorkerPool(
        database=unused,
        lease=unused,
        writer=writer,
        report_progress=unused,
        has_new_work=unused,
    )
    begun, threads = BusyThread.now, cast("list[threading.Thread]", [BusyThread()] * 8)
    assert not pool._stop(threads)
    # The rest of 35 seconds is for the last results.
    assert BusyThread.now - begun == worker_pool.SHUTDOWN_SECONDS == 30
    assert not pool._fence.is_open


# --- the end of a run


def test_a_finished_run_leaves_no_lease_no_lock_and_no_thread(
    publication: PublicationFolder,
) -> None:
    mailing.ready_for(publication, *mailing.many(20))
    seen: list[tuple[int, int]] = []
    threads: list[list[str]] = []

    def look(_outgoing: OutgoingMessage) -> Outcome:
        seen.append((len(runs(publication)), len(locks(publication))))
        threads.append(busy())
        return ACCEPTED_OUTCOME

    send(publication, MemoryTransport(outcomes=look, connections=3))
    assert set(seen) == {(1, 1)}
    assert all(threads)
    assert (runs(publication), locks(publication), busy()) == ([], [], [])


def test_a_run_whose_last_result_is_written_waits_for_nothing(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailing.ready_for(publication, *mailing.many(3))
    transport, in_vain = MemoryTransport(), []
    wait = WorkQueue.wait

    def waiting(queue: WorkQueue, seconds: float) -> None:
        in_vain.append(queue.is_idle and len(transport.offered) == 3)
        wait(queue, seconds)

    monkeypatch.setattr(WorkQueue, "wait", waiting)
    send(publication, transport)
    assert in_vain
    assert not any(in_vain)


def test_mail_that_a_rate_allows_soon_is_sent_in_the_same_run(
    publication: PublicationFolder,
) -> None:
    issue = mailing.ready_for(publication, *mailing.many(12))
    # Two come after the burst.
    rates = DeliverySettings(
        domain=(DomainRateSettings(names=("example.com",), per_second=10),)
    )
    publication.settings = replace(publication.settings, delivery=rates)
    assert send(publication, MemoryTransport(prefetch=4)).messages == 12
    assert mailing.counts(publication, issue) == {"sent": 12}


DEAD = Outcome(SendStatus.REFUSED, "550 5.1.1 no such user", is_dead_address=True)


@pytest.mark.parametrize(
    "rates",
    [
        DeliverySettings(rate=RateSettings(per_hour=12)),
        DeliverySettings(domain=(DomainRateSettings(names=("example.com",), per_hour=12),)),
    ],
    ids=["transport", "domain"],
)
def test_a_rate_limit_does_not_confirm_rejections_of_everything(
    publication: PublicationFolder, rates: DeliverySettings
) -> None:
    # A run tries one recipient and has no results of the others.
    issue = mailing.ready_for(publication, *mailing.many(13))
    publication.settings = replace(publication.settings, delivery=rates)
    timer = FakeTimer(NOW.timestamp())
    transport = MemoryTransport(outcomes=lambda _outgoing: DEAD)
    for turn in range(13):
        assert len(transport.offered) == turn
        send(publication.at(NOW + timedelta(seconds=301 * turn)), transport, timer=timer)
        timer.advance(301)
    # By then some have had a second try: it was due, too.
    assert len({outgoing.recipient for outgoing in transport.offered}) >= 4
    assert set(mailing.counts(publication, issue)) <= {"deferred", "pending"}
    with publication.database.reading() as connection:
        found = [find_subscriber(connection, email) for email, _ in mailing.many(13)]
    assert {recipient.status for recipient in found if recipient} == {SubscriberStatus.ACTIVE}
    # A person has configured the server.
    transport.outcomes = None
    publication.settings = replace(publication.settings, delivery=DeliverySettings())
    timer.advance(86400)
    send(publication.at(NOW + timedelta(days=1, hours=2)), transport, timer=timer)
    assert mailing.counts(publication, issue) == {"sent": 13}


# --- connections


class Failing(MemoryTransport):
    """Some connections fail: those for which `fails` returns True."""

    def __init__(self, fails: Callable[[int], Unreachable | None], connections: int) -> None:
        super().__init__("ambiguous", connections=connections)
        self._fails = fails
        self.tries = 0

    def connect(self, sender: int, holds_lease: Callable[[], bool]) -> MemoryConnection:
        with self._lock:
            self.tries += 1
            trouble = self._fails(self.tries)
        if trouble:
            raise trouble
        return super().connect(sender, holds_lease)


class Silent(MemoryTransport):
    """Hangs up after each message, without a word."""

    def connect(self, sender: int, holds_lease: Callable[[], bool]) -> MemoryConnection:
        super().connect(sender, holds_lease)
        return _OfOneMessage(self, sender, holds_lease)


class _OfOneMessage(MemoryConnection):
    def send(
        self, outgoing: OutgoingMessage, next_message: OutgoingMessage | None = None
    ) -> Outcome:
        outcome = super().send(outgoing, next_message)
        self.close()
        return outcome


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try lost connections again at once."""
    monkeypatch.setattr(worker_pool, "FIRST_RECONNECT_WAIT", 0.01)


@pytest.mark.usefixtures("_impatient")
def test_a_server_that_returns_in_time_is_no_problem(publication: PublicationFolder) -> None:
    mailing.ready_for(publication, *mailing.many(5))
    away = Unreachable("no server listens there")
    transport = Failing(lambda n: away if n <= 2 else None, connections=1)
    assert send(publication, transport) == DeliveryReport(5, ["weekly-en-2026-01-09"], [])
    assert transport.tries == 3


@pytest.mark.usefixtures("_impatient")
def test_one_failing_connection_does_not_stop_the_others(
    publication: PublicationFolder,
) -> None:
    mailing.ready_for(publication, *mailing.many(40))
    away = Unreachable("too many connections")
    transport = Failing(lambda n: None if n == 1 else away, connections=4)
    assert send(publication, transport).messages == 40


def test_a_message_that_the_program_fails_to_compose_waits_and_the_others_leave(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailing.subscribe(publication, *mailing.many(5))
    issue, plain = mailing.ready(publication), Job.compose

    def fails(job: Job, claim: Claim) -> OutgoingMessage:
        if claim.recipient.id == 2:
            raise ZeroDivisionError
        return plain(job, claim)

    monkeypatch.setattr(Job, "compose", fails)
    assert send(publication, MemoryTransport("ambiguous")).messages == 4
    assert mailing.counts(publication, issue) == {"sent": 4, "deferred": 1}


@pytest.mark.usefixtures("_impatient")
def test_a_server_that_never_replies_ends_this_run(publication: PublicationFolder) -> None:
    issue = mailing.ready_for(publication, *mailing.many(20))
    transport = Silent("ambiguous", outcomes=lambda _outgoing: UNKNOWN)
    sent = send(publication, transport)
    assert sent.problems == [UNKNOWN.reason]
    assert mailing.counts(publication, issue) == {"in_doubt": 3, "pending": 17}
    assert mailing.state_of(publication) == IssueState.SENDING


class AskedToStop(Exception):  # noqa: N818  # as the service's own
    """What a person wants."""


def test_a_worker_that_hangs_at_shutdown_is_fenced_and_its_message_is_in_doubt(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Half a minute in production.
    monkeypatch.setattr(worker_pool, "SHUTDOWN_SECONDS", 0.05)
    issue = mailing.ready_for(publication, *mailing.many(2))
    stuck, release, gone = threading.Event(), threading.Event(), threading.Event()
    could: list[bool] = []

    def outcome(outgoing: OutgoingMessage) -> Outcome:
        if outgoing.recipient != "reader.0@example.com":
            raise Unreachable("there is one way in, and it is taken")
        stuck.set()
        release.wait(LONG)
        could.append(transport.holds_lease())
        gone.set()
        return ACCEPTED_OUTCOME

    def report_progress(*_words: object) -> None:
        if stuck.is_set():
            raise AskedToStop

    transport = Concurrent(outcome)
    with pytest.raises(AskedToStop):
        send(publication, transport, report_progress)
    assert len(runs(publication)) == 1
    assert mailing.counts(publication, issue) == {"attempting": 1, "pending": 1}
    release.set()
    gone.wait(LONG)
    assert could == [False]
    # The lock is free, so the next run takes over.
    send(publication, MemoryTransport("ambiguous"))
    assert mailing.counts(publication, issue) == {"in_doubt": 1, "sent": 1}


class Concurrent(MemoryTransport):
    """Takes several messages at a time: one that hangs hangs alone."""

    holds_lease: Callable[[], bool]

    def __init__(self, outcome: Callable[[OutgoingMessage], Outcome]) -> None:
        super().__init__("ambiguous", connections=2)
        self._answer = outcome

    def connect(self, sender: int, holds_lease: Callable[[], bool]) -> MemoryConnection:
        self.holds_lease = holds_lease
        return super().connect(sender, holds_lease)

    def take(self, outgoing: OutgoingMessage) -> Outcome:
        outcome = self._answer(outgoing)
        self.outcomes = {outgoing.recipient: outcome}
        return super().take(outgoing)


# --- a lease that is lost


def test_a_run_that_lost_its_lease_stops_and_records_what_was_answered(
    publication: PublicationFolder,
) -> None:
    issue = mailing.ready_for(publication, *mailing.many(8))
    timer = FakeTimer(NOW.timestamp())

    def lose() -> None:
        timer.advance(leases.LEASE_SECONDS + 1)
        revoke_dead_leases(publication.settings, publication.database, timer, NOW)

    transport = MemoryTransport("ambiguous", outcomes=mailing.once(lose), prefetch=2)
    sent = send(publication, transport, timer=timer)
    (problem,) = sent.problems
    assert problem.startswith("another process has taken over")
    found = mailing.counts(publication, issue)
    assert found["sent"] == len(transport.taken) < 8
    assert found == {"sent": found["sent"], "pending": 8 - found["sent"]}
    assert send(publication, transport, timer=timer).issues == ["weekly-en-2026-01-09"]
    assert Counter(outgoing.recipient for outgoing in transport.taken) == dict.fromkeys(
        dict(mailing.many(8)), 1
    )


@pytest.mark.parametrize(
    ("becomes_old", "reason"),
    [("take_over", "on another server"), ("put_back", "is older than")],
)
def test_a_run_ends_before_it_writes_to_a_database_that_lost_commits_meanwhile(
    publication: PublicationFolder,
    becomes_old: str,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # No server, so that signs are looked for ten times a second.
    monkeypatch.setattr(quarantine, "FILE_CHECK_INTERVAL", 0.0)
    mailing.ready_for(publication, *mailing.many(8))
    database, found = publication.database, list[Lineage]()

    def change(_outgoing: OutgoingMessage) -> Outcome:
        if not found:
            with database.writing() as connection:
                if becomes_old == "take_over":
                    witnesses.set_lineage(connection, server="the one that failed")
                found.append(one := cast("Lineage", witnesses.read_lineage(connection)))
            if becomes_old == "put_back":
                # What another process of this machine has written, and this database has no more.
                witnesses.open_witness(publication.settings).follow(
                    witnesses.LedgerPage(one.incarnation, one.page + 9)
                )
        return ACCEPTED_OUTCOME

    transport = MemoryTransport("ambiguous", outcomes=change, prefetch=1)
    (problem,) = send(publication, transport).problems
    assert reason in problem
    assert 0 < len(transport.taken) < 8
    with database.reading() as connection:
        after = cast("Lineage", witnesses.read_lineage(connection))
    # No number is given that the lost commits may have had.
    assert after.page == found[0].page
    assert after.quarantined_at is not None
    before = len(transport.taken)
    assert send(publication, transport).problems == [problem]
    assert len(transport.taken) == before


# --- a database that can't be written


@pytest.fixture
def hasty(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PublicationFolder]:
    """A publication whose database reports a lock within a tenth of a second."""
    wait_for_locks(monkeypatch, milliseconds=100)
    with closing(open_database(publication.settings.database)) as database:
        yield PublicationFolder(publication.settings, database, publication.clock)


@dataclass
class Locking:
    """A server that takes everything; with the first message that it takes, the ledger is locked."""

    publication: PublicationFolder
    seconds: float = 0.4
    held: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._hold)

    def __call__(self, _outgoing: OutgoingMessage) -> Outcome:
        if not self.held.is_set():
            self.thread.start()
            self.held.wait(LONG)
        return ACCEPTED_OUTCOME

    def _hold(self) -> None:
        address = self.publication.settings.database
        with closing(open_database(address)) as other, other.writing():
            self.held.set()
            self.over.wait(self.seconds)


def test_a_lock_that_is_shorter_than_the_patience_of_a_transaction_is_not_even_noticed(
    publication: PublicationFolder,
) -> None:
    mailing.ready_for(publication, *mailing.many(10))
    locking = Locking(publication, 0.2)
    with capture_logs() as logs:
        sent = send(publication, MemoryTransport("ambiguous", outcomes=locking))
    locking.thread.join(LONG)
    assert sent == DeliveryReport(10, ["weekly-en-2026-01-09"], [])
    assert [line for line in logs if line["log_level"] != "info"] == []


def test_results_at_shutdown_wait_for_a_locked_ledger(hasty: PublicationFolder) -> None:
    mailing.subscribe(hasty, *mailing.many(4))
    issue, locking = mailing.ready(hasty), Locking(hasty)

    def report_progress(*_words: object) -> None:
        if locking.held.is_set():
            raise AskedToStop

    transport = MemoryTransport("ambiguous", outcomes=locking, prefetch=4)
    with pytest.raises(AskedToStop):
        send(hasty, transport, report_progress)
    locking.thread.join(LONG)
    found = mailing.counts(hasty, issue)
    assert found.pop("sent") == len(transport.taken)
    assert found.keys() <= {"pending"}
    assert runs(hasty) == []


# --- faults of the program


def test_reserved_rows_that_no_worker_received_return_to_pending(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue = mailing.ready_for(publication, *mailing.many(8))

    def cut_off(_self: LedgerWriter, batch: LedgerBatch) -> None:
        if batch.allocation and batch.allocation.rows:
            raise KeyboardInterrupt

    monkeypatch.setattr(LedgerWriter, "after_commit", cut_off)
    transport = MemoryTransport("ambiguous", prefetch=4)
    with pytest.raises(KeyboardInterrupt):
        send(publication, transport)
    assert (transport.taken, runs(publication)) == ([], [])
    assert mailing.counts(publication, issue) == {"pending": 8}
