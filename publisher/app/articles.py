"""List the articles of a publication, the files that could not be read, and what is wrong with them.

Announce those of an archive, which issues do not carry otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

import structlog
from sqlalchemy import ColumnElement, Connection

from publisher.app.editing_state import record_by_owner
from publisher.article_problems import PROBLEM_TEXTS, ProblemKind
from publisher.articles import store
from publisher.articles.model import Article
from publisher.config import Settings
from publisher.database import Database
from publisher.errors import UsageError
from publisher.ingest import archive
from publisher.ingest.held_sources import HeldSource, accept_loss, list_held_sources
from publisher.ingest.problems import ItemProblem, list_problems
from publisher.ingest.quarantine import held_back_items, quarantined_items
from publisher.ingest.unlinked import unlinked_translations

log = structlog.get_logger()

# What callers import, with the values of other packages that they get.
__all__ = [
    "Article",
    "ItemProblem",
    "ProblemGroup",
    "StoredArticles",
    "accept_lost_articles",
    "announce_articles",
    "count_archived_articles",
    "count_mailed_articles",
    "list_article_problems",
    "list_articles",
]


@dataclass(frozen=True, slots=True)
class StoredArticles:
    """All articles, story by story; path and reason of each file in quarantine; reason, path and title of others."""

    articles: list[Article]
    quarantine: list[tuple[str, str]]
    held_back: list[tuple[str, str, str]]


def accept_lost_articles(
    settings: Settings, database: Database, source: str, now: datetime
) -> HeldSource:
    """Let the next cycle withdraw the articles that a held source has lost; return how many.

    Raise UsageError for a source that is not held.
    """
    with database.writing() as connection:
        held = accept_loss(connection, source)
        if held is None:
            names = [one.source for one in list_held_sources(connection)]
            which = f"held are: {', '.join(names)}" if names else "no source is held"
            raise UsageError(f"{source}: is not held; {which}")
        record_by_owner(connection, settings, "accept-loss", source, now, lost=held.lost)
    return held


def list_articles(database: Database) -> StoredArticles:
    """Return what picking up has stored."""
    with database.reading() as connection:
        return StoredArticles(
            list(store.all_articles(connection)),
            quarantined_items(connection),
            held_back_items(connection),
        )


def count_archived_articles(database: Database) -> Mapping[str, int]:
    """Return how many articles of each source are an archive, and so are in no issue."""
    with database.reading() as connection:
        return archive.count_archive(connection)


def announce_articles(settings: Settings, database: Database, name: str, now: datetime) -> int:
    """Have the next issues carry what is an archive of a source or a story; return how many articles.

    What is news, or was announced before, stays as it is. Raise UsageError for an unknown name.
    """
    with database.writing() as connection:
        count = archive.announce_archive(connection, _chosen(connection, name), now)
        if count:
            record_by_owner(connection, settings, "announce", name, now, articles=count)
    log.info("articles announced", name=name, articles=count)
    return count


def count_mailed_articles(database: Database, name: str) -> Mapping[str, int]:
    """Return how many published articles of a source or a story are `news`, `announced` or `archive`.

    Raise UsageError for an unknown name.
    """
    with database.reading() as connection:
        return archive.count_by_mailing(connection, _chosen(connection, name))


def _chosen(connection: Connection, name: str) -> ColumnElement[bool]:
    chosen = archive.stories_named(connection, name)
    if chosen is None:
        raise UsageError(
            f"{name}: no source and no story has this name; `publisher articles` lists the stories"
        )
    return chosen


@dataclass(frozen=True, slots=True)
class ProblemGroup:
    """All problems of one kind, file by file; what the kind means for readers, and what to do."""

    kind: str
    meaning: str
    remedy: str
    problems: tuple[ItemProblem, ...]

    @property
    def files(self) -> int:
        """The number of files that have such a problem."""
        return len({(one.source, one.file) for one in self.problems})

    @property
    def held(self) -> int:
        """The number of files whose articles are held back because of it."""
        return len({(one.source, one.file) for one in self.problems if one.holds})


def list_article_problems(database: Database) -> list[ProblemGroup]:
    """Return what was wrong when the files were last read, the most frequent kind first.

    Likely translations that are not linked are among it.
    """
    with database.reading() as connection:
        # Sorting is stable: within a kind, the order of files stays.
        stored = [*list_problems(connection), *unlinked_translations(connection)]
        found = sorted(stored, key=_kind)
    groups = [
        ProblemGroup(kind, *PROBLEM_TEXTS[kind][:2], tuple(alike))
        for kind, alike in groupby(found, key=_kind)
    ]
    return sorted(groups, key=lambda group: -len(group.problems))


def problem_meaning(kind: str) -> str:
    """Return what a kind of problem means for readers."""
    return PROBLEM_TEXTS[ProblemKind(kind)].meaning


def _kind(one: ItemProblem) -> ProblemKind:
    return one.problem.kind
