"""What is stored of sources on the web: their states, and their entries.

A poll is filed in one transaction: its entries, and the validators with which the next one asks. So a poll that is
killed is done again, and nothing is lost or there twice.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from publisher.config.sources import PolledSourceSettings
from publisher.database.dialect.sql import upsert_by_key
from publisher.database.engine import chunks
from publisher.polling import identity
from publisher.polling.model import WebEntry
from publisher.polling.schedule import PollState
from publisher.polling.tables import polled_entry, polled_source

# Some entries show the time, or a number of readers: more changes than so many are none.
MAX_EDITS = 24
_MARKS = tuple(one.name for one in fields(identity.EntryMarks))
_STATE, _ENTRY = TypeAdapter(PollState), TypeAdapter(WebEntry)


def entry_to_json(entry: WebEntry) -> dict[str, Any]:
    """Return an entry as a JSON object, without what it does not say."""
    values: dict[str, Any] = _ENTRY.dump_python(entry, mode="json", exclude_defaults=True)
    return values


@dataclass(frozen=True, slots=True)
class PolledSource:
    """A source as it is stored. `result` and `reason` are of the last poll."""

    name: str
    configured_url: str
    state: PollState
    first_read_at: datetime | None = None
    last_read_at: datetime | None = None
    result: str = ""
    reason: str = ""
    is_paused: bool = False

    @property
    def next_at(self) -> datetime:
        return self.state.next_at

    @property
    def is_asked(self) -> bool:
        return not (self.is_paused or self.state.is_stopped)

    @property
    def has_failed(self) -> bool:
        """Whether the last poll has failed, or nothing is asked any more."""
        return self.state.errors > 0 or self.state.is_stopped


@dataclass(frozen=True, slots=True, kw_only=True)
class FilingRules:
    """How entries are filed: when they are ready, and since when they are news."""

    now: datetime
    settle: timedelta  # how long an entry has to stay the same before it is news
    # What was published until then is an archive; None if nothing is.
    archive_until: datetime | None = None
    # What is older than this and than all known entries that are shown is an archive, too: the source shows more now.
    first_read_at: datetime | None = None

    def shown_beside(self, known: Iterable[WebEntry]) -> "FilingRules":
        """Return the rules for new entries that are shown beside known ones."""
        dates = [one.published for one in known if one.published]
        if self.first_read_at is None or not dates:
            return self
        return replace(self, archive_until=min(self.first_read_at, *dates))


@dataclass(frozen=True, slots=True)
class Filed:
    """What a poll brought: numbers of entries. `known` are those that were stored before, `waiting` are not news yet."""

    new: int = 0
    changed: int = 0
    withdrawn: int = 0
    known: int = 0
    waiting: int = 0


# Sources


def list_polled(connection: sa.Connection) -> dict[str, PolledSource]:
    rows = connection.execute(sa.select(polled_source)).mappings()
    return {row["name"]: _source(dict(row)) for row in rows}


def _source(row: dict[str, Any]) -> PolledSource:
    del row["next_at"]
    return PolledSource(**{**row, "state": _STATE.validate_python(row["state"])})


def save_polled(connection: sa.Connection, sources: Sequence[PolledSource]) -> None:
    rows = [
        {
            **asdict(one),
            "state": _STATE.dump_python(one.state, mode="json"),
            "next_at": one.next_at,
        }
        for one in sources
    ]
    if rows:
        connection.execute(upsert_by_key(connection, polled_source), rows)


def rename_polled(connection: sa.Connection, former: str, name: str) -> None:
    here = polled_source.c.name == former
    connection.execute(sa.update(polled_source).where(here).values(name=name))


def renamed_polled(
    settings: Mapping[str, PolledSourceSettings], stored: Mapping[str, PolledSource]
) -> dict[str, str]:
    """Return the new names of sources by their former ones: the same address, and one of each. Pure."""
    gone = [one for name, one in stored.items() if name not in settings]
    new = [one for name, one in settings.items() if name not in stored]
    pairs = [(a.name, b.name) for a in gone for b in new if a.configured_url == b.address]
    former, names = [a for a, _b in pairs], [b for _a, b in pairs]
    return {a: b for a, b in pairs if former.count(a) == names.count(b) == 1}


def pause(connection: sa.Connection, name: str, now: datetime, *, is_paused: bool) -> bool:
    """Pause a source, or let it be asked from now on, also if it had stopped. Return whether it is stored."""
    one = list_polled(connection).get(name)
    if one is None:
        return False
    state = one.state if is_paused else replace(one.state, next_at=now, is_stopped=False)
    save_polled(connection, [replace(one, state=state, is_paused=is_paused)])
    return True


# Entries


def known_marks(connection: sa.Connection, source: str) -> dict[str, identity.EntryMarks]:
    columns = polled_entry.c["key", *_MARKS]
    rows = connection.execute(sa.select(*columns).where(polled_entry.c.source == source))
    return {key: identity.EntryMarks(*marks) for key, *marks in rows}


def file_entries(
    connection: sa.Connection, source: str, entries: Iterable[WebEntry], rules: FilingRules
) -> Filed:
    """Store the entries of a poll; return what is new or has changed. What the poll lacks stays as it is."""
    shown = [*entries]
    known = known_marks(connection, source)
    found = identity.recognise(shown, known)
    here = polled_entry.c.source == source
    keys = [one.key for one in found if one.key is not None]
    chosen = sa.select(polled_entry).where(here, polled_entry.c.key.in_(keys))
    before = {row["key"]: dict(row) for row in connection.execute(chosen).mappings()}
    rules = rules.shown_beside(one.entry for one in found if one.key is not None)
    taken = {*known}
    rows, new, changed, withdrawn = list[dict[str, Any]](), 0, 0, 0
    for one in found:
        if one.key is None and one.entry.expired:
            continue
        if one.key is None:
            rows.append(_new_row(source, one, taken, rules))
            new += 1
        elif (row := _changed_row(before[one.key], one, rules)) is not None:
            rows.append(row)
            is_gone = row["is_withdrawn"] and not before[one.key]["is_withdrawn"]
            withdrawn += is_gone
            changed += row["edits"] != before[one.key]["edits"]
    if rows:
        connection.execute(upsert_by_key(connection, polled_entry), rows)
        _join_stories(connection, source, rows, rules.now)
        _show_copies_again(connection, source, rows, before, rules.now)
    waiting = sum(row["ready_at"] > rules.now for row in rows)
    return Filed(new, changed, withdrawn, len(keys), waiting)


def _new_row(
    source: str, one: identity.Recognised, taken: set[str], rules: FilingRules
) -> dict[str, Any]:
    key = identity.key_for(one.marks, taken)
    taken.add(key)
    published = one.entry.published or rules.now
    is_archive = rules.archive_until is not None and published < rules.archive_until
    return {
        **asdict(one.marks),
        "source": source,
        "key": key,
        "edits": 0,
        "entry": entry_to_json(one.entry),
        "story": key,
        "first_seen_at": rules.now,
        "ready_at": rules.now if is_archive else rules.now + rules.settle,
        "is_archive": is_archive,
        "is_withdrawn": False,
    }


def _changed_row(
    before: dict[str, Any], one: identity.Recognised, rules: FilingRules
) -> dict[str, Any] | None:
    """Return the row of a known entry, None if it stays as it is."""
    if one.entry.expired:
        gone = {"is_withdrawn": True, "ready_at": rules.now}
        return None if before["is_withdrawn"] else {**before, **gone}
    marks = asdict(one.marks)
    shown = {name: before[name] for name in identity.SHOWN_MARKS}
    is_edited = before["is_withdrawn"] or tuple(shown.values()) != one.marks.shown
    if is_edited and before["edits"] < MAX_EDITS:
        was_picked_up = before["ready_at"] <= rules.now
        # A date that is moved later makes no news.
        published = _ENTRY.validate_python(before["entry"]).published or one.entry.published
        return {
            **before,
            **marks,
            "entry": entry_to_json(replace(one.entry, published=published)),
            "edits": before["edits"] + 1,
            "ready_at": rules.now + (timedelta() if was_picked_up else rules.settle),
            "is_withdrawn": False,
        }
    renamed = {**before, **marks, **shown}
    return None if renamed == before else renamed


def _join_stories(
    connection: sa.Connection, source: str, rows: Sequence[dict[str, Any]], now: datetime
) -> None:
    """Let entries be one story that name each other as translations; the story of the first one stays.

    What only one side says counts for nothing: any page may name another.
    """
    links = {
        identity.bare_link(url)
        for row in rows
        for _tag, url in row["entry"].get("translations", ())
    }
    if not links:
        return
    table = polled_entry.c
    columns = table["key", "link", "story", "entry", "first_seen_at", "ready_at"]
    keys = [row["key"] for row in rows]
    here = (table.source == source) & (table.link.in_(links) | table.key.in_(keys))
    found = connection.execute(sa.select(*columns).where(here)).mappings().all()
    # That in the main language often has the shortest address.
    in_order = sorted(found, key=lambda o: (o["first_seen_at"], len(o["key"]), o["key"]))
    ready = {row["key"]: max(row["ready_at"], now) for row in found}
    for key, story in joined_stories([dict(row) for row in in_order]).items():
        change = sa.update(polled_entry).where(table.source == source, table.key == key)
        connection.execute(change.values(story=story, ready_at=ready[key]))


def joined_stories(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the new stories of entries by key, of rows in the order in which they were first seen. Pure."""
    names = [
        {identity.bare_link(url) for _tag, url in row["entry"].get("translations", ())}
        for row in rows
    ]
    stories = [row["story"] for row in rows]
    for later, row in enumerate(rows):
        for first in range(later):
            other = rows[first]
            if row["link"] in names[first] and other["link"] in names[later]:
                stories[later] = stories[first]
                break
    return {
        row["key"]: story
        for row, story in zip(rows, stories, strict=True)
        if story != row["story"]
    }


