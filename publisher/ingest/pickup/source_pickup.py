"""Pick up all sources: which of their items are new, changed, moved or withdrawn.

Renamed and removed sources are recognised. A source that can't be read changes nothing, and the others are
read. Items whose signature is unchanged are not read; of the others, the hash decides. A bad item is
quarantined with a reason and the rest goes on. Work is committed every ITEMS_PER_TRANSACTION items,
so it can be interrupted at any time. A `Source` reads the content: this module opens no files.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pkgutil import resolve_name
from typing import Self

from sqlalchemy import Connection

from publisher.config import Settings, SourceSettings
from publisher.config.sources import SOURCE_KINDS, PolledSourceSettings
from publisher.database import Database
from publisher.fault_isolation import isolated, stops_all
from publisher.ingest import problems as item_problems
from publisher.ingest.pickup import (
    link_update,
    script_conversion,
    source_items,
    story_keys,
    upsert,
)
from publisher.ingest.pickup.source_items import (
    ItemId,
    ItemParser,
    ItemResult,
    KnownItem,
    SourceState,
    archive_rule,
)
from publisher.ingest.sites.base import left_out_as_text
from publisher.ingest.sources.base import Item, Listing, Source
from publisher.log import log

# Increase this when parsers return something else for the same document: all are read again.
_PARSERS_VERSION = 9
# Items that are read, then stored in one transaction; a kill loses at most this much reading.
ITEMS_PER_TRANSACTION = 100

ReadProgress = Callable[[int, int], None]


@dataclass(slots=True)
class PickedUp:
    """The result of one pick-up, in numbers of documents."""

    new: int = 0
    changed: int = 0
    moved: int = 0
    removed: int = 0
    unchanged: int = 0
    quarantined: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def has_changes(self) -> bool:
        return bool(self.new or self.changed or self.removed)


@dataclass(frozen=True, slots=True)
class Changes:
    """What a listing changes: documents to read, keys that are withdrawn, files to record.

    `unchanged` is the number of documents that are listed and need not be read.
    """

    due: Sequence[Item]
    gone: Sequence[str]
    files: Sequence[Item]
    unchanged: int

    @classmethod
    def between(
        cls, listing: Listing, known: Mapping[str, KnownItem], now: datetime, *, read_all: bool
    ) -> Self:
        """Return what a listing changes; with `read_all`, all its documents are due.

        These documents are due: changed ones, those that show a changed file, those whose time has
        come to be read again and, if anything changed, those in quarantine, since the reason may be gone. Absence means withdrawal in complete listings only.
        """
        items = {item.key: item for item in listing.items}
        signatures = {key: item.signature for key, item in known.items()}
        changed = {
            k for k, i in items.items() if not i.signature or i.signature != signatures.get(k)
        }
        withdrawn = known if listing.is_complete else listing.withdrawn
        gone = [key for key in withdrawn if key in known and key not in items]
        files = {key for key in changed if not items[key].is_document} | set(gone)

        def is_due(item: Item) -> bool:
            before = known.get(item.key)
            if read_all or item.key in changed or before is None:
                return True
            if before.read_again_at is not None and before.read_again_at <= now:
                return True
            waits = before.reason is not None and bool(changed or gone)
            return waits or not files.isdisjoint(before.media)

        documents = [item for item in items.values() if item.is_document]
        due = [item for item in documents if is_due(item)]
        noted = [items[key] for key in items if key in files]
        return cls(due, gone, noted, len(documents) - len(due))


@dataclass(frozen=True, slots=True)
class Poll:
    """A poll of a source. `rules` are how its items are read now, the same as at the last pick-up or not."""

    listing: Listing
    changes: Changes
    rules: SourceState
    same_rules: bool


def open_source(
    settings: Settings, options: SourceSettings, database: Database, now: datetime
) -> Source:
    """Return a source by its settings. Raises SourceError."""
    factory = resolve_name(SOURCE_KINDS[options.kind].factory)
    source: Source = factory(options, settings, database, now)
    return source


def poll_source(
    source: Source,
    settings: Settings,
    options: SourceSettings,
    state: SourceState | None,
    known: Mapping[str, KnownItem],
    now: datetime,
) -> Poll:
    """Poll a source of which `state` and `known` are stored. Raises SourceError."""
    mark, left_out = (state.mark, state.left_out) if state else ("", "")
    rules = SourceState(options.kind, _fingerprint(settings, options), mark, left_out)
    same_rules = state == rules
    listing = source.poll(rules.mark if same_rules else "")
    same_rules = same_rules and not listing.read_all
    changes = Changes.between(listing, known, now, read_all=not same_rules)
    return Poll(listing, changes, rules, same_rules)


def _fingerprint(settings: Settings, options: SourceSettings) -> str:
    parts = (
        _PARSERS_VERSION,
        settings.publication.languages,
        settings.publication.timezone,
        options.model_dump(exclude={"kind", "name", "path", "first_import", *options.unread}),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()


@dataclass
class SourcePickup:
    """Picks up one source, and adds to the numbers of the pick-up."""

    settings: Settings
    options: SourceSettings
    source: Source
    database: Database
    now: datetime
    total: PickedUp

    @property
    def name(self) -> str:
        return self.options.name

    def poll(self, stored_as: str) -> None:
        """Poll the source, named `stored_as` in the database, before anything of it is stored. Raises SourceError."""
        with self.database.reading() as connection:
            state = source_items.source_state(connection, stored_as)
            self._known = source_items.known_items(connection, stored_as)
            imported_at = source_items.imported_at(connection, stored_as)
        polled = poll_source(
            self.source, self.settings, self.options, state, self._known, self.now
        )
        self._listing = listing = polled.listing
        self._same_rules, self._changes = polled.same_rules, polled.changes
        self._archive = archive_rule(
            self.options.first_import,
            is_site=listing.is_site,
            imported_at=imported_at,
            same_rules=self._same_rules,
            now=self.now,
        )
        self._keep_name(stored_as if state else None)
        left_out = left_out_as_text(listing.left_out)
        self._before = state
        self._after = replace(polled.rules, mark=listing.mark, left_out=left_out)

    @property
    def new_documents(self) -> int:
        """The number of documents that were not there before: some may have only moved."""
        return sum(item.key not in self._known for item in self._changes.due)

    def hold_sudden_loss(self, moved: int) -> frozenset[ItemId]:
        """Withdraw nothing if most articles are gone, until that is accepted; return the gone items.

        `moved` is how many of them may be among the new documents of all sources.
        """
        articles = [key for key, item in self._known.items() if item.article_id is not None]
        gone = {*self._changes.gone}
        lost = sum(key in gone for key in articles) - moved
        held = item_problems.HeldSource(self.name, lost, len(articles))
        is_sudden = self._listing.is_complete and item_problems.is_sudden_loss(
            lost, len(articles)
        )
        with self.database.reading() as connection:
            is_known = any(
                source.source == self.name
                for source in item_problems.list_held_sources(connection)
            )
        if is_sudden or is_known:
            with self.database.writing() as connection:
                if is_sudden and item_problems.hold_source(connection, held, self.now):
                    log.warning(
                        "source held", source=self.name, lost=lost, articles=len(articles)
                    )
                    self._changes = replace(self._changes, gone=())
                    # The next poll must show again what is gone.
                    mark = self._before.mark if self._before else ""
                    self._after = replace(self._after, mark=mark)
                else:
                    item_problems.release_source(connection, self.name)
        return frozenset((self.name, key) for key in self._changes.gone)

    def read(self, absent: Collection[ItemId], progress: ReadProgress | None) -> None:
        """Read and store what the poll has found. Raises SourceError.

        `absent` are the withdrawn items of all sources: an item may have moved to this one.
        """
        self.total.unchanged += self._changes.unchanged
        conflicts = self._read_all(self._changes.due, absent, progress)
        # An item that takes its new place may free the place of another.
        while (left := self._read_all(conflicts, absent)) != conflicts:
            conflicts = left
        self.total.unchanged += len(conflicts)

    def _keep_name(self, stored_as: str | None) -> None:
        """Store the source under its name, None if it is new."""
        name = self.name
        if stored_as == name:
            return
        with self.database.writing() as connection:
            if stored_as is None:
                source_items.add_source(connection, name, SourceState(self.options.kind))
            else:
                log.info("source renamed", former=stored_as, name=name)
                source_items.rename_source(connection, stored_as, name)

    def _read_all(
        self,
        due: Sequence[Item],
        absent: Collection[ItemId],
        progress: ReadProgress | None = None,
    ) -> list[Item]:
        """Read and store items; return those whose story has another item in this language."""
        conflicts: list[Item] = []
        parser = ItemParser(
            *(self.source, self.settings, self.options, self.now), force=not self._same_rules
        )
        for start in range(0, len(due), ITEMS_PER_TRANSACTION):
            portion = due[start : start + ITEMS_PER_TRANSACTION]
            read = list[ItemResult]()
            for item in portion:
                if progress:  # it may stop here: a large picture takes seconds
                    progress(start + len(read), len(due))
                read.append(parser.read(item, self._known.get(item.key)))
            try:
                conflicts += self._store(read, absent)
            except Exception as error:
                if stops_all(error):
                    raise
                for result in read:
                    conflicts += self._store_apart(result, absent)
            if progress:
                progress(start + len(portion), len(due))
        return conflicts

    def _store_apart(self, one: ItemResult, absent: Collection[ItemId]) -> list[Item]:
        """Store one item, or quarantine it if it can't be stored. Return it if it is a conflict."""
        reasons = list[str]()
        conflicts = list[Item]()
        with isolated(one.item.key, reasons.append):
            conflicts = self._store([one], absent)
        for reason in reasons:
            # Read again: the next version may store it.
            item = replace(one.item, signature="")
            self._store([ItemResult(item=item, sha256="", reason=reason)], absent)
        return conflicts

    def _store(self, read: Sequence[ItemResult], absent: Collection[ItemId]) -> list[Item]:
        """Store items in one transaction, and count them; return the conflicts."""
        same = [result.item for result in read if result.is_unchanged]
        with self.database.writing() as connection:
            # Another process may have removed a picture that no stored article had until now.
            changed = [entry for entry in read if not entry.is_unchanged]
            results = [entry for entry in changed if all(p.exists() for p in entry.placed)]
            conflicts = [entry.item for entry in changed if entry not in results]
            source_items.save_signatures(connection, self.name, same)
            outcomes = upsert.upsert_articles(
                *(connection, self.settings, self.name, results, absent, self.now),
                archive=self._archive,
            )
        self.total.unchanged += len(same)
        for result, outcome in zip(results, outcomes, strict=True):
            if outcome == "conflict":
                conflicts.append(result.item)
            else:
                setattr(self.total, outcome, getattr(self.total, outcome) + 1)
        return conflicts

    def finish(self) -> None:
        """Withdraw what is gone, and store how far the source was read.

        Call it when all sources are read: an item that moved between them stays the same article.
        """
        link_update.update_pages(self.database, self.name, self.source, self._listing)
        gone, files = self._changes.gone, self._changes.files
        if not gone and not files and self._before == self._after:
            return
        source = self.name
        with self.database.writing() as connection:
            orphans = source_items.forget_items(connection, source, gone)
            touched = story_keys.withdraw_articles(
                connection, orphans, self.settings.publication.languages, self.now
            )
            script_conversion.mark_for_conversion(connection, touched)
            self.total.removed += len(orphans)
            source_items.save_files(connection, source, files)
            source_items.set_source_state(connection, source, self._after)
            source_items.finish_first_import(connection, source, self.now)


