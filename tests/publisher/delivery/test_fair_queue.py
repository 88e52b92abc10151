"""The order of rows: first tries, retries, and rows that no worker received."""

from collections import Counter
from contextlib import suppress
from datetime import datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, update

from publisher.config.delivery import DeliverySettings, DomainRateSettings
from publisher.delivery import queues
from publisher.delivery.job import JobBuilder
from publisher.delivery.ledger.claims import OVERDUE
from publisher.delivery.ledger.opening import open_ledger
from publisher.delivery.queues import RESERVE_ROUNDS, FairQueue, interleave
from publisher.delivery.rates.limiter import RateLimiter
from publisher.delivery.tables import delivery
from publisher.issues import digests
from publisher.issues import store as issues
from publisher.issues.model import Issue, IssueState
from publisher.issues.tables import issue_variant_table
from publisher.mail import CompiledMail
from publisher.testing import FakeTimer, MemoryTransport
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.ledger.open_ledgers import OpenLedger, S, open_test_ledger
from tests.publisher.delivery.mailing import Interrupted, claims, ready, send, subscribe
from tests.publisher.delivery.stepped_run import HandClock
from tests.subscribers.leaving import unsubscribe

NAMES = [f"reader.{number:02}@example.com" for number in range(20)]


def fair_queue_of(
    ledger: OpenLedger, timer: FakeTimer | None = None, settings: DeliverySettings | None = None
) -> FairQueue:
    timer = timer or FakeTimer(NOW.timestamp())
    rates = RateLimiter(settings or DeliverySettings(), "memory")
    return FairQueue(ledger.lease_id, [ledger.number], rates, HandClock(timer), timer)


def allocate_rows(
    one: FairQueue, ledger: OpenLedger, count: int, now: datetime = NOW
) -> list[str]:
    """Allocate so many rows to one worker. Returns the addresses."""
    with ledger.writing() as connection:
        found = one.allocate(connection, {0: count}, now)
    one.commit(found, rows_returned=False)
    return [claim.recipient.address for claim in found.rows.get(0, [])]


@given(st.integers(0, 30), st.integers(0, 30), st.integers())
def test_merged_queues_keep_their_order(first: int, second: int, seed: int) -> None:
    some, others = claims(first), claims(second, 100)
    both = interleave(some, others, 0.2, Random(seed))
    assert [one for one in both if one.recipient.id < 100] == some
    assert [one for one in both if one.recipient.id >= 100] == others


def test_overdue_recipients_get_their_share_of_each_batch() -> None:
    both = interleave(claims(100), claims(400, 1000), 0.2, Random(1))
    overdue = [one.recipient.id < 1000 for one in both]
    # Neither before all others nor behind them.
    assert 10 <= sum(overdue[:100]) <= 32


def test_an_overdue_retry_does_not_wait_for_all_first_tries(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "OVERDUE_SHARE", 0.5)
    monkeypatch.setattr(queues, "CLAIM_SIZE", 4)
    ledger = open_test_ledger(publication, *NAMES)
    ledger.settle(ledger.begin(2), S.DEFERRED, next_at=NOW - OVERDUE)
    dealt = allocate_rows(fair_queue_of(ledger), ledger, 4)
    assert set(NAMES[:2]) < set(dealt)
    assert set(dealt) - set(NAMES[:2]) == set(NAMES[2:4])


def test_a_retry_that_a_domain_s_rate_puts_off_for_seconds_is_waited_for(
    publication: PublicationFolder,
) -> None:
    """The run does not end before it: it would leave it to the next one."""
    ledger = open_test_ledger(publication, *NAMES[:3])
    ledger.settle(ledger.begin(3), S.DEFERRED, next_at=NOW)
    slowly = DomainRateSettings(names=("example.com",), per_second=0.2)
    timer, sent = FakeTimer(NOW.timestamp()), list[str]()
    one = fair_queue_of(ledger, timer, DeliverySettings(domain=(slowly,)))
    for _second in range(60):
        if one.is_done:
            break
        sent += allocate_rows(one, ledger, 3, HandClock(timer).now())
        timer.advance(1)
    assert sent == NAMES[:3]
    assert one.is_done
    # It took its time.
    assert timer.time() > NOW.timestamp() + 5


def test_rows_of_a_transaction_that_fails_are_allocated_by_the_next_one(
    publication: PublicationFolder,
) -> None:
    ledger = open_test_ledger(publication, *NAMES[:3])
    one = fair_queue_of(ledger)
    assert allocate_rows(one, ledger, 1) == NAMES[:1]
    with suppress(Interrupted), ledger.writing() as connection:
        assert one.allocate(connection, {0: 2}, NOW).rows
        raise Interrupted
    assert allocate_rows(one, ledger, 2) == NAMES[1:3]


def test_many_unsubscribed_recipients_are_suppressed_over_several_transactions(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "CLAIM_SIZE", 2)
    ledger = open_test_ledger(publication, *NAMES)
    with ledger.writing() as connection:
        for name in NAMES:
            unsubscribe(connection, name, "weekly", NOW)
    one = fair_queue_of(ledger)
    assert allocate_rows(one, ledger, 2) == []
    assert ledger.counts == {
        "suppressed": 2 * RESERVE_ROUNDS,
        "pending": 20 - 2 * RESERVE_ROUNDS,
    }
    assert one.may_have_rows
    assert not one.is_done
    for _ in range(3):
        allocate_rows(one, ledger, 2)
    assert ledger.counts == {"suppressed": 20}
    assert one.is_done


# --- mails of a variant are made one after another, so that each variant is compiled once


VARIANTS, EACH = 30, 4


def test_each_variant_is_compiled_once_though_few_are_kept(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(publication, *((f"reader.{n}@example.com", "en") for n in range(VARIANTS * EACH)))
    _open_with_variants(publication, ready(publication))
    compiled: Counter[int] = Counter()
    plain = JobBuilder._compile_variant

    def counting(self: JobBuilder, issue: Issue, number: int) -> CompiledMail:
        compiled[number] += 1
        return plain(self, issue, number)

    monkeypatch.setattr(JobBuilder, "_compile_variant", counting)
    monkeypatch.setattr("publisher.delivery.job._KEPT_VARIANTS", 2)
    transport = MemoryTransport()
    assert send(publication, transport).messages == VARIANTS * EACH
    assert len(compiled) == VARIANTS
    assert set(compiled.values()) == {1}


def _open_with_variants(publication: PublicationFolder, issue: Issue) -> None:
    """Open the ledger, with the rows of each variant spread over all subscribers."""
    with publication.database.writing() as connection:
        open_ledger(connection, publication.settings, issue, NOW)
        issues.move_issue(connection, issue, IssueState.SENDING)
        digest = digests.digest_of(connection, issue)
        parts = {
            name: getattr(digest, name) for name in ("subject", "preheader", "html", "text")
        }
        for number in range(1, VARIANTS + 1):
            values = {"id": number, "issue_id": issue.id, "key": str(number), "more": 0}
            row = insert(issue_variant_table).values(**values, **parts, sha256="0")
            connection.execute(row)
        of = delivery.c.subscriber_id % VARIANTS + 1
        connection.execute(update(delivery).values(variant_id=of))