def _show_copies_again(
    connection: sa.Connection,
    source: str,
    rows: Sequence[Mapping[str, Any]],
    before: Mapping[str, Mapping[str, Any]],
    now: datetime,
) -> None:
    """Let other sources' entries be picked up that were copies of entries as these have been `before`."""
    names = ("link", "title", "is_withdrawn")
    known = [(one, before[one["key"]]) for one in rows if one["key"] in before]
    links = {old["link"] for one, old in known if any(one[n] != old[n] for n in names)} - {""}
    others = (polled_entry.c.source != source) & (polled_entry.c.ready_at <= now)
    for some in chunks(sorted(links)):
        change = sa.update(polled_entry).where(others, polled_entry.c.link.in_(some))
        connection.execute(change.values(ready_at=now))


_other = polled_entry.alias()


def copied_entries(
    connection: sa.Connection,
    source: str,
    keys: Sequence[str],
    sites: Callable[[], Mapping[str, str]],
) -> set[str]:
    """Return the keys of those entries of a source that another one has, too: at the same address, with the same title.

    The first source keeps it. On its own site a source is the first, whenever its entry came: otherwise another one that
    guesses its addresses could have its articles left out. `sites` returns the host of each source, in their order.
    """
    own = polled_entry.c
    both = (own.link == _other.c.link) & (_other.c.source != own.source)
    marks = (own.key, own.link, own.title, own.first_seen_at)
    query = sa.select(*marks, *_other.c["source", "title", "first_seen_at"])
    query = query.join_from(polled_entry, _other, both).where(own.source == source)
    query = query.where(own.link != "", ~_other.c.is_withdrawn)
    rows = [
        row
        for some in chunks(keys)
        for row in connection.execute(query.where(own.key.in_(some)))
        if identity.has_same_title(row[2], row[5])
    ]
    hosts = sites() if rows else {}
    order = {name: place for place, name in enumerate(hosts)}

    def rank(name: str, link: str, seen: datetime) -> tuple[bool, datetime, int]:
        return not identity.stands_at(link, hosts[name]), seen, order[name]

    return {
        key
        for key, link, _title, seen, name, _other_title, other_seen in rows
        if name in hosts and rank(name, link, other_seen) < rank(source, link, seen)
    }