def _read_polled(
    polled: Sequence[SourcePickup],
    absent: frozenset[ItemId],
    total: PickedUp,
    failed: dict[str, str],
    progress: ReadProgress | None,
) -> None:
    """Read what is new in sources that were polled; `absent` are items of sources that are gone."""
    new = sum(pickup.new_documents for pickup in polled)
    checked, read = list[SourcePickup](), list[SourcePickup]()
    for pickup in polled:
        with _collecting(total, failed, pickup.name):
            absent |= pickup.hold_sudden_loss(new)
            checked.append(pickup)
    for pickup in checked:
        with _collecting(total, failed, pickup.name):
            pickup.read(absent, progress)
            read.append(pickup)
    for result in read:
        with _collecting(total, failed, result.name):
            result.finish()


def pick_up(
    settings: Settings, database: Database, now: datetime, progress: ReadProgress | None = None
) -> PickedUp:
    """Read new and changed items of every source; withdraw articles whose items are gone."""
    total = PickedUp()
    with database.reading() as connection:
        stored = source_items.stored_sources(connection)
        former = former_names(connection, stored, settings.sources)
        gone = stored.keys() - {one.name for one in settings.sources} - {*former.values()}
        dropped = source_items.items_of(connection, gone)
        articles = source_items.count_articles_of_sources(connection) if gone else {}
        idle = _idle_sources(connection, settings, now)
    polled, failed = list[SourcePickup](), dict[str, str]()
    for options in (one for one in settings.sources if one.name not in idle):
        with _collecting(total, failed, options.name):
            source = open_source(settings, options, database, now)
            one = SourcePickup(settings, options, source, database, now, total)
            one.poll(former.get(options.name, options.name))
            polled.append(one)
    _read_polled(polled, frozenset(dropped), total, failed, progress)
    with database.writing() as connection:
        # Millions of links are compared between two statements.
        database.allow_pause(connection)
        item_problems.save_failures(connection, failed, now)
        # A wrong path in publication.toml must not withdraw what the right one held.
        if gone and not total.problems:
            counts = {name: articles.get(name, 0) for name in gone}
            _forget_sources(connection, settings, counts, dropped, now, total)
        with isolated("conversions of scripts", total.problems.append, connection):
            script_conversion.update_conversions(connection, settings, now)
        with isolated("links between articles", total.problems.append, connection):
            link_update.update_links(connection, settings, now)
        total.quarantined = source_items.count_quarantined(connection)
    return total


