"""How far an issue is: counts that add up, counted once for all who look, and what a stop stops."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Connection, select, update

from publisher.accounts import audit
from publisher.accounts.actor import terminal_actor
from publisher.app import issue_control
from publisher.app.sending_status import (
    MAX_AGE,
    SendingWatch,
    StopCounts,
    expected_end,
    rate_of,
    stop_counts,
)
from publisher.delivery.ledger.counts import count_deliveries
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from publisher.errors import IssueError, UsageError
from publisher.issues.model import IssueState
from tests.publisher.conftest import NOW, PublicationFolder, editing_state
from tests.publisher.delivery.ledger.open_ledgers import (
    ANN,
    BOB,
    CYD,
    OpenLedger,
    open_test_ledger,
)
from tests.publisher.delivery.mailing import state_of

S = DeliveryState
NAME = "weekly-en-2026-01-09"
MINUTE = timedelta(minutes=1)
ADDRESSES = [f"reader.{number}@example.org" for number in range(9)]


@pytest.fixture
def ledger(publication: PublicationFolder) -> OpenLedger:
    return open_test_ledger(publication, *ADDRESSES)


def test_counts_add_up_at_every_look_while_mails_leave(
    publication: PublicationFolder, ledger: OpenLedger
) -> None:
    watch, seen = SendingWatch(), []
    for step in range(3):
        looked = watch.look(editing_state(publication.at(NOW + step * MINUTE)), NAME)
        assert looked.planned == sum(looked.counts.values()) == 9
        assert looked.done + looked.stop.under_way + looked.stop.waiting == 9
        seen.append(looked)
        ledger.settle(ledger.begin(3), S.SENT)
        ledger.begin(1)
    assert [one.stop.sent for one in seen] == [0, 3, 6]
    assert [one.stop.under_way for one in seen] == [0, 1, 2]
    assert [one.rate for one in seen] == [None, 3, 3]
    assert seen[2].ends_at == NOW + 3 * MINUTE
    assert seen[2].is_changing


def test_all_who_look_within_two_seconds_share_one_count(
    publication: PublicationFolder, ledger: OpenLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[object] = []

    def counting(connection: Connection, numbers: Sequence[int]) -> dict[int, Counter[str]]:
        counted.append(numbers)
        return count_deliveries(connection, numbers)

    monkeypatch.setattr("publisher.app.sending_status.count_deliveries", counting)
    watch, state = SendingWatch(), editing_state(publication)
    with ThreadPoolExecutor(8) as pool:
        looks = list(pool.map(lambda _number: watch.look(state, NAME), range(20)))
    assert len({id(one) for one in looks}) == len(counted) == 1
    ledger.settle(ledger.begin(3), S.SENT)
    assert watch.look(state, NAME).stop.sent == 0
    assert watch.look(editing_state(publication.at(NOW + MAX_AGE)), NAME).stop.sent == 3
    # How many rows there are is known for half a minute.
    assert len(counted) == 1
    assert watch.look(editing_state(publication.at(NOW + MINUTE)), NAME).planned == 9
    assert len(counted) == 2


def test_who_has_just_changed_an_issue_sees_it(
    publication: PublicationFolder, ledger: OpenLedger
) -> None:
    watch, state = SendingWatch(), editing_state(publication)
    assert watch.look(state, NAME).state is IssueState.SENDING
    ledger.pause()
    watch.forget(state, NAME)
    looked = watch.look(state, NAME)
    assert (looked.state, looked.rate, looked.is_changing) == (IssueState.PAUSED, None, False)


def test_only_so_many_issues_are_remembered(
    publication: PublicationFolder, ledger: OpenLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("publisher.app.sending_status._MAX_ISSUES", 1)
    other = open_test_ledger(publication, ANN, BOB, CYD, language="ar")
    watch, state = SendingWatch(), editing_state(publication)
    first = watch.look(state, NAME)
    assert watch.look(state, other.issue.name).planned == 3
    assert watch.look(state, NAME) is not first
    with pytest.raises(UsageError, match="no such issue"):
        watch.look(state, "weekly-en-2020-01-01")
    assert ledger.stands() is IssueState.SENDING


def test_a_rate_is_that_of_the_last_five_minutes() -> None:
    looks = deque([(NOW, 0), (NOW + 4 * MINUTE, 400), (NOW + 8 * MINUTE, 400)])
    assert rate_of(looks) == 0
    assert len(looks) == 2
    assert rate_of(deque([(NOW, 7)])) is None
    # Deliveries in doubt were sent again.
    assert rate_of(deque([(NOW, 7), (NOW + MINUTE, 3)])) == 0


def test_the_end_is_expected_by_rate_and_by_the_last_hour() -> None:
    left = StopCounts(sent=5, under_way=1, waiting=9)
    later = NOW + 60 * MINUTE
    assert expected_end(NOW, left, 5, None) == NOW + 2 * MINUTE
    assert expected_end(NOW, left, 5, later) == later
    assert expected_end(NOW, left, None, later) == later
    assert expected_end(NOW, left, 0, None) is None
    assert expected_end(NOW, StopCounts(9, 0, 0), 5, None) is None


def test_pausing_says_how_much_was_sent_is_under_way_and_waits(
    publication: PublicationFolder, ledger: OpenLedger
) -> None:
    ledger.settle(ledger.begin(4), S.SENT)
    ledger.begin(2)
    ledger.claim(1)
    state = editing_state(publication)
    assert issue_control.pause_sending(state, terminal_actor(), NAME) == (4, 2, 3)
    with publication.database.reading() as connection:
        ((_number, entry),) = audit.read_log(connection)
    assert entry.details["deliveries"] == {"sent": 4, "under_way": 2, "waiting": 3}
    # What is under way is completed, what was claimed is not sent.
    rows = select(delivery.c.state).where(delivery.c.issue_id == ledger.number)
    with publication.database.reading() as connection:
        states = connection.execute(rows).scalars().all()
    assert stop_counts({one: states.count(one) for one in states}) == (4, 2, 3)


def test_of_fifty_clicks_at_once_one_pauses_and_one_cancels(
    publication: PublicationFolder, ledger: OpenLedger
) -> None:
    state = editing_state(publication)
    assert _clicks(lambda: issue_control.pause_sending(state, terminal_actor(), NAME)) == 1
    assert state_of(publication) is IssueState.PAUSED
    assert _clicks(lambda: issue_control.cancel_sending(state, terminal_actor(), NAME)) == 1
    assert ledger.counts == {"cancelled": 9}
    with publication.database.reading() as connection:
        assert [entry.verb for _number, entry in audit.read_log(connection)] == [
            "cancel",
            "pause",
        ]


def _clicks(click: Callable[[], object]) -> int:
    """Click fifty times at once. Return how many clicks did something; the others are told why not."""

    def attempt(_number: int) -> bool:
        try:
            click()
        except IssueError as error:
            assert "already" in str(error)  # noqa: PT017  # it is counted, too
            return False
        return True

    with ThreadPoolExecutor(10) as pool:
        return sum(pool.map(attempt, range(50)))


def test_an_issue_whose_rows_are_decided_is_not_looked_at_again(
    publication: PublicationFolder, ledger: OpenLedger
) -> None:
    with publication.database.writing() as connection:
        connection.execute(update(delivery).values(state=S.SENT))
    assert ledger.finish() is not None
    looked = SendingWatch().look(editing_state(publication), NAME)
    assert (looked.state, looked.stop, looked.is_changing) == (
        IssueState.SENT,
        (9, 0, 0),
        False,
    )
    assert looked.ends_at is None
