"""Whole runs of delivery, with real threads, into memory and into an outbox.

What a mail server on the wire makes of it is in `test_by_smtp`.
"""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from publisher.delivery import queues, worker_pool
from publisher.delivery.dispatcher import DeliveryReport, Dispatcher
from publisher.delivery.states import summarise_counts
from publisher.delivery.transports.base import (
    ACCEPTED_OUTCOME,
    Outcome,
    OutgoingMessage,
    SendStatus,
)
from publisher.issues import digests as issue_pages
from publisher.issues.model import IssueState
from publisher.testing import SECRET, MemoryTransport
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery import mailing
from tests.publisher.mail.samples import parsed
from tests.subscribers.leaving import unsubscribe

ANN, BOB, CYD = "ann@example.com", "bob@example.com", "cyd@example.com"
THREE = ((ANN, "en"), (BOB, "en"), (CYD, "en"))
ISSUE = "weekly-en-2026-01-09"
SOON, LATER = timedelta(minutes=7), timedelta(hours=1)

DEFERRED = Outcome(SendStatus.DEFERRED, "the mailbox is full (452)")
REFUSED = Outcome(SendStatus.REFUSED, "the server does not like it (550)")
DEAD = Outcome(SendStatus.REFUSED, "there is no such mailbox (550 5.1.1)", is_dead_address=True)
UNKNOWN = Outcome(SendStatus.UNKNOWN, "all of it was sent, and no answer came")
NOT_SENT = Outcome(SendStatus.NOT_SENT, "the line was lost")


def recipients(publication: PublicationFolder) -> list[str]:
    """Return the recipients, one address for each message."""
    return sorted(
        parsed(content)["To"].addresses[0].addr_spec
        for content in mailing.outbox(publication).values()
    )


# --- every subscriber, once


def test_every_subscriber_gets_one_message_and_the_issue_is_sent(
    publication: PublicationFolder,
) -> None:
    issue = mailing.ready_for(publication, (ANN, "en"), (BOB, "en"))
    sent = mailing.send(publication)
    assert (sent.messages, sent.issues, sent.problems) == (2, [ISSUE], [])
    assert recipients(publication) == [ANN, BOB]
    for path, content in mailing.outbox(publication).items():
        name = parsed(content)["Message-ID"].partition("@")[0].removeprefix("<")
        assert path == f"weekly/en/2026-01-09/{name}.eml"
    assert mailing.counts(publication, issue) == {"sent": 2}
    assert mailing.state_of(publication) == IssueState.SENT


def test_several_connections_share_the_work_without_duplicates(
    publication: PublicationFolder,
) -> None:
    issue = mailing.ready_for(publication, *mailing.many(100))
    transport = MemoryTransport("ambiguous", connections=4, prefetch=8)
    sent = mailing.send(publication, transport)
    assert sent.messages == 100
    assert Counter(p.recipient for p in transport.taken) == dict.fromkeys(
        dict(mailing.many(100)), 1
    )
    assert 1 < transport.most_at_once <= 4
    assert transport.at_once == 0
    assert sorted(transport.settled) == [(issue.id, number) for number in range(1, 101)]


def test_no_more_connections_are_opened_than_there_are_recipients(
    publication: PublicationFolder,
) -> None:
    transport = MemoryTransport(connections=8)
    assert mailing.send(publication, transport) == DeliveryReport()
    assert transport.opened == 0
    mailing.ready_for(publication, (ANN, "en"), (BOB, "en"))
    mailing.send(publication, transport)
    assert transport.opened <= 2


def test_issues_of_several_languages_take_turns(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "CLAIM_SIZE", 1)
    mailing.subscribe(
        publication,
        *mailing.many(3),
        *((f"qari.{number}@example.com", "ar") for number in range(3)),
    )
    first, second = mailing.ready(publication), mailing.ready(publication, "ar")
    transport = MemoryTransport()
    sent = mailing.send(publication, transport)
    assert {*sent.issues} == {ISSUE, "weekly-ar-2026-01-09"}
    order = [outgoing.issue_id for outgoing in transport.taken]
    assert order == [first.id, second.id] * 3


def test_an_issue_without_subscribers_is_sent_at_once(publication: PublicationFolder) -> None:
    mailing.ready(publication)
    assert mailing.send(publication).issues == [ISSUE]
    assert mailing.outbox(publication) == {}


# --- issues that can't go


