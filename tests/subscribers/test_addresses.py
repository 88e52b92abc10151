"""Mail addresses, and how subscribers change theirs."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from subscribers import store
from subscribers.address_change import (
    AddressChange,
    AddressChangeState,
    confirm_address_change,
    forget_old_changes,
    load_address_change,
    request_address_change,
    undo_address_change,
)
from subscribers.addresses import mask_address, normalise_address, readable_address
from subscribers.changes import suppress
from subscribers.consent_records import load_events
from subscribers.errors import BadAddressError
from subscribers.model import SubscriberStatus
from subscribers.tables import address_change, subscriber, subscriber_event
from tests.subscribers.conftest import NOW, a_subscriber, add, digest
from tests.subscribers.leaving import unsubscribe


def test_an_address_is_sent_as_given_to_a_domain_in_ascii_and_shown_masked() -> None:
    assert normalise_address("Ann.Lee@Example.ORG").address == "Ann.Lee@example.org"
    assert (
        normalise_address("Ann@EXAMPLE.org").identity
        == normalise_address("ann@example.org").identity
    )
    assert normalise_address("a@Bücher.example.org") == (
        "a@xn--bcher-kva.example.org",
        "a@xn--bcher-kva.example.org",
    )
    assert mask_address("ann@xn--bcher-kva.example.org") == "a•••@bücher.example.org"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("Ann@xn--bcher-kva.example.org", "Ann@bücher.example.org"),
        ("ann@example.org", "ann@example.org"),
        ("ann@xn--.example", "ann@xn--.example"),
        ("xn--bcher-kva", "bücher"),
        ("", ""),
    ],
)
def test_an_international_domain_is_shown_in_its_script(address: str, shown: str) -> None:
    assert readable_address(address) == shown


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("a\r\nBcc: b@example.org", "line break"),
        ("a\x00@example.org", "control character"),
        ("ü@example.org", "outside ASCII"),
        ("=?utf-8?q?x?=@example.org", "encoded word"),
        ("a=?utf-8?b?eA==?=b@example.org", "encoded word"),
        ("=?_?a?BB??=@example.org", "encoded word"),
        ("", "@-sign"),
        ("ann", "@-sign"),
        ("a b@example.org", "SPACE"),
        ("Ann <ann@example.org>", "display name"),
        ('"a b"@example.org', "Quoting"),
        ("a@[192.0.2.1]", "IP address"),
        ("a@localhost", "period"),
        ("a..b@example.org", "two periods"),
        ("x" * 65 + "@example.org", "too long"),
        ("a@" + "b" * 64 + ".org", "too many"),
    ],
)
def test_an_invalid_address_is_refused_with_a_reason(address: str, reason: str) -> None:
    with pytest.raises(BadAddressError) as caught:
        normalise_address(address)
    assert reason in caught.value.reason
    assert caught.value.address == address
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("address", ["a=?b@example.org", "what?=@example.org", "?@example.org"])
def test_signs_that_make_no_encoded_word_are_allowed(address: str) -> None:
    assert normalise_address(address).address == address


@given(st.emails())
def test_normalising_twice_changes_nothing(email: str) -> None:
    try:
        once = normalise_address(email)
    except BadAddressError:
        return
    assert normalise_address(once.address) == once
    assert normalise_address(once.identity).identity == once.identity
    assert once.address.isascii()


# Changes of an address, and merging with whoever has the new one.


ANN, NEW = "ann@example.org", "ann@new.example"
MOVED = (subscriber_event, address_change)
DAY = timedelta(days=1)
LEFT = SubscriberStatus.UNSUBSCRIBED


def requested(connection: Connection, new: str = NEW) -> AddressChange:
    number = request_address_change(
        connection, store.known_subscriber(connection, ANN), new, NOW
    )
    return found(connection, number)


def found(connection: Connection, number: int, now: datetime = NOW) -> AddressChange:
    change = load_address_change(connection, number, now)
    assert change is not None
    return change


def confirm(connection: Connection, change: AddressChange) -> bool:
    return confirm_address_change(connection, change, NOW, moved=MOVED, digest=digest)


def undo(connection: Connection, change: AddressChange) -> bool:
    current = found(connection, change.id)
    return undo_address_change(connection, current, NOW, moved=MOVED, digest=digest)


def generation(connection: Connection, email: str) -> int:
    row = select(subscriber.c.generation).where(subscriber.c.email == email)
    return int(connection.execute(row).scalar_one())


def test_a_confirmed_address_replaces_the_old_one_and_ends_old_links(
    connection: Connection,
) -> None:
    add(connection, a_subscriber(ANN))
    change = requested(connection, "Ann@NEW.example")
    assert store.find_subscriber(connection, NEW) is None
    assert confirm(connection, change)
    person = store.known_subscriber(connection, NEW)
    assert (person.address, person.newsletters) == ("Ann@new.example", ("weekly",))
    assert (person.id, generation(connection, NEW)) == (change.subscriber_id, 1)
    assert store.find_subscriber(connection, ANN) is None
    # No import may add the old address again.
    assert store.erased_at(connection, ANN, digest) == NOW
    assert not confirm(connection, found(connection, change.id))


def test_the_old_address_undoes_the_change_although_its_links_ended(
    connection: Connection,
) -> None:
    add(connection, a_subscriber(ANN))
    change = requested(connection)
    assert confirm(connection, change)
    assert undo(connection, change)
    assert store.known_subscriber(connection, ANN).id == change.subscriber_id
    assert generation(connection, ANN) == 2
    assert store.erased_at(connection, ANN, digest) is None
    assert found(connection, change.id).state is AddressChangeState.UNDONE
    assert not undo(connection, change)


def test_undoing_a_change_undoes_those_that_came_later(connection: Connection) -> None:
    add(connection, a_subscriber(ANN))
    first = requested(connection)
    assert confirm(connection, first)
    person = store.known_subscriber(connection, NEW)
    number = request_address_change(connection, person, "ann@third.example", NOW)
    second = found(connection, number)
    assert confirm(connection, second)
    assert undo(connection, first)
    assert not undo(connection, second)
    assert store.known_subscriber(connection, ANN).newsletters == ("weekly",)


def test_a_request_ends_after_three_days_and_an_undo_after_seven(
    connection: Connection,
) -> None:
    add(connection, a_subscriber(ANN))
    change = requested(connection)
    late = found(connection, change.id, NOW + 3 * DAY)
    assert late.state is AddressChangeState.ENDED
    assert not confirm(connection, late)
    assert confirm(connection, change)
    assert found(connection, change.id, NOW + 7 * DAY).state is AddressChangeState.ENDED
    forget_old_changes(connection, NOW + 6 * DAY)
    assert load_address_change(connection, change.id, NOW) is not None
    forget_old_changes(connection, NOW + 7 * DAY)
    assert load_address_change(connection, change.id, NOW) is None


def test_a_new_request_replaces_the_one_that_waits(connection: Connection) -> None:
    add(connection, a_subscriber(ANN))
    first = requested(connection)
    requested(connection, "other@example.org")
    assert load_address_change(connection, first.id, NOW) is None


def test_whoever_left_or_complained_meanwhile_is_not_moved(connection: Connection) -> None:
    add(connection, a_subscriber(ANN))
    change = requested(connection)
    unsubscribe(connection, ANN, None, NOW)
    assert not confirm(connection, change)
    assert store.known_subscriber(connection, ANN).status is LEFT


def test_a_bounce_of_the_old_mailbox_does_not_stay(connection: Connection) -> None:
    add(connection, a_subscriber(ANN))
    change = requested(connection)
    suppress(connection, ANN, SubscriberStatus.BOUNCED, NOW)
    assert confirm(connection, change)
    assert store.known_subscriber(connection, NEW).status is SubscriberStatus.ACTIVE


def test_a_known_address_is_merged_and_the_stronger_refusal_of_each_newsletter_holds(
    connection: Connection,
) -> None:
    add(
        connection,
        a_subscriber(ANN, newsletters=("daily", "weekly"), language="ar"),
        a_subscriber(NEW, newsletters=("daily", "monthly"), declined=("weekly",)),
    )
    former = store.known_subscriber(connection, NEW)
    change = requested(connection)
    assert confirm(connection, change)
    person = store.known_subscriber(connection, NEW)
    assert (person.id, person.language) == (change.subscriber_id, "ar")
    assert (person.newsletters, person.declined) == (("daily", "monthly"), ("weekly",))
    # Ledger rows and old links have the former id.
    assert store.load_subscriber(connection, former.id) == person
    (event,) = [one for one in load_events(connection, person.id) if one.newsletter == "weekly"]
    assert (event.after, event.note) == (LEFT, f"merged with subscriber {former.id}")


@pytest.mark.parametrize("refusal", [LEFT, SubscriberStatus.COMPLAINED])
def test_a_refusal_of_either_record_stays_after_merging(
    connection: Connection, refusal: SubscriberStatus
) -> None:
    add(connection, a_subscriber(ANN), a_subscriber(NEW))
    change = requested(connection)
    if refusal is LEFT:
        unsubscribe(connection, NEW, None, NOW)
    else:
        suppress(connection, NEW, refusal, NOW)
    assert confirm(connection, change)
    person = store.known_subscriber(connection, NEW)
    assert (person.status, person.newsletters) == (refusal, ())


def test_histories_of_both_stay_and_merging_twice_keeps_every_alias(
    connection: Connection,
) -> None:
    add(connection, *(a_subscriber(one) for one in (ANN, NEW, "third@example.org")))
    first, third = (
        store.known_subscriber(connection, one) for one in (NEW, "third@example.org")
    )
    unsubscribe(connection, NEW, "daily", NOW)
    assert confirm(connection, requested(connection))
    person = store.known_subscriber(connection, NEW)
    assert next(one.newsletter for one in load_events(connection, person.id)) == "daily"
    number = request_address_change(connection, third, NEW, NOW)
    assert confirm(connection, found(connection, number))
    for former in (first, person, third):
        assert store.current_id(connection, former.id) == third.id
