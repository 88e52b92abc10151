"""Turns of delivery as a whole, with real threads, into memory and into an outbox.

What a mail server on the wire makes of it is in `test_by_smtp`.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from publisher.delivery import fair_queue, worker
from publisher.delivery.dispatcher import DeliveryReport
from publisher.delivery.ledger import doubts, lifecycle
from publisher.delivery.outcomes import ACCEPTED_OUTCOME, Outcome, SendStatus
from publisher.delivery.states import summarize_counts
from publisher.delivery.transports.base import OutgoingMessage, TransportConnection, Unreachable
from publisher.delivery.transports.outbox import OutboxTransport
from publisher.issues import store as issues
from publisher.issues.model import Issue
from publisher.issues.states import IssueState
from publisher.rendering.placeholders import UNSUBSCRIBE_PLACEHOLDER
from publisher.testing import MemoryTransport
from subscribers import SubscriberStatus, find_subscriber, unsubscribe
from tests.publisher.conftest import NOW, House
from tests.publisher.delivery.mailing import (
    Interrupted,
    counts,
    erase,
    number_of,
    outbox,
    ready,
    reasons,
    send,
    spoil,
    state_of,
    subscribe,
)
from tests.publisher.mail.samples import parsed

ANN, BOB, CYD = "ann@example.com", "bob@example.com", "cyd@example.com"
THREE = ((ANN, "en"), (BOB, "en"), (CYD, "en"))
ISSUE = "weekly-en-2026-01-09"
SOON, LATER = timedelta(minutes=7), timedelta(hours=1)

DEFERRED = Outcome(SendStatus.DEFERRED, "the mailbox is full (452)")
REFUSED = Outcome(SendStatus.REFUSED, "the server does not like it (550)")
DEAD = Outcome(SendStatus.REFUSED, "there is no such mailbox (550 5.1.1)", is_dead_address=True)
UNKNOWN = Outcome(SendStatus.UNKNOWN, "all of it was sent, and no answer came")
NOT_SENT = Outcome(SendStatus.NOT_SENT, "the line was lost")


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try lost connections again at once."""
    monkeypatch.setattr(worker, "FIRST_RECONNECT_WAIT", 0.01)


def many(count: int) -> list[tuple[str, str]]:
    return [(f"reader.{number}@example.com", "en") for number in range(count)]


def recipients(house: House) -> list[str]:
    """Give who was written to, one address for each message."""
    return sorted(
        parsed(content)["To"].addresses[0].addr_spec for content in outbox(house).values()
    )


def the_issue(house: House, language: str = "en") -> Issue:
    with house.database.reading() as connection:
        found = issues.issue_by_name(connection, f"weekly-{language}-2026-01-09")
    assert found is not None
    return found


def once(
    act: Callable[[], object], then: Outcome = ACCEPTED_OUTCOME
) -> Callable[[OutgoingMessage], Outcome]:
    """Do something while the first message is handed over."""
    todo = [act]

    def outcome(_outgoing: OutgoingMessage) -> Outcome:
        if todo:
            todo.pop()()
        return then

    return outcome


def pause(house: House, why: str = "by hand") -> None:
    with house.database.writing() as connection:
        lifecycle.pause_issue(connection, the_issue(house), why, NOW)


def resume(house: House) -> None:
    with house.database.writing() as connection:
        lifecycle.resume_issue(connection, the_issue(house), house.clock.now())


def cancel(house: House) -> None:
    with house.database.writing() as connection:
        lifecycle.cancel_issue(connection, the_issue(house), "by hand", NOW)


# --- every reader, once


def test_every_reader_gets_one_message_and_the_issue_is_sent(house: House) -> None:
    subscribe(house, (ANN, "en"), (BOB, "en"))
    issue = ready(house)
    sent = send(house)
    assert (sent.messages, sent.issues, sent.problems) == (2, [ISSUE], [])
    assert recipients(house) == [ANN, BOB]
    assert counts(house, issue) == {"sent": 2}
    assert state_of(house) == IssueState.SENT


