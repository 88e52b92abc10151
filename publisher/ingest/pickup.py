"""Pick up articles: bring the database in line with what each source shows.

Here renamed and removed sources are recognised. `publisher.ingest.source_pickup` picks up one source.
A source that can't be read changes nothing, and the others are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime

from sqlalchemy import Connection

from publisher.config import Settings, SourceSettings
from publisher.database import Database
from publisher.fault_isolation import isolated
from publisher.ingest import item_state, link_update, script_conversion, story_keys
from publisher.ingest.held_sources import save_failures
from publisher.ingest.item_state import ItemId
from publisher.ingest.source_pickup import PickedUp, ReadProgress, SourcePickup, open_source


def _read_polled(
    polled: Sequence[SourcePickup],
    absent: frozenset[ItemId],
    total: PickedUp,
    failed: dict[str, str],
    progress: ReadProgress | None,
) -> None:
    """Read what is new in sources that were polled; `absent` are items of sources that are gone."""
    new = sum(one.new_documents for one in polled)
    checked, read = list[SourcePickup](), list[SourcePickup]()
    for one in polled:
        with _collecting(total, failed, one.name):
            absent |= one.hold_sudden_loss(new)
            checked.append(one)
    for one in checked:
        with _collecting(total, failed, one.name):
            one.read(absent, progress)
            read.append(one)
    for one in read:
        with _collecting(total, failed, one.name):
            one.finish()


def pick_up(
    settings: Settings, database: Database, now: datetime, progress: ReadProgress | None = None
) -> PickedUp:
    """Read new and changed items of every source; withdraw articles whose items are gone."""
    total = PickedUp()
    with database.reading() as connection:
        stored = item_state.stored_sources(connection)
        former = renamed_sources(stored, settings.sources)
        kept = {source.name for source in settings.sources} | set(former.values())
        gone = [name for name in stored if name not in kept]
        dropped = item_state.items_of(connection, gone)
    polled, failed = list[SourcePickup](), dict[str, str]()
    for options in settings.sources:
        with _collecting(total, failed, options.name):
            source = open_source(settings, options)
            one = SourcePickup(settings, options, source, database, now, total)
            one.poll(former.get(options.name, options.name))
            polled.append(one)
    _read_polled(polled, frozenset(dropped), total, failed, progress)
    with database.writing() as connection:
        # Millions of links are compared between two statements.
        database.allow_pause(connection)
        save_failures(connection, failed, now)
        # A wrong path in publication.toml must not withdraw what the right one held.
        if gone and not total.problems:
            _forget_sources(connection, settings, gone, dropped, now, total)
        with isolated("conversions of scripts", total.problems.append, connection):
            script_conversion.update_conversions(connection, settings, now)
        with isolated("links between articles", total.problems.append, connection):
            link_update.update_links(connection, settings, now)
        total.quarantined = item_state.count_quarantined(connection)
    return total


def _collecting(
    total: PickedUp, failed: dict[str, str], source: str
) -> AbstractContextManager[None]:
    def report(problem: str) -> None:
        failed[source] = problem
        total.problems.append(problem)

    return isolated(f"source {source}", report)


def renamed_sources(
    stored: Mapping[str, str], sources: Iterable[SourceSettings]
) -> dict[str, str]:
    """Return the former names of sources that were renamed, by their names now. Pure.

    `stored` has the kinds by name. A source was renamed if of its kind exactly one new source is
    configured, and exactly one stored source is not any more.
    """
    configured = {source.name: source.kind for source in sources}
    found = {}
    for kind in set(configured.values()):
        new = [name for name in configured if configured[name] == kind and name not in stored]
        gone = [name for name in stored if stored[name] == kind and name not in configured]
        if len(new) == len(gone) == 1:
            found[new[0]] = gone[0]
    return found


def _forget_sources(
    connection: Connection,
    settings: Settings,
    sources: Sequence[str],
    items: Sequence[ItemId],
    now: datetime,
    total: PickedUp,
) -> None:
    """Forget the items of sources that are no longer in publication.toml."""
    orphans = [
        number
        for source, key in items
        for number in item_state.forget_items(connection, source, [key])
    ]
    for source in sources:
        item_state.forget_source(connection, source)
    touched = story_keys.withdraw_articles(
        connection, orphans, settings.publication.languages, now
    )
    script_conversion.mark_for_conversion(connection, touched)
    total.removed += len(orphans)
