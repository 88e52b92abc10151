"""Who left, complained, was erased, or whose mail was returned: kept in files beside the database.

A database that was restored knows nothing of those who left since it was copied, and would write to them.
So every run of delivery appends changes of consent to `var/journal/<day>.left` before it sends, and every
fifteen seconds while it does. `publisher recover` applies those that close a record or a subscription. Nobody is
named but by number; who was erased by the keyed hash that the database has as well.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select

from publisher.app.subscribers.records import address_digest, erase_person
from publisher.clock import Clock, uptime
from publisher.config import Settings
from publisher.database import Database
from publisher.database.dialect.sql import skip_lost_ids
from publisher.delivery.lineage import witness
from publisher.delivery.lineage.witness import PAGES_AHEAD, Lineage
from publisher.log import log
from subscribers.changes import store_change
from subscribers.consent import close_record, leave_newsletter, may_receive_mail
from subscribers.errors import RefusedTransitionError
from subscribers.model import ConsentSource, SubscriberStatus
from subscribers.store import load_subscriber
from subscribers.tables import erased_address, subscriber, subscriber_event

SECONDS_BETWEEN_RECORDS = 15.0
_SUFFIX = "left"
# Changes in one line, and subscribers whose hashes are computed at a time.
_CHANGES, _PAGE = 500, 10_000
# An erasure may be stored so long after its instant: it waits for other writers, and instants are whole seconds.
_OVERLAP = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class RecordedChange:
    """A change of consent, as the history has it. Without a newsletter it is that of the record."""

    id: int
    subscriber_id: int
    newsletter: str | None
    after: str | None
    source: str


_EVENT = [subscriber_event.c[name] for name in RecordedChange.__dataclass_fields__]


@dataclass(frozen=True, slots=True)
class DepartureLine:
    """A line: database and page, what is recorded by it, the changes since the last line. `erased_until` is as the database stores it."""

    incarnation: str
    page: int
    last_id: int
    erased_until: str
    changes: Sequence[Any] = ()
    erased: Sequence[str] = ()


@dataclass(slots=True)
class DepartureRecorder:
    """Records who left, at most every fifteen seconds."""

    settings: Settings
    database: Database
    clock: Clock
    _recorded_at: float | None = None

    def __call__(self) -> None:
        """Record it, if that was long ago. Raise StorageError."""
        now = uptime()
        if self._recorded_at is None or now - self._recorded_at >= SECONDS_BETWEEN_RECORDS:
            record_departures(self.settings, self.database, self.clock.now())
            self._recorded_at = now


def record_departures(settings: Settings, database: Database, now: datetime) -> None:
    """Append what has changed since the last line; in a database that was put back, first end again what has ended. Raise StorageError."""
    if not settings.delivery.journal:
        return
    with database.reading() as connection:
        found = witness.read_lineage(connection)
        if found is None or found.copied_at or found.quarantine_reason:
            return
        folders = witness.witness_folders(settings)
        lasts = {folder: _last_line(folder, found) for folder in folders}
        was_put_back = any(_is_behind(connection, last) for last, _written in lasts.values())
    if was_put_back:
        _apply_again(settings, database, found, now)
    with database.reading() as connection:
        for folder, (line, written) in lasts.items():
            # After that, new changes have numbers that others had.
            last = replace(line, last_id=0) if was_put_back else line
            while new := _next_line(connection, found, last, written, now):
                witness.append_values(folder, _SUFFIX, [*astuple(new)], now)
                last = new
                written.update(new.erased)


def _is_behind(connection: Connection, last: DepartureLine) -> bool:
    """Return whether a database lacks the last change that a line says.

    The witness shows that a database was put back only after mail was sent. This may also be true if somebody
    was erased, or a newsletter renamed: then nothing that the files say has ended is open.
    """
    if not last.changes:
        return False
    newest = connection.scalar(select(func.max(subscriber_event.c.id))) or 0
    recorded = RecordedChange(*last.changes[-1])
    query = select(*_EVENT).where(subscriber_event.c.id == recorded.id)
    row = connection.execute(query).one_or_none()
    return RecordedChange(*row) != recorded if row else newest < recorded.id


def _apply_again(settings: Settings, database: Database, found: Lineage, now: datetime) -> None:
    """Close what the files say was closed, and give no new subscriber a number of theirs."""
    with database.writing() as connection:
        skip_lost_ids(connection, subscriber)
        departures = Departures()
        departures.read(connection, witness.witness_folders(settings), found)
        left = departures.apply(connection, settings, now)
    log.warning("the database was put back: who left since gets no mail", left=left)


def _last_line(folder: Path, found: Lineage) -> tuple[DepartureLine, set[str]]:
    """Return the last line about this database, with all changes of its day, and who was erased that day; nothing after a recovery."""
    last, written = None, set[str]()
    for file in reversed(witness.day_files(folder, _SUFFIX)):
        for line in _lines([file]):
            if line.incarnation == found.incarnation and found.page - line.page < PAGES_AHEAD:
                last = replace(line, changes=line.changes or (last.changes if last else ()))
                written.update(line.erased)
        if last is not None:
            return last, written
    return DepartureLine(found.incarnation, found.page, 0, ""), written


def _next_line(
    connection: Connection,
    found: Lineage,
    last: DepartureLine,
    written: Collection[str],
    now: datetime,
) -> DepartureLine | None:
    since = f"{now - timedelta(days=witness.KEEP_DAYS):%Y-%m-%dT%H:%M:%SZ}"
    event, gone = subscriber_event.c, erased_address.c
    query = select(*_EVENT).where(
        event.id > last.last_id, event.at > datetime.fromisoformat(since)
    )
    changes = [
        tuple(row) for row in connection.execute(query.order_by(event.id).limit(_CHANGES))
    ]
    after = last.erased_until or since
    begin = datetime.fromisoformat(after) - _OVERLAP
    query = select(gone.digest, gone.erased_at).where(gone.erased_at > begin)
    erased = [row for row in connection.execute(query) if row.digest not in written]
    if not changes and not erased:
        return None
    until = max((after, *(f"{row.erased_at:%Y-%m-%dT%H:%M:%SZ}" for row in erased)))
    last_id = int(changes[-1][0]) if changes else last.last_id
    digests = [row.digest for row in erased]
    return DepartureLine(found.incarnation, found.page, last_id, until, changes, digests)


def _lines(files: Iterable[Path]) -> Iterator[DepartureLine]:
    for values in witness.read_values(files):
        yield DepartureLine(*values)


# --- after a restore


@dataclass(slots=True)
class Departures:
    """What the files say that a database does not know: who was erased, and the last change of each subscription, with its page."""

    changes: dict[tuple[int, str | None], tuple[int, RecordedChange]] = field(
        default_factory=dict
    )
    # Hashes of addresses, each with an instant at which it was erased already, as the database stores it.
    erased: dict[str, str] = field(default_factory=dict)

    def read(self, connection: Connection, folders: Iterable[Path], found: Lineage) -> None:
        files = (file for folder in folders for file in witness.day_files(folder, _SUFFIX))
        for line in _lines(files):
            if line.incarnation == found.incarnation and line.page >= found.page:
                self._add(line.page, _unknown(connection, line))
                for digest in line.erased:
                    self.erased[digest] = max(line.erased_until, self.erased.get(digest, ""))

    def _add(self, page: int, changes: Iterable[RecordedChange]) -> None:
        """Keep the last change of each subscription: folders of several machines are in no order."""
        for one in changes:
            key = one.subscriber_id, one.newsletter
            before = self.changes.get(key)
            if before is None or (before[0], before[1].id) < (page, one.id):
                self.changes[key] = page, one

    def apply(self, connection: Connection, settings: Settings, now: datetime) -> int:
        """Close what was closed since, and erase who was erased. Return how many subscribers left."""
        changes = (one for _page, one in self.changes.values())
        left = {one.subscriber_id for one in changes if _close(connection, one, now)}
        return len(left) + _erase_again(connection, settings, self.erased, now)


def _unknown(connection: Connection, line: DepartureLine) -> list[RecordedChange]:
    """Return the changes of a line that the database lacks, by all that they are: numbers are used again after a restore."""
    changes = [RecordedChange(*one) for one in line.changes]
    event = subscriber_event.c
    query = select(*_EVENT).where(event.id.in_([one.id for one in changes]))
    known = {RecordedChange(*row) for row in connection.execute(query)}
    return [one for one in changes if one not in known]


def _close(connection: Connection, change: RecordedChange, now: datetime) -> bool:
    """Apply a change if it closes a record or a subscription. Return whether anything changed."""
    person = load_subscriber(connection, change.subscriber_id)
    status = SubscriberStatus(change.after) if change.after else SubscriberStatus.UNSUBSCRIBED
    # Another number: somebody into whom that record was merged.
    if person is None or person.id != change.subscriber_id or may_receive_mail(status):
        return False
    source = ConsentSource(change.source)
    try:
        if change.newsletter is None:
            after = close_record(person, status, source)
        else:
            after = leave_newsletter(person, change.newsletter, source)
    except RefusedTransitionError:
        # What the record is by now is stronger.
        return False
    return store_change(connection, (person, after), now, source, "after a restore")


def _erase_again(
    connection: Connection, settings: Settings, erased: Mapping[str, str], now: datetime
) -> int:
    """Erase those on record whose address was erased; not who came back since, as by her own confirmation."""
    query = select(erased_address.c.digest)
    missing = erased.keys() - {*connection.execute(query).scalars()}
    if not missing:
        return 0
    digest, last, count = address_digest(settings), 0, 0
    columns = subscriber.c["id", "email", "created_at"]
    people = select(*columns).order_by(subscriber.c.id).limit(_PAGE)
    while page := connection.execute(people.where(subscriber.c.id > last)).all():
        last = page[-1].id
        for row in page:
            hashed = digest(row.email)
            if hashed in missing and f"{row.created_at:%Y-%m-%dT%H:%M:%SZ}" <= erased[hashed]:
                person = load_subscriber(connection, row.id)
                if person is not None:
                    erase_person(connection, settings, person, now)
                    count += 1
    return count