def test_several_connections_share_the_work_and_nobody_gets_two(house: House) -> None:
    subscribe(house, *many(100))
    issue = ready(house)
    transport = MemoryTransport("ambiguous", connections=4, prefetch=8)
    sent = send(house, transport)
    assert sent.messages == 100
    assert Counter(p.recipient for p in transport.taken) == dict.fromkeys(dict(many(100)), 1)
    assert 1 < transport.most_at_once <= 4
    assert transport.at_once == 0
    assert sorted(transport.settled) == [(issue.id, number) for number in range(1, 101)]


def test_no_more_connections_are_opened_than_there_are_readers(house: House) -> None:
    subscribe(house, (ANN, "en"), (BOB, "en"))
    ready(house)
    transport = MemoryTransport(connections=8)
    send(house, transport)
    assert transport.opened <= 2


def test_files_lie_below_their_issue_and_are_named_from_the_message_id(house: House) -> None:
    subscribe(house, (ANN, "en"))
    ready(house)
    send(house)
    ((path, content),) = outbox(house).items()
    name = parsed(content)["Message-ID"].partition("@")[0].removeprefix("<")
    assert path == f"weekly/en/2026-01-09/{name}.eml"


def test_the_date_is_when_it_was_due_whenever_it_leaves(house: House) -> None:
    subscribe(house, (ANN, "en"), (BOB, "en"))
    ready(house)
    transport = MemoryTransport(outcomes={BOB: DEFERRED})
    send(house, transport)
    transport.outcomes = None
    send(house.at(NOW + SOON), transport)
    dates = {parsed(message.content)["Date"].datetime for message in transport.messages}
    assert dates == {NOW}


def test_a_second_turn_sends_nothing(house: House) -> None:
    subscribe(house, (ANN, "en"))
    ready(house)
    send(house)
    before = outbox(house)
    again = send(house)
    assert (again.messages, again.issues) == (0, [])
    assert outbox(house) == before


def test_a_quiet_turn_opens_no_connection(house: House) -> None:
    transport = MemoryTransport()
    assert send(house, transport) == DeliveryReport()
    assert transport.opened == 0


def test_what_a_consumer_took_away_is_not_written_again(house: House) -> None:
    subscribe(house, (ANN, "en"))
    ready(house)
    send(house)
    shutil.rmtree(house.settings.folders.outbox)
    send(house.at(NOW + timedelta(days=1)))
    assert outbox(house) == {}


@pytest.mark.parametrize(
    ("tag", "edition"),
    [
        ("en", "en"),
        ("en-GB", "en"),
        ("zh-Hant-HK", "zh-Hant"),
        ("zh-CN", "zh-Hans"),
        ("ar-EG", "ar"),
    ],
)
def test_a_reader_gets_the_edition_that_she_can_read_and_no_other(
    house: House, tag: str, edition: str
) -> None:
    subscribe(house, (ANN, tag))
    for language in ("en", "zh-Hans", "zh-Hant", "ar"):
        ready(house, language)
    send(house)
    (path,) = outbox(house)
    assert path.startswith(f"weekly/{edition}/")
    assert state_of(house, edition) == IssueState.SENT


def test_issues_of_several_languages_take_turns(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fair_queue, "CLAIM_SIZE", 1)
    subscribe(house, *many(3), *((f"qari.{number}@example.com", "ar") for number in range(3)))
    first, second = ready(house), ready(house, "ar")
    transport = MemoryTransport()
    sent = send(house, transport)
    assert {*sent.issues} == {ISSUE, "weekly-ar-2026-01-09"}
    order = [outgoing.issue_id for outgoing in transport.taken]
    assert order == [first.id, second.id] * 3


def test_an_issue_without_readers_is_sent_to_nobody(house: House) -> None:
    ready(house)
    assert send(house).issues == [ISSUE]
    assert outbox(house) == {}


# --- issues that can't go


def test_an_issue_of_a_newsletter_that_is_no_more_goes_to_nobody(house: House) -> None:
    subscribe(house, (ANN, "en"))
    ready(house)
    house.reload(newsletters=[{"name": "daily"}])
    send(house)
    assert outbox(house) == {}


