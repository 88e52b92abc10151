"""Preview issues: the pipeline runs on a temporary copy of the publication."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from publisher.app.editing_state import EditingState
from publisher.app.pipeline import Pipeline, open_pipeline
from publisher.assembly.preview import (
    IssuePreview,
    held_issues,
    preview_held_issue,
    preview_issue,
)
from publisher.clock import Clock
from publisher.config import DeliverySettings, Edition, Settings
from publisher.database.copy import back_up
from publisher.rendering import Renderer
from publisher.site.writer import write_logo

# What callers import, with the values of other packages that they get.
__all__ = [
    "Renderer",
    "open_dry_run",
    "open_preview",
    "preview_edition",
    "preview_held",
    "preview_next",
]


@contextmanager
def open_dry_run(settings: Settings, clock: Clock) -> Iterator[Pipeline]:
    """Open a pipeline on a copy of the publication's state, after new articles are picked up."""
    with (
        tempfile.TemporaryDirectory() as name,
        open_pipeline(_copy(settings, Path(name)), clock) as pipeline,
    ):
        pipeline.pick_up(clock.now())
        write_logo(pipeline.settings)
        yield pipeline


@contextmanager
def open_preview(
    state: EditingState, *, picks_up: bool
) -> Iterator[tuple[EditingState, Renderer]]:
    """Open what `preview_mail` takes: the publication, or a copy in which new articles are picked up."""
    if picks_up:
        with open_dry_run(state.settings, state.clock) as pipeline:
            copy = replace(state, settings=pipeline.settings, database=pipeline.database)
            yield copy, pipeline.renderer
    else:
        with closing(Renderer(state.settings.folders.templates)) as renderer:
            yield state, renderer


def preview_edition(settings: Settings, clock: Clock, edition: Edition) -> IssuePreview:
    """Render what an edition's next issue would be; plans and sends nothing.

    Raise IssueError if there are no new articles.
    """
    with open_dry_run(settings, clock) as pipeline:
        return preview_next(pipeline, edition)


def preview_next(
    pipeline: Pipeline, edition: Edition, *, or_newest: bool = False
) -> IssuePreview:
    """Render an edition's next issue as of now; see `publisher.assembly.preview`."""
    with pipeline.database.reading() as connection:
        return preview_issue(
            connection,
            pipeline.settings,
            pipeline.renderer,
            edition,
            pipeline.clock.now(),
            or_newest=or_newest,
        )


def preview_held(pipeline: Pipeline, edition: Edition) -> Iterator[IssuePreview]:
    """Yield the edition's due issues that an error holds back, rendered again."""
    with pipeline.database.reading() as connection:
        for issue in held_issues(connection, edition):
            found = preview_held_issue(
                connection, pipeline.settings, pipeline.renderer, edition, issue
            )
            if found:
                yield found


def _copy(settings: Settings, folder: Path) -> Settings:
    """Return the settings of the copy, after its database and templates are in place."""
    folders = replace(settings.folders, root=folder)
    copy = replace(settings, folders=folders, database_address=None)
    folders.var.mkdir()
    back_up(settings.database, folders.database)
    # Templates and sources stay where they are.
    if settings.folders.templates.exists():
        folders.templates.symlink_to(settings.folders.templates)
    sources = [one.seen_from_elsewhere(settings.folders.root) for one in settings.sources]
    # A copy sends nothing and needs neither password nor key: default settings are enough.
    return replace(copy, sources=tuple(sources), delivery=DeliverySettings())
