"""Sources as editors see them: what each has, what it lost, and accepting that it is gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from publisher.app.articles import ProblemGroup, list_article_problems
from publisher.app.editing_state import Actor, EditingState, Permission
from publisher.errors import UsageError
from publisher.ingest.archive import count_archive
from publisher.ingest.held_sources import HeldSource, accept_loss, list_held_sources
from publisher.ingest.item_state import count_articles_of_sources, stored_sources
from publisher.ingest.quarantine import quarantined_items

if TYPE_CHECKING:
    from publisher.config import SourceSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStatus:
    """A source, and how many articles it has. It was never read if it is not `known`."""

    settings: SourceSettings
    is_known: bool
    articles: int
    archived: int
    held: HeldSource | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcesStatus:
    """All sources, with path and reason of each file in quarantine, and problems by kind."""

    sources: tuple[SourceStatus, ...]
    quarantine: tuple[tuple[str, str], ...]
    problems: tuple[ProblemGroup, ...]


def read_sources(state: EditingState) -> SourcesStatus:
    """Return what there is to know about the sources."""
    with state.database.reading() as connection:
        held = {one.source: one for one in list_held_sources(connection)}
        known, archived = stored_sources(connection), count_archive(connection)
        articles = count_articles_of_sources(connection)
        quarantine = tuple(quarantined_items(connection))
    sources = tuple(
        SourceStatus(
            settings=one,
            is_known=one.name in known,
            articles=articles.get(one.name, 0),
            archived=archived.get(one.name, 0),
            held=held.get(one.name),
        )
        for one in state.settings.sources
    )
    problems = tuple(list_article_problems(state.database))
    return SourcesStatus(sources=sources, quarantine=quarantine, problems=problems)


def accept_source_loss(state: EditingState, actor: Actor, source: str, lost: int) -> HeldSource:
    """Let the next cycle withdraw the articles that a held source has lost.

    `lost` is how many whoever accepts it has seen. Raise UsageError for a source that is not held, or
    that has lost more or fewer meanwhile.
    """
    actor.require(Permission.MANAGE_SOURCES)
    with state.changing(actor, "accept-loss", source) as change:
        held = accept_loss(change.connection, source)
        if held is None:
            raise UsageError(f"{source}: is not held any more")
        if held.lost != lost:
            raise UsageError(f"{source}: {held.lost} articles are gone by now, not {lost}")
        change.details["lost"] = held.lost
    return held