def test_no_mail_is_sent_before_its_web_page_exists(publication: PublicationFolder) -> None:
    mailing.subscribe(publication, (ANN, "en"))
    issue = mailing.ready(publication, batch=False)
    assert mailing.send(publication).messages == 0
    assert mailing.state_of(publication) == IssueState.READY
    with publication.database.writing() as connection:
        issue_pages.mark_page_written(connection, issue, "0")
    assert mailing.send(publication).messages == 1


@pytest.mark.parametrize(
    "changes",
    [{"newsletters": []}, {"languages": ["ar"]}, {"newsletters": [{"languages": ["ar"]}]}],
)
def test_a_ready_issue_is_cancelled_when_its_edition_was_removed(
    publication: PublicationFolder, changes: dict[str, Any]
) -> None:
    mailing.ready_for(publication, (ANN, "en"))
    publication.reload(**changes)
    assert mailing.send(publication).messages == 0
    assert mailing.outbox(publication) == {}
    issue = mailing.the_issue(publication)
    assert (issue.state, issue.reason) == (
        IssueState.CANCELLED,
        "no longer in publication.toml",
    )


def test_a_machine_that_does_not_lead_leaves_an_issue_alone_whose_edition_it_does_not_know(
    publication: PublicationFolder,
) -> None:
    mailing.ready_for(publication, (ANN, "en"))
    publication.reload(languages=["ar"])
    parts = (publication.settings, publication.database, MemoryTransport(), SECRET)
    assert Dispatcher(*parts, publication.clock, cancels_removed=False).deliver().issues == []
    assert mailing.state_of(publication) == IssueState.READY
    publication.reload(languages=["en", "ar"])
    assert mailing.send(publication).messages == 1


def test_who_left_is_recorded_before_mail_is_sent_and_meanwhile(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_pool, "NEW_WORK_INTERVAL", 0.0)
    mailing.ready_for(publication, (ANN, "en"))
    transport, sent_by_then = MemoryTransport(), list[int]()
    parts = (publication.settings, publication.database, transport, SECRET, publication.clock)
    Dispatcher(
        *parts, record_departures=lambda: sent_by_then.append(len(transport.taken))
    ).deliver()
    assert sent_by_then[0] == 0
    assert len(sent_by_then) > 1


def test_an_issue_under_way_is_finished_when_its_edition_was_removed(
    publication: PublicationFolder,
) -> None:
    mailing.ready_for(publication, (ANN, "en"))
    mailing.send(publication, MemoryTransport(outcomes={ANN: DEFERRED}))
    publication.reload(newsletters=[{"name": "daily"}])
    assert mailing.send(publication.at(NOW + SOON)).messages == 1
    assert mailing.state_of(publication) == IssueState.SENT


# --- subscribers who leave, and addresses that can't be used


@pytest.mark.parametrize("prefetch", [1, 8])
def test_a_subscriber_who_leaves_during_a_run_gets_nothing(
    publication: PublicationFolder, prefetch: int
) -> None:
    issue = mailing.ready_for(publication, *THREE)

    def leave() -> None:
        mailing.erase(publication.database, CYD)
        with publication.database.writing() as connection:
            unsubscribe(connection, BOB, None, NOW)

    transport = MemoryTransport(outcomes=mailing.once(leave), prefetch=prefetch)
    sent = mailing.send(publication, transport)
    assert [m.subscriber_id for m in transport.messages] == [1]
    assert sent.messages == 1
    assert mailing.counts(publication, issue) == {"sent": 1, "suppressed": 2}
    assert mailing.state_of(publication) == IssueState.SENT


def test_a_recipient_with_a_damaged_address_fails_alone(publication: PublicationFolder) -> None:
    issue = mailing.ready_for(publication, *THREE)
    mailing.spoil(publication.database, BOB)
    with capture_logs() as logs:
        sent = mailing.send(publication)
    assert recipients(publication) == [ANN, CYD]
    assert sent.messages == 2
    assert mailing.counts(publication, issue) == {"sent": 2, "failed": 1}
    assert mailing.state_of(publication) == IssueState.PARTIAL
    (line,) = [line for line in logs if line["log_level"] == "error"]
    assert line["subscriber"] == mailing.number_of(publication.database, BOB)
    (reason,) = [reason for reason in mailing.reasons(publication) if reason]
    assert "no message can be written" in reason
    assert "@" not in reason


# --- what the server replies


