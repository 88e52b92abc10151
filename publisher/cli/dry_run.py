"""What `preview` and `check` share: a copy of the publication to try things on, and the try.

Prints nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from publisher.cli.common import count_noun
from publisher.clock import Clock
from publisher.errors import LanguageError, UsageError

if TYPE_CHECKING:
    from publisher.assembly.preview import IssuePreview
    from publisher.config import Edition, Settings
    from publisher.cycle import Pipeline
    from publisher.gate.findings import GateReport


@contextmanager
def open_dry_run(settings: Settings, clock: Clock) -> Iterator[Pipeline]:
    """Give a press on a copy of the publication's state, with what is new picked up."""
    from publisher.cycle import open_pipeline
    from publisher.site.writer import write_logo

    with (
        tempfile.TemporaryDirectory() as name,
        open_pipeline(_copy(settings, Path(name)), clock) as machine,
    ):
        machine.pick_up(clock.now())
        write_logo(machine.settings)
        yield machine


def preview_next(
    machine: Pipeline, edition: Edition, now: datetime, *, or_newest: bool = False
) -> IssuePreview:
    """Render what an edition's next issue would be; see `publisher.assembly.preview`."""
    from publisher.assembly.preview import preview_issue

    with machine.database.reading() as connection:
        return preview_issue(
            connection, machine.settings, machine.renderer, edition, now, or_newest=or_newest
        )


def preview_held(machine: Pipeline, edition: Edition) -> Iterator[IssuePreview]:
    """Render the edition's issues that were due and wait for something to be mended."""
    from publisher.assembly.preview import held_issues, preview_held_issue

    with machine.database.reading() as connection:
        for issue in held_issues(connection, edition):
            found = preview_held_issue(
                connection, machine.settings, machine.renderer, edition, issue
            )
            if found:
                yield found


def preview_subject(rehearsal: IssuePreview) -> str:
    """Give a subject as a reader sees it, her values in their places."""
    return str(rehearsal.gate_run.mail.message["Subject"])


def gate_summary(report: GateReport) -> str:
    """Say in a line what the gate found."""
    if not report.findings:
        return "The gate found nothing wrong with it."
    errors, warnings = len(report.errors), len(report.warnings)
    return (
        f"The gate found {count_noun(errors, 'error')} and {count_noun(warnings, 'warning')}: "
        f"publisher check shows them."
    )


def find_edition(settings: Settings, name: str, lang: str | None) -> Edition:
    """Find a newsletter's edition, the first one where no language is asked for."""
    newsletter = settings.newsletter(name)
    if newsletter is None:
        names = ", ".join(n.name for n in settings.newsletters) or "none"
        raise UsageError(f"{name}: no such newsletter; there are: {names}")
    editions = settings.editions(newsletter)
    if lang is None:
        return editions[0]
    found = match_language(lang, [edition.language for edition in editions])
    for edition in editions:
        if edition.language == found:
            return edition
    languages = ", ".join(edition.language for edition in editions)
    raise UsageError(f"--lang: {name} has no edition in {lang}; there are: {languages}")


def match_language(lang: str, languages: list[str]) -> str | None:
    """Give the one of some languages that a tag on the command line means."""
    from publisher.languages import match, normalise

    try:
        return match(normalise(lang), languages)
    except LanguageError as error:
        raise UsageError(f"--lang: {error}") from None


def _copy(settings: Settings, folder: Path) -> Settings:
    """Give the settings of a copy to try things on: what a preview reads is not picked up."""
    from publisher.database.schema import back_up

    copy = replace(settings, folders=replace(settings.folders, root=folder))
    copy.folders.var.mkdir()
    if settings.folders.database.exists():
        back_up(settings.folders.database, copy.folders.database)
    # Templates and sources stay where they are, under the names that the database knows.
    for name in (copy.folders.templates.name, *(source.path for source in settings.sources)):
        place = settings.folders.root / name
        if place.exists() and not Path(name).is_absolute() and ".." not in Path(name).parts:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).symlink_to(place)
    sources = [
        source
        if (folder / source.path).is_symlink()
        else source.model_copy(update={"path": str(settings.folders.root / source.path)})
        for source in settings.sources
    ]
    # A copy sends nothing, and so needs no password and no key: whoever tries things may have none.
    delivery = settings.delivery.model_copy(update={"transport": "outbox", "dkim": ()})
    return replace(copy, sources=tuple(sources), delivery=delivery)