@dataclass(frozen=True, slots=True)
class ReadyEntry:
    """An entry that is to be picked up. `signature` changes with what readers see of it."""

    key: str
    signature: str
    is_withdrawn: bool
    is_archive: bool
    ready_at: datetime


def ready_entries(
    connection: sa.Connection, source: str, since: datetime | None, now: datetime
) -> list[ReadyEntry]:
    """Return the entries of a source that have become ready since an instant, all if it is None, until now."""
    table = polled_entry.c
    signature = table.content_hash + " " + table.link + " " + table.story
    query = sa.select(table.key, signature, *table["is_withdrawn", "is_archive", "ready_at"])
    query = query.where(table.source == source, table.ready_at <= now)
    if since is not None:
        query = query.where(table.ready_at >= since)
    in_order = query.order_by(table.first_seen_at, sa.func.length(table.key), table.key)
    rows = connection.execute(in_order)
    return [ReadyEntry(*row) for row in rows]


def last_ready(connection: sa.Connection, now: datetime) -> Mapping[str, datetime]:
    """Return when an entry of each source has become ready last."""
    table = polled_entry.c
    query = sa.select(table.source, sa.func.max(table.ready_at)).where(table.ready_at <= now)
    return dict(connection.execute(query.group_by(table.source)).all())


@dataclass(frozen=True, slots=True)
class KeptEntry:
    """An entry with what its source does not say of it. `story` is the key of the story that it is part of."""

    entry: WebEntry
    story: str
    first_seen_at: datetime
    is_archive: bool


def read_entry(connection: sa.Connection, source: str, key: str) -> KeptEntry | None:
    columns = polled_entry.c["entry", "story", "first_seen_at", "is_archive"]
    here = (polled_entry.c.source == source) & (polled_entry.c.key == key)
    row = connection.execute(sa.select(*columns).where(here)).one_or_none()
    return KeptEntry(_ENTRY.validate_python(row[0]), *row[1:]) if row else None
