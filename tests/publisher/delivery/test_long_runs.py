"""Long runs: issues that become due meanwhile, and rates that allow nothing for long."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from publisher.config.delivery import DeliverySettings, RateSettings, WarmupSettings
from publisher.delivery import queues, worker_pool
from publisher.delivery.lease_holder import hold_lease
from publisher.delivery.ledger import claims, leases
from publisher.delivery.transports import base as transports
from publisher.issues.model import IssueState
from publisher.issues.tables import issue_table
from publisher.rendering.placeholders import UNSUBSCRIBE_PLACEHOLDER
from publisher.testing import FakeTimer, MemoryTransport
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery import mailing

ENGLISH = mailing.many(30)
ARABIC = [(f"qari.{number}@example.com", "ar") for number in range(3)]
BOTH = {"weekly-en-2026-01-09", "weekly-ar-2026-01-09"}


@pytest.fixture(autouse=True)
def _always_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check for new work all the time, not every five seconds. Small issues take turns."""
    monkeypatch.setattr(worker_pool, "NEW_WORK_INTERVAL", 0.0)
    monkeypatch.setattr(queues, "CLAIM_SIZE", 4)


def order(transport: MemoryTransport) -> str:
    """Return the first letters of the recipients, in order."""
    return "".join(outgoing.recipient[0] for outgoing in transport.taken)


def test_an_issue_that_becomes_ready_during_a_long_run_does_not_wait_for_its_end(
    publication: PublicationFolder,
) -> None:
    mailing.ready_for(publication, *ENGLISH, *ARABIC)
    transport = MemoryTransport(
        "ambiguous", outcomes=mailing.once(lambda: mailing.ready(publication, "ar"))
    )
    sent = mailing.send(publication, transport)
    assert (sent.messages, {*sent.issues}, sent.problems) == (33, BOTH, [])
    assert order(transport).rindex("q") < 25
    assert sorted(order(transport)) == sorted("r" * 30 + "q" * 3)


def test_an_issue_without_its_web_page_interrupts_nothing(
    publication: PublicationFolder,
) -> None:
    mailing.ready_for(publication, *ENGLISH, *ARABIC)
    mailing.ready(publication, "ar", batch=False)
    transport = MemoryTransport("ambiguous")
    assert mailing.send(publication, transport).messages == 30
    assert transport.opened == 1


def test_an_issue_that_can_t_be_compiled_is_reported_once_and_stops_no_other(
    publication: PublicationFolder,
) -> None:
    mailing.ready_for(publication, *ENGLISH, *ARABIC)
    arabic = mailing.ready(publication, "ar")
    with publication.database.writing() as connection:
        connection.exec_driver_sql(
            f"UPDATE digest SET subject = '{UNSUBSCRIBE_PLACEHOLDER}' WHERE issue_id = {arabic.id}"
        )
    transport = MemoryTransport("ambiguous")
    sent = mailing.send(publication, transport)
    (problem,) = sent.problems
    assert problem.startswith("weekly-ar-2026-01-09: ")
    # The run was not begun again for it.
    assert (sent.messages, transport.opened) == (30, 1)
    assert [mailing.state_of(publication, one) for one in ("en", "ar")] == ["sent", "sending"]
    assert mailing.counts(publication, arabic) == {"pending": 3}


def test_an_issue_resumed_during_a_long_run_goes_on_in_it(
    publication: PublicationFolder,
) -> None:
    mailing.ready_for(publication, *ENGLISH, *ARABIC)
    arabic = mailing.ready(publication, "ar")
    mailing.send(publication, MemoryTransport("ambiguous", fail_after=0))
    mailing.resume(publication)
    assert mailing.state_of(publication, "ar") is IssueState.PAUSED
    transport = MemoryTransport(
        "ambiguous", outcomes=mailing.once(lambda: mailing.resume(publication, "ar"))
    )
    assert {*mailing.send(publication, transport).issues} == BOTH
    assert mailing.counts(publication, arabic) == {"sent": 3}


