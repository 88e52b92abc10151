"""Subscribing by oneself, from the request to the confirmation, and leaving by a link."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from lxml import html
from sqlalchemy import Connection, event, func, insert, select, update
from structlog.testing import capture_logs

from publisher.app.operation.status import take_snapshot
from publisher.app.subscribers import unsubscribing
from publisher.app.subscribers.actions import erase_somebody, resubscribe_somebody
from publisher.app.subscribers.join_protection import (
    FormEvidence,
    check_form,
    exceeded_limit,
    joining_stopped,
    offer_form,
    personal_address,
    refusal_reason,
)
from publisher.app.subscribers.joining import (
    ConfirmationState,
    RequestAnswer,
    SubscriptionRequest,
    confirm_by_code,
    confirm_by_link,
    inbox_url,
    read_confirmation,
    refuse,
    request_subscription,
    send_reminders,
    subscription_form,
)
from publisher.app.subscribers.unsubscribing import LeaveScope
from publisher.database.retry_queue import queue_item as notice
from publisher.delivery.states import DeliveryState
from publisher.mail.compose import notice_message_name
from publisher.mail.signed_addresses import SignedLink, sign_link
from publisher.secrets import load_secret
from publisher.testing import SECRET, MemoryTransport
from subscribers.changes import UndoOutcome, suppress
from subscribers.consent_records import ConsentChannel, ConsentOrigin, load_consent_records
from subscribers.errors import BadAddressError
from subscribers.model import JoinWish, SubscriberStatus
from subscribers.store import find_subscriber
from subscribers.tables import (
    address_change,
    consent_record,
    erased_address,
    join_request,
    subscriber,
)
from tests.publisher.conftest import NOW, PublicationFolder, by_owner
from tests.publisher.delivery.mailing import number_of, subscribe
from tests.publisher.notices.people import mails, notify, text_of
from tests.subscribers.leaving import unsubscribe

ANN = "ann@example.com"
BOB = "bob@example.com"
BY_MAIL = ConsentOrigin(source=ConsentChannel.MAIL)
BY_LINK = ConsentOrigin(source=ConsentChannel.LINK, network="192.0.2.0/24")
WEEKLY = JoinWish(("weekly",), "en")
CLIENT = "192.0.2.7"


@pytest.fixture
def folder(publication: PublicationFolder) -> PublicationFolder:
    return publication


def ask(
    folder: PublicationFolder,
    address: str = ANN,
    after: timedelta = timedelta(0),
    wish: JoinWish = WEEKLY,
    **more: Any,
) -> RequestAnswer:
    request = SubscriptionRequest(address, wish, BY_MAIL, **more)
    with folder.database.writing() as connection:
        return request_subscription(connection, folder.settings, request, NOW + after)


def notices(folder: PublicationFolder) -> list[tuple[str, dict[str, Any]]]:
    """Give the kinds and the values of all mails that were asked for."""
    return [(row["kind"], row["payload"]) for row in folder.rows(notice)]


def token(folder: PublicationFolder, number: int = 1, person: int = 1) -> str:
    return sign_link(load_secret(folder.settings), "confirm", person, number=number)


def click(
    folder: PublicationFolder, link: str | None = None, *, refuses: bool = False
) -> ConfirmationState:
    """Follow a link, by default that of the first request; return what is shown."""
    used = token(folder) if link is None else link
    with folder.database.writing() as connection:
        arguments = (connection, folder.settings, used, BY_LINK, NOW)
        view = refuse(*arguments) if refuses else confirm_by_link(*arguments)
    return view.state


def status(folder: PublicationFolder, address: str = ANN) -> SubscriberStatus | None:
    with folder.database.reading() as connection:
        person = find_subscriber(connection, address)
        return person.status if person else None


@pytest.fixture
def writing(folder: PublicationFolder) -> Iterator[Connection]:
    with folder.database.writing() as connection:
        yield connection


# --- requests and confirmations


def test_a_request_is_confirmed_by_its_link_and_welcomed_once_and_not_refused_any_more(
    folder: PublicationFolder,
) -> None:
    assert ask(folder) is RequestAnswer.ACCEPTED
    (kind, values) = notices(folder)[0]
    assert (kind, values["newsletters"], values["number"]) == ("confirm", ["weekly"], 1)
    assert len(values["code"]) == 6
    with folder.database.reading() as connection:
        view = read_confirmation(connection, folder.settings, token(folder), NOW)
    assert (view.state, view.address) == (ConfirmationState.OPEN, "a•••@example.com")
    for _click in range(2):
        assert click(folder) is ConfirmationState.CONFIRMED
    assert click(folder, refuses=True) is ConfirmationState.CONFIRMED
    assert status(folder) is SubscriberStatus.ACTIVE
    assert [kind for kind, _values in notices(folder)] == ["confirm", "welcome"]


def test_a_request_is_confirmed_by_its_code(folder: PublicationFolder) -> None:
    ask(folder)
    code = notices(folder)[0][1]["code"]
    for address, entered in ((ANN, "x"), (BOB, code), (ANN, code)):
        with folder.database.writing() as connection:
            view = confirm_by_code(connection, folder.settings, address, entered, BY_LINK, NOW)
    assert view.state is ConfirmationState.CONFIRMED
    (row,) = folder.rows(join_request)
    assert row["code_attempts"] == 1
    assert code not in str(folder.rows(join_request))


def test_a_wrong_code_runs_the_same_statements_whoever_is_on_record(
    folder: PublicationFolder,
) -> None:
    # Nor do they write more or less: a commit that writes nothing takes no time for the disk.
    subscribe(folder, (BOB, "en"))
    ask(folder)
    said, written = list[list[str]](), list[int]()
    for address in (ANN, BOB, "nobody@example.org"):  # who asks, who is subscribed, and nobody
        with folder.database.writing() as connection, heard(connection) as statements:
            confirm_by_code(connection, folder.settings, address, "x", BY_LINK, NOW)
        said.append([statement for statement, _rows in statements])
        written.append(sum(rows for _statement, rows in statements))
    assert said[0] == said[1] == said[2] != []
    assert written == [2, 2, 2]


@contextmanager
def heard(connection: Connection) -> Iterator[list[tuple[str, int]]]:
    """Collect the statements of a connection, and how many rows each has written."""
    found: list[tuple[str, int]] = []

    def note(_connection: object, cursor: Any, statement: str, *_rest: object) -> None:
        writes = statement.startswith(("INSERT", "UPDATE", "DELETE"))
        found.append((statement, cursor.rowcount if writes else 0))

    event.listen(connection, "after_cursor_execute", note)
    yield found
    event.remove(connection, "after_cursor_execute", note)


def test_a_link_of_another_request_or_person_is_unknown(folder: PublicationFolder) -> None:
    ask(folder)
    for wrong in ("", "v2.x", token(folder, 2), token(folder, 1, 2), token(folder) + "x"):
        assert click(folder, wrong) is ConfirmationState.UNKNOWN
    assert status(folder) is SubscriberStatus.PENDING


def test_an_active_subscriber_is_told_so_in_her_own_language(folder: PublicationFolder) -> None:
    subscribe(folder, (ANN, "en"))
    ask(folder, wish=JoinWish(("weekly",), "ar"))
    (row,) = folder.rows(notice)
    assert (row["kind"], row["language"]) == ("already-subscribed", None)
    assert folder.rows(join_request) == []


@pytest.mark.parametrize("why", ["complained", "refused", "limited", "trap", "stopped"])
def test_who_may_not_be_asked_gets_nothing_and_nothing_is_stored(
    folder: PublicationFolder, why: str
) -> None:
    subscribe(folder, (BOB, "en"))
    if why == "complained":
        subscribe(folder, (ANN, "en"))
        with folder.database.writing() as connection:
            connection.execute(
                update(subscriber).where(subscriber.c.email == ANN).values(status="complained")
            )
    if why == "refused":
        ask(folder)
        # Bob once wanted this address: it is forgotten there, too.
        wanted = {"subscriber_id": 1, "old_address": BOB, "new_address": ANN}
        with folder.database.writing() as connection:
            dates = {"requested_at": NOW, "expires_at": NOW}
            connection.execute(insert(address_change).values(**wanted, **dates))
        click(folder, token(folder, 1, 2), refuses=True)
        assert folder.rows(address_change) == []
    if why == "limited":
        change(folder, per_network=1)
        ask(folder, "dan@example.com", client=CLIENT)
    if why == "stopped":
        let_confirmations_bounce(folder, 6)
    before = [folder.rows(one) for one in (subscriber, join_request, consent_record, notice)]
    evidence = FormEvidence(trap="x" if why == "trap" else "")
    with capture_logs() as logs:
        answer = ask(folder, after=timedelta(hours=1 / 60), client=CLIENT, evidence=evidence)
    assert answer is RequestAnswer.ACCEPTED
    after = [folder.rows(one) for one in (subscriber, join_request, consent_record, notice)]
    assert after == before
    assert ANN not in str(logs)
    reasons = [line["reason"] for line in logs]
    expected = {
        "limited": ["limit per_network"],
        "trap": ["trap"],
        "stopped": ["too many confirmations bounced"],
    }
    assert reasons == expected.get(why, [])


@pytest.mark.parametrize(
    "address",
    [
        "digest@news.example.org",
        "Postmaster@example.org",
        "root@a.localdomain",
        "a%b@example.org",
    ],
)
def test_a_mailbox_that_is_no_person_s_is_an_error(
    address: str, folder: PublicationFolder
) -> None:
    assert personal_address(folder.settings, "Ann@example.org").identity == "ann@example.org"
    with pytest.raises(BadAddressError, match="not the mailbox of a person"):
        personal_address(folder.settings, address)


def test_somebody_erased_is_asked_and_comes_back_even_after_a_complaint(
    folder: PublicationFolder,
) -> None:
    subscribe(folder, (ANN, "en"))
    with folder.database.writing() as connection:
        suppress(connection, ANN, SubscriberStatus.COMPLAINED, NOW)
    ask(folder)
    assert notices(folder) == []
    erase_somebody(*by_owner(folder), ANN)
    ask(folder)
    assert [kind for kind, _values in notices(folder)] == ["confirm"]
    assert status(folder) is SubscriberStatus.PENDING
    assert len(folder.rows(erased_address)) == 1
    (row,) = folder.rows(notice)
    click(folder, token(folder, row["payload"]["number"], row["subscriber_id"]))
    assert status(folder) is SubscriberStatus.ACTIVE
    assert folder.rows(erased_address) == []
    with folder.database.reading() as connection:
        records = load_consent_records(connection, row["subscriber_id"])
    assert [one.event for one in records] == ["requested", "confirmed"]
    sent = notice_message_name(load_secret(folder.settings), row["id"])
    domain = folder.settings.publication.sender.domain
    assert {one.message_id for one in records} == {f"<{sent}@{domain}>"}


def test_inboxes_of_large_services_are_known() -> None:
    assert inbox_url("Ann@GMAIL.com") == "https://mail.google.com/"
    assert inbox_url(ANN) == ""


# --- reminders and deletion


def test_one_reminder_is_sent_after_a_day_unless_it_is_switched_off(
    folder: PublicationFolder,
) -> None:
    ask(folder)
    day = NOW + timedelta(days=1)
    assert send_reminders(folder.settings, folder.database, NOW + timedelta(hours=23)) == 0
    quiet = replace(folder.settings, joining=joining(folder, reminder=False))
    assert send_reminders(quiet, folder.database, day) == 0
    assert send_reminders(folder.settings, folder.database, day) == 1
    assert send_reminders(folder.settings, folder.database, day) == 0
    assert notices(folder)[1] == ("reminder", {"newsletters": ["weekly"], "number": 1})


# --- protection


def joining(folder: PublicationFolder, **changes: Any) -> Any:
    return folder.settings.joining.model_copy(update=changes)


def change(folder: PublicationFolder, **changes: Any) -> None:
    folder.settings = replace(folder.settings, joining=joining(folder, **changes))


def let_confirmations_bounce(folder: PublicationFolder, count: int) -> None:
    with folder.database.writing() as connection:
        number = connection.execute(select(subscriber.c.id)).scalars().first()
        row: dict[str, Any] = {"kind": "confirm", "subscriber_id": number, "payload": {}}
        row |= {"state": DeliveryState.BOUNCED, "due_at": NOW, "changed_at": NOW}
        connection.execute(insert(notice), [row] * count)


def test_a_form_is_taken_from_two_seconds_to_two_hours_after_it_was_shown(
    folder: PublicationFolder, writing: Connection
) -> None:
    offer = offer_form(writing, folder.settings, NOW)
    assert offer.challenge == ""

    def taken(stamp: str, seconds: float) -> bool:
        now = NOW + timedelta(seconds=seconds)
        return check_form(writing, folder.settings, FormEvidence(stamp), now)

    answers = [taken(offer.stamp, seconds) for seconds in (0, 1, 2, 7200, 7201)]
    assert answers == [False, False, True, True, False]
    forged = [f"{int(NOW.timestamp())}.{'0' * 32}", "", "x", "9" * 40, offer.stamp + "0", "٣.x"]
    assert not any(taken(stamp, 10) for stamp in forged)


ANYBODY = [f"{n}@x{n}.example" for n in range(9)]


@pytest.mark.parametrize(
    ("limit", "addresses", "clients", "answered"),
    [
        ("per_network", ANYBODY, ["192.0.2.1", "192.0.2.9"], 2),
        ("per_network", ANYBODY, ["2001:db8::1", "2001:db8::2", "::ffff:192.0.2.1"], 4),
        ("per_site", ANYBODY, [f"2001:db8:0:{n}::1" for n in range(9)], 2),
        ("per_domain", [f"{n}@example.org" for n in range(9)], [""], 2),
        ("per_address", [f"ann+{n}@example.org" for n in range(9)], [""], 2),
        ("in_all", ANYBODY, [""], 2),
    ],
)
def test_requests_beyond_a_limit_are_not_answered_by_mail(
    folder: PublicationFolder,
    writing: Connection,
    limit: str,
    addresses: list[str],
    clients: list[str],
    answered: int,
) -> None:
    change(folder, **{limit: 2})
    reasons = [
        refusal_reason(writing, folder.settings, one, clients[n % len(clients)], NOW)
        for n, one in enumerate(addresses)
    ]
    assert reasons.count("") == answered
    assert set(reasons) == {"", f"limit {limit}"}


def test_each_purpose_has_limits_of_its_own_and_large_webmail_services_none_as_a_domain(
    folder: PublicationFolder, writing: Connection
) -> None:
    change(folder, per_address=1)
    found = [
        exceeded_limit(writing, folder.settings, purpose, "a@example.org", "", NOW)
        for purpose in ("links", "links", "other")
    ]
    assert found == ["", "limit per_address", ""]
    change(folder, per_domain=1)
    for name in ("a", "b", "c"):
        assert refusal_reason(writing, folder.settings, f"{name}@gmail.com", "", NOW) == ""


def test_confirmations_stop_when_more_than_five_of_a_hundred_bounced(
    folder: PublicationFolder,
) -> None:
    subscribe(folder, (BOB, "en"))
    let_confirmations_bounce(folder, 5)
    with folder.database.reading() as connection:
        assert not joining_stopped(connection, folder.settings, NOW)
    let_confirmations_bounce(folder, 1)
    with folder.database.reading() as connection:
        assert joining_stopped(connection, folder.settings, NOW)
    assert take_snapshot(folder.settings, folder.database, NOW).joining_stopped
    with folder.database.reading() as connection:
        assert not joining_stopped(connection, folder.settings, NOW + timedelta(days=8))
    ask(folder)
    assert status(folder) is None
    later = NOW + timedelta(seconds=1)
    change(folder, bounces_count_from=later)
    ask(folder, after=timedelta(minutes=1))
    assert status(folder) is SubscriberStatus.PENDING


def test_failures_of_one_network_do_not_stop_the_form_for_all(
    folder: PublicationFolder,
) -> None:
    def stopped_by(networks: Sequence[str]) -> bool:
        with folder.database.writing() as connection:
            for number, network in enumerate(networks):
                origin = replace(BY_LINK, network=network)
                address = f"{len(networks)}-{number}@example.com"
                request = SubscriptionRequest(address, WEEKLY, origin)
                request_subscription(connection, folder.settings, request, NOW)
            connection.execute(update(notice).values(state=DeliveryState.BOUNCED))
            return joining_stopped(connection, folder.settings, NOW)

    assert not stopped_by(["192.0.2.0/24"] * 8)
    assert stopped_by([f"198.51.{number}.0/24" for number in range(5)])


def test_nobody_is_reminded_while_confirmations_bounce(folder: PublicationFolder) -> None:
    subscribe(folder, (BOB, "en"))
    ask(folder)
    let_confirmations_bounce(folder, 6)
    day = NOW + timedelta(days=1)
    assert send_reminders(folder.settings, folder.database, day) == 0
    with folder.database.reading() as connection:
        reminded = select(func.count()).where(join_request.c.reminded_at.is_not(None))
        assert connection.execute(reminded).scalar() == 0


def test_a_form_for_another_site_has_no_stamp_and_may_stand_twice_on_a_page(
    folder: PublicationFolder,
) -> None:
    form = subscription_form(folder.settings, None, None)
    assert 'action="https://news.example.org/en/subscribe/"' in form
    assert "stamp" not in form
    weekly = subscription_form(folder.settings, "weekly", None)
    page = html.fromstring(f"<div>{weekly}{form}</div>")
    ids = [one.get("id") for one in page.iter() if one.get("id")]
    assert len(ids) == len(set(ids))
    fields = [one for one in page.iter("input") if one.get("name") == "email"]
    # Each field is inside its label, which needs no id.
    labels = [str(html.tostring(next(one.iterancestors("label")))) for one in fields]
    assert len(labels) == 2
    assert all("Your e-mail address" in label for label in labels)
    folder.reload(languages=["en", "ar"])
    arabic = subscription_form(folder.settings, "weekly", "ar")
    assert ('dir="rtl"' in arabic, "Subscribe" in arabic) == (True, False)


def test_the_owner_lifts_a_refusal_for_somebody_who_asks(folder: PublicationFolder) -> None:
    subscribe(folder, (ANN, "en"))
    with folder.database.writing() as connection:
        unsubscribe(connection, ANN, None, NOW)
    ask(folder)
    click(folder, refuses=True)
    later = timedelta(days=2)
    ask(folder, after=later)
    assert len(folder.rows(join_request)) == 1
    resubscribe_somebody(*by_owner(folder), ANN, "weekly")
    ask(folder, after=later)
    assert notices(folder)[-1][0] == "already-subscribed"


# --- leaving by a link, without a page: as mail that comes in does it


@pytest.fixture
def member(publication: PublicationFolder) -> PublicationFolder:
    subscribe(publication, (ANN, "en"))
    return publication


def leave_link(publication: PublicationFolder, newsletter: str = "weekly") -> SignedLink:
    return SignedLink("unsubscribe", number_of(publication.database, ANN), newsletter)


def page_of(
    publication: PublicationFolder, connection: Connection, link: SignedLink
) -> unsubscribing.LeavePage:
    page = unsubscribing.read_leave_page(
        connection, publication.settings, SECRET, link, "en", NOW
    )
    assert page is not None
    return page


def undo_link(
    publication: PublicationFolder, connection: Connection, leave_link: SignedLink
) -> SignedLink:
    """Return the link of the page after leaving that undoes it."""
    page = page_of(publication, connection, leave_link)
    undo = unsubscribing.read_undo_link(SECRET, page.undo)
    assert undo is not None
    return undo


def test_links_of_nobody_and_of_who_gets_nothing_show_and_pause_nothing(
    member: PublicationFolder, writing: Connection
) -> None:
    nobody = SignedLink("unsubscribe", 99, "weekly")
    assert unsubscribing.pause_instead(writing, nobody, NOW) is None
    assert unsubscribing.leave(writing, leave_link(member), LeaveScope.ALL, NOW)
    assert unsubscribing.pause_instead(writing, leave_link(member), NOW) is None
    undo = SignedLink("undo", 99, number=1)
    assert unsubscribing.read_undo_page(writing, member.settings, undo, "en") is None


@pytest.mark.parametrize("scope", LeaveScope)
def test_an_undo_is_told_to_whoever_was_told_of_the_leaving(
    member: PublicationFolder, scope: LeaveScope
) -> None:
    found = leave_link(member)
    with member.database.writing() as connection:
        unsubscribing.leave(connection, found, scope, NOW)
    transport = MemoryTransport()
    notify(member, transport)
    with member.database.writing() as connection:
        undo = undo_link(member, connection, found)
        assert unsubscribing.undo(connection, undo, NOW) is UndoOutcome.UNDONE
        assert unsubscribing.undo(connection, undo, NOW) is UndoOutcome.ALREADY
    notify(member, transport)
    _goodbye, told = mails(one.message.content for one in transport.taken)
    assert told["Subject"] == "You are subscribed to The Lantern again"
    assert told["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "If it was not you, leave with one click" in " ".join(text_of(told).split())


def test_an_undo_before_the_goodbye_left_sends_neither(member: PublicationFolder) -> None:
    found = leave_link(member)
    with member.database.writing() as connection:
        unsubscribing.leave(connection, found, LeaveScope.ALL, NOW)
        unsubscribing.undo(connection, undo_link(member, connection, found), NOW)
    assert notify(member).sent == 0