def test_no_mail_goes_out_before_its_page_is_on_the_web(house: House) -> None:
    subscribe(house, (ANN, "en"))
    issue = ready(house, page=False)
    assert send(house).messages == 0
    assert state_of(house) == IssueState.READY
    with house.database.writing() as connection:
        issues.mark_page_written(connection, issue, "0")
    assert send(house).messages == 1


@pytest.mark.parametrize(
    "changes",
    [{"newsletters": []}, {"languages": ["ar"]}, {"newsletters": [{"languages": ["ar"]}]}],
)
def test_a_ready_issue_whose_edition_is_gone_is_cancelled(
    house: House, changes: dict[str, Any]
) -> None:
    subscribe(house, (ANN, "en"))
    ready(house)
    house.reload(**changes)
    assert send(house).messages == 0
    assert outbox(house) == {}
    issue = the_issue(house)
    assert (issue.state, issue.reason) == (
        IssueState.CANCELLED,
        "no longer in publication.toml",
    )


def test_an_issue_under_way_is_sent_to_its_end_though_its_edition_is_gone(house: House) -> None:
    subscribe(house, (ANN, "en"))
    ready(house)
    send(house, MemoryTransport(outcomes={ANN: DEFERRED}))
    house.reload(newsletters=[{"name": "daily"}])
    assert send(house.at(NOW + SOON)).messages == 1
    assert state_of(house) == IssueState.SENT


def test_an_issue_that_can_t_be_written_is_told_and_stops_no_other(house: House) -> None:
    subscribe(house, (ANN, "en"), (BOB, "ar"))
    issue = ready(house)
    ready(house, "ar")
    with house.database.writing() as connection:
        connection.exec_driver_sql(
            f"UPDATE digest SET subject = '{UNSUBSCRIBE_PLACEHOLDER}' WHERE issue_id = {issue.id}"
        )
    sent = send(house)
    (problem,) = sent.problems
    assert problem.startswith(f"{ISSUE}: ")
    assert (state_of(house), state_of(house, "ar")) == (IssueState.SENDING, IssueState.SENT)
    assert counts(house, issue) == {"pending": 1}


# --- readers who leave, and readers who can't be written to


def test_who_leaves_before_sending_gets_nothing(house: House) -> None:
    subscribe(house, *THREE)
    issue = ready(house)
    send(house, MemoryTransport(outcomes=lambda _outgoing: DEFERRED))
    with house.database.writing() as connection:
        unsubscribe(connection, ANN, "weekly", NOW)
    erase(house.database, BOB)
    send(house.at(NOW + SOON))
    assert recipients(house) == [CYD]
    assert counts(house, issue) == {"sent": 1, "suppressed": 2}
    assert reasons(house)["no longer subscribed"] == 2
    assert state_of(house) == IssueState.SENT


@pytest.mark.parametrize("prefetch", [1, 8])
def test_who_leaves_while_others_are_written_to_gets_nothing(
    house: House, prefetch: int
) -> None:
    subscribe(house, *THREE)
    issue = ready(house)

    def leave() -> None:
        erase(house.database, CYD)
        with house.database.writing() as connection:
            unsubscribe(connection, BOB, None, NOW)

    transport = MemoryTransport(outcomes=once(leave), prefetch=prefetch)
    sent = send(house, transport)
    assert [m.subscriber_id for m in transport.messages] == [1]
    assert sent.messages == 1
    assert counts(house, issue) == {"sent": 1, "suppressed": 2}
    assert state_of(house) == IssueState.SENT


def test_a_reader_who_can_t_be_written_to_fails_alone(house: House) -> None:
    subscribe(house, *THREE)
    issue = ready(house)
    spoil(house.database, BOB)
    with capture_logs() as logs:
        sent = send(house)
    assert recipients(house) == [ANN, CYD]
    assert sent.messages == 2
    assert counts(house, issue) == {"sent": 2, "failed": 1}
    assert state_of(house) == IssueState.PARTIAL
    (line,) = [line for line in logs if line["log_level"] == "error"]
    assert line["subscriber"] == number_of(house.database, BOB)
    (reason,) = [reason for reason in reasons(house) if reason]
    assert "no message can be written" in reason
    assert "@" not in reason


