"""Long runs: issues that become due meanwhile, and rates that allow nothing for long."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from publisher.config.delivery import DeliverySettings, RateSettings, WarmupSettings
from publisher.delivery import fair_queue, worker_pool
from publisher.delivery.lease_holder import hold_lease
from publisher.delivery.ledger import claims, leases, lifecycle
from publisher.delivery.outcomes import ACCEPTED_OUTCOME, Outcome, SendStatus
from publisher.delivery.transports.base import OutgoingMessage
from publisher.issues import store as issues
from publisher.issues.model import Issue, IssueState
from publisher.rendering.placeholders import UNSUBSCRIBE_PLACEHOLDER
from publisher.testing import FakeTimer, MemoryTransport
from tests.publisher.conftest import NOW, House
from tests.publisher.delivery.mailing import counts, ready, send, state_of, subscribe

ENGLISH = [(f"reader.{number}@example.com", "en") for number in range(30)]
ARABIC = [(f"qari.{number}@example.com", "ar") for number in range(3)]
BOTH = {"weekly-en-2026-01-09", "weekly-ar-2026-01-09"}


@pytest.fixture(autouse=True)
def _always_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check for new work all the time, not every five seconds. Small issues take turns."""
    monkeypatch.setattr(worker_pool, "NEW_WORK_INTERVAL", 0.0)
    monkeypatch.setattr(fair_queue, "CLAIM_SIZE", 4)


def order(transport: MemoryTransport) -> str:
    """Return the first letters of the recipients, in order."""
    return "".join(outgoing.recipient[0] for outgoing in transport.taken)


def test_an_issue_that_becomes_ready_during_a_long_run_does_not_wait_for_its_end(
    house: House,
) -> None:
    subscribe(house, *ENGLISH, *ARABIC)
    ready(house)

    def outcome(_outgoing: OutgoingMessage) -> Outcome:
        if not transport.taken:
            ready(house, "ar")
        return ACCEPTED_OUTCOME

    transport = MemoryTransport("ambiguous", outcomes=outcome)
    sent = send(house, transport)
    assert (sent.messages, {*sent.issues}, sent.problems) == (33, BOTH, [])
    assert order(transport).rindex("q") < 25
    assert sorted(order(transport)) == sorted("r" * 30 + "q" * 3)


def test_an_issue_without_its_web_page_interrupts_nothing(house: House) -> None:
    subscribe(house, *ENGLISH, *ARABIC)
    ready(house)
    ready(house, "ar", batch=False)
    transport = MemoryTransport("ambiguous")
    assert send(house, transport).messages == 30
    assert transport.opened == 1


def test_an_issue_that_can_t_be_compiled_does_not_restart_the_run_for_ever(
    house: House,
) -> None:
    subscribe(house, *ENGLISH, *ARABIC)
    ready(house)
    arabic = ready(house, "ar")
    with house.database.writing() as connection:
        connection.exec_driver_sql(
            f"UPDATE digest SET subject = '{UNSUBSCRIBE_PLACEHOLDER}' WHERE issue_id = {arabic.id}"
        )
    transport = MemoryTransport("ambiguous")
    sent = send(house, transport)
    assert sent.messages == 30
    assert transport.opened == 1
    assert len(sent.problems) == 1


def test_an_issue_resumed_during_a_long_run_goes_on_in_it(house: House) -> None:
    subscribe(house, *ENGLISH, *ARABIC)
    ready(house)
    arabic = ready(house, "ar")
    send(house, MemoryTransport("ambiguous", fail_after=0))
    resume(house, "en")
    assert state_of(house, "ar") is IssueState.PAUSED

    def outcome(_outgoing: OutgoingMessage) -> Outcome:
        if not transport.taken:
            resume(house, "ar")
        return ACCEPTED_OUTCOME

    transport = MemoryTransport("ambiguous", outcomes=outcome)
    assert {*send(house, transport).issues} == BOTH
    assert counts(house, arabic) == {"sent": 3}


def resume(house: House, language: str) -> None:
    with house.database.writing() as connection:
        lifecycle.resume_issue(connection, found(house, language), NOW)