def test_a_finished_issue_ends_before_the_run_does(publication: PublicationFolder) -> None:
    mailing.ready_for(publication, *ENGLISH, *ARABIC)
    mailing.ready(publication, "ar")
    states: list[IssueState] = []

    def outcome(_outgoing: transports.OutgoingMessage) -> transports.Outcome:
        states.append(mailing.state_of(publication, "ar"))
        return transports.ACCEPTED_OUTCOME

    mailing.send(publication, MemoryTransport("ambiguous", outcomes=outcome))
    assert states[0] is IssueState.SENDING
    assert states[-1] is IssueState.SENT


def test_rows_of_a_killed_process_are_taken_over_during_a_long_run(
    publication: PublicationFolder,
) -> None:
    issue = mailing.ready_for(publication, *ENGLISH)
    timer = FakeTimer(NOW.timestamp())

    def hold_rows() -> None:
        settings, database = publication.settings, publication.database
        with (
            hold_lease(settings, database, transport, timer) as place,
            database.writing() as connection,
        ):
            claims.claim(connection, issue.id, place.id, NOW, 5)

    transport = MemoryTransport("ambiguous", outcomes=mailing.once(hold_rows))
    assert mailing.send(publication, transport, timer=timer).messages == 30


def test_a_process_that_slept_past_its_lease_unnoticed_goes_on(
    publication: PublicationFolder,
) -> None:
    issue = mailing.ready_for(publication, *ENGLISH)
    timer = FakeTimer(NOW.timestamp())

    def outcome(_outgoing: transports.OutgoingMessage) -> transports.Outcome:
        if len(transport.taken) == 3:
            timer.advance(leases.LEASE_SECONDS + 1)
        return transports.ACCEPTED_OUTCOME

    transport = MemoryTransport("ambiguous", outcomes=outcome)
    sent = mailing.send(publication, transport, timer=timer)
    assert (sent.messages, sent.problems) == (30, [])
    assert mailing.counts(publication, issue) == {"sent": 30}


# --- rates that let nothing go for long


def test_no_connection_is_opened_while_a_rate_allows_nothing(
    publication: PublicationFolder,
) -> None:
    issue = mailing.ready_for(publication, *ENGLISH)
    publication.settings = replace(
        publication.settings, delivery=DeliverySettings(rate=RateSettings(per_hour=12))
    )
    timer = FakeTimer(NOW.timestamp())
    transport = MemoryTransport("ambiguous")
    assert mailing.send(publication, transport, timer=timer).messages == 1
    opened = transport.opened
    for _turn in range(3):
        assert mailing.send(publication, transport, timer=timer).messages == 0
    assert transport.opened == opened
    with publication.database.reading() as connection:
        query = select(*issue_table.c["reason_key", "reason"])
        (why,) = connection.execute(query).all()
    assert tuple(why) == ("rate-limit", "waiting: memory: 12 an hour")
    timer.advance(301)
    later = publication.at(NOW + timedelta(seconds=301))
    assert mailing.send(later, transport, timer=timer).messages == 1
    assert mailing.counts(publication, issue) == {"sent": 2, "pending": 28}


def test_mail_that_could_not_be_tried_does_not_use_the_day_s_warm_up_quota(
    publication: PublicationFolder,
) -> None:
    issue = mailing.ready_for(publication, *ENGLISH)
    warmup = WarmupSettings(start=NOW.date(), first=20, growth=2, until=1000)
    publication.settings = replace(
        publication.settings, delivery=DeliverySettings(warmup=warmup)
    )
    timer = FakeTimer(NOW.timestamp())
    lost = transports.Outcome(transports.SendStatus.NOT_SENT, "the line was lost")
    outage = MemoryTransport("ambiguous", outcomes=lambda _outgoing: lost, prefetch=5)
    for _turn in range(5):
        mailing.send(publication, outage, timer=timer)
    transport = MemoryTransport("ambiguous", prefetch=5)
    later = publication.at(NOW + timedelta(hours=1))
    timer.advance(3600)
    assert mailing.send(later, transport, timer=timer).messages == 20
    assert mailing.counts(publication, issue)["sent"] == 20