def _idle_sources(connection: Connection, settings: Settings, now: datetime) -> frozenset[str]:
    """Return the sources on the web whose entries all are picked up: there may be a thousand of them."""
    polled = [one for one in settings.sources if isinstance(one, PolledSourceSettings)]
    if not polled:
        return frozenset()
    from publisher.polling.store import last_ready  # most publications have folders alone

    last = last_ready(connection, now)
    stored = source_items.source_states(connection)
    # One that is back is held no longer.
    held = {one.source for one in item_problems.list_held_sources(connection)}

    def is_idle(options: SourceSettings) -> bool:
        state, ready_at = stored.get(options.name), last.get(options.name)
        is_same = state is not None and state.fingerprint == _fingerprint(settings, options)
        if state is None or not is_same or options.name in held:
            return False
        return ready_at is None or (
            bool(state.mark) and datetime.fromisoformat(state.mark) > ready_at
        )

    return frozenset(one.name for one in polled if is_idle(one))


def _collecting(
    total: PickedUp, failed: dict[str, str], source: str
) -> AbstractContextManager[None]:
    def report(problem: str) -> None:
        failed[source] = problem
        total.problems.append(problem)

    return isolated(f"source {source}", report)


def former_names(
    connection: Connection, stored: Mapping[str, str], sources: Collection[SourceSettings]
) -> dict[str, str]:
    """Return the former names of sources that were renamed, by their names now.

    On the web, a source at another address is another one: its poll renames what has the same address. What was
    removed and is held has stayed for a while, so a source that is added now is none of that.
    """
    held, configured = item_problems.list_held_sources(connection), {o.name for o in sources}
    removed = {one.source for one in held} - configured
    left = {name: kind for name, kind in stored.items() if name not in removed}
    on_web = {one.name: one for one in sources if isinstance(one, PolledSourceSettings)}
    found = renamed_sources(left, [one for one in sources if one.name not in on_web])
    if not on_web:
        return found
    from publisher.polling.store import list_polled, renamed_polled  # as above

    polled = list_polled(connection)
    moved = {n: kind for n, kind in left.items() if n not in polled and n not in on_web}
    found |= renamed_sources(moved, [one for n, one in on_web.items() if n not in stored])
    waiting = renamed_polled(on_web, polled)
    return found | {name: former for former, name in waiting.items() if former in stored}


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


