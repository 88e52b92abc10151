"""What is stored of sources that their editors should know. Reads only.

Counts by source; documents that wait to be published: drafts, those held until a date, and articles to come;
and articles that are likely translations of each other, but are not linked. Stories in one language
each that were published on one day are likely one story, if each of these languages has only one such story on
that day and they share their picture, authors or topics. Titles are never compared.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from publisher.articles.model import ArticleStatus, Origin
from publisher.articles.tables import article, story
from publisher.i18n.article_problems import ArticleProblem, ProblemKind
from publisher.ingest.problems import ItemProblem, left_out_by_name
from publisher.ingest.tables import item_problem, source_item, source_table


@dataclass(slots=True)
class SourceFacts:
    """Counts of one source.

    `left_out` are files that are rightly no articles, by reason. `elsewhere` are articles by language, in
    those that the publication does not have. `next_at` is the first date of those that wait for one.
    """

    quarantined: int = 0
    problems: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    elsewhere: Counter[str] = field(default_factory=Counter)
    in_future: int = 0
    next_at: datetime | None = None


def read_source_facts(
    connection: Connection, languages: Collection[str], now: datetime
) -> dict[str, SourceFacts]:
    item = source_item.c
    rows = connection.execute(select(source_table.c.name, source_table.c.left_out))
    found = {name: SourceFacts(left_out=_left_out_by_name(stored)) for name, stored in rows}
    quarantined = _count(item.reason.is_not(None))
    for name, count in connection.execute(quarantined):
        found[name].quarantined = count
    # What is in quarantine is counted above.
    problem = item_problem.c
    is_other = problem.kind != ProblemKind.NO_ARTICLE.value
    problems = select(problem.source, func.count()).where(is_other).group_by(problem.source)
    for name, count in connection.execute(problems):
        found[name].problems = count
    left_out = _count(item.left_out.is_not(None), item.left_out)
    for name, reason, count in connection.execute(left_out):
        found[name].left_out[reason] += count
    for name, language, count in connection.execute(_articles_elsewhere(languages)):
        found[name].elsewhere[language] = count
    for name, count, first in connection.execute(_articles_after(now)):
        found[name].in_future, found[name].next_at = count, first
    return found


def _left_out_by_name(stored: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for reason, _group, number in json.loads(stored or "[]"):
        counts[reason] += number
    return counts


def _count(chosen: ColumnElement[bool], *by: ColumnElement[str]) -> Select[Any]:
    columns = (source_item.c.source, *by)
    return select(*columns, func.count()).where(chosen).group_by(*columns)


def _articles_elsewhere(languages: Collection[str]) -> Select[Any]:
    columns = (source_item.c.source, article.c.language)
    return (
        select(*columns, func.count(article.c.id.distinct()))
        .join(article, article.c.id == source_item.c.article_id)
        .where(article.c.language.not_in(languages), _is_ready())
        .group_by(*columns)
        .order_by(*columns)
    )


def _articles_after(now: datetime) -> Select[Any]:
    published = article.c.published_at
    return (
        select(source_item.c.source, func.count(article.c.id.distinct()), func.min(published))
        .join(article, article.c.id == source_item.c.article_id)
        .where(published > now, _is_ready())
        .group_by(source_item.c.source)
    )


def _is_ready() -> ColumnElement[bool]:
    return article.c.status == ArticleStatus.READY


# Values of `ingest.sites.base.LeftOutReason`, whose module loads all parsers.
_DRAFT, _SCHEDULED = "draft", "scheduled"


@dataclass(frozen=True, slots=True)
class WaitingDocument:
    """A document of a source; without `until` it is a draft. `title` is None if it is not known."""

    source: str
    file: str
    title: str | None
    language: str | None
    until: datetime | None


def waiting_documents(connection: Connection, now: datetime) -> list[WaitingDocument]:
    """Return drafts, in the order of their names, then what waits for a date, the next one first."""
    found = [*_held(connection), *_to_come(connection, now)]
    dated = sorted((one for one in found if one.until), key=lambda one: (one.until, one.file))
    return [*(one for one in found if not one.until), *dated]


def count_drafts_by_name(connection: Connection) -> int:
    """Return the number of drafts that sites leave out by folder or name, and that are not read."""
    found = left_out_by_name(connection)
    return sum(count for reason, _group, count in found if reason == _DRAFT)


def _held(connection: Connection) -> list[WaitingDocument]:
    columns = source_item.c["source", "key", "title", "language", "read_again_at"]
    query = select(*columns).where(source_item.c.left_out.in_([_DRAFT, _SCHEDULED]))
    rows = connection.execute(query.order_by("source", "key"))
    return [WaitingDocument(*row) for row in rows]


def _to_come(connection: Connection, now: datetime) -> list[WaitingDocument]:
    columns = (*source_item.c["source", "key"], *article.c["title", "language", "available_at"])
    query = select(*columns).join(article, article.c.id == source_item.c.article_id)
    query = query.where(article.c.available_at > now, _is_ready())
    return [WaitingDocument(*row) for row in connection.execute(query)]


def unlinked_translations(connection: Connection) -> list[ItemProblem]:
    """Return likely translations, each with the key that links it, by day and file."""
    by_day: dict[date, list[Row[Any]]] = defaultdict(list)
    for row in _single_articles(connection):
        by_day[row.published_on].append(row)
    return [
        ItemProblem(row.source, row.file, _problem(original), holds=False)
        for rows in by_day.values()
        for original, row in _pairs(rows)
    ]


def _single_articles(connection: Connection) -> Sequence[Any]:
    """Return the articles of stories that have one language only, by day and file."""
    own = article.c
    shown = (own.status != ArticleStatus.WITHDRAWN) & (own.origin != Origin.CONVERTED)
    counted = select(own.story_id).where(shown).group_by(own.story_id)
    single = counted.having(func.count() == 1)
    columns = article.c[("language", "published_on", "available_at", *_MARKS)]
    item = (source_item.c.source, source_item.c.key.label("file"))
    query = (
        select(*columns, story.c.key, *item)
        .join(story, story.c.id == article.c.story_id)
        .join(source_item, source_item.c.article_id == article.c.id)
        .where(shown, article.c.story_id.in_(single))
        .order_by(article.c.published_on, source_item.c.key)
    )
    return connection.execute(query).all()


_MARKS = ("picture", "bylines", "topics")  # what translations of a story often share


def _pairs(rows: Sequence[Row[Any]]) -> Iterator[tuple[Row[Any], Row[Any]]]:
    """Yield an original and its likely translation, among the single articles of one day. Pure."""
    if len({row.language for row in rows}) < len(rows):
        return
    original, *others = sorted(rows, key=lambda row: row.available_at)
    for other in others:
        pairs = ((getattr(original, mark), getattr(other, mark)) for mark in _MARKS)
        if any(mine and mine == its for mine, its in pairs):
            yield original, other


def _problem(original: Row[Any]) -> ArticleProblem:
    what = f"looks like a translation of {original.file}; write `key: {original.key}` in both"
    return ArticleProblem(ProblemKind.UNLINKED_TRANSLATION, None, what)