def test_an_issue_that_reached_nobody_has_failed(house: House) -> None:
    subscribe(house, (ANN, "en"))
    issue = ready(house)
    spoil(house.database, ANN)
    send(house)
    assert counts(house, issue) == {"failed": 1}
    assert state_of(house) == IssueState.FAILED


# --- what the other side says


def test_what_was_put_off_is_tried_again_when_its_time_has_come(house: House) -> None:
    subscribe(house, *THREE)
    issue = ready(house)
    transport = MemoryTransport(outcomes={BOB: DEFERRED})
    assert send(house, transport).issues == []
    assert counts(house, issue) == {"sent": 2, "deferred": 1}
    assert reasons(house)[DEFERRED.reason] == 1
    transport.outcomes = None
    assert send(house.at(NOW + timedelta(minutes=4)), transport).messages == 0
    assert send(house.at(NOW + SOON), transport).issues == [ISSUE]
    assert [outgoing.recipient for outgoing in transport.offered].count(BOB) == 2
    assert counts(house, issue) == {"sent": 3}
    assert reasons(house) == {None: 3}


def test_who_is_put_off_for_too_long_is_given_up(make_house: Callable[..., House]) -> None:
    house = make_house(newsletters=[{"give_up_after": 12}])
    subscribe(house, (ANN, "en"), (BOB, "en"))
    issue = ready(house)
    transport = MemoryTransport(outcomes={BOB: DEFERRED})
    for hours in range(24):
        send(house.at(NOW + timedelta(hours=hours)), transport)
    assert counts(house, issue) == {"sent": 1, "failed": 1}
    assert reasons(house)[f"given up after 12 hours: {DEFERRED.reason}"] == 1
    assert state_of(house) == IssueState.PARTIAL
    tries = [outgoing.recipient for outgoing in transport.offered].count(BOB)
    assert 5 <= tries <= 9
    assert len({(m.subscriber_id, m.name, m.content) for m in transport.messages}) == 1


def test_who_is_refused_has_bounced_with_the_reason(house: House) -> None:
    subscribe(house, *THREE)
    issue = ready(house)
    send(house, MemoryTransport(outcomes={BOB: REFUSED}))
    assert counts(house, issue) == {"sent": 2, "bounced": 1}
    assert reasons(house)[REFUSED.reason] == 1
    assert state_of(house) == IssueState.PARTIAL
    with house.database.reading() as connection:
        reader = find_subscriber(connection, BOB)
    assert reader is not None
    assert reader.status == SubscriberStatus.ACTIVE


def test_an_address_that_is_dead_is_not_written_to_by_later_issues(house: House) -> None:
    subscribe(house, (ANN, "en"), (BOB, "en"))
    ready(house)
    send(house, MemoryTransport(outcomes={BOB: DEAD}))
    with house.database.reading() as connection:
        reader = find_subscriber(connection, BOB)
    assert reader is not None
    assert reader.status == SubscriberStatus.BOUNCED
    subscribe(house, (CYD, "ar"))
    with house.database.writing() as connection:
        connection.exec_driver_sql("UPDATE subscriber SET language = 'ar'")
    issue = ready(house, "ar")
    transport = MemoryTransport()
    send(house, transport)
    assert sorted(outgoing.recipient for outgoing in transport.taken) == [ANN, CYD]
    assert counts(house, issue) == {"sent": 2}


def test_refusals_are_believed_once_something_was_accepted(house: House) -> None:
    subscribe(house, *many(30))
    issue = ready(house)
    # Nine refusals, and the tenth is taken.
    refused = {email: DEAD for email, _ in many(9)}
    send(house, MemoryTransport(outcomes=refused))
    assert counts(house, issue) == {"sent": 21, "bounced": 9}
    assert state_of(house) == IssueState.PARTIAL


def test_a_few_refusals_are_believed_when_all_were_tried(house: House) -> None:
    subscribe(house, *THREE)
    issue = ready(house)
    sent = send(house, MemoryTransport(outcomes=lambda _outgoing: DEAD))
    assert (sent.messages, sent.issues, sent.problems) == (0, [ISSUE], [])
    assert counts(house, issue) == {"bounced": 3}
    assert reasons(house) == {DEAD.reason: 3}
    assert state_of(house) == IssueState.FAILED


