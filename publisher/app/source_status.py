"""Sources as editors see them: what each has, what the engine says of it, and accepting a loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from publisher.app.articles import ProblemGroup, list_article_problems
from publisher.app.editing_state import Actor, EditingState, Permission
from publisher.app.source_notices import SourceNotice, notices_of
from publisher.errors import UsageError
from publisher.heartbeat import read_heartbeat
from publisher.ingest.archive import count_archive
from publisher.ingest.held_sources import (
    HeldSource,
    accept_loss,
    list_failures,
    list_held_sources,
)
from publisher.ingest.item_state import count_articles_of_sources
from publisher.ingest.quarantine import quarantined_items
from publisher.ingest.source_facts import read_source_facts
from publisher.messages import message

if TYPE_CHECKING:
    from datetime import datetime

    from publisher.config import SourceSettings

WholeState = Literal["unreadable", "held", "loss-accepted", "never-read", "in-order"]
# Kinds of notices about the whole of a source, the most urgent first.
_OF_THE_WHOLE: tuple[WholeState, ...] = ("unreadable", "held", "loss-accepted", "never-read")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStatus:
    """A source, how many articles it has, and notices. It was never read if it is not `is_known`."""

    settings: SourceSettings
    is_known: bool
    articles: int
    archived: int
    held: HeldSource | None = None
    notices: tuple[SourceNotice, ...] = ()

    @property
    def state(self) -> WholeState:
        """The kind of its most urgent notice about the whole of it."""
        found = {one.kind for one in self.notices}
        return next((kind for kind in _OF_THE_WHOLE if kind in found), "in-order")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcesStatus:
    """All sources, with path and reason of each file in quarantine, and problems by kind.

    The service last worked in this folder at `worked_at`.
    """

    sources: tuple[SourceStatus, ...]
    quarantine: tuple[tuple[str, str], ...]
    problems: tuple[ProblemGroup, ...]
    worked_at: datetime | None = None


def read_sources(state: EditingState) -> SourcesStatus:
    """Return what there is to know about the sources."""
    languages, now = state.settings.publication.languages, state.clock.now()
    with state.database.reading() as connection:
        held = {one.source: one for one in list_held_sources(connection)}
        failures = {one.source: one for one in list_failures(connection)}
        archived = count_archive(connection)
        facts = read_source_facts(connection, languages, now)
        articles = count_articles_of_sources(connection)
        quarantine = tuple(quarantined_items(connection))
    sources = tuple(
        SourceStatus(
            settings=one,
            is_known=one.name in facts,
            articles=articles.get(one.name, 0),
            archived=archived.get(one.name, 0),
            held=held.get(one.name),
            notices=notices_of(facts.get(one.name), failures.get(one.name), held.get(one.name)),
        )
        for one in state.settings.sources
    )
    problems = tuple(list_article_problems(state.database))
    return SourcesStatus(
        sources=sources,
        quarantine=quarantine,
        problems=problems,
        worked_at=read_heartbeat(state.settings.folders.heartbeat),
    )


def accept_source_loss(state: EditingState, actor: Actor, source: str, lost: int) -> HeldSource:
    """Let the next cycle withdraw the articles that a held source has lost.

    `lost` is how many whoever accepts it has seen. Raise UsageError for a source that is not held, or
    that has lost more or fewer meanwhile.
    """
    actor.require(Permission.MANAGE_SOURCES)
    with state.changing(actor, "accept-loss", source) as change:
        held = accept_loss(change.connection, source)
        if held is None:
            raise UsageError(message("%(source)s: is not held any more", source=source))
        if held.lost != lost:
            raise UsageError(
                message(
                    "%(source)s: %(now)s articles are gone by now, not %(before)s",
                    source=source,
                    now=str(held.lost),
                    before=str(lost),
                )
            )
        change.details["lost"] = held.lost
    return held
