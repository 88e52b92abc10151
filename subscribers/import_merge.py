"""What an imported row makes of a reader who is on record. Pure: it decides and writes nothing.

An import corrects what is known of a reader and may end her subscriptions. It never brings back
one that she ended, nor a reader who left, complained, or whose address bounced: such a row is
dropped whole, with a note that says so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from subscribers.consent import WITHDRAWN_STATUSES, may_receive_mail, next_status
from subscribers.errors import RefusedTransitionError
from subscribers.model import ConsentSource, Subscriber, SubscriberStatus

if TYPE_CHECKING:
    from subscribers.csv_rows import SubscriberRow


class MergeResult(NamedTuple):
    """The reader as she is to be, and what of the row was not followed."""

    reader: Subscriber
    notes: tuple[str, ...] = ()


def merge_row(known: Subscriber, row: SubscriberRow) -> MergeResult:
    """Return `known` as corrected by `row`, which has the same identity.

    A column that said nothing changes nothing. A newsletter that a said column leaves out is
    removed, unless she left it herself: that stays on record.
    """
    try:
        status = _status(known, row)
    except RefusedTransitionError as error:
        return MergeResult(known, (str(error),))
    wishes, notes = _wishes(known, row)
    if status in WITHDRAWN_STATUSES:
        wishes = dict.fromkeys(wishes, SubscriberStatus.UNSUBSCRIBED)
    new, said = row.reader, row.said
    corrected = replace(
        known,
        address=new.address,
        name=new.name if "name" in said else known.name,
        language=new.language if "language" in said else known.language,
        timezone=new.timezone if "timezone" in said else known.timezone,
        status=status,
    )
    return MergeResult(corrected.with_subscriptions(wishes), notes)


def _status(known: Subscriber, row: SubscriberRow) -> SubscriberStatus:
    if "status" not in row.said and may_receive_mail(known.status):
        return known.status
    return next_status(known.status, row.reader.status, ConsentSource.IMPORT)


def _wishes(
    known: Subscriber, row: SubscriberRow
) -> tuple[dict[str, SubscriberStatus], tuple[str, ...]]:
    before = known.subscriptions
    if "newsletters" not in row.said:
        return before, ()
    after = dict.fromkeys(known.declined, SubscriberStatus.UNSUBSCRIBED)
    notes = []
    for name, wanted in row.reader.subscriptions.items():
        try:
            after[name] = next_status(before.get(name, wanted), wanted, ConsentSource.IMPORT)
        except RefusedTransitionError as error:
            after[name] = error.current
            notes.append(f"{name}: {error}")
    return after, tuple(notes)