def test_a_deferred_mail_is_tried_again_at_its_retry_time(
    publication: PublicationFolder,
) -> None:
    issue = mailing.ready_for(publication, *THREE)
    transport = MemoryTransport(outcomes={BOB: DEFERRED})
    assert mailing.send(publication, transport).issues == []
    assert mailing.counts(publication, issue) == {"sent": 2, "deferred": 1}
    assert mailing.reasons(publication)[DEFERRED.reason] == 1
    transport.outcomes = None
    assert mailing.send(publication.at(NOW + timedelta(minutes=4)), transport).messages == 0
    assert mailing.send(publication.at(NOW + SOON), transport).issues == [ISSUE]
    assert [outgoing.recipient for outgoing in transport.offered].count(BOB) == 2
    assert mailing.counts(publication, issue) == {"sent": 3}
    assert mailing.reasons(publication) == {None: 3}
    # The due time is in the header, whenever a mail is sent.
    dates = {parsed(message.content)["Date"].datetime for message in transport.messages}
    assert dates == {NOW}


def test_a_deferred_mail_is_given_up_after_the_configured_time(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    publication = new_publication(newsletters=[{"give_up_after": 12}])
    issue = mailing.ready_for(publication, (ANN, "en"), (BOB, "en"))
    transport = MemoryTransport(outcomes={BOB: DEFERRED})
    for hours in range(24):
        mailing.send(publication.at(NOW + timedelta(hours=hours)), transport)
    assert mailing.counts(publication, issue) == {"sent": 1, "failed": 1}
    assert mailing.reasons(publication)[f"given up: {DEFERRED.reason}"] == 1
    assert mailing.state_of(publication) == IssueState.PARTIAL
    tries = [outgoing.recipient for outgoing in transport.offered].count(BOB)
    assert 5 <= tries <= 9
    assert len({(m.subscriber_id, m.name, m.content) for m in transport.messages}) == 1


def test_dead_addresses_alone_at_the_end_of_an_issue_do_not_pause_it(
    publication: PublicationFolder,
) -> None:
    issue = mailing.ready_for(publication, *mailing.many(40))
    late = {email for email, _ in mailing.many(12)}
    grey = MemoryTransport(
        outcomes=lambda p: DEFERRED if p.recipient in late else ACCEPTED_OUTCOME
    )
    mailing.send(publication, grey)
    assert mailing.counts(publication, issue) == {"sent": 28, "deferred": 12}
    sent = mailing.send(
        publication.at(NOW + timedelta(hours=1)),
        MemoryTransport(outcomes=lambda _outgoing: DEAD),
    )
    assert (sent.issues, sent.problems) == ([ISSUE], [])
    assert mailing.counts(publication, issue) == {"sent": 28, "bounced": 12}


RELAY = Outcome(SendStatus.REFUSED, "554 5.7.1 Relay access denied", is_about_sender=True)


def test_a_server_that_denies_relaying_pauses_an_issue_however_few_its_recipients(
    publication: PublicationFolder,
) -> None:
    issue = mailing.ready_for(publication, *THREE[:2])
    sent = mailing.send(publication, MemoryTransport(outcomes=lambda _outgoing: RELAY))
    (problem,) = sent.problems
    assert problem == f"the server takes nothing from us: {RELAY.reason}"
    assert mailing.state_of(publication) == IssueState.PAUSED
    assert mailing.counts(publication, issue) == {"deferred": 2}


def test_a_final_error_of_the_transport_pauses_the_issue(
    publication: PublicationFolder,
) -> None:
    issue = mailing.ready_for(publication, *mailing.many(5))
    transport = MemoryTransport(fail_after=3)
    sent = mailing.send(publication, transport)
    assert sent.problems == ["took 3 messages and no more"]
    assert sent.messages == 3
    assert mailing.counts(publication, issue) == {"sent": 3, "pending": 2}
    paused = mailing.the_issue(publication)
    assert (paused.state, paused.reason) == (IssueState.PAUSED, "took 3 messages and no more")
    transport.fail_after = None
    mailing.resume(publication)
    assert mailing.send(publication, transport).issues == [ISSUE]
    assert mailing.counts(publication, issue) == {"sent": 5}
    assert mailing.the_issue(publication).reason is None
    assert len({message.name for message in transport.messages}) == 5


# --- in doubt


def test_with_resend_mail_in_doubt_is_sent_again_with_its_message_id_but_not_for_ever(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    publication = new_publication(newsletters=[{"in_doubt": "resend"}])
    issue = mailing.ready_for(publication, (ANN, "en"))
    transport = MemoryTransport("ambiguous", outcomes={ANN: UNKNOWN})
    mailing.send(publication, transport)
    assert mailing.counts(publication, issue) == {"deferred": 1}
    for hours in range(1, 10):
        mailing.send(publication.at(NOW + timedelta(hours=hours)), transport)
    assert mailing.counts(publication, issue) == {"in_doubt": 1}
    assert len(transport.taken) == 4
    assert len({(m.name, m.content) for m in transport.messages}) == 1


# --- stopped and let go


@pytest.mark.parametrize(
    ("stop", "state", "rest"),
    [
        (mailing.pause, IssueState.PAUSED, "pending"),
        (mailing.cancel, IssueState.CANCELLED, "cancelled"),
    ],
)
def test_a_stop_takes_effect_from_the_next_message_and_other_issues_go_on(
    publication: PublicationFolder,
    stop: Callable[[PublicationFolder], None],
    state: IssueState,
    rest: str,
) -> None:
    issue = mailing.ready_for(publication, *mailing.many(6), ("qari@example.com", "ar"))
    mailing.ready(publication, "ar")
    transport = MemoryTransport(outcomes=mailing.once(lambda: stop(publication)), prefetch=4)
    sent = mailing.send(publication, transport)
    assert (sent.messages, sent.issues, sent.problems) == (2, ["weekly-ar-2026-01-09"], [])
    assert mailing.counts(publication, issue) == {"sent": 1, rest: 5}
    assert mailing.state_of(publication) == state
    assert mailing.send(publication.at(NOW + LATER), transport).messages == 0
    if state is IssueState.PAUSED:
        mailing.resume(publication)
        assert mailing.send(publication, transport).issues == [ISSUE]
        assert len({outgoing.recipient for outgoing in transport.taken}) == 7
        assert len(transport.taken) == 7
        assert mailing.counts(publication, issue) == {"sent": 6}


# --- what breaks here


@pytest.mark.parametrize(("connections", "prefetch"), [(1, 1), (1, 8), (8, 4)])
def test_mail_accepted_before_a_fault_of_the_program_is_recorded_as_sent(
    publication: PublicationFolder, connections: int, prefetch: int
) -> None:
    recipients = mailing.many(60)
    mailing.subscribe(publication, *recipients)
    issue, faulty = mailing.ready(publication), recipients[50][0]

    def breaks(outgoing: OutgoingMessage) -> Outcome:
        if outgoing.recipient == faulty:
            raise mailing.Interrupted
        return ACCEPTED_OUTCOME

    transport = MemoryTransport(
        "ambiguous", outcomes=breaks, connections=connections, prefetch=prefetch
    )
    with pytest.raises(mailing.Interrupted):
        mailing.send(publication, transport)
    # It failed while that one was sent, so the result is unknown; the others are done or wait.
    taken = len(transport.taken)
    mailing.send(publication, rest := MemoryTransport("ambiguous"))
    assert mailing.counts(publication, issue) == {"sent": 59, "in_doubt": 1}
    assert len(rest.taken) == 59 - taken
    offered = Counter(one.recipient for one in (*transport.offered, *rest.offered))
    assert offered == dict.fromkeys(dict(recipients), 1)


def test_counts_add_up_to_what_was_planned_and_progress_shows_what_went_wrong(
    publication: PublicationFolder,
) -> None:
    issue = mailing.ready_for(publication, *mailing.many(9))
    names = [email for email, _ in mailing.many(9)]
    outcomes = dict(zip(names[1:], [DEFERRED, REFUSED, DEAD, UNKNOWN, NOT_SENT], strict=False))
    mailing.spoil(publication.database, names[6])
    told: list[tuple[str, int, int, str]] = []

    def leave() -> None:
        with publication.database.writing() as connection:
            unsubscribe(connection, names[7], "weekly", NOW)

    def report_progress(step: str, done: int, of: int, note: str = "", /) -> None:
        told.append((step, done, of, note))

    leaves = mailing.once(leave)
    transport = MemoryTransport(
        "ambiguous", outcomes=lambda p: outcomes.get(p.recipient) or leaves(p)
    )
    mailing.send(publication, transport, report_progress)
    found = summarise_counts(mailing.counts(publication, issue))
    assert sum(found.values()) == 9
    assert found == {
        "sent": 2,
        "deferred": 2,
        "bounced": 2,
        "failed": 1,
        "in_doubt": 1,
        "suppressed": 1,
        "cancelled": 0,
        "waiting": 0,
    }
    assert [done for _, done, _, _ in told] == sorted(done for _, done, _, _ in told)
    assert told[-1] == (ISSUE, 7, 9, "2 deferred, 2 bounced, 1 failed, 1 in doubt")
