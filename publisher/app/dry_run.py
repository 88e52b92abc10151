"""Runs the pipeline on a temporary copy of the publication, for `preview`, `check` and `send`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from publisher.clock import Clock
from publisher.config import DeliverySettings
from publisher.errors import LanguageError, UsageError

if TYPE_CHECKING:
    from publisher.app.pipeline import Pipeline
    from publisher.assembly.preview import IssuePreview
    from publisher.config import Edition, Settings


@contextmanager
def open_dry_run(settings: Settings, clock: Clock) -> Iterator[Pipeline]:
    """Open a pipeline on a copy of the publication's state, after new articles are picked up."""
    from publisher.app.pipeline import open_pipeline
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
    """Render an edition's next issue as of now; see `publisher.assembly.preview`."""
    from publisher.assembly.preview import preview_issue

    with machine.database.reading() as connection:
        return preview_issue(
            connection, machine.settings, machine.renderer, edition, now, or_newest=or_newest
        )


def preview_held(machine: Pipeline, edition: Edition) -> Iterator[IssuePreview]:
    """Yield the edition's due issues that an error holds back, rendered again."""
    from publisher.assembly.preview import held_issues, preview_held_issue

    with machine.database.reading() as connection:
        for issue in held_issues(connection, edition):
            found = preview_held_issue(
                connection, machine.settings, machine.renderer, edition, issue
            )
            if found:
                yield found


def preview_subject(rehearsal: IssuePreview) -> str:
    """Return the subject as a subscriber sees it, with personal values filled in."""
    return rehearsal.gate_run.mail.decoded_header("Subject")


def find_edition(settings: Settings, name: str, lang: str | None) -> Edition:
    """Return a newsletter's edition, the first one without `lang`; raise UsageError."""
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
    """Return the language among these that a tag on the command line means, or None."""
    from publisher.languages import match, normalise

    try:
        return match(normalise(lang), languages)
    except LanguageError as error:
        raise UsageError(f"--lang: {error}") from None


def _copy(settings: Settings, folder: Path) -> Settings:
    """Return the settings of the copy, after its database and templates are in place."""
    from publisher.database.copy import back_up

    folders = replace(settings.folders, root=folder)
    copy = replace(settings, folders=folders, database_address=None)
    folders.var.mkdir()
    back_up(settings.database, folders.database)
    # Templates and sources stay where they are.
    if settings.folders.templates.exists():
        folders.templates.symlink_to(settings.folders.templates)
    sources = [one.seen_from_elsewhere(settings.folders.root) for one in settings.sources]
    # A copy sends nothing, so it needs neither password nor key: the defaults do.
    return replace(copy, sources=tuple(sources), delivery=DeliverySettings())
