"""Requests to join: what they store, who can confirm them, and how they end."""

import hashlib
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, func, select, update

from subscribers import consent_records, joining, pending_requests
from subscribers.addresses import Address, normalise_address
from subscribers.changes import suppress
from subscribers.consent import JoinAnswer
from subscribers.model import JoinWish, SubscriberStatus
from subscribers.store import erase, find_subscriber, known_subscriber
from subscribers.tables import erased_address, join_request, subscriber, subscribers_metadata
from tests.subscribers.conftest import NOW, a_subscriber, add, digest
from tests.subscribers.importing import import_csv
from tests.subscribers.leaving import unsubscribe

ANN = "ann@example.org"
WEEKLY = JoinWish(("weekly",), "en")
DAILY = JoinWish(("daily",), "en")
ORIGIN = consent_records.ConsentOrigin(
    source=consent_records.ConsentChannel.FORM,
    wording="Get it\nI want it.\nYes",
    page="https://example.org/en/subscribe/",
    network="192.0.2.0/24",
    message_id="<1@example.org>",
)
LINK = consent_records.ConsentOrigin(
    source=consent_records.ConsentChannel.LINK, network="198.51.100.0/24"
)
PENDING, ACTIVE = SubscriberStatus.PENDING, SubscriberStatus.ACTIVE
LEFT, BOUNCED = SubscriberStatus.UNSUBSCRIBED, SubscriberStatus.BOUNCED
COMPLAINED = SubscriberStatus.COMPLAINED


def ask(
    connection: Connection,
    wish: JoinWish = WEEKLY,
    now: datetime = NOW,
    email: str = ANN,
    code: str = "code",
) -> tuple[JoinAnswer, pending_requests.JoinRequest | None]:
    """Do what a request does, as the application does it."""
    identity = normalise_address(email).identity
    answer, person = joining.prepare_answer(connection, identity, wish.newsletters, digest, now)
    if answer is JoinAnswer.NOTHING:
        return answer, None
    number = (
        person.id
        if person
        else joining.add_pending(connection, Address(identity, email), wish, now)
    )
    consent_records.append_consent_record(
        connection, number, consent_records.ConsentEvent.REQUESTED, wish, ORIGIN, now
    )
    if answer is JoinAnswer.ALREADY_SUBSCRIBED:
        return answer, None
    request = pending_requests.find_request(
        connection, pending_requests.insert_request(connection, number, wish, code, now)
    )
    return answer, request


def asked(
    connection: Connection, wish: JoinWish = WEEKLY, now: datetime = NOW
) -> pending_requests.JoinRequest:
    _answer, request = ask(connection, wish, now)
    assert request is not None
    return request


def confirm(
    connection: Connection, request: pending_requests.JoinRequest, now: datetime = NOW
) -> bool:
    current = pending_requests.find_request(connection, request.id)
    assert current is not None
    return joining.confirm_request(connection, current, digest, LINK, now)


def refuse(connection: Connection, request: pending_requests.JoinRequest) -> bool:
    return joining.refuse_request(connection, request, digest, LINK, NOW)


def status(connection: Connection) -> SubscriberStatus | None:
    person = find_subscriber(connection, ANN)
    return person.status if person else None


# --- requests


def test_somebody_unknown_waits_for_the_confirmation(connection: Connection) -> None:
    request = asked(connection)
    person = known_subscriber(connection, ANN)
    assert (person.status, person.pending, person.language) == (PENDING, ("weekly",), "en")
    assert request.expires_at - request.requested_at == timedelta(hours=72)
    assert request.state(NOW + timedelta(hours=72)) is pending_requests.RequestState.EXPIRED


@pytest.mark.parametrize("before", [ACTIVE, LEFT, BOUNCED])
def test_a_request_changes_nothing_of_somebody_known_until_it_is_confirmed(
    connection: Connection, before: SubscriberStatus
) -> None:
    add(connection, a_subscriber(ANN, status=before))
    person = find_subscriber(connection, ANN)
    request = asked(connection, DAILY)
    assert find_subscriber(connection, ANN) == person
    assert confirm(connection, request)
    person = known_subscriber(connection, ANN)
    assert person.status is ACTIVE
    assert "daily" in person.newsletters


def test_an_address_gets_one_mail_in_ten_minutes_and_three_a_day(
    connection: Connection,
) -> None:
    minutes = [0, 9, 10, 19, 21, 40, 24 * 60 - 1, 24 * 60, 24 * 60 + 10]
    answers = [ask(connection, now=NOW + timedelta(minutes=m))[0] for m in minutes]
    c, no = JoinAnswer.CONFIRM, JoinAnswer.NOTHING
    assert answers == [c, no, c, no, c, no, no, c, c]


# --- confirmations