def test_what_is_left_of_an_issue_may_be_nothing_but_dead_addresses(house: House) -> None:
    subscribe(house, *many(40))
    issue = ready(house)
    late = {email for email, _ in many(12)}
    grey = MemoryTransport(
        outcomes=lambda p: DEFERRED if p.recipient in late else ACCEPTED_OUTCOME
    )
    send(house, grey)
    assert counts(house, issue) == {"sent": 28, "deferred": 12}
    sent = send(
        house.at(NOW + timedelta(hours=1)), MemoryTransport(outcomes=lambda _outgoing: DEAD)
    )
    assert (sent.issues, sent.problems) == ([ISSUE], [])
    assert counts(house, issue) == {"sent": 28, "bounced": 12}


RELAY = Outcome(SendStatus.REFUSED, "554 5.7.1 Relay access denied", blames_sender=True)


def test_one_reader_whom_the_server_may_not_relay_to_stops_nobody(house: House) -> None:
    subscribe(house, *many(20))
    issue = ready(house)
    odd = many(1)[0][0]
    sent = send(house, MemoryTransport(outcomes={odd: RELAY}))
    assert (sent.messages, sent.problems) == (19, [])
    assert counts(house, issue) == {"sent": 19, "bounced": 1}


def test_a_server_that_relays_for_nobody_pauses_an_issue_however_few_its_readers(
    house: House,
) -> None:
    subscribe(house, *THREE[:2])
    issue = ready(house)
    sent = send(house, MemoryTransport(outcomes=lambda _outgoing: RELAY))
    (problem,) = sent.problems
    assert problem == f"the server takes nothing from us: {RELAY.reason}"
    assert state_of(house) == IssueState.PAUSED
    assert counts(house, issue) == {"deferred": 2}


def test_a_server_that_refuses_everything_pauses_the_issue_and_buries_nobody(
    house: House,
) -> None:
    subscribe(house, *many(25))
    issue = ready(house)
    transport = MemoryTransport(outcomes=lambda _outgoing: DEAD)
    sent = send(house, transport)
    (problem,) = sent.problems
    assert problem == f"the server refuses everything: {DEAD.reason}"
    assert 10 <= len(transport.offered) < 25
    paused = the_issue(house)
    assert (paused.state, paused.reason) == (IssueState.PAUSED, problem)
    found = counts(house, issue)
    assert found == {"deferred": len(transport.offered), "pending": 25 - found["deferred"]}
    with house.database.reading() as connection:
        statuses = {find_subscriber(connection, email).status for email, _ in many(25)}  # type: ignore[union-attr]
    assert statuses == {SubscriberStatus.ACTIVE}
    # A person has told the server who we are.
    transport.outcomes = None
    assert send(house, transport).messages == 0
    resume(house)
    assert send(house, transport).issues == [ISSUE]
    assert counts(house, issue) == {"sent": 25}


def test_a_transport_that_gives_up_leaves_the_rest_for_a_person(house: House) -> None:
    subscribe(house, *many(5))
    issue = ready(house)
    transport = MemoryTransport(fail_after=3)
    sent = send(house, transport)
    assert sent.problems == ["took 3 messages and no more"]
    assert sent.messages == 3
    assert counts(house, issue) == {"sent": 3, "pending": 2}
    paused = the_issue(house)
    assert (paused.state, paused.reason) == (IssueState.PAUSED, "took 3 messages and no more")
    transport.fail_after = None
    resume(house)
    assert send(house, transport).issues == [ISSUE]
    assert counts(house, issue) == {"sent": 5}
    assert the_issue(house).reason is None
    assert len({message.name for message in transport.messages}) == 5


class Away(MemoryTransport):
    """Out of reach as long as `is_away`, and not for good."""

    is_away = True

    def connect(self, sender: int, holds_lease: Callable[[], bool]) -> Any:
        if self.is_away:
            raise Unreachable("mail.example.com:25: no server listens there")
        return super().connect(sender, holds_lease)


