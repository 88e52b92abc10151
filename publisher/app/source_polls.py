"""Polls of sources on the web: those that are due, or the one that somebody asks for; and pauses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from publisher import __version__
from publisher.app.editing_state import Actor, EditingState, Permission
from publisher.app.settings import change_settings
from publisher.clock import Clock
from publisher.config import Settings
from publisher.config.sources import PolledSourceSettings, name_of
from publisher.database import Database
from publisher.delivery.dispatcher import Progress
from publisher.errors import SourceError, UsageError
from publisher.fetching.client import GuardedClient
from publisher.polling import store

if TYPE_CHECKING:
    from publisher.polling.poller import PollReport
    from publisher.polling.probe import Probe

CLIENT = GuardedClient()  # of all requests but those of the demo, which has servers of its own


def user_agent_of(settings: Settings | None) -> str:
    """Return how requests say who asks: this program, and the publication for which it does."""
    who = f" (+{settings.publication.url})" if settings else ""
    return f"newsletter-publisher/{__version__}{who}"


def polled_sources(settings: Settings) -> list[PolledSourceSettings]:
    return [one for one in settings.sources if isinstance(one, PolledSourceSettings)]


def poll_sources(
    settings: Settings,
    database: Database,
    clock: Clock,
    progress: Progress | None = None,
    only: str = "",
    client: GuardedClient | None = None,
) -> PollReport:
    """Ask the sources that are due, or `only` one; store what they bring. Nothing is an article yet."""
    from publisher.app.source_pushes import ask_hubs
    from publisher.polling.parser_process import ParserProcess
    from publisher.polling.picture_copies import PICTURES, CopiedPictures
    from publisher.polling.poller import Poller

    client = client or CLIENT
    with ParserProcess() as parser:
        poller = Poller(
            polled_sources(settings),
            database,
            clock,
            parser.run,
            user_agent_of(settings),
            client,
            settings.secrets,
            pictures=CopiedPictures(settings.folders.var / PICTURES),
            root=settings.folders.root,
        )
        report = poller.run(progress, only)
    ask_hubs(settings, database, clock.now(), client, user_agent_of(settings))
    return report


def poll_source_now(state: EditingState, actor: Actor, source: str) -> PollReport:
    """Ask one source now, due or not. Raise UsageError for a source that is not on the web, or is paused."""
    _require(state, actor, source)
    with state.changing(actor, "poll-source", source) as change:
        stored = store.list_polled(change.connection).get(source)
        if stored is not None and stored.is_paused:
            raise UsageError.saying("%(source)s: is paused; resume it first", source=source)
    return poll_sources(state.settings, state.database, state.clock, only=source)


def pause_source(state: EditingState, actor: Actor, source: str, *, is_paused: bool) -> None:
    """Let a source be asked no more, or again from now on. Its articles stay."""
    _require(state, actor, source)
    with state.changing(
        actor, "pause-source" if is_paused else "resume-source", source
    ) as change:
        if not store.pause(change.connection, source, state.clock.now(), is_paused=is_paused):
            raise UsageError.saying(
                "%(source)s: was not asked yet; the next cycle does, or `publisher sources poll`",
                source=source,
            )


def _require(state: EditingState, actor: Actor, source: str) -> None:
    actor.require(Permission.MANAGE_SOURCES)
    names = [one.name for one in polled_sources(state.settings)]
    if source not in names:
        raise UsageError.saying(
            "%(source)s: is no source on the web; there are: %(names)s",
            source=source,
            names=", ".join(names) or "none",
        )


def probe_address(settings: Settings | None, url: str) -> Probe:
    """Look at an address of the web, and store nothing. Raise SourceError or FetchError if nothing can be read."""
    from publisher.polling.parser_process import ParserProcess
    from publisher.polling.probe import probe

    known = polled_sources(settings) if settings else []
    networks = (net for one in known if one.url == url for net in one.networks)
    client = replace(CLIENT, networks=(*CLIENT.networks, *networks))
    with ParserProcess() as parser:
        return probe(url, client, parser, user_agent_of(settings))


def probe_built_site(folder: Path, place: str) -> Probe:
    """Look at a folder of built HTML, which the settings would call `place`."""
    from publisher.polling.parser_process import ParserProcess
    from publisher.polling.probe import probe_folder

    with ParserProcess() as parser:
        return probe_folder(folder, place, parser)


def add_web_source(state: EditingState, actor: Actor, url: str) -> list[str]:
    """Add the feeds at an address to publication.toml; return their names. Raise SourceError if there are none."""
    actor.require(Permission.MANAGE_SOURCES)
    found = probe_address(state.settings, url)
    if not found.feeds:
        raise SourceError(f"{url}: {'; '.join(found.notes)}")
    return _added(state, actor, [one.table for one in found.feeds])


def add_listed_sources(state: EditingState, actor: Actor, opml: bytes) -> list[str]:
    """Add the feeds of a list in OPML to publication.toml, without asking them; return their names."""
    from publisher.polling.discovery import read_opml

    actor.require(Permission.MANAGE_SOURCES)
    return _added(state, actor, [{"kind": "feed", "url": one.url} for one in read_opml(opml)])


def _added(state: EditingState, actor: Actor, tables: Sequence[Mapping[str, str]]) -> list[str]:
    known = {one.url for one in polled_sources(state.settings)}
    names = {one.name for one in state.settings.sources}
    found = {name_of(one["url"]): one for one in tables if one["url"] not in known}
    # A table of a name that is there would be changed.
    new = {name: table for name, table in found.items() if name not in names}
    if not new:
        return []
    with state.changing(actor, "add-source", f"{len(new)}"):
        changes = {f"source[{name}]": table for name, table in new.items()}
        change_settings(state.settings.folders.root, changes)
    return [*new]


def list_sources_as_opml(state: EditingState) -> bytes:
    """Return the feeds that are sources as a list in OPML. Raise UsageError if there is none."""
    from feeds.opml import Outline, render_opml

    lines = [
        Outline(text=one.name, xml_url=one.url, language=one.language)
        for one in polled_sources(state.settings)
        if one.kind == "feed"
    ]
    if not lines:
        raise UsageError("no source is a feed, so there is nothing to list")
    publication = state.settings.publication
    title = publication.title(publication.default_language)
    return render_opml(title, lines, updated=state.clock.now())


def probe_as_json(found: Probe) -> dict[str, object]:
    """Return a look at an address for programs; `source` is the table that a feed would be in the settings."""
    feeds = [
        {
            "url": one.url,
            "title": one.feed.title,
            "language": one.language,
            "missing": one.missing,
            "source": one.table,
            "entries": [store.entry_to_json(entry) for entry in one.feed.entries],
        }
        for one in found.feeds
    ]
    return {**asdict(replace(found, feeds=[])), "feeds": feeds}
