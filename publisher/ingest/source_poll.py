"""Poll a source, and compare what it shows with what is stored: nothing is read or stored here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pkgutil import resolve_name
from typing import Self

from publisher.config import Settings, SourceSettings
from publisher.config.sources import SOURCE_KINDS
from publisher.ingest.item_state import KnownItem, SourceState
from publisher.ingest.sources.base import Item, Listing, Source

# Increase this when parsers return something else for the same document: all are read again.
_PARSERS_VERSION = 8


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
        changed = {key for key in items if not _is_unchanged(items[key], known.get(key))}
        gone = (
            [key for key in known if key not in items]
            if listing.is_complete
            else [key for key in listing.withdrawn if key in known and key not in items]
        )
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


def open_source(settings: Settings, options: SourceSettings) -> Source:
    """Return a source by its settings. Raises SourceError."""
    source: Source = resolve_name(SOURCE_KINDS[options.kind].factory)(options, settings)
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
        options.model_dump(exclude={"kind", "name", "path", "first_import"}),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _is_unchanged(item: Item, known: KnownItem | None) -> bool:
    return known is not None and bool(item.signature) and item.signature == known.signature