@pytest.mark.usefixtures("_impatient")
def test_out_of_reach_is_told_and_the_next_turn_sends(house: House) -> None:
    subscribe(house, *THREE)
    issue = ready(house)
    transport = Away(connections=2)
    sent = send(house, transport)
    assert sent.problems == ["mail.example.com:25: no server listens there"]
    waiting = the_issue(house)
    assert waiting.state == IssueState.SENDING
    assert waiting.reason == "waiting: mail.example.com:25: no server listens there"
    assert counts(house, issue) == {"pending": 3}
    transport.is_away = False
    assert send(house, transport).issues == [ISSUE]
    assert the_issue(house).reason is None


@pytest.mark.usefixtures("_impatient")
def test_what_no_longer_stands_in_the_way_is_no_longer_told(house: House) -> None:
    subscribe(house, (ANN, "en"), (BOB, "en"))
    ready(house)
    transport = Away(outcomes={BOB: DEFERRED})
    send(house, transport)
    transport.is_away = False
    send(house, transport)
    assert (state_of(house), the_issue(house).reason) == (IssueState.SENDING, None)


# --- in doubt


def test_what_is_in_doubt_is_held_until_a_person_decides(house: House) -> None:
    subscribe(house, *THREE)
    issue = ready(house)
    transport = MemoryTransport("ambiguous", outcomes={BOB: UNKNOWN})
    assert send(house, transport).messages == 2
    assert counts(house, issue) == {"sent": 2, "in_doubt": 1}
    assert state_of(house) == IssueState.PARTIAL
    transport.outcomes = None
    assert send(house.at(NOW + LATER), transport).messages == 0
    with house.database.writing() as connection:
        assert doubts.resend_doubts(connection, the_issue(house), None, house.clock.now()) == 1
    assert send(house, transport).issues == [ISSUE]
    assert counts(house, issue) == {"sent": 3}
    assert state_of(house) == IssueState.SENT
    one, other = (outgoing.message for outgoing in transport.taken if outgoing.recipient == BOB)
    assert one == other


def test_what_is_believed_to_be_sent_is_not_sent_again(house: House) -> None:
    subscribe(house, (ANN, "en"), (BOB, "en"))
    issue = ready(house)
    transport = MemoryTransport("ambiguous", outcomes={BOB: UNKNOWN})
    send(house, transport)
    with house.database.writing() as connection:
        assert doubts.mark_doubts_sent(connection, the_issue(house), None, NOW) == 1
    send(house, transport)
    assert counts(house, issue) == {"sent": 2}
    assert state_of(house) == IssueState.SENT
    assert len(transport.taken) == 2


def test_with_resend_it_is_tried_again_under_the_same_name_but_not_for_ever(
    make_house: Callable[..., House],
) -> None:
    house = make_house(newsletters=[{"in_doubt": "resend"}])
    subscribe(house, (ANN, "en"))
    issue = ready(house)
    transport = MemoryTransport("ambiguous", outcomes={ANN: UNKNOWN})
    send(house, transport)
    assert counts(house, issue) == {"deferred": 1}
    for hours in range(1, 10):
        send(house.at(NOW + timedelta(hours=hours)), transport)
    assert counts(house, issue) == {"in_doubt": 1}
    assert len(transport.taken) == 4
    assert len({(m.name, m.content) for m in transport.messages}) == 1


def test_where_twice_is_once_nothing_is_in_doubt(house: House) -> None:
    subscribe(house, (ANN, "en"))
    issue = ready(house)
    answers = [ACCEPTED_OUTCOME, UNKNOWN]
    send(house, MemoryTransport("idempotent", outcomes=lambda _outgoing: answers.pop()))
    assert counts(house, issue) == {"sent": 1}


def test_lines_that_are_lost_cost_no_reader_her_mail(house: House) -> None:
    subscribe(house, *many(10))
    issue = ready(house)
    answers = Counter[str]()

    def unsteady(outgoing: OutgoingMessage) -> Outcome:
        answers[outgoing.recipient] += 1
        return NOT_SENT if answers[outgoing.recipient] <= 2 else ACCEPTED_OUTCOME

    assert send(house, MemoryTransport("ambiguous", outcomes=unsteady)).issues == [ISSUE]
    assert counts(house, issue) == {"sent": 10}


