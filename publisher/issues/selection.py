"""Choose the articles of an issue: articles and rules in, choices with reasons out. Pure.

An edition carries a story at most once: in its own language or, if the settings say so, in another. Articles that
became available since the last selection are news, even translations of an older original, up to `max_age`. Subscribers
with a profile have rules of their own: each story comes in the best of their languages that has it.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache

from feeds.normalisation import label
from publisher.articles.model import Article, Mailing, Origin, Provenance
from publisher.config import Edition, MissingPolicy, Publication
from publisher.i18n.messages import counted, message
from publisher.languages import match
from subscribers.preferences import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """The articles that an issue can choose from.

    `articles` became available since the last selection, in the edition's language or a fallback. `too_old` counts
    further ones that were published before `max_age`, `archived` those of an archive. `variants` are all publishable
    articles of the same stories. `sent` are the stories already carried. `places` has the source of a story, and how
    many places of an issue that may fill, unless it may fill all.
    """

    articles: Sequence[Article]
    too_old: int = 0
    archived: int = 0
    variants: Mapping[int, Sequence[Article]]
    sent: Collection[int]
    places: Mapping[int, tuple[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionWindow:
    """The articles that an issue's selection considers: available in (`since`, `until`].

    `published_until` is the bound of one of several late issues. `stories` are the keys or slugs of all that an issue
    contained which was sent before the database was restored.
    """

    since: datetime | None = None
    until: datetime
    published_until: datetime | None = None
    stories: Collection[str] | None = None

    def includes(self, article: Article) -> bool:
        """Return whether an article is for this issue; if not, a later one takes it."""
        is_earlier = (
            self.published_until is None or article.published_at <= self.published_until
        )
        names = {article.story_key, article.slug}
        return is_earlier and (self.stories is None or not names.isdisjoint(self.stories))


@dataclass(frozen=True, slots=True)
class Selection:
    """The chosen articles in order, the number that had no room, and why others are excluded.

    `waiting` are those without room, with their sources, that the next issue considers: these have filled their places.
    """

    chosen: tuple[Article, ...]
    more: int
    excluded: Mapping[str, int]
    waiting: tuple[tuple[str, Article], ...] = ()

    def considered_until(self, now: datetime) -> datetime:
        """Return until when the next issue need not consider articles again: just before the first that waits."""
        waiting = (one.available_at - timedelta(seconds=1) for _source, one in self.waiting)
        return min([now, *waiting])

    def reason_to_wait(self) -> str:
        """Return why articles wait for the next issue; empty if none does."""
        if not self.waiting:
            return ""
        return counted(
            "%(count)s article waits for the next issue, by max_share of %(sources)s",
            "%(count)s articles wait for the next issue, by max_share of %(sources)s",
            len(self.waiting),
            sources=sorted({source for source, _one in self.waiting}),
        )

    def reason_if_empty(self) -> str:
        """Return why an issue has no articles."""
        counts = [
            message("%(count)s %(why)s", count=count, why=why)
            for why, count in sorted(self.excluded.items())
        ]
        if not counts:
            return message("no new articles")
        return message("no new articles (%(counts)s)", counts=counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionRules:
    """Which articles an edition, or a profile among its subscribers, may be shown.

    `languages` come best first, and `language` is the edition's. Script conversions are shown in the
    languages `conversions` only, and nothing else that a machine translated unless `by_machine`. `topics` and `authors` are folded names; if both are empty, a story
    may have any.
    """

    language: str
    languages: tuple[str, ...]
    conversions: frozenset[str]
    max_age: timedelta
    by_machine: bool = True
    topics: frozenset[str] = frozenset()
    authors: frozenset[str] = frozenset()

    def allows(self, article: Article) -> bool:
        """Return whether an article's language and origin may be shown."""
        is_converted = article.origin == Origin.CONVERTED
        is_by_machine = article.provenance in {Provenance.MACHINE, Provenance.SCRIPT}
        if is_by_machine and not is_converted and not self.by_machine:
            return False
        return article.language in self.languages and (
            not is_converted or article.language in self.conversions
        )

    def rank(self, article: Article) -> int:
        """Return the place of an article's language, 0 for the best."""
        return self.languages.index(article.language)


def rules_of_edition(edition: Edition) -> SelectionRules:
    """Return the rules for an edition's subscribers without a profile."""
    languages = languages_to_search(edition)
    converts = edition.missing == MissingPolicy.CONVERT
    return SelectionRules(
        language=edition.language,
        languages=languages,
        conversions=frozenset(languages if converts else ()),
        max_age=edition.max_age,
    )


def rules_of_profile(
    edition: Edition,
    sisters: Iterable[Edition],
    publication: Publication,
    language: str,
    profile: Profile,
) -> SelectionRules:
    """Return the rules for subscribers of an edition with a language and a profile.

    `sisters` are all editions of the newsletter: each decides about conversions into its language.
    A chosen author is chosen in all spellings that people.toml has.
    """
    own = {one.language: one for one in sisters}
    converting = {tag for tag, one in own.items() if one.missing == MissingPolicy.CONVERT}
    languages: dict[str, None] = {}
    if profile.more_languages:
        for tag in (language, *profile.more_languages):
            found = (match(tag, publication.languages), match(tag, own))
            languages |= dict.fromkeys(one for one in found if one)
    languages |= dict.fromkeys(languages_to_search(edition))
    return replace(
        rules_of_edition(edition),
        languages=tuple(languages),
        conversions=frozenset(converting if profile.machine_translations else ()),
        by_machine=profile.machine_translations,
        topics=frozenset(
            _folded(one) for name in profile.topics for one in publication.topic_names(name)
        ),
        authors=frozenset(
            one for name in profile.authors for one in publication.people.spellings(name)
        ),
    )


