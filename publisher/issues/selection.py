"""Choose the articles of an issue: articles and rules in, choices with reasons out. Pure.

An edition carries a story at most once: in its own language or, if the settings say so, in
another. Articles that became available since the last selection are news, even translations of
an older original, up to `max_age`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from publisher.articles.model import Article, Origin
from publisher.config import Edition, MissingPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """The articles that an issue can choose from.

    `articles` became available since the last selection, in the edition's language or a
    fallback. `too_old` counts further ones that were published before `max_age`. `variants` are
    all publishable articles of the same stories. `sent` are the stories already carried.
    """

    articles: Sequence[Article]
    too_old: int = 0
    variants: Mapping[int, Sequence[Article]]
    sent: Collection[int]


@dataclass(frozen=True, slots=True)
class Selection:
    """The chosen articles in order, the number that had no room, and why others are excluded."""

    chosen: tuple[Article, ...]
    more: int
    excluded: Mapping[str, int]

    def reason_if_empty(self) -> str:
        """Return why an issue has no articles."""
        counts = ", ".join(f"{count} {why}" for why, count in sorted(self.excluded.items()))
        return f"no new articles ({counts})" if counts else "no new articles"


def choose_articles(
    edition: Edition,
    candidates: Candidates,
    now: datetime,
    published_until: datetime | None = None,
) -> Selection:
    """Return an issue's articles. `published_until` is the bound of one of several late issues."""
    too_old = f"older than {edition.max_age.days} days"
    excluded: Counter[str] = Counter(
        {too_old: candidates.too_old} if candidates.too_old else {}
    )
    eligible: dict[int, Article] = {}
    for article in candidates.articles:
        story = candidates.variants.get(article.story_id, ())
        if _is_in_own_language(edition, article, story):
            continue
        if published_until and article.published_at > published_until:
            continue  # a later issue of the same run takes it
        why = _exclusion(edition, article, story, candidates.sent, now)
        if why:
            excluded[why] += 1
        else:
            known = eligible.get(article.story_id, article)
            eligible[article.story_id] = min(known, article, key=partial(_rank, edition))
    ordered = sorted(eligible.values(), key=partial(_order, edition))
    chosen = tuple(ordered[: edition.max_articles])
    return Selection(chosen, len(ordered) - len(chosen), excluded)


def languages_to_search(edition: Edition) -> tuple[str, ...]:
    """Return the languages whose articles an edition may show, in order of preference."""
    fallback = edition.fallback if edition.missing == MissingPolicy.FALLBACK else ()
    return (edition.language, *(tag for tag in fallback if tag != edition.language))


def _rank(edition: Edition, article: Article) -> int:
    return languages_to_search(edition).index(article.language)


def _order(edition: Edition, article: Article) -> tuple[bool, float, str]:
    """Sort the newest first, and articles in another language behind those in the edition's."""
    foreign = article.language != edition.language
    return foreign, -article.published_at.timestamp(), article.story_key


def _is_in_own_language(edition: Edition, article: Article, story: Iterable[Article]) -> bool:
    """Return whether an article in another language is not needed: the edition has its own."""
    own = (a for a in story if a.language == edition.language)
    return article.language != edition.language and any(_allowed(edition, a) for a in own)


def _allowed(edition: Edition, article: Article) -> bool:
    return article.origin != Origin.CONVERTED or edition.missing == MissingPolicy.CONVERT


def _exclusion(
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
