"""What is owed after an interruption, and until when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, insert, update

from publisher.delivery.ledger.catch_up import load_owed, owed_since
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from subscribers import Cadence, pause_subscriber
from subscribers.interruptions import Interruption, load_interruptions
from subscribers.tables import subscriber_alias, subscription
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import choose_cadence, number_of, ready, subscribe

S = DeliveryState
DAY = timedelta(days=1)
MIDNIGHT = datetime(2026, 1, 9, tzinfo=UTC)


def test_the_first_issue_due_after_the_interruption_ends_what_is_owed() -> None:
    pause = Interruption(1, NOW, NOW + 5 * DAY)
    assert owed_since([pause], {}) == {1: MIDNIGHT}
    assert owed_since([pause], {1: NOW + 5 * DAY}) == {1: MIDNIGHT}
    assert owed_since([pause], {1: NOW + 6 * DAY}) == {}


def test_the_earliest_of_several_interruptions_counts() -> None:
    found = [
        Interruption(1, NOW, NOW + DAY),
        Interruption(1, NOW - 3 * DAY, NOW + 4 * DAY),
        Interruption(2, NOW, NOW + DAY),
    ]
    assert owed_since(found, {1: NOW + 2 * DAY, 2: NOW + 2 * DAY}) == {1: MIDNIGHT - 3 * DAY}


def test_only_interruptions_that_have_ended_count_and_nothing_before_the_subscription(
    publication: PublicationFolder,
) -> None:
    subscribe(publication, ("ann@example.org", "en"), ("bob@example.org", "en"))
    ann, bob = (number_of(publication.database, f"{one}@example.org") for one in ("ann", "bob"))
    with publication.database.writing() as connection:
        connection.execute(update(subscription).values(consented_at=NOW - 2 * DAY))
        pause_subscriber(connection, ann, NOW + 3 * DAY, NOW)
        choose_cadence(connection, bob, Cadence.WEEKLY)

        def found(connection: Connection, key: str, now: datetime) -> list[Interruption]:
            return load_interruptions(connection, key, now - 62 * DAY, now)

        assert found(connection, "weekly", NOW + 2 * DAY) == []
        assert found(connection, "weekly", NOW + 3 * DAY) == [
            Interruption(ann, NOW - 2 * DAY, NOW + 3 * DAY)
        ]
        assert found(connection, "weekly", NOW + 66 * DAY) == []
        assert found(connection, "weekly.weekly", NOW) == [
            Interruption(bob, NOW - 2 * DAY, NOW)
        ]


def test_what_waited_for_a_record_that_was_merged_is_owed(
    publication: PublicationFolder,
) -> None:
    subscribe(publication, ("ann@example.org", "en"))
    ann = number_of(publication.database, "ann@example.org")
    with publication.database.writing() as connection:
        connection.execute(update(subscription).values(consented_at=NOW - 2 * DAY))
        alias = {"former_id": 7, "subscriber_id": ann, "merged_at": NOW}
        connection.execute(insert(subscriber_alias).values(alias))
        found = load_interruptions(connection, "weekly", NOW - 62 * DAY, NOW + DAY)
    assert found == [Interruption(ann, NOW - 2 * DAY, NOW)]


@pytest.mark.parametrize(
    ("state", "is_owed"),
    [
        *((S.PENDING, False), (S.SENT, False), (S.SUPPRESSED, False)),
        *((S.BOUNCED, True), (S.FAILED, True), (S.CANCELLED, True)),
    ],
)
def test_what_a_mail_had_that_did_not_arrive_is_still_owed(
    publication: PublicationFolder, state: DeliveryState, is_owed: bool
) -> None:
    subscribe(publication, ("ann@example.org", "en"))
    ann = number_of(publication.database, "ann@example.org")
    first, later = ready(publication), ready(publication, "ar")
    with publication.database.writing() as connection:
        connection.execute(update(subscription).values(consented_at=NOW - 2 * DAY))
        pause_subscriber(connection, ann, NOW - DAY / 4, NOW - DAY)
        row = {"issue_id": first.id, "subscriber_id": ann, "state": state}
        instants = dict.fromkeys(("due_at", "next_at", "changed_at"), NOW)
        connection.execute(insert(delivery).values(row | instants))
        owed = load_owed(connection, later, NOW + DAY)
    assert owed == ({ann: ("en", None, MIDNIGHT - 2 * DAY)} if is_owed else {})
