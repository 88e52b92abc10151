"""Notices are sent at once, in order, and never lost."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select

from publisher.app.operation.status import take_snapshot
from publisher.clock import SystemClock
from publisher.config.delivery import (
    DeliverySettings,
    DomainRateSettings,
    RateSettings,
    SmtpSettings,
    Tls,
    WarmupSettings,
)
from publisher.database import retry_queue, writer
from publisher.database.retry_queue import queue_item as notice
from publisher.delivery import causes
from publisher.delivery.lineage.witness import set_lineage
from publisher.delivery.rates import limiter
from publisher.delivery.states import DeliveryState
from publisher.delivery.transports import create_transport
from publisher.delivery.transports.base import (
    ACCEPTED_OUTCOME,
    Outcome,
    SendStatus,
    ThrottleScope,
)
from publisher.delivery.transports.smtp.transport import SmtpTransport
from publisher.errors import DatabaseError, RenderingError
from publisher.notices import ledger
from publisher.notices.kinds import ALLOWED_VALUES, REQUIRED_VALUES, NoticeKind
from publisher.notices.ledger import NOTICE_POLICY, cancel_notices, enqueue_notice
from publisher.notices.sender import send_notices
from publisher.rendering import Digest, SystemMail
from publisher.testing import SECRET, FakeTimer, MemoryTransport
from subscribers.changes import suppress
from subscribers.model import SubscriberStatus
from subscribers.store import erase, find_subscriber
from subscribers.tables import subscriber
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import outbox, ready, send, subscribe
from tests.publisher.notices.people import (
    RENDERER,
    add_person,
    enqueue,
    mails,
    notify,
    rows,
    states,
    text_of,
)
from tools.servers import MailServer

HOUR = timedelta(hours=1)


class Killed(BaseException):
    """The process ends here."""


def test_a_notice_is_sent_once_and_then_forgets_its_code(
    publication: PublicationFolder,
) -> None:
    transport = MemoryTransport()
    notify(publication, transport)
    # Nothing is due yet.
    assert transport.opened == 0
    number = enqueue(publication, add_person(publication))
    assert notify(publication, transport).sent == 1
    assert notify(publication, transport).sent == 0
    (outgoing,) = transport.taken
    assert (outgoing.recipient, outgoing.message.subscriber_id) == ("ann@example.org", number)
    (row,) = rows(publication)
    assert (row["state"], row["attempts"], row["tried_at"]) == ("sent", 1, NOW)
    assert row["payload"] == {"number": 7, "newsletters": ["weekly"]}


def test_a_service_that_is_stopped_sends_no_further_notices_and_reserves_none(
    publication: PublicationFolder,
) -> None:
    transport, steps = MemoryTransport(), []

    def stop(step: str, done: int, of: int, _note: str = "", /) -> None:
        steps.append((step, done, of))
        raise Killed

    for number in range(10):
        enqueue(publication, add_person(publication, f"ann{number}@example.org"))
    with pytest.raises(Killed):
        notify(publication, transport, progress=stop)
    assert steps == [("sending notices", 4, 10)]
    assert states(publication) == ["sent"] * 4 + ["pending"] * 6
    assert notify(publication, transport).sent == 6
    assert len({one.recipient for one in transport.taken}) == len(transport.taken) == 10


def test_a_deferred_notice_is_tried_again_and_given_up_after_a_day(
    publication: PublicationFolder,
) -> None:
    busy = Outcome(SendStatus.DEFERRED, "450 later", causes.REFUSALS["greylisted"])
    transport = MemoryTransport(outcomes=lambda _outgoing: busy)
    enqueue(publication, add_person(publication))
    notify(publication, transport)
    (row,) = rows(publication)
    assert (row["state"], row["reason_key"], row["reason"]) == (
        "deferred",
        "greylisted",
        "450 later",
    )
    assert NOW + timedelta(minutes=5) <= row["next_at"] <= NOW + timedelta(minutes=7)
    assert row["payload"]["code"] == "123456"
    notify(publication, transport, NOW + timedelta(minutes=1))
    assert len(transport.offered) == 1
    notify(publication, transport, NOW + timedelta(hours=23, minutes=55))
    (row,) = rows(publication)
    assert (row["state"], row["reason_key"]) == ("failed", "greylisted")
    assert "code" not in row["payload"]


@pytest.mark.parametrize(("to", "status"), [(None, "bounced"), ("new@example.net", "pending")])
def test_a_dead_mailbox_is_suppressed_if_it_is_the_subscriber_s_own(
    publication: PublicationFolder, to: str | None, status: str
) -> None:
    dead = Outcome(SendStatus.REFUSED, "550 no", causes.NO_MAILBOX, is_dead_address=True)
    enqueue(publication, add_person(publication), NoticeKind.CONFIRM_ADDRESS, to=to)
    notify(publication, MemoryTransport(outcomes=lambda _outgoing: dead))
    assert states(publication) == ["bounced"]
    with publication.database.reading() as connection:
        person = find_subscriber(connection, "ann@example.org")
    assert person is not None
    assert person.status == status


def test_a_refusal_of_the_sender_is_nobody_s_bounce(publication: PublicationFolder) -> None:
    about_us = Outcome(
        SendStatus.REFUSED, "550 spf", causes.REFUSALS["no-spf"], is_about_sender=True
    )
    enqueue(publication, add_person(publication))
    notify(publication, MemoryTransport(outcomes=lambda _outgoing: about_us))
    assert states(publication) == ["deferred"]


def test_an_answer_that_can_t_be_stored_at_once_is_not_forgotten(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    enqueue(publication, add_person(publication))
    locked, settle = [True, True], retry_queue.settle

    def settle_later(*parts: Any) -> bool:
        if locked and locked.pop():
            raise DatabaseError("another process has been writing for too long")
        return settle(*parts)

    monkeypatch.setattr(writer, "SECONDS_BETWEEN_TRIES", 0.0)
    monkeypatch.setattr(retry_queue, "settle", settle_later)
    transport = MemoryTransport("ambiguous")
    assert notify(publication, transport).sent == 1
    assert notify(publication, transport).sent == 0
    assert len(transport.taken) == 1
    assert states(publication) == ["sent"]


def test_a_notice_without_an_answer_is_sent_again_once(publication: PublicationFolder) -> None:
    silent = Outcome(SendStatus.UNKNOWN, "was silent", causes.UNANSWERED)
    transport = MemoryTransport("ambiguous", outcomes=lambda _outgoing: silent)
    enqueue(publication, add_person(publication))
    notify(publication, transport)
    assert states(publication) == ["deferred"]
    notify(publication, transport, NOW + HOUR)
    assert states(publication) == ["in_doubt"]
    notify(publication, transport, NOW + 2 * HOUR)
    assert len(transport.offered) == 2


def test_a_notice_is_reserved_by_the_clock_of_the_database_that_machines_share(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserved: list[datetime] = []

    def look(_mail: object) -> Outcome:
        reserved.extend(row["next_at"] for row in rows(publication))
        return ACCEPTED_OUTCOME

    enqueue(publication, add_person(publication))
    monkeypatch.setattr(publication.database._backend, "timer", FakeTimer(NOW.timestamp()))
    # This machine's clock is years ahead.
    transport = MemoryTransport(outcomes=look)
    send_notices(
        publication.settings, publication.database, transport, SECRET, SystemClock(), RENDERER
    )
    assert reserved == [NOW + NOTICE_POLICY.lease]


def test_nothing_is_sent_to_somebody_who_complained(publication: PublicationFolder) -> None:
    enqueue(publication, add_person(publication))
    with publication.database.writing() as connection:
        suppress(connection, "ann@example.org", SubscriberStatus.COMPLAINED, NOW)
    transport = MemoryTransport()
    notify(publication, transport)
    assert transport.offered == []
    assert states(publication) == ["cancelled"]


def test_an_unreachable_server_keeps_notices_waiting_for_a_day(
    publication: PublicationFolder,
) -> None:
    enqueue(publication, add_person(publication))
    unreachable = MemoryTransport(fail_after=0)
    report = notify(publication, unreachable)
    assert report.problems == ["took 0 messages and no more"]
    assert states(publication) == ["pending"]
    notify(publication, unreachable, NOW + timedelta(hours=25))
    (row,) = rows(publication)
    assert (row["state"], row["reason_key"]) == ("failed", "unreachable")


def test_a_server_that_ends_in_the_middle_leaves_the_rest_waiting(
    publication: PublicationFolder,
) -> None:
    for number in range(3):
        enqueue(publication, add_person(publication, f"reader{number}@example.org"))
    notify(publication, MemoryTransport(fail_after=1))
    assert states(publication) == ["sent", "pending", "pending"]
    assert [row["attempts"] for row in rows(publication)] == [1, 0, 0]


@pytest.mark.parametrize(
    ("rates", "first"),
    [
        (
            DeliverySettings(domain=(DomainRateSettings(names=("slow.example",), per_hour=1),)),
            ["a@slow.example", "c@x.example"],
        ),
        (DeliverySettings(rate=RateSettings(per_hour=1)), ["a@slow.example"]),
    ],
)
def test_notices_obey_rates_and_wait_for_them(
    publication: PublicationFolder, rates: DeliverySettings, first: list[str]
) -> None:
    publication.settings = replace(publication.settings, delivery=rates)
    for address in ("a@slow.example", "b@slow.example", "c@x.example"):
        enqueue(publication, add_person(publication, address))
    timer, transport = FakeTimer(), MemoryTransport()
    for hours in range(4):
        notify(publication, transport, NOW + hours * HOUR, timer)
        timer.advance(3700)
        if not hours:
            assert [one.recipient for one in transport.taken] == first
    assert set(states(publication)) == {"sent"}
    assert len(transport.taken) == 3


def test_notices_count_into_a_warm_up_and_do_not_wait_for_it(
    publication: PublicationFolder,
) -> None:
    warmup = DeliverySettings(warmup=WarmupSettings(start=date(2026, 1, 5), first=1))
    publication.settings = replace(publication.settings, delivery=warmup)
    timer, transport = FakeTimer(), MemoryTransport()
    for number in range(3):
        enqueue(publication, add_person(publication, f"reader{number}@example.org"))
    assert notify(publication, transport, timer=timer).sent == 3
    with publication.database.reading() as connection:
        assert limiter.sent_on(connection, "memory", date(2026, 1, 5)) == 3


def test_a_server_that_asks_for_less_gets_less(publication: PublicationFolder) -> None:
    slower = Outcome(
        SendStatus.DEFERRED, "421", causes.TOO_FAST, throttle=ThrottleScope.TRANSPORT
    )
    enqueue(publication, add_person(publication))
    notify(publication, MemoryTransport(outcomes=lambda _outgoing: slower))
    with publication.database.reading() as connection:
        assert limiter.read_throttles(connection, "memory")


def test_notices_of_a_broken_template_wait_and_are_sent_once_it_is_mended(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_mail: object) -> None:
        raise RenderingError("templates/email/confirm/body.html, line 1: x")

    enqueue(publication, add_person(publication))
    with monkeypatch.context() as broken:
        broken.setattr(RENDERER, "system_mail", fail)
        for tried in range(4):
            report = notify(publication, at=NOW + tried * HOUR)
            assert report.problems == ["templates/email/confirm/body.html, line 1: x"]
    (row,) = rows(publication)
    assert (row["state"], row["reason_key"]) == ("deferred", "mail-rejected")
    # However often it was tried.
    assert row["next_at"] <= NOW + 3 * HOUR + timedelta(minutes=7)
    snapshot = take_snapshot(publication.settings, publication.database, NOW)
    assert snapshot.notices_rejected == {"templates/email/confirm/body.html, line 1: x": 1}
    assert notify(publication, at=NOW + 4 * HOUR).sent == 1
    snapshot = take_snapshot(publication.settings, publication.database, NOW)
    assert snapshot.notices_rejected == {}


def test_a_notice_that_the_program_fails_to_write_waits_and_the_others_are_sent(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, calls = RENDERER.system_mail, list[object]()

    def fail_once(mail: SystemMail) -> Digest:
        calls.append(mail)
        if len(calls) == 1:
            raise ZeroDivisionError
        return plain(mail)

    monkeypatch.setattr(RENDERER, "system_mail", fail_once)
    for name in ("ann", "bob"):
        enqueue(publication, add_person(publication, f"{name}@example.com"))
    report = notify(publication)
    assert (report.sent, [one[:32] for one in report.problems]) == (
        1,
        ["notice 1: a fault of the program"],
    )
    assert [row["state"] for row in rows(publication)] == ["deferred", "sent"]


def test_notices_are_counted_by_state(publication: PublicationFolder) -> None:
    enqueue(publication, add_person(publication))
    notify(publication)
    enqueue(publication, 1, NoticeKind.LINKS)
    with publication.database.reading() as connection:
        assert ledger.count_notices(connection) == {
            DeliveryState.SENT: 1,
            DeliveryState.PENDING: 1,
        }
        assert connection.execute(select(notice.c.id)).scalars().all() == [1, 2]


def test_a_notice_arrives_over_smtp(publication: PublicationFolder) -> None:
    enqueue(publication, add_person(publication, language="ar"))
    with MailServer() as server:
        smtp = SmtpSettings(host=server.host, port=server.port, tls=Tls.NONE)
        transport = SmtpTransport(smtp, publication.settings.folders.root, None, patience=10)
        assert notify(publication, transport).sent == 1
        (received,) = server.messages
    (mail,) = mails([received.content])
    assert list(received.recipients) == ["ann@example.org"]
    assert mail["Content-Language"] == "ar"
    assert "123456" in text_of(mail)


def test_a_notice_is_written_to_the_outbox_and_stays_when_issues_follow(
    publication: PublicationFolder,
) -> None:
    subscribe(publication, ("bob@example.org", "en"))
    ready(publication)
    enqueue(publication, add_person(publication))
    assert notify(publication, create_transport(publication.settings)).sent == 1
    send(publication)
    folder = publication.settings.folders.outbox
    assert len(list(folder.glob("notices/en/2026-01-09/*.eml"))) == 1
    assert len(outbox(publication)) == 2


# --- a quarantine that begins while mails about subscriptions are sent


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"server": "the one that failed"}, "it is on another server"),
        ({"quarantined_at": NOW, "quarantine_reason": "it is a test"}, "it is a test"),
    ],
)
def test_mails_that_are_not_reserved_stay_when_a_quarantine_begins_between_two(
    publication: PublicationFolder, changes: dict[str, Any], reason: str
) -> None:
    def begin(_mail: object) -> Outcome:
        with publication.database.writing() as connection:
            set_lineage(connection, **changes)
        return ACCEPTED_OUTCOME

    for number in range(10):
        enqueue(publication, add_person(publication, f"ann{number}@example.org"))
    transport = MemoryTransport(outcomes=begin)
    report = notify(publication, transport)
    # What was reserved before may have left already, as far as the database knows.
    assert report.sent == len(transport.taken) == 4
    assert reason in report.problems[0]
    # Nor is any of them given up, however long it takes to decide.
    assert notify(publication, transport, NOW + timedelta(days=2)).problems == report.problems
    assert states(publication) == ["sent"] * 4 + ["pending"] * 6
    assert len(transport.taken) == 4


# --- the queue


@pytest.fixture
def ann(connection: Connection) -> int:
    key = connection.execute(
        insert(subscriber).values(
            email="ann@example.org",
            address="Ann@example.org",
            language="en",
            status="pending",
            created_at=NOW,
            updated_at=NOW,
        )
    ).inserted_primary_key
    assert key is not None
    return int(key[0])


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (NoticeKind.CONFIRM, {"number": 1, "newsletters": []}),
        (NoticeKind.WELCOME, {"newsletters": [], "code": "123456"}),
        (NoticeKind.LINKS, {"colour": "red"}),
    ],
)
def test_a_notice_with_missing_or_other_values_is_a_mistake_of_the_caller(
    connection: Connection, ann: int, kind: NoticeKind, values: dict[str, object]
) -> None:
    with pytest.raises(ValueError, match=kind):
        enqueue_notice(connection, kind, ann, NOW, values=values)


def test_every_kind_says_which_values_it_is_made_from() -> None:
    assert set(ALLOWED_VALUES) == set(REQUIRED_VALUES) == set(NoticeKind)
    assert all(REQUIRED_VALUES[kind] <= ALLOWED_VALUES[kind] for kind in NoticeKind)


def test_a_notice_whose_reason_is_gone_is_cancelled_and_forgets_its_code(
    connection: Connection, ann: int
) -> None:
    values = {"number": 7, "code": "123456", "newsletters": ["weekly"]}
    enqueue_notice(connection, NoticeKind.CONFIRM, ann, NOW, values=values)
    enqueue_notice(connection, NoticeKind.LINKS, ann, NOW)
    later = NOW + timedelta(minutes=1)
    assert cancel_notices(connection, ann, [NoticeKind.CONFIRM], later) == 1
    assert cancel_notices(connection, ann, [NoticeKind.CONFIRM], later) == 0
    rows = connection.execute(select(notice).order_by(notice.c.id)).all()
    assert [row.state for row in rows] == ["cancelled", "pending"]
    assert (rows[0].payload, rows[0].reason_key) == ({}, "not-asked-for")
    assert rows[0].changed_at == later


def test_nothing_remains_of_the_notices_of_somebody_who_is_erased(
    connection: Connection, ann: int
) -> None:
    enqueue_notice(connection, NoticeKind.LINKS, ann, NOW, to="ann@old.example")
    erase(connection, "ann@example.org", lambda identity: str(hash(identity)), NOW)
    assert connection.execute(select(notice)).all() == []
