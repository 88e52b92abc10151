"""Mails about mails find their subscriber, are stored once, and have the effect they should."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from publisher.bounces import store
from publisher.bounces.intake import receive_bounce
from publisher.bounces.model import BounceEvent, BounceKind, Evidence
from publisher.bounces.store import bounce_event
from publisher.issues.model import IssueReason, IssueState
from publisher.mail.compose import notice_message_name
from publisher.mail.message import message_id_local_part
from publisher.mail.signed_addresses import BounceAddresses, sign_link
from publisher.notices.kinds import NoticeKind
from publisher.notices.ledger import enqueue_notice
from publisher.testing import SECRET
from subscribers.changes import resubscribe
from subscribers.model import SubscriberStatus
from subscribers.store import known_subscriber
from tests.publisher.bounces.mails import a_feedback_report, a_status_report
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.ledger.open_ledgers import (
    ANN,
    BOB,
    LATER,
    OpenLedger,
    S,
    open_test_ledger,
)
from tests.publisher.delivery.mailing import number_of

DAY = timedelta(days=1)


@pytest.fixture
def ledger(publication: PublicationFolder) -> OpenLedger:
    return open_test_ledger(publication, ANN, BOB)


def receive(ledger: OpenLedger, raw: bytes, now: datetime = NOW) -> dict[str, Any]:
    """Receive a mail. Return the row of the newest event."""
    with ledger.writing() as connection:
        settings = ledger.publication.settings
        receive_bounce(connection, settings, SECRET, raw, now, "mailbox")
    return ledger.publication.rows(bounce_event)[-1]


def status_of(ledger: OpenLedger, address: str = ANN) -> SubscriberStatus:
    with ledger.publication.database.reading() as connection:
        return known_subscriber(connection, address).status


def verp(ledger: OpenLedger, address: str = ANN, secret: str = SECRET) -> str:
    number = number_of(ledger.publication.database, address)
    return BounceAddresses(secret, "bounces@lantern.example", "+").address_for(number)


def message_id(ledger: OpenLedger, address: str = ANN) -> str:
    number = number_of(ledger.publication.database, address)
    return f"<{message_id_local_part(SECRET, ledger.issue, number)}@lantern.example>"


def event_of(ledger: OpenLedger, address: str = ANN) -> BounceEvent:
    with ledger.publication.database.reading() as connection:
        (event,) = store.events_of(connection, number_of(ledger.publication.database, address))
    return event


def test_a_dead_mailbox_is_suppressed_when_it_is_reported_on_two_days(
    ledger: OpenLedger,
) -> None:
    raw = a_status_report(to=verp(ledger), date="")
    assert receive(ledger, raw)["kind"] == BounceKind.DEAD
    assert status_of(ledger) is SubscriberStatus.ACTIVE
    receive(ledger, raw + b"\n", NOW + DAY)
    assert status_of(ledger) is SubscriberStatus.BOUNCED


def test_the_same_mail_ten_times_is_one_event(ledger: OpenLedger) -> None:
    raw = a_status_report(to=verp(ledger))
    for number in range(10):
        receive(ledger, raw, NOW + number * DAY)
    assert len(ledger.publication.rows(bounce_event)) == 1
    assert status_of(ledger) is SubscriberStatus.ACTIVE


def test_a_complaint_counts_at_once(ledger: OpenLedger) -> None:
    returned = f"Message-ID: {message_id(ledger)}\n"
    receive(ledger, a_feedback_report(to=verp(ledger), returned=returned))
    assert status_of(ledger) is SubscriberStatus.COMPLAINED
    assert status_of(ledger, BOB) is SubscriberStatus.ACTIVE


def test_not_spam_is_no_complaint(ledger: OpenLedger) -> None:
    raw = a_feedback_report(kind="not-spam", to=verp(ledger))
    assert receive(ledger, raw)["kind"] == BounceKind.NOT_SPAM
    assert status_of(ledger) is SubscriberStatus.ACTIVE


def test_the_issue_is_found_by_the_message_id_of_the_returned_part(ledger: OpenLedger) -> None:
    returned = f"Message-ID: {message_id(ledger, BOB)}\n"
    receive(ledger, a_status_report(recipient=BOB, returned=returned))
    event = event_of(ledger, BOB)
    assert (event.evidence, event.issue_id) == (Evidence.MESSAGE_ID, ledger.number)


def test_a_message_id_alone_finds_the_subscriber(ledger: OpenLedger) -> None:
    returned = f"Message-ID: {message_id(ledger, BOB)}\n"
    report = a_feedback_report(recipient="redacted@provider.example", returned=returned)
    # It stands in each answer to the mail: whoever has it can forge this, so it can be undone.
    receive(ledger, report)
    assert status_of(ledger, BOB) is SubscriberStatus.UNSUBSCRIBED
    with ledger.writing() as connection:
        assert resubscribe(connection, BOB, None, NOW + DAY)
    dead = a_status_report(to=verp(ledger, BOB), recipient=BOB, date="")
    receive(ledger, dead, NOW + 2 * DAY)
    assert status_of(ledger, BOB) is SubscriberStatus.ACTIVE


@pytest.mark.parametrize(("to", "found"), [(None, True), ("new@example.net", False)])
def test_a_returned_notice_counts_if_it_went_to_her_own_address(
    ledger: OpenLedger, to: str | None, found: bool
) -> None:
    number = number_of(ledger.publication.database, BOB)
    with ledger.writing() as connection:
        kind = NoticeKind.CONFIRM_ADDRESS if to else NoticeKind.GOODBYE
        values: dict[str, object] = {"number": 1} | ({} if to else {"newsletters": []})
        notice = enqueue_notice(connection, kind, number, NOW, to=to, values=values)
    returned = f"Message-ID: <{notice_message_name(SECRET, notice)}@lantern.example>\n"
    row = receive(ledger, a_status_report(recipient=to or BOB, returned=returned))
    assert row["kind"] == BounceKind.DEAD
    assert row["subscriber_id"] == (number if found else None)


def test_the_unsubscribe_link_of_the_returned_mail_finds_the_subscriber(
    ledger: OpenLedger,
) -> None:
    number = number_of(ledger.publication.database, BOB)
    token = sign_link(SECRET, "unsubscribe", number, newsletter="weekly")
    returned = f"List-Unsubscribe: <https://lantern.example/en/unsubscribe/?t={token}>\n"
    receive(ledger, a_feedback_report(recipient="", returned=returned))
    assert event_of(ledger, BOB).evidence is Evidence.LINK
    assert status_of(ledger, BOB) is SubscriberStatus.UNSUBSCRIBED


def test_a_tagged_bounce_address_is_read(ledger: OpenLedger) -> None:
    receive(ledger, a_status_report(to=f"prvs=0123456789={verp(ledger).upper()}"))
    assert event_of(ledger).evidence is Evidence.VERP


def test_a_forged_bounce_address_has_no_effect(ledger: OpenLedger) -> None:
    forged = verp(ledger, secret="another secret of the same length")  # not ours
    receive(ledger, a_feedback_report(to=forged))
    assert event_of(ledger).evidence is Evidence.ADDRESS
    assert status_of(ledger) is SubscriberStatus.ACTIVE


def test_an_address_alone_suppresses_nobody(ledger: OpenLedger) -> None:
    for number in range(10):
        receive(ledger, a_status_report() + number * b"\n", NOW + number * DAY)
    assert status_of(ledger) is SubscriberStatus.ACTIVE


def test_what_is_stored_holds_no_address(ledger: OpenLedger) -> None:
    receive(ledger, a_status_report(to=verp(ledger)))
    (row,) = ledger.publication.rows(bounce_event)
    assert "ann" not in str(row).replace("Recipient", "")
    assert row["cause"] == "no-mailbox"
    assert row["status"] == "5.1.1"
    assert "User unknown" in row["diagnostic"]


def test_mail_that_was_forwarded_to_a_dead_mailbox_does_not_make_hers_dead(
    ledger: OpenLedger,
) -> None:
    raw = a_status_report(to=verp(ledger), recipient="elsewhere@example.net")
    assert receive(ledger, raw)["kind"] == BounceKind.SOFT


def test_a_report_of_nobody_is_kept_for_thirty_days(ledger: OpenLedger) -> None:
    receive(ledger, a_status_report(recipient="nobody@example.net"))
    with ledger.writing() as connection:
        assert store.delete_old_unknown(connection, NOW + 30 * DAY) == 0
        assert store.delete_old_unknown(connection, NOW + 31 * DAY) == 1


def test_an_issue_that_is_refused_because_of_us_is_paused(
    publication: PublicationFolder,
) -> None:
    many = [f"reader.{number}@example.com" for number in range(40)]
    ledger = open_test_ledger(publication, *many)
    ledger.settle(ledger.begin(30), S.SENT)
    for number, address in enumerate(many[:10]):
        assert ledger.stands() is IssueState.SENDING, number
        raw = a_status_report(
            to=verp(ledger, address),
            recipient=address,
            status="5.7.1",
            diagnostic="smtp; 554 5.7.1 blocked using zen.spamhaus.org",
            returned=f"Message-ID: {message_id(ledger, address)}\n",
        )
        assert receive(ledger, raw, LATER)["kind"] == BounceKind.BLOCKED
    issue = ledger.issue
    assert (issue.state, issue.reason_key) == (IssueState.PAUSED, IssueReason.BLOCKED)
    assert status_of(ledger, many[0]) is SubscriberStatus.ACTIVE
