from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from subscribers.csv_rows import CSV_COLUMNS, SubscriberRow
from subscribers.import_merge import merge_row
from subscribers.model import SubscriberStatus
from tests.subscribers.conftest import a_reader


def row(*said: str, **changes: Any) -> SubscriberRow:
    return SubscriberRow(2, a_reader(**changes), frozenset({"email", *said}))


def test_a_row_corrects_what_it_says() -> None:
    known = a_reader(id=7)
    new = row(
        *CSV_COLUMNS,
        name="Ann B.",
        language="ar",
        timezone="Asia/Dubai",
        newsletters=("daily",),
    )
    assert merge_row(known, new) == (replace(new.reader, id=7), ())


def test_what_a_row_leaves_unsaid_stays() -> None:
    known = a_reader(timezone="Asia/Dubai", language="ar", pending=("daily",))
    assert merge_row(known, row(name="", newsletters=("monthly",))) == (known, ())


def test_the_latest_spelling_of_an_address_is_used() -> None:
    known = a_reader()
    assert merge_row(known, row(address="ANN@example.org")).reader.address == "ANN@example.org"


def test_a_newsletter_left_out_is_removed_unless_the_reader_left_it() -> None:
    known = a_reader(newsletters=("weekly",), pending=("daily",), declined=("monthly",))
    merged = merge_row(known, row("newsletters", newsletters=()))
    assert merged.reader.subscriptions == {"monthly": SubscriberStatus.UNSUBSCRIBED}


def test_a_newsletter_that_the_reader_left_stays_left_with_a_note() -> None:
    known = a_reader(newsletters=(), declined=("weekly",))
    merged = merge_row(known, row("newsletters", newsletters=("daily", "weekly")))
    assert (merged.reader.newsletters, merged.reader.declined) == (("daily",), ("weekly",))
    (note,) = merged.notes
    assert note.startswith("weekly: unsubscribed stays unsubscribed")


def test_a_list_may_confirm_but_not_unconfirm_a_subscription() -> None:
    known = a_reader(newsletters=("daily",), pending=("weekly",))
    merged = merge_row(known, row("newsletters", newsletters=("weekly",), pending=("daily",)))
    assert merged.reader.newsletters == ("daily", "weekly")
    assert merged.notes == ("daily: active stays active: an import may not make it pending",)


@pytest.mark.parametrize(
    "status",
    [SubscriberStatus.UNSUBSCRIBED, SubscriberStatus.BOUNCED, SubscriberStatus.COMPLAINED],
)
@pytest.mark.parametrize("said", [CSV_COLUMNS, ("name",)])
@pytest.mark.parametrize("wanted", [SubscriberStatus.ACTIVE, SubscriberStatus.PENDING])
def test_a_closed_record_is_never_reopened_nor_touched(
    status: SubscriberStatus, said: tuple[str, ...], wanted: SubscriberStatus
) -> None:
    known = a_reader(status=status, newsletters=())
    merged = merge_row(known, row(*said, name="Someone", status=wanted))
    assert merged.reader == known
    assert len(merged.notes) == 1


def test_silence_confirms_nobody() -> None:
    known = a_reader(status=SubscriberStatus.PENDING)
    assert merge_row(known, row("name")) == (known, ())


def test_a_list_that_says_active_confirms() -> None:
    known = a_reader(status=SubscriberStatus.PENDING)
    assert merge_row(known, row("status")).reader.status is SubscriberStatus.ACTIVE


def test_a_list_may_end_everything() -> None:
    known = a_reader(newsletters=("daily",), pending=("weekly",))
    merged = merge_row(
        known, row("status", status=SubscriberStatus.UNSUBSCRIBED, newsletters=())
    )
    assert merged.reader.status is SubscriberStatus.UNSUBSCRIBED
    assert merged.reader.declined == ("daily", "weekly")


def test_a_closed_record_may_be_corrected_by_a_row_that_leaves_it_closed() -> None:
    known = a_reader(status=SubscriberStatus.BOUNCED)
    merged = merge_row(
        known, row("name", "status", name="Ann B.", status=SubscriberStatus.BOUNCED)
    )
    assert merged == (replace(known, name="Ann B."), ())