def test_a_confirmation_subscribes_once(connection: Connection) -> None:
    request = asked(connection)
    assert confirm(connection, request)
    person = known_subscriber(connection, ANN)
    assert (person.status, person.newsletters, person.pending) == (ACTIVE, ("weekly",), ())
    history = consent_records.load_history(connection, person.id)
    assert [one.source for one in history.events] == ["subscriber", "subscriber"]
    assert history.subscriptions[0].consented_at == NOW
    assert confirm(connection, request)
    assert consent_records.load_history(connection, person.id) == history
    assert len(consent_records.load_consent_records(connection, person.id)) == 2


def test_a_late_second_click_does_not_bring_back_who_left(connection: Connection) -> None:
    request = asked(connection)
    confirm(connection, request)
    unsubscribe(connection, ANN, None, NOW)
    assert confirm(connection, request)
    assert status(connection) is LEFT


def test_a_request_is_dead_once_it_expired(connection: Connection) -> None:
    request = asked(connection)
    assert not confirm(connection, request, NOW + timedelta(hours=72))
    assert status(connection) is PENDING


@pytest.mark.parametrize("newsletter", [None, "weekly"])
def test_leaving_ends_a_request_also_if_there_was_nothing_to_leave(
    connection: Connection, newsletter: str | None
) -> None:
    add(connection, a_subscriber(ANN, status=LEFT, newsletters=(), declined=("weekly",)))
    request = asked(connection)
    unsubscribe(connection, ANN, newsletter, NOW)
    assert not confirm(connection, request)
    assert status(connection) is LEFT


def test_a_complaint_and_an_import_of_who_left_end_a_request(connection: Connection) -> None:
    first = asked(connection)
    suppress(connection, ANN, COMPLAINED, NOW)
    assert not confirm(connection, first)
    add(connection, a_subscriber("bob@example.org"))
    _answer, second = ask(connection, DAILY, email="bob@example.org")
    assert second is not None
    rows = ["email,status\n", "bob@example.org,unsubscribed\n"]
    import_csv(connection, rows, digest=digest, now=NOW)
    assert not confirm(connection, second)


def test_two_requests_can_be_confirmed_one_after_the_other(connection: Connection) -> None:
    first, second = asked(connection), asked(connection, DAILY, NOW + timedelta(hours=1))
    assert confirm(connection, second, NOW + timedelta(hours=2))
    assert confirm(connection, first, NOW + timedelta(hours=2))
    person = known_subscriber(connection, ANN)
    assert person.newsletters == ("daily", "weekly")


def test_the_language_of_the_request_is_that_of_who_comes_and_not_of_who_is_there(
    connection: Connection,
) -> None:
    add(connection, a_subscriber(ANN, status=LEFT), a_subscriber("bob@example.org"))
    for email, language in ((ANN, "ar"), ("bob@example.org", "en")):
        _answer, request = ask(connection, JoinWish(("daily",), "ar"), email=email)
        assert request is not None
        assert confirm(connection, request)
        assert known_subscriber(connection, email).language == language


# --- codes


NOBODY = (None, False)


def test_a_code_can_be_tried_five_times(connection: Connection) -> None:
    request = asked(connection)
    assert joining.match_code(connection, "bob@example.org", "code", NOW) == NOBODY
    for _attempt in range(4):
        assert joining.match_code(connection, ANN, "wrong", NOW) == (None, True)
    found, _counted = joining.match_code(connection, ANN, "code", NOW)
    assert found is not None
    assert (found.id, found.code_attempts) == (request.id, 4)
    assert joining.match_code(connection, ANN, "wrong", NOW) == (None, True)
    assert joining.match_code(connection, ANN, "code", NOW) == NOBODY


def test_a_code_is_known_until_it_expires_also_after_it_confirmed(
    connection: Connection,
) -> None:
    request = asked(connection)
    for confirm_now in (False, True):
        if confirm_now:
            confirm(connection, request)
        found, _counted = joining.match_code(connection, ANN, "code", NOW)
        assert found is not None
        assert joining.match_code(connection, ANN, "code", NOW + timedelta(hours=72)) == NOBODY
        assert joining.match_code(connection, ANN, "", NOW) == (None, True)


# --- refusals


def test_who_refuses_is_erased_and_stays_away_from_imports(connection: Connection) -> None:
    assert refuse(connection, asked(connection))
    for table in subscribers_metadata.tables.values():
        if table.name != "consent_wording":
            assert ANN not in str(connection.execute(select(table)).all())
    assert connection.execute(select(erased_address.c.reason_key)).scalar_one() == "refused"
    report = import_csv(connection, ["email\n", f"{ANN}\n"], digest=digest, now=NOW)
    assert report.added == 0
    assert report.bad[0].reason == (
        "refused all mail on 2026-01-09; only the subscriber can come back"
    )