def found(house: House, language: str) -> Issue:
    with house.database.reading() as connection:
        one = issues.issue_by_name(connection, f"weekly-{language}-{NOW.date()}")
    assert one is not None
    return one


def test_a_finished_issue_ends_before_the_run_does(house: House) -> None:
    subscribe(house, *ENGLISH, *ARABIC)
    ready(house)
    ready(house, "ar")
    states: list[IssueState] = []

    def outcome(_outgoing: OutgoingMessage) -> Outcome:
        states.append(state_of(house, "ar"))
        return ACCEPTED_OUTCOME

    send(house, MemoryTransport("ambiguous", outcomes=outcome))
    assert states[0] is IssueState.SENDING
    assert states[-1] is IssueState.SENT


def test_rows_of_a_killed_process_are_taken_over_during_a_long_run(house: House) -> None:
    subscribe(house, *ENGLISH)
    issue = ready(house)
    timer = FakeTimer(NOW.timestamp())

    def outcome(_outgoing: OutgoingMessage) -> Outcome:
        if not transport.taken:
            with (
                hold_lease(house.settings, house.database, transport, timer) as place,
                house.database.writing() as connection,
            ):
                claims.claim(connection, issue.id, place.id, NOW, 5)
        return ACCEPTED_OUTCOME

    transport = MemoryTransport("ambiguous", outcomes=outcome)
    assert send(house, transport, timer=timer).messages == 30


def test_a_process_that_slept_past_its_lease_unnoticed_goes_on(house: House) -> None:
    subscribe(house, *ENGLISH)
    issue = ready(house)
    timer = FakeTimer(NOW.timestamp())

    def outcome(_outgoing: OutgoingMessage) -> Outcome:
        if len(transport.taken) == 3:
            timer.advance(leases.LEASE_SECONDS + 1)
        return ACCEPTED_OUTCOME

    transport = MemoryTransport("ambiguous", outcomes=outcome)
    sent = send(house, transport, timer=timer)
    assert (sent.messages, sent.problems) == (30, [])
    assert counts(house, issue) == {"sent": 30}


# --- rates that let nothing go for long


def test_no_connection_is_opened_while_a_rate_allows_nothing(house: House) -> None:
    subscribe(house, *ENGLISH)
    issue = ready(house)
    house.settings = replace(
        house.settings, delivery=DeliverySettings(rate=RateSettings(per_hour=12))
    )
    timer = FakeTimer(NOW.timestamp())
    transport = MemoryTransport("ambiguous")
    assert send(house, transport, timer=timer).messages == 1
    opened = transport.opened
    for _turn in range(3):
        assert send(house, transport, timer=timer).messages == 0
    assert transport.opened == opened
    with house.database.reading() as connection:
        (reason,) = connection.exec_driver_sql("SELECT reason FROM issue").scalars()
    assert reason == "waiting: memory: 12 an hour"
    timer.advance(301)
    later = house.at(NOW + timedelta(seconds=301))
    assert send(later, transport, timer=timer).messages == 1
    assert counts(house, issue) == {"sent": 2, "pending": 28}


def test_mail_that_could_not_be_tried_does_not_use_the_day_s_warm_up_quota(
    house: House,
) -> None:
    subscribe(house, *ENGLISH)
    issue = ready(house)
    warmup = WarmupSettings(start=NOW.date(), first=20, growth=2, until=1000)
    house.settings = replace(house.settings, delivery=DeliverySettings(warmup=warmup))
    timer = FakeTimer(NOW.timestamp())
    lost = Outcome(SendStatus.NOT_SENT, "the line was lost")
    outage = MemoryTransport("ambiguous", outcomes=lambda _outgoing: lost, prefetch=5)
    for _turn in range(5):
        send(house, outage, timer=timer)
    transport = MemoryTransport("ambiguous", prefetch=5)
    later = house.at(NOW + timedelta(hours=1))
    timer.advance(3600)
    assert send(later, transport, timer=timer).messages == 20
    assert counts(house, issue)["sent"] == 20
