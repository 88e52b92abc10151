"""Decide what an imported row changes of a subscriber on record. Pure.

An import corrects a subscriber and may end subscriptions. It never restores a subscription that the
subscriber ended. A row about somebody who left, complained or bounced is ignored, with a note.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from subscribers.consent import WITHDRAWN_STATUSES, may_receive_mail, next_status
from subscribers.errors import RefusedTransitionError
from subscribers.model import ConsentSource, Subscriber, SubscriberStatus
from subscribers.reasons import RowReason, in_column

if TYPE_CHECKING:
    from subscribers.csv_rows import SubscriberRow


class MergeResult(NamedTuple):
    """The subscriber after a row, and what of the row was not applied."""

    subscriber: Subscriber
    notes: tuple[RowReason, ...] = ()


def merge_row(known: Subscriber, row: SubscriberRow) -> MergeResult:
    """Return `known` as corrected by `row`, which has the same identity.

    A column that is not given changes nothing. A newsletter that a given column does not list is
    removed, unless the subscriber left it: that stays on record.
    """
    try:
        status = _status(known, row)
    except RefusedTransitionError as error:
        return MergeResult(known, (_why_refused(error),))
    subscriptions, notes = _subscriptions(known, row)
    if status in WITHDRAWN_STATUSES:
        subscriptions = dict.fromkeys(subscriptions, SubscriberStatus.UNSUBSCRIBED)
    new, given = row.subscriber, row.given
    corrected = replace(
        known,
        address=new.address,
        name=new.name if "name" in given else known.name,
        language=new.language if "language" in given else known.language,
        timezone=new.timezone if "timezone" in given else known.timezone,
        status=status,
    )
    return MergeResult(corrected.with_subscriptions(subscriptions), notes)


def _status(known: Subscriber, row: SubscriberRow) -> SubscriberStatus:
    if "status" not in row.given and may_receive_mail(known.status):
        return known.status
    return next_status(known.status, row.subscriber.status, ConsentSource.IMPORT)


def _subscriptions(
    known: Subscriber, row: SubscriberRow
) -> tuple[dict[str, SubscriberStatus], tuple[RowReason, ...]]:
    before = known.subscriptions
    if "newsletters" not in row.given:
        return before, ()
    after = dict.fromkeys(known.declined, SubscriberStatus.UNSUBSCRIBED)
    notes = []
    for name, wanted in row.subscriber.subscriptions.items():
        try:
            after[name] = next_status(before.get(name, wanted), wanted, ConsentSource.IMPORT)
        except RefusedTransitionError as error:
            after[name] = error.current
            notes.append(in_column(name, _why_refused(error)))
    return after, tuple(notes)


def _why_refused(error: RefusedTransitionError) -> RowReason:
    return RowReason(
        "%(current)s stays %(current)s: an import may not make it %(wanted)s",
        current=str(error.current),
        wanted=str(error.wanted),
    )