def test_who_is_subscribed_ends_only_the_request_that_she_did_not_make(
    connection: Connection,
) -> None:
    add(connection, a_subscriber(ANN))
    person = find_subscriber(connection, ANN)
    request = asked(connection, DAILY)
    assert not refuse(connection, request)
    assert find_subscriber(connection, ANN) == person
    assert not confirm(connection, request)


def test_who_left_and_refuses_stays_on_record_and_is_never_asked(
    connection: Connection,
) -> None:
    add(connection, a_subscriber(ANN, status=BOUNCED))
    request = asked(connection)
    before = known_subscriber(connection, ANN)
    pending_requests.start_session(connection, before.id, "cookie", NOW)
    assert refuse(connection, request)
    person = known_subscriber(connection, ANN)
    # Links of older mails have ended, so that nobody is brought back by one.
    assert (person.status, person.generation) == (LEFT, before.generation + 1)
    assert pending_requests.session_subscriber_id(connection, "cookie", NOW) is None
    records = consent_records.load_consent_records(connection, person.id)
    assert [record.event for record in records] == ["requested", "refused"]
    erase(connection, ANN, digest, NOW)
    assert ask(connection, now=NOW + timedelta(days=8)) == (JoinAnswer.NOTHING, None)


# --- reminders and deletion


def due(connection: Connection, hours: int) -> list[int]:
    """Return the requests that are due for a reminder after so many hours."""
    requests = pending_requests.requests_due_for_reminder(
        connection, NOW + timedelta(hours=hours)
    )
    return [request.id for request in requests]


def test_a_mailbox_that_bounced_is_not_reminded(connection: Connection) -> None:
    asked(connection)
    suppress(connection, ANN, SubscriberStatus.BOUNCED, NOW)
    assert due(connection, 25) == []


def test_nobody_is_reminded_of_what_ended(connection: Connection) -> None:
    confirm(connection, asked(connection))
    _answer, cancelled = ask(connection, email="bob@example.org")
    assert cancelled is not None
    unsubscribe(connection, "bob@example.org", None, NOW)
    assert due(connection, 25) == []
    asked(connection, DAILY, NOW + timedelta(hours=1))
    assert due(connection, 73) == []


def test_who_does_not_confirm_is_deleted_after_thirty_days(connection: Connection) -> None:
    add(connection, a_subscriber("bob@example.org", status=PENDING, newsletters=()))
    add(connection, a_subscriber("cyd@example.org", status=LEFT))
    asked(connection)
    for email in ("bob@example.org", "cyd@example.org", "dan@example.org"):
        ask(connection, email=email)
    suppress(connection, "dan@example.org", BOUNCED, NOW)
    ask(connection, email="eve@example.org", now=NOW + timedelta(days=1))
    assert joining.delete_unconfirmed(connection, NOW + timedelta(days=29)) == []
    assert len(joining.delete_unconfirmed(connection, NOW + timedelta(days=30))) == 3
    kept = connection.execute(select(subscriber.c.email).order_by(subscriber.c.email))
    assert kept.scalars().all() == ["cyd@example.org", "eve@example.org"]
    assert connection.execute(select(func.count()).select_from(join_request)).scalar() == 1


def test_a_confirmed_request_and_its_subscriber_are_kept(connection: Connection) -> None:
    request = asked(connection)
    confirm(connection, request)
    assert joining.delete_unconfirmed(connection, NOW + timedelta(days=400)) == []
    (kept,) = pending_requests.list_requests(connection, request.subscriber_id)
    assert kept.state(NOW) is pending_requests.RequestState.CONFIRMED


# --- the record


def test_the_record_proves_who_agreed_to_what_and_when(connection: Connection) -> None:
    request = asked(connection)
    confirm(connection, request, NOW + timedelta(hours=1))
    first, second = consent_records.load_consent_records(connection, request.subscriber_id)
    assert (first.event, first.at, first.wish) == ("requested", NOW, WEEKLY)
    assert (first.page, first.network) == (ORIGIN.page, "192.0.2.0/24")
    assert first.wording_digest == hashlib.sha256(ORIGIN.wording.encode()).hexdigest()
    assert consent_records.find_wording(connection, first.wording_digest) == ORIGIN.wording
    assert (second.event, second.at) == ("confirmed", NOW + timedelta(hours=1))
    assert (second.network, second.source) == ("198.51.100.0/24", "link")
    assert second.message_id == first.message_id == "<1@example.org>"


def test_a_request_of_somebody_who_is_gone_does_nothing(connection: Connection) -> None:
    request = asked(connection)
    erase(connection, ANN, digest, NOW)
    assert pending_requests.find_request(connection, request.id) is None
    assert not joining.confirm_request(connection, request, digest, LINK, NOW)
    assert not joining.refuse_request(connection, request, digest, LINK, NOW)


def test_somebody_who_complained_after_the_request_is_not_subscribed(
    connection: Connection,
) -> None:
    request = asked(connection)
    connection.execute(update(subscriber).values(status=COMPLAINED))
    assert not confirm(connection, request)