def _hold_removed(
    connection: Connection, counts: Mapping[str, int], now: datetime
) -> frozenset[str]:
    """Hold those of which many articles are left, until somebody accepts that they go; return their names.

    `counts` is how many each had. What moved to other sources since is not lost.
    """
    left, held = source_items.count_articles_of_sources(connection), set[str]()
    for source, articles in counts.items():
        lost = left.get(source, 0)
        removed = item_problems.HeldSource(source, lost, articles)
        is_sudden = item_problems.is_sudden_loss(lost, articles)
        if is_sudden and item_problems.hold_source(connection, removed, now):
            log.warning("source held", source=source, lost=lost, articles=articles)
            held.add(source)
        else:
            item_problems.release_source(connection, source)
    return frozenset(held)


def _forget_sources(
    connection: Connection,
    settings: Settings,
    sources: Mapping[str, int],
    items: Sequence[ItemId],
    now: datetime,
    total: PickedUp,
) -> None:
    """Forget the items of sources that are no longer in publication.toml, but for those that are held.

    `sources` are how many articles each had.
    """
    held = _hold_removed(connection, sources, now)
    orphans = [
        number
        for source, key in items
        if source not in held
        for number in source_items.forget_items(connection, source, [key])
    ]
    for source in sources.keys() - held:
        source_items.forget_source(connection, source)
    touched = story_keys.withdraw_articles(
        connection, orphans, settings.publication.languages, now
    )
    script_conversion.mark_for_conversion(connection, touched)
    total.removed += len(orphans)
