"""Write an import to the database: one batch of rows at a time, in a few statements.

What a row changes of a subscriber on record is decided by pure functions. An import corrects a subscriber and may end
subscriptions. It never restores a subscription that the subscriber ended. A row about somebody who left, complained or
bounced is ignored, with a note. The transaction belongs to the caller.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.schema import CreateTable

from subscribers import store
from subscribers.consent import WITHDRAWN_STATUSES, may_receive_mail, next_status
from subscribers.consent_records import append_events, append_imported_consent, events_between
from subscribers.errors import BadRow, RefusedTransitionError, RowReason, in_column
from subscribers.fields import merge_fields
from subscribers.lists.rows import SubscriberRow
from subscribers.model import ConsentSource, JoinWish, Subscriber, SubscriberStatus
from subscribers.pending_requests import cancel_requests
from subscribers.tables import subscriber, subscription


class MergeResult(NamedTuple):
    """The subscriber after a row, and what of the row was not applied."""

    subscriber: Subscriber
    notes: tuple[RowReason, ...] = ()


def merge_row(stored: Subscriber, row: SubscriberRow) -> MergeResult:
    """Return `known` as corrected by `row`, which has the same identity.

    A column that is not given changes nothing. A newsletter that a given column does not list is
    removed, unless the subscriber left it: that stays on record.
    """
    try:
        status = _status(stored, row)
    except RefusedTransitionError as error:
        return MergeResult(stored, (_why_refused(error),))
    subscriptions, notes = _subscriptions(stored, row)
    if status in WITHDRAWN_STATUSES:
        subscriptions = dict.fromkeys(subscriptions, SubscriberStatus.UNSUBSCRIBED)
    new, given = row.subscriber, row.given
    corrected = replace(
        stored,
        address=new.address,
        name=new.name if "name" in given else stored.name,
        language=new.language if "language" in given else stored.language,
        timezone=new.timezone if "timezone" in given else stored.timezone,
        status=status,
        fields=merge_fields(stored.fields, row.fields),
    )
    return MergeResult(corrected.with_subscriptions(subscriptions), notes)


def _status(stored: Subscriber, row: SubscriberRow) -> SubscriberStatus:
    if "status" not in row.given and may_receive_mail(stored.status):
        return stored.status
    return next_status(stored.status, row.subscriber.status, ConsentSource.IMPORT)


def _subscriptions(
    stored: Subscriber, row: SubscriberRow
) -> tuple[dict[str, SubscriberStatus], tuple[RowReason, ...]]:
    before = stored.subscriptions
    if "newsletters" not in row.given:
        return before, ()
    after = dict.fromkeys(stored.declined, SubscriberStatus.UNSUBSCRIBED)
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


# The addresses in the file so far. A temporary table keeps a million of them on disk and not in
# memory. It has its own metadata, so that no migration includes it.
_seen: Final = sa.Table(
    "subscribers_import_seen",
    sa.MetaData(),
    sa.Column("email", sa.Text, primary_key=True),
    sa.Column("line", sa.Integer, nullable=False),
    prefixes=["TEMPORARY"],
    info={"keyed": True},
)

_one_subscription: Final = (subscription.c.subscriber_id == sa.bindparam("person")) & (
    subscription.c.newsletter == sa.bindparam("of")
)
# `consented_at` stays empty where a list does not say when its people agreed: the day of the import is not that day.
_INSERT: Final = sa.insert(subscription).values(
    subscriber_id=sa.bindparam("person"),
    newsletter=sa.bindparam("of"),
    status=sa.bindparam("state"),
    source=ConsentSource.IMPORT,
    consented_at=sa.bindparam("since"),
)
_UPDATE: Final = (
    sa.update(subscription).where(_one_subscription).values(status=sa.bindparam("state"))
)
_DELETE: Final = sa.delete(subscription).where(_one_subscription)
_UPDATE_SUBSCRIBER: Final = sa.update(subscriber).where(
    subscriber.c.id == sa.bindparam("person")
)


class ImportedRow(NamedTuple):
    """A row that was applied: the subscriber before (None for a new one) and after."""

    row: SubscriberRow
    before: Subscriber | None
    merged: MergeResult


def clear_seen_addresses(connection: sa.Connection) -> None:
    connection.execute(CreateTable(_seen, if_not_exists=True))
    connection.execute(sa.delete(_seen))


def split_repeated(
    connection: sa.Connection, rows: Sequence[SubscriberRow]
) -> tuple[list[SubscriberRow], list[BadRow]]:
    """Separate the rows whose address is new in this file from those that repeat one."""
    emails = [row.subscriber.email for row in rows]
    query = sa.select(_seen.c.email, _seen.c.line).where(_seen.c.email.in_(emails))
    lines = dict(connection.execute(query).all())
    firsts, repeats = [], []
    for row in rows:
        line = lines.setdefault(row.subscriber.email, row.line)
        if line == row.line:
            firsts.append(row)
        else:
            reason = RowReason("same address as line %(line)s", line=line)
            repeats.append(BadRow(row.line, "email", reason))
    new = [{"email": row.subscriber.email, "line": row.line} for row in firsts]
    _run(connection, sa.insert(_seen), new)
    return firsts, repeats


def split_erased(
    connection: sa.Connection,
    rows: Sequence[SubscriberRow],
    digest: store.AddressDigest,
    returned: Collection[str],
) -> tuple[list[SubscriberRow], list[BadRow], frozenset[str]]:
    """Separate the rows that may be imported from those whose address was erased.

    Erased addresses among `returned`, which are identities, may come back; those that do are the third value.
    """
    erased = store.erased_among(connection, [row.subscriber.email for row in rows], digest)
    back = frozenset(erased.keys() & set(returned))
    allowed, refused = [], []
    for row in rows:
        email = row.subscriber.email
        if email in erased and email not in back:
            refused.append(BadRow(row.line, "email", _why_erased(erased[email])))
        else:
            allowed.append(row)
    return allowed, refused, back


def _why_erased(erased: store.ErasedAddress) -> RowReason:
    day = f"{erased.erased_at:%Y-%m-%d}"
    if erased.why is store.ErasureReason.ERASED:
        return RowReason("was erased on %(day)s; only the subscriber can come back", day=day)
    return RowReason("refused all mail on %(day)s; only the subscriber can come back", day=day)


def merge_rows(connection: sa.Connection, rows: Sequence[SubscriberRow]) -> list[ImportedRow]:
    """Return what rows change of the subscribers on record. No two may share an address."""
    stored = store.find_subscribers(connection, [row.subscriber.email for row in rows])
    applied = []
    for row in rows:
        before = stored.get(row.subscriber.email)
        merged = merge_row(before, row) if before else MergeResult(row.subscriber)
        applied.append(ImportedRow(row, before, merged))
    return applied


def apply_rows(
    connection: sa.Connection, applied: Sequence[ImportedRow], now: datetime
) -> None:
    changed = [change for change in applied if change.before != change.merged.subscriber]
    _write_subscribers(connection, changed, now)
    _write_subscriptions(connection, changed)
    _write_events(connection, changed, now)


def _write_subscribers(
    connection: sa.Connection, changed: Sequence[ImportedRow], now: datetime
) -> None:
    new = [
        _values(change, now) | {"created_at": now}
        for change in changed
        if change.before is None
    ]
    old = [
        _values(change, now) | {"person": change.before.id}
        for change in changed
        if change.before is not None
    ]
    _run(connection, sa.insert(subscriber), new)
    _run(connection, _UPDATE_SUBSCRIBER, old)


def _values(change: ImportedRow, now: datetime) -> dict[str, Any]:
    person = change.merged.subscriber
    columns = ("email", "address", "name", "language", "timezone", "status")
    values = {name: getattr(person, name) for name in columns}
    return values | {"fields": dict(person.fields) or None, "updated_at": now}


def _write_subscriptions(connection: sa.Connection, changed: Sequence[ImportedRow]) -> None:
    ids = _ids(connection, [change.merged.subscriber.email for change in changed])
    added, moved, removed = [], [], []
    _write_consent(connection, changed, ids)
    for change in changed:
        before = change.before.subscriptions if change.before else {}
        after = change.merged.subscriber.subscriptions
        key = {"person": ids[change.merged.subscriber.email]}
        for name, state in after.items():
            if name not in before:
                since = change.row.consented_at if state is SubscriberStatus.ACTIVE else None
                added.append(key | {"of": name, "state": state, "since": since})
            elif before[name] is not state:
                moved.append(key | {"of": name, "state": state})
        removed += [key | {"of": name} for name in before.keys() - after.keys()]
    _run(connection, _INSERT, added)
    _run(connection, _UPDATE, moved)
    _run(connection, _DELETE, removed)


def _write_consent(
    connection: sa.Connection, changed: Sequence[ImportedRow], ids: Mapping[str, int]
) -> None:
    """Store when and from where new subscribers agreed, as far as the list says it."""
    rows = []
    for change in changed:
        person, since = change.merged.subscriber, change.row.consented_at
        if change.before is None and since is not None:
            wish = JoinWish(person.newsletters, person.language)
            rows.append((ids[person.email], wish, change.row.network, since))
    append_imported_consent(connection, rows)


def _write_events(
    connection: sa.Connection, changed: Sequence[ImportedRow], now: datetime
) -> None:
    events = [
        event
        for change in changed
        if change.before is not None
        for event in events_between(
            change.before, change.merged.subscriber, now, ConsentSource.IMPORT
        )
    ]
    append_events(connection, events)
    for event in events:
        if event.newsletter is None and event.after in WITHDRAWN_STATUSES:
            cancel_requests(connection, event.subscriber_id, None, now)


def _ids(connection: sa.Connection, emails: Sequence[str]) -> dict[str, int]:
    rows = connection.execute(
        sa.select(subscriber.c.email, subscriber.c.id).where(subscriber.c.email.in_(emails))
    )
    return dict(rows.all())


def _run(
    connection: sa.Connection, statement: sa.Executable, values: list[dict[str, Any]]
) -> None:
    # SQLAlchemy would execute the statement once, without values, for an empty list.
    if values:
        connection.execute(statement, values)
