"""A subscriber's links, sessions, address and data, and what erasing leaves."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

import pytest
from sqlalchemy import Connection, MetaData, event, func, select, update

from publisher.app.subscribers import access, actions, personal_tables, records
from publisher.database.retry_queue import queue_item as notice
from publisher.delivery.tables import delivery
from publisher.errors import UsageError
from publisher.mail.signed_addresses import LinkKind, sign_link
from publisher.notices.kinds import NoticeKind
from publisher.request_limits import LimitKeys
from publisher.testing import SECRET
from subscribers.address_change import AddressChange, AddressChangeState
from subscribers.changes import suppress
from subscribers.model import Subscriber, SubscriberStatus
from subscribers.pending_requests import request_access
from subscribers.store import find_subscriber, known_subscriber
from subscribers.tables import address_change, subscriber
from tests.publisher.app.editing import click_at_once
from tests.publisher.app.stored_rows import insert_subscriber
from tests.publisher.conftest import NOW, PublicationFolder, by_owner
from tests.publisher.delivery.mailing import by_smtp, ready, send, subscribe
from tests.subscribers.leaving import unsubscribe
from tools.servers import MailServer, Reply, addressed

ANN, BOB, NEW = "ann.person@example.org", "bob@example.org", "ann@new.example"
KEYS = LimitKeys(SECRET)
LATER = NOW + timedelta(minutes=30)


@pytest.fixture
def ann(connection: Connection) -> Subscriber:
    return stored(connection, ANN)


def stored(connection: Connection, address: str) -> Subscriber:
    insert_subscriber(connection, address, "en", NOW)
    return known_subscriber(connection, address)


def notices(connection: Connection) -> list[tuple[str, str | None, Any]]:
    columns = notice.c["kind", "to_address", "payload"]
    rows = connection.execute(select(*columns).order_by(notice.c.id))
    return [tuple(row) for row in rows]


def ask(connection: Connection, person: Subscriber) -> tuple[str, str]:
    """Ask for the link; return its token, and the code."""
    assert access.send_access_link(connection, SECRET, person, "en", NOW)
    (content,) = [content for kind, _to, content in notices(connection)[-1:]]
    return token("data", person.id, number=content["number"]), content["code"]


def token(kind: LinkKind, number_of: int, *, generation: int = 0, number: int = 0) -> str:
    return sign_link(SECRET, kind, number_of, generation=generation, number=number)


def ask_to_move(
    connection: Connection,
    publication: PublicationFolder,
    person: Subscriber,
    kind: Literal["address", "undo-address"] = "address",
) -> AddressChange:
    """Ask for a new address; return the change, as the link in a mail names it."""
    assert access.request_new_address(
        connection, publication.settings, SECRET, person, NEW, NOW
    )
    link = token(kind, person.id, number=notices(connection)[-1][2]["number"])
    change = access.read_address_link(connection, SECRET, kind, link, NOW)
    assert change is not None
    return change


# --- links


def test_links_of_other_kinds_others_and_earlier_generations_are_refused(
    connection: Connection, ann: Subscriber
) -> None:
    own = token("preferences", ann.id)
    assert access.read_preferences_link(connection, SECRET, own) == ann
    connection.execute(update(subscriber).values(generation=1))
    unsubscribing = token("unsubscribe", ann.id)
    refused = (own, unsubscribing, own[:-2], "", "é", token("preferences", 99, generation=1))
    assert [access.read_preferences_link(connection, SECRET, one) for one in refused] == [
        None
    ] * 6
    found = access.read_own_link(connection, SECRET, "unsubscribe", unsubscribing)
    assert found is not None
    assert access.unsubscribe_token(SECRET, found[0]) == unsubscribing
    # Each kind opens its own pages alone.
    kinds: tuple[LinkKind, ...] = ("preferences", "unsubscribe", "feed", "data")
    opened = {
        (kind, of)
        for kind in kinds
        for of in kinds
        if access.read_own_link(connection, SECRET, kind, token(of, ann.id, generation=1))
    }
    assert opened == {(kind, kind) for kind in kinds}


def test_only_known_subscribers_who_may_be_written_to_get_their_links_and_not_often(
    publication: PublicationFolder, connection: Connection, ann: Subscriber
) -> None:
    gone = stored(connection, BOB)
    suppress(connection, gone.email, SubscriberStatus.COMPLAINED, NOW)
    for address in (ANN.upper(), ANN, BOB, "nobody@example.org"):
        access.send_own_links(connection, publication.settings, KEYS, address, NOW)
    assert [kind for kind, _to, _content in notices(connection)] == [NoticeKind.LINKS]
    access.send_own_links(connection, publication.settings, KEYS, ANN, LATER)
    assert len(notices(connection)) == 2
    for hour in range(1, 24):
        at = NOW + timedelta(hours=hour)
        access.send_own_links(connection, publication.settings, KEYS, ANN, at)
    assert len(notices(connection)) <= 10
    assert ann.status is SubscriberStatus.ACTIVE


@pytest.mark.usefixtures("ann")
def test_links_are_limited_by_network_as_joining_is(
    publication: PublicationFolder, connection: Connection
) -> None:
    stored(connection, BOB)
    joining = publication.settings.joining.model_copy(update={"per_network": 1})
    settings = replace(publication.settings, joining=joining)
    for address, client, sent in (
        (ANN, "192.0.2.7", 1),
        (BOB, "192.0.2.8", 1),
        (BOB, "198.51.100.1", 2),
    ):
        access.send_own_links(connection, settings, KEYS, address, NOW, client=client)
        assert len(notices(connection)) == sent


def test_known_and_unknown_addresses_take_the_same_work(
    publication: PublicationFolder, connection: Connection
) -> None:
    said: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "SAVEPOINT" not in statement:
            said.append(statement.partition("VALUES")[0].strip())

    def work(address: str) -> list[str]:
        said.clear()
        access.send_own_links(connection, publication.settings, KEYS, address, NOW)
        return [*said]

    known_address = stored(connection, ANN).address
    domain = known_address.rpartition("@")[2]
    event.listen(connection, "before_cursor_execute", note)
    before = len(connection.execute(select(subscriber)).all())
    # Buckets that all share are there from the first request on.
    work(f"first@{domain}")
    known, unknown = work(known_address), work(f"nobody@{domain}")
    assert sorted(known) == sorted(unknown)
    assert [kind for kind, _to, _content in notices(connection)] == [NoticeKind.LINKS]
    assert len(connection.execute(select(subscriber)).all()) == before


# --- sessions


def test_a_code_opens_a_session_in_any_digits_and_only_its_own_subscribers(
    connection: Connection, ann: Subscriber
) -> None:
    bob = stored(connection, BOB)
    _link, code = ask(connection, ann)
    assert access.open_session_by_code(connection, SECRET, bob, code, NOW) is None
    assert access.open_session_by_code(connection, SECRET, ann, "12 34", NOW) is None
    arabic = " ".join(chr(0x660 + int(digit)) for digit in code)
    assert access.open_session_by_code(connection, SECRET, ann, arabic, NOW) is not None
    assert access.session_subscriber(connection, "\udc80", NOW) is None
    # Mails with codes are limited.
    answers = [access.send_access_link(connection, SECRET, bob, "en", NOW) for _ask in range(5)]
    assert answers == [True, True, True, False, False]


def test_of_twenty_clicks_at_once_one_opens_a_session(publication: PublicationFolder) -> None:
    with publication.database.writing() as connection:
        person = stored(connection, ANN)
        number = request_access(connection, person.id, "digest", NOW)
    link = token("data", person.id, number=number)

    def click() -> str | None:
        with publication.database.writing() as connection:
            return access.open_session_by_link(connection, SECRET, link, NOW)

    assert sum(one is not None for one in click_at_once(*[click] * 20)) == 1


# --- addresses


def test_a_new_address_is_confirmed_by_its_mailbox_and_undone_by_the_old_one(
    publication: PublicationFolder, connection: Connection, ann: Subscriber
) -> None:
    settings = publication.settings
    assert access.request_new_address(connection, settings, SECRET, ann, NEW, NOW)
    kind, to, content = notices(connection)[0]
    assert (kind, to) == (NoticeKind.CONFIRM_ADDRESS, NEW)
    link = token("address", ann.id, number=content["number"])
    undo = token("undo-address", ann.id, number=content["number"])
    assert access.read_address_link(connection, SECRET, "undo-address", link, NOW) is None
    other = token("address", ann.id + 1, number=content["number"])
    assert access.read_address_link(connection, SECRET, "address", other, NOW) is None
    change = access.read_address_link(connection, SECRET, "address", link, NOW)
    assert change is not None
    assert not access.undo_new_address(connection, settings, change, NOW)
    assert access.confirm_new_address(connection, settings, change, NOW)
    kind, to, content = notices(connection)[1]
    assert (kind, to) == (NoticeKind.ADDRESS_CHANGED, ANN)
    assert content["changed"] == "a•••@new.example"
    change = access.read_address_link(connection, SECRET, "undo-address", undo, NOW)
    assert change is not None
    assert change.state is AddressChangeState.CONFIRMED
    assert access.undo_new_address(connection, settings, change, NOW)
    assert find_subscriber(connection, ANN) is not None


def test_an_address_that_complained_gets_no_mail_and_the_answer_is_the_same(
    publication: PublicationFolder, connection: Connection, ann: Subscriber
) -> None:
    stored(connection, NEW)
    suppress(connection, NEW, SubscriberStatus.COMPLAINED, NOW)
    settings = publication.settings
    answers = [
        access.request_new_address(connection, settings, SECRET, ann, address, NOW)
        for address in (NEW, ANN, BOB, "last@example.org")
    ]
    assert answers == [True, True, True, False]
    assert [to for _kind, to, _content in notices(connection)] == [BOB]


# --- data


def filled(
    publication: PublicationFolder, server: MailServer | None = None
) -> PublicationFolder:
    """Two subscribers who got an issue; one of them did and got all that leaves rows."""
    subscribe(publication, (ANN, "en"), (BOB, "en"))
    ready(publication)
    send(publication, by_smtp(publication, server) if server else None)
    with publication.database.writing() as connection:
        ann = known_subscriber(connection, ANN)
        unsubscribe(connection, ANN, "weekly", NOW)
        access.request_new_address(connection, publication.settings, SECRET, ann, NEW, NOW)
        link, _code = ask(connection, ann)
        access.open_session_by_link(connection, SECRET, link, NOW)
        words = update(delivery).where(
            delivery.c.subscriber_id == ann.id, delivery.c.reason.is_(None)
        )
        connection.execute(words.values(reason=f"550 5.1.1 <{ANN}> is unknown here"))
    return publication


def test_her_data_are_all_rows_about_her_and_no_secret(publication: PublicationFolder) -> None:
    filled(publication)
    data = json.loads(records.read_own_data(publication.settings, publication.database, ANN))
    assert data["subscriber"]["email"] == ANN
    assert data["subscriber"]["created_at"] == "2026-01-09T12:00:00Z"
    (issue,) = data["issues"]
    assert (issue["newsletter"], issue["language"], issue["state"]) == ("weekly", "en", "sent")
    assert [one["kind"] for one in data["notices"]] == ["confirm-address", "data"]
    assert [one["new_address"] for one in data["address_changes"]] == [NEW]
    assert [one["after"] for one in data["history"]] == ["unsubscribed"]
    assert not {"code", "digest", "code_digest", "payload"} & {
        name for rows in data.values() if isinstance(rows, list) for row in rows for name in row
    }
    with publication.database.reading() as connection:
        number = known_subscriber(connection, BOB).id
        others = personal_tables.personal_json(
            personal_tables.read_personal_rows(connection, number)
        )
    assert ANN not in others


def text_of_all_tables(publication: PublicationFolder) -> str:
    tables = MetaData()
    with publication.database.reading() as connection:
        tables.reflect(connection)
        return repr([connection.execute(select(one)).all() for one in tables.sorted_tables])


@pytest.mark.parametrize("state", ["sent", "deferred"])
def test_erasing_leaves_the_address_in_no_table_and_others_alone_and_nobody_brings_it_back(
    publication: PublicationFolder, state: str
) -> None:
    if state == "deferred":
        full = Reply(f"452 4.2.2 <{ANN}> is full")
        with MailServer(addressed({ANN: full})) as server:
            filled(publication, server)
    else:
        filled(publication)
    assert "ann.person" in text_of_all_tables(publication)
    assert [row["state"] for row in publication.rows(delivery)] == [state, "sent"]
    of_bob = records.read_own_data(publication.settings, publication.database, BOB)
    with publication.database.writing() as connection:
        records.erase_person(
            connection, publication.settings, known_subscriber(connection, ANN), NOW
        )
        waiting = select(func.count()).where(notice.c.subscriber_id == 1)
        assert connection.execute(waiting).scalar() == 0
    left = text_of_all_tables(publication)
    assert not [one for one in ("ann.person", NEW, "new.example") if one in left]
    assert [row["state"] for row in publication.rows(delivery)] == [state, "sent"]
    assert records.read_own_data(publication.settings, publication.database, BOB) == of_bob
    report = records.import_subscribers(
        publication.settings, publication.database, ["email\n", f"{ANN}\n"], NOW
    )
    assert (report.added, report.refused) == (0, 1)


def test_erasing_leaves_nothing_with_somebody_who_wanted_the_address(
    publication: PublicationFolder, connection: Connection, ann: Subscriber
) -> None:
    bob = stored(connection, BOB)
    settings = publication.settings
    assert access.request_new_address(connection, settings, SECRET, bob, ANN.upper(), NOW)
    assert len(notices(connection)) == 1
    records.erase_person(connection, settings, ann, NOW)
    assert notices(connection) == []
    assert connection.execute(select(address_change)).all() == []


def test_an_address_is_forgotten_with_others_and_other_changes_stay(
    publication: PublicationFolder, connection: Connection, ann: Subscriber
) -> None:
    bob = stored(connection, BOB)
    settings = publication.settings
    assert access.request_new_address(connection, settings, SECRET, ann, NEW, NOW)
    assert access.request_new_address(connection, settings, SECRET, bob, "bob@new.example", NOW)
    personal_tables.forget_address(connection, NEW)
    columns = address_change.c["subscriber_id", "new_address"]
    left = connection.execute(select(*columns)).all()
    assert left == [(bob.id, "bob@new.example")]
    assert [to for _kind, to, _content in notices(connection)] == ["bob@new.example"]


def test_a_code_to_the_old_mailbox_opens_nothing_after_a_change(
    publication: PublicationFolder, connection: Connection, ann: Subscriber
) -> None:
    change = ask_to_move(connection, publication, ann)
    _link, code = ask(connection, ann)
    assert access.confirm_new_address(connection, publication.settings, change, NOW)
    moved = known_subscriber(connection, NEW)
    assert access.open_session_by_code(connection, SECRET, moved, code, NOW) is None


def test_the_owner_merges_two_addresses_and_ledger_rows_keep_their_numbers(
    publication: PublicationFolder,
) -> None:
    filled(publication)
    settings, database = publication.settings, publication.database
    change = actions.merge_addresses(*by_owner(publication), ANN, BOB)
    # She had left the weekly with the other address.
    assert (change.after.newsletters, change.after.declined) == ((), ("weekly",))
    data = json.loads(records.read_own_data(settings, database, BOB))
    assert len(data["issues"]) == 2
    assert [one["former_id"] for one in data["merged_records"]] == [1]
    assert {row["subscriber_id"] for row in publication.rows(delivery)} == {1, 2}
    assert {one["state"] for one in data["notices"]} == {"cancelled"}
    with database.reading() as connection:
        assert find_subscriber(connection, ANN) is None
    with pytest.raises(UsageError):
        actions.merge_addresses(*by_owner(publication), BOB, BOB)


def test_a_former_address_is_forgotten_after_seven_days(publication: PublicationFolder) -> None:
    with publication.database.writing() as connection:
        change = ask_to_move(connection, publication, stored(connection, ANN), "undo-address")
        assert access.confirm_new_address(connection, publication.settings, change, NOW)
        connection.execute(update(notice).values(state="sent", next_at=None))
    personal_tables.forget_former_addresses(publication.database, NOW + timedelta(days=6))
    assert ANN in text_of_all_tables(publication)
    personal_tables.forget_former_addresses(publication.database, NOW + timedelta(days=7))
    assert ANN not in text_of_all_tables(publication)
