"""PICK UP: brings what the database knows of a folder in line with what lies in it.

Files that look as before are not opened; those that do are told apart by content. One bad file
is quarantined with its reason and the rest goes on; a folder that can't be read changes
nothing. Work is committed in portions, each of which could be the last. Knows nothing of
issues, mails and feeds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path, PurePosixPath

import structlog
from sqlalchemy import Connection

from publisher.articles import converting, filing, records, stories
from publisher.articles.linking import key_of, language_of
from publisher.articles.readers import Document, read
from publisher.articles.records import Filed, Place, Reading
from publisher.articles.scanning import Seen, clock_of, is_article, scan
from publisher.articles.shelf import Shelf
from publisher.config import Settings, Source
from publisher.database import Database
from publisher.errors import ArticleError, LanguageError, SourceError

log = structlog.get_logger()

# Grows when the readers find more, or other things, in the same file.
READERS_VERSION = 3
# A portion is read, then stored in one transaction; a kill costs at most this much reading.
PORTION = 100

Progress = Callable[[int, int], None]


@dataclass(slots=True)
class PickedUp:
    """What one turn of picking up came to, in numbers of files."""

    new: int = 0
    changed: int = 0
    moved: int = 0
    removed: int = 0
    unchanged: int = 0
    quarantined: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def anything(self) -> bool:
        """Say if any article is other than it was."""
        return bool(self.new or self.changed or self.removed)


def pick_up(
    settings: Settings, database: Database, now: datetime, progress: Progress | None = None
) -> PickedUp:
    """Read what is new and changed in every source; withdraw what is gone."""
    total = PickedUp()
    with database.reading() as connection:
        names = [source.path for source in settings.sources]
        dropped = records.places_outside(connection, names)
    for source in settings.sources:
        try:
            _Turn(settings, source, database, now, total).run(progress, dropped)
        except SourceError as error:
            total.problems.append(str(error))
            log.error("source unreadable", source=source.path, reason=str(error))
    with database.writing() as connection:
        # A wrong path in publication.toml must not withdraw what the right one held.
        if dropped and not total.problems:
            _drop(connection, settings, dropped, now, total)
        converting.refresh(connection, settings, now)
        total.quarantined = records.count_quarantined(connection)
    return total


def _drop(
    connection: Connection,
    settings: Settings,
    places: Sequence[Place],
    now: datetime,
    total: PickedUp,
) -> None:
    """Forget the files of sources that publication.toml names no more."""
    orphans = [n for name, path in places for n in records.forget(connection, name, [path])]
    touched = stories.withdraw(connection, orphans, settings.publication.languages, now)
    converting.mark_due(connection, touched)
    total.removed += len(orphans)


class _Turn:
    """One source, once through."""

    def __init__(
        self,
        settings: Settings,
        source: Source,
        database: Database,
        now: datetime,
        total: PickedUp,
    ) -> None:
        self._settings = settings
        self._source = source
        self._folder = settings.folders.root / source.path
        self._database = database
        self._now = now
        self._total = total
        self._languages = settings.publication.languages

    def run(self, progress: Progress | None, dropped: Sequence[Place]) -> None:
        started = clock_of(_marker(self._settings))
        seen = scan(self._folder)
        fingerprint = self._fingerprint()
        with self._database.reading() as connection:
            known = records.known_files(connection, self._source.path)
            same_rules = records.fingerprint(connection, self._source.path) == fingerprint
        changed = {path for path, file in seen.items() if not _as_before(file, known.get(path))}
        gone = [path for path in known if path not in seen]
        due = list(self._due(seen, known, changed, gone)) if same_rules else list(seen)
        due = [path for path in due if is_article(path)]
        self._total.unchanged += sum(map(is_article, seen)) - len(due)
        absent = frozenset(dropped) | {(self._source.path, path) for path in gone}
        read_all = partial(
            self._read_all, seen=seen, known=known, absent=absent, force=not same_rules
        )
        contested = read_all(due, progress=progress)
        # One that got its place may free another.
        while (left := read_all(contested)) != contested:
            contested = left
        self._total.unchanged += len(contested)
        pictures = [seen[path].trusted(started) for path in changed if not is_article(path)]
        self._forget(gone, pictures, fingerprint)

    def _due(
        self, seen: dict[str, Seen], known: dict[str, Filed], changed: set[str], gone: list[str]
    ) -> Iterator[str]:
        """Name the files to open: changed ones, and those showing a changed picture.

        When anything at all has changed, also those in quarantine, whose reason may be gone.
        """
        pictures = {path for path in [*changed, *gone] if not is_article(path)}
        for path in seen:
            file = known.get(path)
            waiting = file is not None and file.reason is not None and (changed or gone)
            if path in changed or waiting or (file and pictures.intersection(file.media)):
                yield path

    def _read_all(
        self,
        due: Sequence[str],
        seen: dict[str, Seen],
        known: dict[str, Filed],
        absent: Collection[Place],
        *,
        force: bool,
        progress: Progress | None = None,
    ) -> list[str]:
        """Read and file; gives the files whose place another has."""
        contested: list[str] = []
        for start in range(0, len(due), PORTION):
            portion = due[start : start + PORTION]
            read_at = clock_of(_marker(self._settings))
            readings = [
                self._read(seen[path].trusted(read_at), known.get(path), force=force)
                for path in portion
            ]
            same = [reading.file for reading in readings if reading.as_before]
            readings = [reading for reading in readings if not reading.as_before]
            self._total.unchanged += len(same)
            with self._database.writing() as connection:
                records.note_looks(connection, self._source.path, same)
                outcomes = filing.file_all(
                    connection, self._source.path, readings, absent, self._languages, self._now
                )
            for reading, outcome in zip(readings, outcomes, strict=True):
                if outcome == "contested":
                    contested.append(reading.file.path)
                else:
                    setattr(self._total, outcome, getattr(self._total, outcome) + 1)
            if progress:
                progress(start + len(portion), len(due))
        return contested

    def _read(self, file: Seen, known: Filed | None, *, force: bool) -> Reading:
        """Open one file; nothing that it holds can stop the others."""
        path = PurePosixPath(file.path)
        shelf = Shelf(self._folder)
        try:
            content = shelf.read(path)
        except OSError as error:
            reason = f"can't be read: {error.strerror or error}"
            return Reading(file=file, sha256="", reason=reason)
        if content is None:
            reason = "is a link to a file outside the source's folder; copy the file here"
            return Reading(file=file, sha256="", reason=reason)
        sha256 = hashlib.sha256(content).hexdigest()
        if known and _same_content(known, sha256) and not force:
            return Reading(file=file, sha256=sha256, as_before=True)
        try:
            return self._understand(file, sha256, content, shelf)
        except (ArticleError, LanguageError) as error:
            return Reading(file=file, sha256=sha256, reason=str(error), media=shelf.asked)
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            reason = f"its media can't be put in place: {where}{error.strerror}"
            # When the place is mended, nothing about this file will tell.
            unsigned = replace(file, signature="")
            return Reading(file=unsigned, sha256=sha256, reason=reason, media=shelf.asked)

    def _understand(self, file: Seen, sha256: str, content: bytes, shelf: Shelf) -> Reading:
        path = PurePosixPath(file.path)
        publication = self._settings.publication
        draft = read(Document(path, content), shelf)
        default = self._source.language or publication.default_language
        language = language_of(draft, path, publication, default)
        if draft.draft:
            return Reading(file=file, sha256=sha256, media=shelf.asked)
        for media in draft.media:
            shelf.publish(media, self._settings.folders.public)
        return Reading(
            file=file,
            sha256=sha256,
            draft=draft,
            language=language,
            key=key_of(draft, path, publication),
            zone=self._settings.zone(),
            media=shelf.asked,
        )

    def _forget(self, gone: Sequence[str], pictures: Sequence[Seen], fingerprint: str) -> None:
        source = self._source.path
        if not gone and not pictures:
            with self._database.reading() as connection:
                if records.fingerprint(connection, source) == fingerprint:
                    return
        with self._database.writing() as connection:
            orphans = records.forget(connection, source, gone)
            touched = stories.withdraw(connection, orphans, self._languages, self._now)
            converting.mark_due(connection, touched)
            self._total.removed += len(orphans)
            records.note_pictures(connection, source, pictures)
            records.set_fingerprint(connection, source, fingerprint)

    def _fingerprint(self) -> str:
        publication = self._settings.publication
        parts = (
            READERS_VERSION,
            publication.languages,
            publication.timezone,
            self._source.language,
        )
        return hashlib.sha256(repr(parts).encode()).hexdigest()


def _as_before(file: Seen, known: Filed | None) -> bool:
    return known is not None and bool(file.signature) and file.signature == known.signature


def _same_content(known: Filed, sha256: str) -> bool:
    """Say if reading again can't give anything else; its pictures may have changed, if it has."""
    return known.sha256 == sha256 and known.reason is None and not known.media


def _marker(settings: Settings) -> Path:
    settings.folders.var.mkdir(parents=True, exist_ok=True)
    return settings.folders.var / "scanned"
