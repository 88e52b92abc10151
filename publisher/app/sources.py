"""Sources as editors see them: what each has, and what the engine says of it.

`notices_of` is pure: all of it was stored by the last cycle. It writes no sentence about what is in order.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from publisher.app.articles import ProblemGroup, list_article_problems
from publisher.app.editing_state import Actor, EditingState, Permission
from publisher.config import SourceSettings
from publisher.errors import UsageError
from publisher.i18n.messages import Sentence, counted, message, untranslated
from publisher.ingest import problems as item_problems
from publisher.ingest.pickup import source_items
from publisher.ingest.problems import HeldSource
from publisher.ingest.reports.source_facts import SourceFacts, read_source_facts
from publisher.ingest.sites.base import LeftOutReason
from publisher.ingest.sources.entries import count_waiting_entries
from publisher.jobs.heartbeat import read_heartbeat
from publisher.polling.store import PolledSource, list_polled


@dataclass(frozen=True, slots=True)
class SourceNotice:
    """A sentence about a source. `kind` is a key for programs; `remedy` is what to do, empty for nothing.

    It is so since `since`, if that is known, or until `until`.
    """

    kind: str
    what: str
    remedy: str = ""
    is_urgent: bool = False
    since: datetime | None = None
    until: datetime | None = None


_BY_SETTINGS = message("`include` of the source names what is an article all the same")
_BY_FRONT_MATTER = message("the front matter of each says so; change it there")
_WITHOUT_REMEDY = message("nothing, unless it is a mistake")
# Why files are rightly no articles, and how they become some.
_LEFT_OUT: dict[str, tuple[Sentence, Sentence]] = {
    LeftOutReason.HIDDEN: (
        message("names that begin with . or _, or end with ~"),
        _WITHOUT_REMEDY,
    ),
    LeftOutReason.FOLDER: (
        message("folders that the site's generator does not read"),
        _BY_SETTINGS,
    ),
    LeftOutReason.README: (message("README, and files about a repository"), _BY_SETTINGS),
    LeftOutReason.ENDING: (message("endings of no document and no picture"), _WITHOUT_REMEDY),
    LeftOutReason.UNWATCHED: (
        message("too many pictures: a change of one is noticed only with its article"),
        message("keep pictures that no article shows in another folder"),
    ),
    LeftOutReason.EXCLUDED: (
        message("`exclude` of the source names them, or `include` does not"),
        _BY_SETTINGS,
    ),
    LeftOutReason.PAGE: (message("pages of the site that are no articles"), _BY_SETTINGS),
    LeftOutReason.LIST: (message("pages that list others"), _BY_SETTINGS),
    LeftOutReason.TEMPLATE: (message("parts of the site's design"), _BY_SETTINGS),
    LeftOutReason.DRAFT: (message("drafts"), _BY_FRONT_MATTER),
    LeftOutReason.UNLISTED: (message("they are not listed on the site"), _BY_FRONT_MATTER),
    LeftOutReason.EXPIRED: (message("their time is over"), _BY_FRONT_MATTER),
    LeftOutReason.SCHEDULED: (message("they wait for their time"), _BY_FRONT_MATTER),
    LeftOutReason.UNTRANSLATED: (
        message("copies of an original that nobody has translated yet"),
        message("translate them"),
    ),
    LeftOutReason.COPY: (
        message(
            "articles that another source has, which was first or has them on its own site"
        ),
        _WITHOUT_REMEDY,
    ),
}


def left_out_reason(reason: str) -> str:
    return _left_out(reason)[0]


def _left_out(reason: str) -> tuple[Sentence, str]:
    # Another version of the program may have stored a reason that this one does not know.
    return _LEFT_OUT.get(reason, (untranslated(reason), ""))


def notices_of(
    facts: SourceFacts | None,
    failure: item_problems.SourceFailure | None,
    held: HeldSource | None,
    polled: PolledSource | None = None,
    waiting: int | None = None,
    *,
    is_removed: bool = False,
) -> tuple[SourceNotice, ...]:
    """Return what is to be said of a source. Without `facts` it was never read."""
    found = [*_of_failure(failure), *_of_poll(polled), *_of_quota(waiting)]
    found += _of_loss(held, is_removed=is_removed)
    if facts is not None:
        found += [*_of_files(facts), *_of_languages_and_dates(facts)]
        found += _of_left_out(facts.left_out)
    elif failure is None:
        what = message("it was not read yet")
        remedy = message("the next cycle of the service reads it")
        found.append(SourceNotice("never-read", what, remedy))
    return tuple(found)


def _of_failure(failure: item_problems.SourceFailure | None) -> Iterator[SourceNotice]:
    if failure is not None:
        remedy = message(
            "its articles stay as they are; mend what is named, or its table in publication.toml"
        )
        what, since = failure.reason, failure.since
        yield SourceNotice("unreadable", what, remedy, is_urgent=True, since=since)


def _of_poll(polled: PolledSource | None) -> Iterator[SourceNotice]:
    """Say that a source on the web is paused, or what came of asking it if it failed."""
    if polled is None:
        return
    if polled.is_paused:
        remedy = message("`publisher sources resume` lets it be asked again")
        yield SourceNotice(
            "paused", message("it is paused, so nothing new comes from it"), remedy
        )
    elif polled.has_failed:
        remedy = message("its articles stay as they are; it is asked again when its time comes")
        if polled.state.is_stopped:
            remedy = message(
                "its articles stay as they are; mend its address, or resume it: it is not asked again by itself"
            )
        what, since = untranslated(polled.reason), polled.state.failing_since
        yield SourceNotice("unreadable", what, remedy, is_urgent=True, since=since)


def _of_quota(waiting: int | None) -> Iterator[SourceNotice]:
    if waiting:
        what = counted(
            "%(count)s entry waits for a later day, by max_per_day",
            "%(count)s entries wait for a later day, by max_per_day",
            waiting,
        )
        yield SourceNotice("waiting", what)


_REMOVED = (
    message(
        "it is not in publication.toml any more; its articles stay until somebody accepts that they are gone"
    ),
    message("write its table again, or accept that they are gone"),
)


def _of_loss(held: HeldSource | None, *, is_removed: bool) -> Iterator[SourceNotice]:
    if held is None:
        return
    values = {"lost": held.lost, "articles": held.articles}
    if held.accepted < held.lost:
        what = message(
            "%(lost)s of %(articles)s articles are gone. A checkout that failed or a disk that is missing looks like that; nothing is withdrawn until somebody accepts it",
            **values,
        )
        remedy = message("bring the files back, or accept that they are gone")
        what, remedy = _REMOVED if is_removed else (what, remedy)
        yield SourceNotice("held", what, remedy, is_urgent=True, since=held.since)
    else:
        what = message(
            "%(lost)s of %(articles)s articles are gone, which is accepted", **values
        )
        remedy = message("the next cycle withdraws them")
        yield SourceNotice("loss-accepted", what, remedy, since=held.since)


def _of_files(facts: SourceFacts) -> Iterator[SourceNotice]:
    if facts.quarantined:
        what = counted(
            "%(count)s file can't be read as an article",
            "%(count)s files can't be read as articles",
            facts.quarantined,
        )
        remedy = message(
            "each is listed with its reason; what was published of it before, stays"
        )
        yield SourceNotice("quarantine", what, remedy)
    if facts.problems:
        what = counted(
            "%(count)s problem in its articles",
            "%(count)s problems in its articles",
            facts.problems,
        )
        remedy = message("they are listed by kind, with what to do")
        yield SourceNotice("problems", what, remedy)


def _of_languages_and_dates(facts: SourceFacts) -> Iterator[SourceNotice]:
    if facts.elsewhere:
        yield SourceNotice(
            "other-languages",
            counted(
                "%(count)s article is in a language that the publication does not have: %(languages)s",
                "%(count)s articles are in languages that the publication does not have: %(languages)s",
                facts.elsewhere.total(),
                languages=list(facts.elsewhere),
            ),
            message(
                "add the language to publication.toml, or correct the one that the files state"
            ),
        )
    if facts.in_future:
        yield SourceNotice(
            "future",
            counted(
                "%(count)s article has a date in the future",
                "%(count)s articles have dates in the future",
                facts.in_future,
            ),
            message("each is published at its date; correct one that is a mistake"),
            until=facts.next_at,
        )


def _of_left_out(counts: Counter[str]) -> Iterator[SourceNotice]:
    for reason, count in counts.most_common():
        why, remedy = _left_out(reason)
        yield SourceNotice(
            f"left-out {reason}",
            counted(
                "%(count)s file is left out: %(why)s",
                "%(count)s files are left out: %(why)s",
                count,
                why=why,
            ),
            remedy,
        )


WholeState = Literal["unreadable", "held", "loss-accepted", "never-read", "in-order"]
# Kinds of notices about the whole of a source, the most urgent first.
_OF_THE_WHOLE: tuple[WholeState, ...] = ("unreadable", "held", "loss-accepted", "never-read")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStatus:
    """A source, how many articles it has, and notices. It was never read if it is not `is_known`.

    One that `is_removed` from the settings is there until somebody accepts that its articles go.
    """

    settings: SourceSettings
    is_removed: bool = False
    articles: int
    archived: int
    held: HeldSource | None = None
    polled: PolledSource | None = None  # of a source on the web that was asked
    notices: tuple[SourceNotice, ...] = ()

    @property
    def state(self) -> WholeState:
        """The kind of its most urgent notice about the whole of it."""
        found = {one.kind for one in self.notices}
        return next((kind for kind in _OF_THE_WHOLE if kind in found), "in-order")


@dataclass(frozen=True, slots=True)
class SourcesStatus:
    """All sources, files in quarantine, and problems by kind; `worked_at` is when the service last worked in this folder."""

    sources: tuple[SourceStatus, ...]
    quarantine: tuple[tuple[str, str], ...]
    problems: tuple[ProblemGroup, ...]
    worked_at: datetime | None = None


def read_sources(state: EditingState) -> SourcesStatus:
    languages, now = state.settings.publication.languages, state.clock.now()
    configured = {one.name for one in state.settings.sources}
    with state.database.reading() as connection:
        held = {one.source: one for one in item_problems.list_held_sources(connection)}
        failures = {one.source: one for one in item_problems.list_failures(connection)}
        archived = source_items.count_archive(connection)
        facts = read_source_facts(connection, languages, now)
        articles = source_items.count_articles_of_sources(connection)
        polled = {n: one for n, one in list_polled(connection).items() if n in configured}
        quarantine = tuple(item_problems.quarantined_items(connection))
        waiting = count_waiting_entries(connection, state.settings, now)
        kinds = source_items.stored_sources(connection)
    said: Any = (facts, failures, held, polled, waiting)
    names = (name for name in held if name in kinds and name not in configured)
    removed = [SourceSettings(name=name, kind=kinds[name]) for name in names]
    sources = tuple(
        SourceStatus(
            settings=one,
            is_removed=(is_removed := one.name not in configured),
            articles=articles.get(one.name, 0),
            archived=archived.get(one.name, 0),
            held=held.get(one.name),
            polled=polled.get(one.name),
            notices=notices_of(*(o.get(one.name) for o in said), is_removed=is_removed),
        )
        for one in (*state.settings.sources, *removed)
    )
    worked_at = read_heartbeat(state.settings.folders.heartbeat)
    problems = tuple(list_article_problems(state.database))
    return SourcesStatus(sources, quarantine, problems, worked_at)


def accept_source_loss(state: EditingState, actor: Actor, source: str, lost: int) -> HeldSource:
    """Let the next cycle withdraw the articles that a held source has lost.

    `lost` is how many whoever accepts it has seen. Raise UsageError for a source that is not held, or
    that has lost more or fewer meanwhile.
    """
    actor.require(Permission.MANAGE_SOURCES)
    with state.changing(actor, "accept-loss", source) as change:
        held = item_problems.accept_loss(change.connection, source)
        if held is None:
            raise UsageError.saying("%(source)s: is not held any more", source=source)
        if held.lost != lost:
            raise UsageError.saying(
                "%(source)s: %(now)s articles are gone by now, not %(before)s",
                source=source,
                now=str(held.lost),
                before=str(lost),
            )
        change.details["lost"] = held.lost
    return held
