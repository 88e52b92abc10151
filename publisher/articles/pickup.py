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

from publisher.articles import file_state, script_conversion, upsert, variants
from publisher.articles.file_state import FileResult, KnownFile, SourcePath
from publisher.articles.folder_scan import (
    FileStat,
    filesystem_time,
    is_article_path,
    scan_folder,
)
from publisher.articles.parsers import SourceDocument, parse_document
from publisher.articles.source_files import SourceFiles
from publisher.articles.story_key import article_language, story_key
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
        dropped = file_state.files_of_other_sources(connection, names)
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
        script_conversion.update_conversions(connection, settings, now)
        total.quarantined = file_state.count_quarantined(connection)
    return total


def _drop(
    connection: Connection,
    settings: Settings,
    places: Sequence[SourcePath],
    now: datetime,
    total: PickedUp,
) -> None:
    """Forget the files of sources that publication.toml names no more."""
    orphans = [
        n for name, path in places for n in file_state.forget_files(connection, name, [path])
    ]
    touched = variants.withdraw_articles(
        connection, orphans, settings.publication.languages, now
    )
    script_conversion.mark_for_conversion(connection, touched)
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

    def run(self, progress: Progress | None, dropped: Sequence[SourcePath]) -> None:
        started = filesystem_time(_marker(self._settings))
        seen = scan_folder(self._folder)
        fingerprint = self._fingerprint()
        with self._database.reading() as connection:
            known = file_state.known_files(connection, self._source.path)
            same_rules = (
                file_state.source_fingerprint(connection, self._source.path) == fingerprint
            )
        changed = {path for path, file in seen.items() if not _as_before(file, known.get(path))}
        gone = [path for path in known if path not in seen]
        due = list(self._due(seen, known, changed, gone)) if same_rules else list(seen)
        due = [path for path in due if is_article_path(path)]
        self._total.unchanged += sum(map(is_article_path, seen)) - len(due)
        absent = frozenset(dropped) | {(self._source.path, path) for path in gone}
        read_all = partial(
            self._read_all, seen=seen, known=known, absent=absent, force=not same_rules
        )
        contested = read_all(due, progress=progress)
        # One that got its place may free another.
        while (left := read_all(contested)) != contested:
            contested = left
        self._total.unchanged += len(contested)
        pictures = [
            seen[path].trusted(started) for path in changed if not is_article_path(path)
        ]
        self._forget(gone, pictures, fingerprint)

    def _due(
        self,
        seen: dict[str, FileStat],
        known: dict[str, KnownFile],
        changed: set[str],
        gone: list[str],
    ) -> Iterator[str]:
        """Name the files to open: changed ones, and those showing a changed picture.

        When anything at all has changed, also those in quarantine, whose reason may be gone.
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
        known: dict[str, KnownFile],
        absent: Collection[SourcePath],
        *,
        force: bool,
        progress: Progress | None = None,
    ) -> list[str]:
        """Read and file; gives the files whose place another has."""
        contested: list[str] = []
        for start in range(0, len(due), PORTION):
            portion = due[start : start + PORTION]
            read_at = filesystem_time(_marker(self._settings))
            readings = [
                self._read(seen[path].trusted(read_at), known.get(path), force=force)
                for path in portion
            ]
            same = [reading.file for reading in readings if reading.as_before]
            readings = [reading for reading in readings if not reading.as_before]
            self._total.unchanged += len(same)
            with self._database.writing() as connection:
                file_state.save_signatures(connection, self._source.path, same)
                outcomes = upsert.upsert_articles(
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

    def _read(self, file: FileStat, known: KnownFile | None, *, force: bool) -> FileResult:
        """Open one file; nothing that it holds can stop the others."""
        path = PurePosixPath(file.path)
        shelf = SourceFiles(self._folder)
        try:
            content = shelf.read(path)
        except OSError as error:
            reason = f"can't be read: {error.strerror or error}"
            return FileResult(file=file, sha256="", reason=reason)
        if content is None:
            reason = "is a link to a file outside the source's folder; copy the file here"
            return FileResult(file=file, sha256="", reason=reason)
        sha256 = hashlib.sha256(content).hexdigest()
        if known and _same_content(known, sha256) and not force:
            return FileResult(file=file, sha256=sha256, as_before=True)
        try:
            return self._understand(file, sha256, content, shelf)
        except (ArticleError, LanguageError) as error:
            return FileResult(file=file, sha256=sha256, reason=str(error), media=shelf.asked)
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            reason = f"its media can't be put in place: {where}{error.strerror}"
            # When the place is mended, nothing about this file will tell.
            unsigned = replace(file, signature="")
            return FileResult(file=unsigned, sha256=sha256, reason=reason, media=shelf.asked)

    def _understand(
        self, file: FileStat, sha256: str, content: bytes, shelf: SourceFiles
    ) -> FileResult:
        path = PurePosixPath(file.path)
        publication = self._settings.publication
        draft = parse_document(SourceDocument(path, content), shelf)
        default = self._source.language or publication.default_language
        language = article_language(draft, path, publication, default)
        if draft.draft:
            return FileResult(file=file, sha256=sha256, media=shelf.asked)
        for media in draft.media:
            shelf.publish(media, self._settings.folders.public)
        return FileResult(
            file=file,
            sha256=sha256,
            draft=draft,
            language=language,
            key=story_key(draft, path, publication),
            zone=self._settings.zone(),
            media=shelf.asked,
        )

    def _forget(
        self, gone: Sequence[str], pictures: Sequence[FileStat], fingerprint: str
    ) -> None:
        source = self._source.path
        if not gone and not pictures:
            with self._database.reading() as connection:
                if file_state.source_fingerprint(connection, source) == fingerprint:
                    return
        with self._database.writing() as connection:
            orphans = file_state.forget_files(connection, source, gone)
            touched = variants.withdraw_articles(
                connection, orphans, self._languages, self._now
            )
            script_conversion.mark_for_conversion(connection, touched)
            self._total.removed += len(orphans)
            file_state.save_pictures(connection, source, pictures)
            file_state.set_source_fingerprint(connection, source, fingerprint)

    def _fingerprint(self) -> str:
        publication = self._settings.publication
        parts = (
            READERS_VERSION,
            publication.languages,
            publication.timezone,
            self._source.language,
        )
        return hashlib.sha256(repr(parts).encode()).hexdigest()


def _as_before(file: FileStat, known: KnownFile | None) -> bool:
    return known is not None and bool(file.signature) and file.signature == known.signature


def _same_content(known: KnownFile, sha256: str) -> bool:
    """Say if reading again can't give anything else; its pictures may have changed, if it has."""
    return known.sha256 == sha256 and known.reason is None and not known.media


def _marker(settings: Settings) -> Path:
    settings.folders.var.mkdir(parents=True, exist_ok=True)
    return settings.folders.var / "scanned"