def serving_language(editions: Sequence[str], wanted: Iterable[str]) -> str | None:
    """Return the language of the edition that serves a subscriber with these languages, best first."""
    return next((found for tag in wanted if (found := match(tag, editions))), None)


def choose_articles(
    edition: Edition, candidates: Candidates, window: SelectionWindow
) -> Selection:
    rules = rules_of_edition(edition)
    ordered, excluded = _eligible(rules, candidates, window)
    chosen, waiting = _within_shares(ordered, candidates.places, edition.max_articles)
    return Selection(chosen, len(ordered) - len(chosen), excluded, waiting)


def _within_shares(
    ordered: Iterable[Article], places: Mapping[int, tuple[str, int]], most: int
) -> tuple[tuple[Article, ...], tuple[tuple[str, Article], ...]]:
    """Return the first articles of which no source fills more than its places, and with their sources those passed over."""
    filled, chosen, waiting = Counter[str](), list[Article](), list[tuple[str, Article]]()
    for one in ordered:
        source, room = places.get(one.story_id, ("", most))
        if len(chosen) >= most:
            break
        if filled[source] < room:
            filled[source] += 1
            chosen.append(one)
        else:
            waiting.append((source, one))
    return tuple(chosen), tuple(waiting)


def choose_for_profile(
    rules: SelectionRules, candidates: Candidates, window: SelectionWindow
) -> list[Article]:
    """Return all articles of an issue that subscribers with a profile want, in order."""
    ordered, _excluded = _eligible(rules, candidates, window)
    return ordered


def best_article(rules: SelectionRules, story: Sequence[Article]) -> Article | None:
    """Return the article of a story that is shown by some rules, at any age; None if there is none."""
    if not _is_wanted(rules, story):
        return None
    allowed = (one for one in story if rules.allows(one))
    return min(allowed, key=rules.rank, default=None)


def languages_to_search(edition: Edition) -> tuple[str, ...]:
    """Return the languages whose articles an edition may show, in order of preference."""
    fallback = edition.fallback if edition.missing == MissingPolicy.FALLBACK else ()
    return (edition.language, *(tag for tag in fallback if tag != edition.language))


def _eligible(
    rules: SelectionRules, candidates: Candidates, window: SelectionWindow
) -> tuple[list[Article], Counter[str]]:
    """Return an article of each story that may be shown, in order, and why others may not."""
    counts = {
        _too_old(rules): candidates.too_old,
        message("of the archive"): candidates.archived,
    }
    excluded = Counter({why: count for why, count in counts.items() if count})
    eligible: dict[int, Article] = {}
    for article in candidates.articles:
        story = candidates.variants.get(article.story_id, ())
        if _is_not_needed(rules, article, story) or not _is_wanted(rules, story):
            continue
        if not window.includes(article):
            continue
        why = _exclusion(rules, article, story, candidates.sent, window.until)
        if why:
            excluded[why] += 1
        else:
            known = eligible.get(article.story_id, article)
            eligible[article.story_id] = min(known, article, key=rules.rank)
    return sorted(eligible.values(), key=order_key), excluded


def order_key(article: Article) -> tuple[float, str]:
    """Sort the newest first, in whatever language: the lead of the week must have room in each edition."""
    return -article.published_at.timestamp(), article.story_key


def _is_not_needed(rules: SelectionRules, article: Article, story: Iterable[Article]) -> bool:
    """Return whether nobody needs an article: its story may be shown in a better language."""
    if article.language not in rules.languages:
        return True
    better = rules.languages[: rules.rank(article)]
    return any(one.language in better and rules.allows(one) for one in story)


def _is_wanted(rules: SelectionRules, story: Iterable[Article]) -> bool:
    """Return whether a story has one of the topics or authors, in any of its languages."""
    if not (rules.topics or rules.authors):
        return True
    return any(
        not rules.topics.isdisjoint(map(_folded, one.topics))
        or not rules.authors.isdisjoint(_folded(byline.name) for byline in one.bylines)
        for one in story
    )


@lru_cache(maxsize=4096)
def _folded(name: str) -> str:
    """Return a topic or an author's name as feeds compare it."""
    return label(name).casefold()


def _exclusion(
    rules: SelectionRules,
    article: Article,
    story: Iterable[Article],
    sent: Collection[int],
    now: datetime,
) -> str | None:
    if article.story_id in sent:
        return message("carried before")
    if not rules.allows(article):
        return message("converted or translated by machine")
    is_announced = article.mailing is Mailing.ANNOUNCED
    if not is_announced and now - original_date(article, story) > rules.max_age:
        return _too_old(rules)
    return None


def _too_old(rules: SelectionRules) -> str:
    days = rules.max_age.days
    return counted("older than %(count)s day", "older than %(count)s days", days)


def original_date(article: Article, story: Iterable[Article]) -> datetime:
    """Return when the first of a story's articles was published: from then on it grows old."""
    return min((a.published_at for a in story), default=article.published_at)
