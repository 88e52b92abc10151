"""What is stored of each source that its editors should know: counts by source. Reads only."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select

from publisher.article_problems import ProblemKind
from publisher.articles.model import ArticleStatus
from publisher.articles.tables import article
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
    """Return what is stored of each source, by name."""
    item = source_item.c
    found = {
        name: SourceFacts(left_out=_left_out_by_name(stored))
        for name, stored in connection.execute(
            select(source_table.c.name, source_table.c.left_out)
        )
    }
    quarantined = _count(item.reason.is_not(None))
    for name, count in connection.execute(quarantined):
        found[name].quarantined = count
    # What is in quarantine is counted above.
    problem = item_problem.c
    is_other = problem.kind != ProblemKind.NO_ARTICLE.value
    problems = select(problem.source, func.count()).where(is_other).group_by(problem.source)
    for name, count in connection.execute(problems):
        found[name].problems = count
    for name, reason, count in connection.execute(
        _count(item.left_out.is_not(None), item.left_out)
    ):
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
    """Return a query that counts items by source, and by some columns."""
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