# --- stopped and let go


def test_a_pause_counts_from_the_next_message_on(house: House) -> None:
    subscribe(house, *many(6))
    issue = ready(house)
    transport = MemoryTransport(outcomes=once(lambda: pause(house)), prefetch=4)
    sent = send(house, transport)
    assert (sent.messages, sent.issues, sent.problems) == (1, [], [])
    assert counts(house, issue) == {"sent": 1, "pending": 5}
    assert state_of(house) == IssueState.PAUSED
    assert send(house.at(NOW + LATER), transport).messages == 0
    resume(house)
    assert send(house, transport).issues == [ISSUE]
    assert Counter(outgoing.recipient for outgoing in transport.taken).most_common(1)[0][1] == 1
    assert counts(house, issue) == {"sent": 6}


def test_a_pause_that_is_lifted_at_once_doubles_nobody(house: House) -> None:
    subscribe(house, *many(12))
    issue = ready(house)

    def pause_and_resume() -> None:
        pause(house)
        resume(house)

    transport = MemoryTransport("ambiguous", outcomes=once(pause_and_resume), prefetch=5)
    send(house, transport)
    assert len(transport.taken) == 12
    assert counts(house, issue) == {"sent": 12}


def test_what_was_put_off_is_tried_at_once_after_a_pause(house: House) -> None:
    subscribe(house, (ANN, "en"), (BOB, "en"))
    ready(house)
    transport = MemoryTransport(outcomes={BOB: DEFERRED})
    send(house, transport)
    transport.outcomes = None
    pause(house)
    resume(house)
    assert send(house, transport).messages == 1


def test_a_cancelled_issue_goes_to_nobody_else(house: House) -> None:
    subscribe(house, *many(6))
    issue = ready(house)
    transport = MemoryTransport(outcomes=once(lambda: cancel(house)), prefetch=4)
    sent = send(house, transport)
    assert (sent.messages, sent.issues, sent.problems) == (1, [], [])
    assert counts(house, issue) == {"sent": 1, "cancelled": 5}
    assert state_of(house) == IssueState.CANCELLED
    assert send(house.at(NOW + LATER), transport).messages == 0


def test_another_issue_goes_on_while_one_is_paused(house: House) -> None:
    subscribe(house, *many(3), ("qari@example.com", "ar"))
    ready(house)
    ready(house, "ar")
    send(house, MemoryTransport(outcomes=once(lambda: pause(house))))
    assert state_of(house) == IssueState.PAUSED
    assert state_of(house, "ar") == IssueState.SENT


# --- what breaks here


def test_a_folder_that_is_in_the_way_puts_off_its_issue_and_stops_no_other(
    house: House,
) -> None:
    subscribe(house, (ANN, "en"), (BOB, "ar"))
    issue = ready(house)
    ready(house, "ar")
    outbox_folder = house.settings.folders.outbox
    (outbox_folder / "weekly").mkdir(parents=True)
    (outbox_folder / "weekly" / "en").write_bytes(b"a file where a folder should be")
    send(house)
    assert counts(house, issue) == {"deferred": 1}
    (reason,) = [reason for reason in reasons(house) if reason]
    assert "can't be written" in reason
    assert "\n" not in reason
    assert state_of(house, "ar") == IssueState.SENT
    (outbox_folder / "weekly" / "en").unlink()
    assert send(house.at(NOW + SOON)).messages == 1
    assert counts(house, issue) == {"sent": 1}


class Breaking(OutboxTransport):
    """Breaks for a fault of the program, once so many messages were staged."""

    after = 0

    def connect(self, sender: int, holds_lease: Callable[[], bool]) -> Any:
        return _BreakingConnection(self, super().connect(sender, holds_lease))


class _BreakingConnection:
    def __init__(self, transport: Breaking, connection: TransportConnection) -> None:
        self._transport = transport
        self._connection = connection
        self.close = connection.close
        self.is_open = True

    def send(
        self, outgoing: OutgoingMessage, next_message: OutgoingMessage | None = None
    ) -> Outcome:
        if self._transport.after == 0:
            raise Interrupted
        self._transport.after -= 1
        return self._connection.send(outgoing, next_message)


