from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from subscribers.csv_rows import CSV_COLUMNS, SubscriberRow
from subscribers.import_merge import merge_row
from subscribers.model import SubscriberStatus
from tests.subscribers.conftest import a_subscriber


def row(*given: str, **changes: Any) -> SubscriberRow:
    return SubscriberRow(2, a_subscriber(**changes), frozenset({"email", *given}))


def test_a_row_corrects_the_columns_that_are_given() -> None:
    known = a_subscriber(id=7)
    new = row(
        *CSV_COLUMNS,
        name="Ann B.",
        language="ar",
        timezone="Asia/Dubai",
        newsletters=("daily",),
    )
    assert merge_row(known, new) == (replace(new.subscriber, id=7), ())


def test_columns_that_are_not_given_change_nothing() -> None:
    known = a_subscriber(timezone="Asia/Dubai", language="ar", pending=("daily",))
    assert merge_row(known, row(name="", newsletters=("monthly",))) == (known, ())


def test_an_unlisted_newsletter_is_removed_unless_the_subscriber_left_it() -> None:
    known = a_subscriber(newsletters=("weekly",), pending=("daily",), declined=("monthly",))
    merged = merge_row(known, row("newsletters", newsletters=()))
    assert merged.subscriber.subscriptions == {"monthly": SubscriberStatus.UNSUBSCRIBED}


def test_a_newsletter_that_the_subscriber_left_is_not_restored() -> None:
    known = a_subscriber(newsletters=(), declined=("weekly",))
    merged = merge_row(known, row("newsletters", newsletters=("daily", "weekly")))
    assert (merged.subscriber.newsletters, merged.subscriber.declined) == (
        ("daily",),
        ("weekly",),
    )
    (note,) = merged.notes
    assert note.startswith("weekly: unsubscribed stays unsubscribed")


def test_an_import_may_confirm_but_not_unconfirm_a_subscription() -> None:
    known = a_subscriber(newsletters=("daily",), pending=("weekly",))
    merged = merge_row(known, row("newsletters", newsletters=("weekly",), pending=("daily",)))
    assert merged.subscriber.newsletters == ("daily", "weekly")
    assert merged.notes == ("daily: active stays active: an import may not make it pending",)


@pytest.mark.parametrize(
    "status",
    [SubscriberStatus.UNSUBSCRIBED, SubscriberStatus.BOUNCED, SubscriberStatus.COMPLAINED],
)
@pytest.mark.parametrize("given", [CSV_COLUMNS, ("name",)])
@pytest.mark.parametrize("wanted", [SubscriberStatus.ACTIVE, SubscriberStatus.PENDING])
def test_a_closed_record_is_not_changed(
    status: SubscriberStatus, given: tuple[str, ...], wanted: SubscriberStatus
) -> None:
    known = a_subscriber(status=status, newsletters=())
    merged = merge_row(known, row(*given, name="Someone", status=wanted))
    assert merged.subscriber == known
    assert len(merged.notes) == 1


def test_a_row_without_status_confirms_no_subscription() -> None:
    known = a_subscriber(status=SubscriberStatus.PENDING)
    assert merge_row(known, row("name")) == (known, ())


def test_an_import_may_unsubscribe_from_everything() -> None:
    known = a_subscriber(newsletters=("daily",), pending=("weekly",))
    merged = merge_row(
        known, row("status", status=SubscriberStatus.UNSUBSCRIBED, newsletters=())
    )
    assert merged.subscriber.status is SubscriberStatus.UNSUBSCRIBED
    assert merged.subscriber.declined == ("daily", "weekly")


def test_a_row_with_the_same_closed_status_corrects_a_record() -> None:
    known = a_subscriber(status=SubscriberStatus.BOUNCED)
    merged = merge_row(
        known, row("name", "status", name="Ann B.", status=SubscriberStatus.BOUNCED)
    )
    assert merged == (replace(known, name="Ann B."), ())
