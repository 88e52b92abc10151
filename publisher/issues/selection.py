"""Which articles an issue carries. Pure: articles and rules in, choices with reasons out.

A story comes at most once in an edition, in the edition's language or, where its settings say
so, in another; what became available since the last cut is news, however old the original is,
up to `max_age`. Knows no database.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from publisher.articles.model import Article, Origin
from publisher.config import Edition, Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """What may go into an issue.

    `articles` became available since the last cut, in the edition's language or a fallback's,
    `too_old` more that were published before any that may still come;
    `variants` are all publishable articles of their stories; `sent` the stories that the
    edition has carried.
    """

    articles: Sequence[Article]
    too_old: int = 0
    variants: Mapping[int, Sequence[Article]]
    sent: Collection[int]


@dataclass(frozen=True, slots=True)
class Selection:
    """The chosen articles in order; how many more there was no room for; why others are out."""

    chosen: tuple[Article, ...]
    more: int
    excluded: Mapping[str, int]

    def reason_if_empty(self) -> str:
        """Say why an issue has nothing in it."""
        counts = ", ".join(f"{count} {why}" for why, count in sorted(self.excluded.items()))
        return f"no new articles ({counts})" if counts else "no new articles"


def choose_articles(
    edition: Edition,
    candidates: Candidates,
    now: datetime,
    published_until: datetime | None = None,
) -> Selection:
    """Choose an issue's articles; `published_until` bounds one of several late issues."""
    too_old = f"older than {edition.max_age.days} days"
    excluded: Counter[str] = Counter(
        {too_old: candidates.too_old} if candidates.too_old else {}
    )
    eligible: dict[int, Article] = {}
    for article in candidates.articles:
        story = candidates.variants.get(article.story_id, ())
        if _someone_else_serves(edition, article, story):
            continue
        if published_until and article.published_at > published_until:
            continue  # a later issue of the same turn takes it
        why = _objection(edition, article, story, candidates.sent, now)
        if why:
            excluded[why] += 1
        else:
            known = eligible.get(article.story_id, article)
            eligible[article.story_id] = min(known, article, key=partial(_rank, edition))
    ordered = sorted(eligible.values(), key=partial(_order, edition))
    chosen = tuple(ordered[: edition.max_articles])
    return Selection(chosen, len(ordered) - len(chosen), excluded)


def languages_to_search(edition: Edition) -> tuple[str, ...]:
    """List the languages whose articles an edition may show."""
    fallback = edition.fallback if edition.missing == Missing.FALLBACK else ()
    return (edition.language, *(tag for tag in fallback if tag != edition.language))


def _rank(edition: Edition, article: Article) -> int:
    return languages_to_search(edition).index(article.language)


def _order(edition: Edition, article: Article) -> tuple[bool, float, str]:
    """Newest first; what has to be shown in another language stands behind the readers' own."""
    foreign = article.language != edition.language
    return foreign, -article.published_at.timestamp(), article.story_key


def _someone_else_serves(edition: Edition, article: Article, story: Iterable[Article]) -> bool:
    """Say if an article in another language is not needed, since the edition has its own."""
    own = (a for a in story if a.language == edition.language)
    return article.language != edition.language and any(_allowed(edition, a) for a in own)


def _allowed(edition: Edition, article: Article) -> bool:
    return article.origin != Origin.CONVERTED or edition.missing == Missing.CONVERT


def _objection(
    edition: Edition,
    article: Article,
    story: Iterable[Article],
    sent: Collection[int],
    now: datetime,
) -> str | None:
    if article.story_id in sent:
        return "carried before"
    if not _allowed(edition, article):
        return "converted by machine"
    if now - _original_date(article, story) > edition.max_age:
        return f"older than {edition.max_age.days} days"
    return None


def _original_date(article: Article, story: Iterable[Article]) -> datetime:
    return min((a.published_at for a in story), default=article.published_at)
