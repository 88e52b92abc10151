"""Pick up articles: bring the database in line with the files of each source folder.

Files whose metadata is unchanged are not opened; of the others, the hash decides. A bad file is
quarantined with a reason and the rest goes on; a folder that can't be read changes nothing. Work is
committed every FILES_PER_TRANSACTION files, so it can be interrupted at any time.
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

from publisher.config import Settings, SourceSettings
from publisher.database import Database
from publisher.errors import ArticleError, LanguageError, SourceError
from publisher.ingest import item_state, script_conversion, story_keys, upsert
from publisher.ingest.item_state import (
    FileStat,
    ItemId,
    ItemResult,
    KnownItem,
    file_system_time,
    is_article_path,
    scan_folder,
)
from publisher.ingest.parsers import SourceDocument, parse_document
from publisher.ingest.sources.folder_files import FolderFiles
from publisher.ingest.story_keys import article_language, story_key

log = structlog.get_logger()

# Increase this when parsers return something else for the same file: all files are read again.
_PARSERS_VERSION = 3
# Files that are read, then stored in one transaction; a kill loses at most this much reading.
ITEMS_PER_TRANSACTION = 100

ReadProgress = Callable[[int, int], None]


@dataclass(slots=True)
class PickedUp:
    """The result of one pick-up, in numbers of files."""

    new: int = 0
    changed: int = 0
    moved: int = 0
    removed: int = 0
    unchanged: int = 0
    quarantined: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def has_changes(self) -> bool:
        """Whether any article changed."""
        return bool(self.new or self.changed or self.removed)


def pick_up(
    settings: Settings, database: Database, now: datetime, progress: ReadProgress | None = None
) -> PickedUp:
    """Read new and changed files of every source; withdraw articles whose files are gone."""
    total = PickedUp()
    with database.reading() as connection:
        names = [source.path for source in settings.sources]
        dropped = item_state.files_of_other_sources(connection, names)
    for source in settings.sources:
        try:
            _SourcePickup(settings, source, database, now, total).run(progress, dropped)
        except SourceError as error:
            total.problems.append(str(error))
            log.error("source unreadable", source=source.path, reason=str(error))
    with database.writing() as connection:
        # A wrong path in publication.toml must not withdraw what the right one held.
        if dropped and not total.problems:
            _forget_sources(connection, settings, dropped, now, total)
        script_conversion.update_conversions(connection, settings, now)
        total.quarantined = item_state.count_quarantined(connection)
    return total


def _forget_sources(
    connection: Connection,
    settings: Settings,
    paths: Sequence[ItemId],
    now: datetime,
    total: PickedUp,
) -> None:
    """Forget the files of sources that are no longer in publication.toml."""
    orphans = [
        n for name, path in paths for n in item_state.forget_items(connection, name, [path])
    ]
    touched = story_keys.withdraw_articles(
        connection, orphans, settings.publication.languages, now
    )
    script_conversion.mark_for_conversion(connection, touched)
    total.removed += len(orphans)


class _SourcePickup:
    """Picks up one source."""

    def __init__(
        self,
        settings: Settings,
        source: SourceSettings,
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

    def run(self, progress: ReadProgress | None, dropped: Sequence[ItemId]) -> None:
        started = file_system_time(_clock_file(self._settings))
        seen = scan_folder(self._folder)
        fingerprint = self._fingerprint()
        with self._database.reading() as connection:
            known = item_state.known_items(connection, self._source.path)
            same_rules = (
                item_state.source_fingerprint(connection, self._source.path) == fingerprint
            )
        changed = {
            path for path, file in seen.items() if not _is_unchanged(file, known.get(path))
        }
        gone = [path for path in known if path not in seen]
        due = list(self._due(seen, known, changed, gone)) if same_rules else list(seen)
        due = [path for path in due if is_article_path(path)]
        self._total.unchanged += sum(map(is_article_path, seen)) - len(due)
        absent = frozenset(dropped) | {(self._source.path, path) for path in gone}
        read_all = partial(
            self._read_all, seen=seen, known=known, absent=absent, force=not same_rules
        )
        conflicts = read_all(due, progress=progress)
        # A file that takes its new place may free the place of another.
        while (left := read_all(conflicts)) != conflicts:
            conflicts = left
        self._total.unchanged += len(conflicts)
        pictures = [
            seen[path].trusted(started) for path in changed if not is_article_path(path)
        ]
        self._forget(gone, pictures, fingerprint)

    def _due(
        self,
        seen: dict[str, FileStat],
        known: dict[str, KnownItem],
        changed: set[str],
        gone: list[str],
    ) -> Iterator[str]:
        """Yield the files to open: changed ones, and those that show a changed picture.

        If anything changed, also quarantined files: the reason may be gone.
        """
        pictures = {path for path in [*changed, *gone] if not is_article_path(path)}
        for path in seen:
            file = known.get(path)
            waiting = file is not None and file.reason is not None and (changed or gone)
            if path in changed or waiting or (file and pictures.intersection(file.media)):
                yield path

    def _read_all(
        self,
        due: Sequence[str],
        seen: dict[str, FileStat],
        known: dict[str, KnownItem],
        absent: Collection[ItemId],
        *,
        force: bool,
        progress: ReadProgress | None = None,
    ) -> list[str]:
        """Read and store files; return those whose story has another file in this language."""
        conflicts: list[str] = []
        for start in range(0, len(due), ITEMS_PER_TRANSACTION):
            portion = due[start : start + ITEMS_PER_TRANSACTION]
            read_at = file_system_time(_clock_file(self._settings))
            readings = [
                self._read(seen[path].trusted(read_at), known.get(path), force=force)
                for path in portion
            ]
            same = [reading.file for reading in readings if reading.is_unchanged]
            readings = [reading for reading in readings if not reading.is_unchanged]
            self._total.unchanged += len(same)
            with self._database.writing() as connection:
                item_state.save_signatures(connection, self._source.path, same)
                outcomes = upsert.upsert_articles(
                    connection, self._source.path, readings, absent, self._languages, self._now
                )
            for reading, outcome in zip(readings, outcomes, strict=True):
                if outcome == "conflict":
                    conflicts.append(reading.file.path)
                else:
                    setattr(self._total, outcome, getattr(self._total, outcome) + 1)
            if progress:
                progress(start + len(portion), len(due))
        return conflicts

    def _read(self, file: FileStat, known: KnownItem | None, *, force: bool) -> ItemResult:
        """Open one file; its errors become a reason for quarantine."""
        path = PurePosixPath(file.path)
        files = FolderFiles(self._folder)
        try:
            content = files.read(path)
        except OSError as error:
            reason = f"can't be read: {error.strerror or error}"
            return ItemResult(file=file, sha256="", reason=reason)
        if content is None:
            reason = "is a link to a file outside the source's folder; copy the file here"
            return ItemResult(file=file, sha256="", reason=reason)
        sha256 = hashlib.sha256(content).hexdigest()
        if known and _same_content(known, sha256) and not force:
            return ItemResult(file=file, sha256=sha256, is_unchanged=True)
        try:
            return self._parse(file, sha256, content, files)
        except (ArticleError, LanguageError) as error:
            return ItemResult(
                file=file, sha256=sha256, reason=str(error), media=files.requested
            )
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            reason = f"its media can't be put in place: {where}{error.strerror}"
            # The file itself will not change when the disk is repaired, so it must be read again.
            unsigned = replace(file, signature="")
            return ItemResult(
                file=unsigned, sha256=sha256, reason=reason, media=files.requested
            )

    def _parse(
        self, file: FileStat, sha256: str, content: bytes, files: FolderFiles
    ) -> ItemResult:
        path = PurePosixPath(file.path)
        publication = self._settings.publication
        parsed = parse_document(SourceDocument(path, content), files)
        default = self._source.language or publication.default_language
        language = article_language(parsed, path, publication, default)
        if parsed.is_draft:
            return ItemResult(file=file, sha256=sha256, media=files.requested)
        for media in parsed.media:
            files.publish(media, self._settings.folders.public)
        return ItemResult(
            file=file,
            sha256=sha256,
            parsed=parsed,
            language=language,
            key=story_key(parsed, path, publication),
            zone=self._settings.zone(),
            media=files.requested,
        )

    def _forget(
        self, gone: Sequence[str], pictures: Sequence[FileStat], fingerprint: str
    ) -> None:
        source = self._source.path
        if not gone and not pictures:
            with self._database.reading() as connection:
                if item_state.source_fingerprint(connection, source) == fingerprint:
                    return
        with self._database.writing() as connection:
            orphans = item_state.forget_items(connection, source, gone)
            touched = story_keys.withdraw_articles(
                connection, orphans, self._languages, self._now
            )
            script_conversion.mark_for_conversion(connection, touched)
            self._total.removed += len(orphans)
            item_state.save_pictures(connection, source, pictures)
            item_state.set_source_fingerprint(connection, source, fingerprint)

    def _fingerprint(self) -> str:
        publication = self._settings.publication
        parts = (
            _PARSERS_VERSION,
            publication.languages,
            publication.timezone,
            self._source.language,
        )
        return hashlib.sha256(repr(parts).encode()).hexdigest()


def _is_unchanged(file: FileStat, known: KnownItem | None) -> bool:
    return known is not None and bool(file.signature) and file.signature == known.signature


def _same_content(known: KnownItem, sha256: str) -> bool:
    """Return whether parsing again gives the same: pictures may have changed where it has any."""
    return known.sha256 == sha256 and known.reason is None and not known.media


def _clock_file(settings: Settings) -> Path:
    settings.folders.var.mkdir(parents=True, exist_ok=True)
    return settings.folders.var / "scanned"
