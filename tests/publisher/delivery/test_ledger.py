from collections import Counter
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import select

from publisher.delivery import ledger
from publisher.delivery.ledger import LEASE, OPEN, waiting
from publisher.delivery.tables import DeliveryState, delivery
from publisher.issues.model import Issue
from subscribers import unsubscribe
from tests.publisher.conftest import NOW, House
from tests.publisher.delivery.mailing import counts, erase, number_of, ready, subscribe

ANN, BOB, CYD = "ann@example.com", "bob@example.com", "cyd@example.com"


def opened(house: House) -> Issue:
    subscribe(house, (ANN, "en"), (BOB, "en"), (CYD, "en"))
    issue = ready(house)
    with house.database.writing() as connection:
        assert ledger.open_ledger(connection, issue, ["en"], NOW) == 3
    return issue


def test_the_ledger_is_opened_once_for_the_whole_audience(house: House) -> None:
    issue = opened(house)
    with house.database.writing() as connection:
        assert ledger.open_ledger(connection, issue, ["en"], NOW) == 0
    assert counts(house, issue) == {"pending": 3}


def test_only_readers_of_the_languages_served_get_a_row(house: House) -> None:
    subscribe(house, (ANN, "en"), (BOB, "ar"))
    issue = ready(house)
    with house.database.writing() as connection:
        assert ledger.open_ledger(connection, issue, [], NOW) == 0
        assert ledger.open_ledger(connection, issue, ["ar"], NOW) == 1


def test_readers_are_claimed_in_order_and_no_one_twice(house: House) -> None:
    issue = opened(house)
    with house.database.writing() as connection:
        first = ledger.claim(connection, issue, NOW, 2)
        second = ledger.claim(connection, issue, NOW, 2)
        assert ledger.claim(connection, issue, NOW, 2) == {}
    assert [*first] == [number_of(house.database, email) for email in (ANN, BOB)]
    assert [*second] == [number_of(house.database, CYD)]
    assert set(first.values()) == {1}


def test_nobody_is_claimed_before_her_hour(house: House) -> None:
    issue = opened(house)
    with house.database.writing() as connection:
        assert ledger.claim(connection, issue, NOW - timedelta(seconds=1), 9) == {}


def test_who_left_is_not_claimed_and_is_suppressed(house: House) -> None:
    issue = opened(house)
    with house.database.writing() as connection:
        unsubscribe(connection, BOB, "weekly", NOW)
    erase(house.database, CYD)
    with house.database.writing() as connection:
        assert [*ledger.claim(connection, issue, NOW, 9)] == [1]
        assert ledger.suppress_unwanted(connection, issue, NOW) == 2
        assert ledger.suppress_unwanted(connection, issue, NOW) == 0
    assert counts(house, issue) == {"claimed": 1, "suppressed": 2}


def test_a_stale_claim_settles_nothing(house: House) -> None:
    issue = opened(house)
    later = NOW + LEASE + timedelta(seconds=1)
    with house.database.writing() as connection:
        stale = ledger.claim(connection, issue, NOW, 9)
        assert ledger.take_back(connection, later) == 3
        assert ledger.settle(connection, issue, stale, DeliveryState.SENT, later) == 0
        fresh = ledger.claim(connection, issue, later, 9)
        assert ledger.settle(connection, issue, stale, DeliveryState.SENT, later) == 0
        assert ledger.settle(connection, issue, fresh, DeliveryState.SENT, later) == 3
        assert ledger.settle(connection, issue, fresh, DeliveryState.FAILED, later) == 0
    assert counts(house, issue) == {"sent": 3}


def test_a_lease_holds_until_it_runs_out(house: House) -> None:
    issue = opened(house)
    with house.database.writing() as connection:
        ledger.claim(connection, issue, NOW, 9)
        assert ledger.take_back(connection, NOW + LEASE) == 0
        assert ledger.take_back(connection, NOW + LEASE + timedelta(seconds=1)) == 3
    assert counts(house, issue) == {"pending": 3}


def test_who_is_alone_takes_everything_back_at_once(house: House) -> None:
    issue = opened(house)
    with house.database.writing() as connection:
        ledger.claim(connection, issue, NOW, 1)
        assert ledger.take_back(connection, NOW, all_of_them=True) == 1
    assert counts(house, issue) == {"pending": 3}


def test_an_attempt_is_counted_and_an_end_keeps_its_reason(house: House) -> None:
    issue = opened(house)
    with house.database.writing() as connection:
        claims = ledger.claim(connection, issue, NOW, 1)
        ledger.settle(connection, issue, claims, DeliveryState.FAILED, NOW, "no room")
        row = connection.execute(
            select(delivery).where(delivery.c.state == DeliveryState.FAILED)
        ).one()
    assert (row.attempts, row.reason, row.lease_until) == (1, "no room", None)


def test_counts_add_up_for_each_issue_apart(house: House) -> None:
    issue, other = opened(house), ready(house, "ar")
    with house.database.writing() as connection:
        claims = ledger.claim(connection, issue, NOW, 1)
        ledger.settle(connection, issue, claims, DeliveryState.SENT, NOW)
        ledger.claim(connection, issue, NOW, 1)
        found = ledger.counts(connection, [issue.id, other.id])
    assert found[issue.id] == {"sent": 1, "claimed": 1, "pending": 1}
    assert found[other.id] == {}
    assert waiting(found[issue.id]) == 2
    assert waiting(dict.fromkeys(DeliveryState, 1)) == len(OPEN)


@pytest.mark.parametrize("seed", range(5))
def test_whatever_happens_every_reader_has_one_row_and_none_is_settled_twice(
    house: House, seed: int
) -> None:
    chance = Random(seed)
    readers = 12
    subscribe(house, *((f"reader{n}@example.com", "en") for n in range(readers)))
    issue = ready(house)
    ends = Counter[int]()
    claims: list[dict[int, int]] = []
    now = NOW
    for _step in range(60):
        now += timedelta(minutes=chance.randint(0, 4))
        with house.database.writing() as connection:
            ledger.open_ledger(connection, issue, ["en"], NOW)
            match chance.randrange(5):
                case 0 | 1:
                    claims.append(ledger.claim(connection, issue, now, chance.randint(1, 4)))
                case 2 if claims:
                    # Any claim, however stale, and perhaps for the second time.
                    for reader, epoch in chance.choice(claims).items():
                        one = {reader: epoch}
                        ends[reader] += ledger.settle(
                            connection, issue, one, DeliveryState.SENT, now
                        )
                case 3:
                    ledger.take_back(connection, now)
                case _:
                    who = f"reader{chance.randrange(readers)}@example.com"
                    if chance.random() < 0.2:
                        unsubscribe(connection, who, "weekly", now)
                    ledger.suppress_unwanted(connection, issue, now)
        assert sum(counts(house, issue).values()) == readers
    assert set(ends.values()) <= {0, 1}
    assert counts(house, issue).get("sent", 0) == ends.total() > 0
