"""The order of rows: first tries, retries, and rows that no worker received."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.config.delivery import DeliverySettings, DomainRateSettings
from publisher.delivery import fair_queue
from publisher.delivery.fair_queue import RESERVE_ROUNDS, FairQueue, interleave
from publisher.delivery.ledger.claims import OVERDUE
from publisher.delivery.rates.limiter import RateLimiter
from publisher.testing import FakeTimer
from subscribers import unsubscribe
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.claims import claims
from tests.publisher.delivery.ledger.open_ledgers import OpenLedger, S, open_test_ledger
from tests.publisher.delivery.stepped_run import HandClock

NAMES = [f"reader.{number:02}@example.com" for number in range(20)]


def fair_queue_of(
    ledger: OpenLedger,
    timer: FakeTimer | None = None,
    settings: DeliverySettings | None = None,
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
    monkeypatch.setattr(fair_queue, "OVERDUE_SHARE", 0.5)
    monkeypatch.setattr(fair_queue, "CLAIM_SIZE", 4)
    ledger = open_test_ledger(publication, *NAMES)
    ledger.settle(ledger.begin(2), S.DEFERRED, next_at=NOW - OVERDUE)
    dealt = allocate_rows(fair_queue_of(ledger), ledger, 4)
    assert set(NAMES[:2]) < set(dealt)
    assert set(dealt) - set(NAMES[:2]) == set(NAMES[2:4])


def test_a_retry_that_is_only_due_waits_for_first_tries(publication: PublicationFolder) -> None:
    ledger = open_test_ledger(publication, *NAMES[:6])
    ledger.settle(ledger.begin(2), S.DEFERRED, next_at=NOW - OVERDUE + timedelta(seconds=1))
    assert allocate_rows(fair_queue_of(ledger), ledger, 6) == [*NAMES[2:6], *NAMES[:2]]


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


def test_many_unsubscribed_recipients_are_suppressed_over_several_transactions(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fair_queue, "CLAIM_SIZE", 2)
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