@pytest.mark.parametrize("written", [0, 1, 2])
def test_after_a_fault_of_the_program_every_reader_still_has_one_file(
    house: House, written: int
) -> None:
    subscribe(house, *THREE)
    issue = ready(house)
    transport = Breaking(house.settings.folders.outbox)
    transport.after, transport.connections = written, 1
    with pytest.raises(Interrupted):
        send(house, transport)
    before = {path: content for path, content in outbox(house).items() if ".staged" not in path}
    send(house.at(NOW + timedelta(minutes=1)))
    assert recipients(house) == [ANN, BOB, CYD]
    assert before.items() <= outbox(house).items()
    assert counts(house, issue) == {"sent": 3}


@pytest.mark.parametrize("prefetch", [1, 8])
def test_what_was_accepted_before_a_fault_of_the_program_is_written_down(
    house: House, prefetch: int
) -> None:
    subscribe(house, *THREE)
    issue = ready(house)

    def breaks(outgoing: OutgoingMessage) -> Outcome:
        if outgoing.recipient == CYD:
            raise Interrupted
        return ACCEPTED_OUTCOME

    with pytest.raises(Interrupted):
        send(house, MemoryTransport("ambiguous", outcomes=breaks, prefetch=prefetch))
    transport = MemoryTransport("ambiguous")
    send(house, transport)
    # It broke while that one was handed over, so nobody knows.
    assert counts(house, issue) == {"sent": 2, "in_doubt": 1}
    assert transport.taken == []


def test_progress_is_told_at_the_end_with_what_is_worth_a_word(house: House) -> None:
    subscribe(house, *many(5))
    ready(house)
    with house.database.writing() as connection:
        unsubscribe(connection, many(5)[4][0], "weekly", NOW)
    told: list[tuple[str, int, int, str]] = []

    def tell(step: str, done: int, of: int, note: str = "", /) -> None:
        told.append((step, done, of, note))

    refused = {many(5)[1][0]: DEFERRED, many(5)[2][0]: REFUSED}
    send(house, MemoryTransport(outcomes=refused), tell)
    assert told[-1] == (ISSUE, 3, 4, "1 deferred, 1 bounced")
    assert [done for _, done, _, _ in told] == sorted(done for _, done, _, _ in told)


def test_who_left_meanwhile_counts_as_done(house: House) -> None:
    subscribe(house, *many(5))
    ready(house)
    told: list[tuple[int, int]] = []

    def tell(_step: str, done: int, of: int, _note: str = "", /) -> None:
        told.append((done, of))

    def leave() -> None:
        with house.database.writing() as connection:
            for email, _ in many(5)[2:]:
                unsubscribe(connection, email, "weekly", NOW)

    send(house, MemoryTransport(outcomes=once(leave)), tell)
    assert told[-1] == (5, 5)


def test_who_is_told_of_progress_may_end_the_work(house: House) -> None:
    subscribe(house, *many(50))
    issue = ready(house)

    def tell(_step: str, _done: int, _of: int, _note: str = "", /) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        send(house, MemoryTransport(), tell)
    found = counts(house, issue)
    assert found.keys() <= {"sent", "pending"}
    transport = MemoryTransport()
    send(house, transport)
    assert len(transport.taken) == found["pending"]


def test_counts_add_up_whatever_became_of_readers(house: House) -> None:
    subscribe(house, *many(9))
    issue = ready(house)
    names = [email for email, _ in many(9)]
    fates = dict(zip(names[1:], [DEFERRED, REFUSED, DEAD, UNKNOWN, NOT_SENT], strict=False))
    spoil(house.database, names[6])
    with_unsubscribed = once(lambda: _leave(house, names[7]))
    transport = MemoryTransport(
        "ambiguous", outcomes=lambda p: fates.get(p.recipient) or with_unsubscribed(p)
    )
    send(house, transport)
    found = summarize_counts(counts(house, issue))
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


def _leave(house: House, email: str) -> None:
    with house.database.writing() as connection:
        unsubscribe(connection, email, "weekly", NOW)
