"""Make files of an export of another publishing system, below the folder of a source. The next cycle reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from publisher.app import source_polls
from publisher.config import Settings
from publisher.config.sources import FolderSourceSettings
from publisher.errors import UsageError
from publisher.fault_isolation import isolated
from publisher.files import write_file

if TYPE_CHECKING:
    from publisher.delivery.dispatcher import Progress
    from publisher.imports.files import PlannedFile
    from publisher.imports.model import Export, ExportWishes
    from publisher.polling.picture_copies import Convert, CopiedPictures

_PICTURES = "pictures"  # below the folder: copies of pictures


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What became of each post of an export, and what is to be said of the rest; `folder` has the files."""

    system: str
    folder: Path
    files: list[PlannedFile]
    notes: list[str]


def import_export(
    settings: Settings,
    now: datetime,
    path: Path,
    options: ExportWishes,
    progress: Progress | None = None,
    convert: Convert | None = None,
) -> ExportReport:
    """Write a file for each post that has none, but not in a dry run. `convert` copies a picture, by default in a process with limits."""
    from publisher.imports import files
    from publisher.imports.formats import read_export
    from publisher.imports.model import ImportProblemError
    from publisher.polling.foreign_pictures import copied_picture
    from publisher.polling.foreign_values import web_address
    from publisher.polling.parser_process import ParserProcess

    if options.site and not web_address(options.site):
        raise UsageError(
            f"--site: {options.site!r} is no address; write one like https://example.org"
        )
    folder, language = _target(settings, options.into)
    try:
        export = read_export(path, options)
    except (ImportProblemError, OSError) as error:
        raise UsageError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    planned = files.plan_files(export, options, settings.publication, language)
    links = files.file_links(planned)
    with ParserProcess() as parser:
        convert = convert or (lambda content: parser.run(copied_picture, content))
        work = _FileWriting(settings, export, folder, links, now, options, convert)
        for number, one in enumerate(planned):
            if progress:
                progress("importing", number, len(planned))
            reasons = list[str]()
            with isolated(one.stem, reasons.append):
                planned[number] = work.finish(one)
            if reasons:
                planned[number] = replace(one, left_out=reasons[0])
    return ExportReport(export.system, folder, planned, [*export.notes, *work.notes])


def _target(settings: Settings, into: str) -> tuple[Path, str]:
    """Return the folder, and the language of a document there that states none. Raise UsageError."""
    from publisher.ingest.sites.configuration import ConfigurationFiles
    from publisher.ingest.sites.detect import detect_generator

    root = settings.folders.root
    sources = [one for one in settings.sources if isinstance(one, FolderSourceSettings)]
    if into:
        wanted = (root / into).resolve()
        sources = [one for one in sources if wanted.is_relative_to((root / one.path).resolve())]
    if not sources:
        raise UsageError(f"{into or root}: is below no source that is a folder")
    if len(sources) > 1 and not into:
        places = ", ".join(one.path for one in sources)
        raise UsageError(f"there are several folders; name one with --into: {places}")
    # Of two, one below the other, the inner one.
    source = max(sources, key=lambda one: len(str((root / one.path).resolve())))
    folder = root / source.path
    generator = (
        detect_generator(ConfigurationFiles(folder)) if source.site == "auto" else source.site
    )
    if generator != "plain":
        raise UsageError(
            f"{source.path}: is the site of {generator}, which has names of its own for files; make a source of "
            'another folder, with `site = "plain"`'
        )
    return root / (
        into or source.path
    ), source.language or settings.publication.default_language


@dataclass
class _FileWriting:
    """The work on one export; `links` are files by the addresses of their posts."""

    settings: Settings
    export: Export
    folder: Path
    links: Mapping[str, str]
    now: datetime
    options: ExportWishes
    convert: Convert
    notes: list[str] = field(default_factory=list)

    def finish(self, planned: PlannedFile) -> PlannedFile:
        from publisher.imports.files import with_content
        from publisher.ingest.media.document_media import FolderFiles
        from publisher.ingest.parsers import ARTICLE_SUFFIXES

        if planned.left_out:
            return planned
        names = (planned.stem + ending for ending in sorted(ARTICLE_SUFFIXES))
        if there := next((name for name in names if (self.folder / name).exists()), ""):
            return replace(planned, name=there, left_out="there is a file of this name already")
        if self.options.pictures == "copy" and not self.options.is_dry_run:
            self._copy_pictures(planned)
        library = FolderFiles(self.folder)
        done = with_content(planned, self.export, self.links, self._place_of, library, self.now)
        if done.content and not self.options.is_dry_run:
            write_file(self.folder / done.name, done.content)
        return replace(done, content=b"")

    @cached_property
    def _copies(self) -> CopiedPictures:
        from publisher.polling.picture_copies import CopiedPictures

        return CopiedPictures(self.folder / _PICTURES)

    def _copy_pictures(self, planned: PlannedFile) -> None:
        why = self._copies.add(
            (planned.post.entry,),
            source_polls.CLIENT,
            {"User-Agent": source_polls.user_agent_of(self.settings)},
            self.convert,
            self.export.picture,
            is_full=True,
        )
        self.notes += [f"{planned.stem}: {why}"] if why else []

    def _place_of(self, address: str) -> str:
        if self.options.pictures != "copy":
            return address if self.options.pictures == "link" else ""
        copy = self._copies.place_of(address)
        return f"{_PICTURES}/{copy}" if copy else address
