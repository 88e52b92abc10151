"""Articles in the database: load, list and count them, convert them to and from rows.

An article whose hash of what readers read changes was corrected. Authors and translators are shown as people.toml has
them; stored articles keep the names as their documents write them, so an edit of people.toml corrects no article.
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, time
from functools import reduce
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy import Connection

from publisher.articles import model
from publisher.articles.tables import article, story
from publisher.config.publication import People
from publisher.database.dialect.sql import unindexed
from publisher.database.engine import chunks
from publisher.database.metadata import UTCDateTime

_Counts = sa.Select[str, int]

# With this column's index a whole archive would be sorted for its few newest articles: nearly all
# articles are available.
_UNINDEXED_AVAILABLE = unindexed(article.c.available_at)


_TEXTS = ("html", "text")  # what is large in a row


def _articles(*, with_texts: bool = True) -> sa.Select[Any]:
    columns: list[sa.ColumnElement[Any]] = [
        column if with_texts or column.name not in _TEXTS else sa.literal("").label(column.name)
        for column in article.c
        if column is not article.c.linked_html
    ]
    return sa.select(*columns, story.c.key, story.c.slug).join(story)


def _ready(now: datetime) -> tuple[Any, ...]:
    return article.c.status == model.ArticleStatus.READY, article.c.available_at <= now


def _ready_in(language: str, now: datetime) -> tuple[Any, ...]:
    is_ready = article.c.status == model.ArticleStatus.READY
    return article.c.language == language, is_ready, now >= _UNINDEXED_AVAILABLE


class AdjacentArticle(NamedTuple):
    """An article next to another in the list of their language."""

    slug: str
    title: str


def articles_by_id(
    connection: Connection, ids: Sequence[int], *, with_texts: bool = True
) -> dict[int, model.Article]:
    """Return articles by their ids; `html` and `text` are empty without texts."""
    query = _articles(with_texts=with_texts).where(article.c.id.in_(ids))
    rows = connection.execute(query)
    return {row.id: article_from_row(row) for row in rows}


def story_ids(connection: Connection, text: str) -> list[int]:
    query = sa.select(story.c.id).where((story.c.key == text) | (story.c.slug == text))
    return list(connection.execute(query.order_by(story.c.id)).scalars())


def newest_articles(
    connection: Connection, language: str, now: datetime, limit: int, *, with_texts: bool = True
) -> list[model.Article]:
    """Return the published articles of a language, newest first; `html` and `text` are empty without texts."""
    query = _articles(with_texts=with_texts).where(*_ready_in(language, now))
    newest = query.order_by(article.c.published_at.desc(), story.c.key).limit(limit)
    return [article_from_row(row) for row in connection.execute(newest)]


class ListedRow(NamedTuple):
    """An article in lists. `shown` changes with all but its texts, `version` with what its page was written from."""

    id: int
    published_on: date
    section: str | None
    topics: str
    bylines: str
    shown: str
    version: str


def listed(connection: Connection, language: str, now: datetime) -> list[ListedRow]:
    own = article.c
    version = sa.cast(own.id, sa.Text) + sa.func.coalesce(own.page_hash, "")
    labels = [sa.cast(own[name], sa.Text) for name in ("topics", "bylines")]
    others = own["id", "published_on", "section", "title", "summary", "url", "picture"]
    parts = [*labels, *(sa.func.coalesce(sa.cast(one, sa.Text), "") for one in others)]
    shown = reduce(lambda before, value: before + "\n" + value, [story.c.slug, *parts])
    query = sa.select(*own["id", "published_on", "section"], *labels, shown, version)
    query = query.join(story).where(*_ready_in(language, now))
    rows = connection.execute(query.order_by(own.published_at.desc(), story.c.key))
    return [ListedRow._make(row) for row in rows]


def count_sections(connection: Connection, language: str, now: datetime) -> dict[str, int]:
    section = article.c.section
    query = sa.select(section, sa.func.count()).where(*_ready_in(language, now), section != "")
    return dict(sorted(connection.execute(query.group_by(section)).all()))


def indexed(
    connection: Connection, ids: Sequence[int], length: int
) -> dict[int, tuple[str, str | None, str, str, str]]:
    """Return of articles: name in addresses, address elsewhere, title, summary, the first `length` characters."""
    start = sa.func.substr(article.c.text, 1, length)
    query = sa.select(article.c.id, story.c.slug, *article.c["url", "title", "summary"], start)
    found = dict[int, tuple[str, str | None, str, str, str]]()
    for some in chunks(ids):
        rows = connection.execute(query.join(story).where(article.c.id.in_(some)))
        found |= {number: (*values,) for number, *values in rows}
    return found


def adjacent_articles(
    connection: Connection, some: Sequence[model.Article], now: datetime
) -> dict[int, tuple[AdjacentArticle | None, AdjacentArticle | None]]:
    """Return the articles with pages here that appeared before and after each of some, in the order of `listed`."""
    at, key = article.c.published_at, story.c.key
    words = sa.select(story.c.slug, article.c.title).join(
        story, story.c.id == article.c.story_id
    )

    def first(one: model.Article, is_beside: Any, *order: Any) -> AdjacentArticle | None:
        query = words.where(*_ready_in(one.language, now), article.c.url.is_(None), is_beside)
        row = connection.execute(query.order_by(*order).limit(1)).one_or_none()
        return AdjacentArticle(*row) if row else None

    found = {}
    of_instants = _adjacent_of_instants(connection, some, now)
    for one in some:
        older, newer = of_instants.get(one.id, (None, None))
        older = older or first(one, at < one.published_at, at.desc(), key)
        found[one.id] = older, newer or first(one, at > one.published_at, at, key.desc())
    return found


def _adjacent_of_instants(
    connection: Connection, some: Sequence[model.Article], now: datetime
) -> dict[int, tuple[AdjacentArticle | None, AdjacentArticle | None]]:
    """Return the neighbours of articles of the same instant: undated ones of an import are sorted once, not for each."""
    c = article.c
    beside = [
        of(word).over(partition_by=(c.language, c.published_at), order_by=story.c.key)
        for of in (sa.func.lead, sa.func.lag)
        for word in (story.c.slug, c.title)
    ]
    query = (
        sa.select(c.id, *beside)
        .join(story, story.c.id == c.story_id)
        .where(
            c.language.in_({one.language for one in some}),
            c.status == model.ArticleStatus.READY,
            c.published_at.in_({one.published_at for one in some}),
            now >= _UNINDEXED_AVAILABLE,
            c.url.is_(None),
        )
    )
    all_of_them = query.subquery()
    rows = connection.execute(
        sa.select(all_of_them).where(all_of_them.c.id.in_([one.id for one in some]))
    )
    return {
        number: (
            AdjacentArticle(older, title) if older else None,
            AdjacentArticle(newer, next_title) if newer else None,
        )
        for number, older, title, newer, next_title in rows
    }


class ListedPage(NamedTuple):
    """The page of an article, as search engines are told of it."""

    story_id: int
    language: str
    title: str
    published_on: date
    published_at: datetime
    available_at: datetime
    updated_at: datetime
    slug: str


def listed_pages(
    connection: Connection,
    languages: Sequence[str],
    now: datetime,
    since: datetime | None = None,
) -> Sequence[ListedPage]:
    """Return the written pages of articles as these came, since a time or all; not those published elsewhere."""
    c = article.c
    times = ("published_on", "published_at", "available_at", "updated_at")
    columns = c["story_id", "language", "title", *times]
    query = sa.select(*columns, story.c.slug).join(story)
    is_own = c.url.is_(None) & c.canonical_url.is_(None) & c.page_hash.is_not(None)
    query = query.where(*_ready(now), c.language.in_(languages), is_own).order_by(c.id)
    if since is not None:
        query = query.where(c.published_at > since)
    return [ListedPage._make(row) for row in connection.execute(query)]


def languages_of(connection: Connection, ids: Sequence[int]) -> set[str]:
    query = sa.select(article.c.language).distinct()
    found = set[str]()
    for some in chunks(ids):
        found |= {*connection.execute(query.where(article.c.id.in_(some))).scalars()}
    return found


def newest_labels(
    connection: Connection, language: str, now: datetime, limit: int
) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    query = sa.select(article.c.topics, article.c.bylines).where(*_ready_in(language, now))
    newest = query.order_by(article.c.published_at.desc()).limit(limit)
    for topics, bylines in connection.execute(newest):
        yield topics, [one["name"] for one in bylines]


def became_available(
    connection: Connection,
    languages: Sequence[str],
    since: datetime | None,
    until: datetime,
    oldest: datetime,
) -> tuple[list[model.Article], int]:
    """Return the articles that became available in (since, until], not an archive's; older ones that nobody announced are counted."""
    window = [*_in_window(languages, since, until), article.c.mailing != model.Mailing.ARCHIVE]
    is_announced = article.c.mailing == model.Mailing.ANNOUNCED
    is_recent = sa.or_(article.c.published_at >= oldest, is_announced)
    recent = _articles().where(*window, is_recent)
    rows = connection.execute(recent.order_by(article.c.published_at.desc(), story.c.key))
    old = sa.select(sa.func.count()).where(*window, ~is_recent)
    return [article_from_row(row) for row in rows], connection.execute(old).scalar_one()


def count_archived(
    connection: Connection, languages: Sequence[str], since: datetime | None, until: datetime
) -> int:
    is_archived = article.c.mailing == model.Mailing.ARCHIVE
    window = (*_in_window(languages, since, until), is_archived)
    return int(connection.execute(sa.select(sa.func.count()).where(*window)).scalar_one())


def _in_window(
    languages: Sequence[str], since: datetime | None, until: datetime
) -> list[sa.ColumnElement[bool]]:
    window = [article.c.language.in_(languages), *_ready(until)]
    return window if since is None else [*window, article.c.available_at > since]


def variants(
    connection: Connection, stories: Iterable[int], now: datetime
) -> dict[int, list[model.Article]]:
    found: dict[int, list[model.Article]] = {}
    query = _articles(with_texts=False).where(*_ready(now)).order_by(article.c.language)
    for some in chunks(sorted(set(stories))):
        for row in connection.execute(query.where(article.c.story_id.in_(some))):
            found.setdefault(row.story_id, []).append(article_from_row(row))
    return found


def versions(
    connection: Connection, stories: Iterable[int], now: datetime
) -> dict[int, list[model.LanguageVersion]]:
    found: dict[int, list[model.LanguageVersion]] = {}
    own = article.c
    shown = ("story_id", "language", "origin", "title", "url")
    columns = own[*shown, "published_on", "available_at", "content_hash"]
    query = sa.select(*columns, story.c.slug).join(story).where(*_ready(now))
    for some in chunks(sorted(set(stories))):
        rows = connection.execute(query.where(own.story_id.in_(some)).order_by(own.language))
        for row in rows.mappings():
            version = model.LanguageVersion(**{**row, "origin": model.Origin(row["origin"])})
            found.setdefault(version.story_id, []).append(version)
    return found


def _counts(connection: Connection, column: sa.Column[str], *where: Any) -> Mapping[str, int]:
    query: _Counts = sa.select(column, sa.func.count()).where(*where).group_by(column)
    return dict(connection.execute(query).all())


def held_back(connection: Connection, languages: Sequence[str]) -> Mapping[str, int]:
    own, states = article.c, [model.ArticleStatus.UNTRANSLATED, model.ArticleStatus.STALE]
    return _counts(connection, own.status, own.language.in_(languages), own.status.in_(states))


def count_articles_by_language(connection: Connection) -> Mapping[str, int]:
    own = article.c
    return _counts(connection, own.language, own.status != model.ArticleStatus.WITHDRAWN)


def count_conversions(connection: Connection) -> Mapping[str, int]:
    own = article.c
    is_made = own.origin == model.Origin.CONVERTED
    return _counts(connection, own.language, own.status == model.ArticleStatus.READY, is_made)


def count_stories(connection: Connection) -> int:
    query = sa.select(sa.func.count(article.c.story_id.distinct()))
    is_here = article.c.status != model.ArticleStatus.WITHDRAWN
    return int(connection.execute(query.where(is_here)).scalar_one())


def all_articles(connection: Connection) -> Iterator[model.Article]:
    query = _articles().where(article.c.status != model.ArticleStatus.WITHDRAWN)
    for row in connection.execute(query.order_by(story.c.key, article.c.language)):
        yield article_from_row(row)


def is_without_page(now: datetime) -> tuple[Any, ...]:
    return article.c.page_hash.is_(None), *_ready(now)


def articles_without_page(
    connection: Connection, now: datetime, limit: int
) -> list[model.Article]:
    query = _articles().where(*is_without_page(now))
    rows = connection.execute(query.order_by(article.c.id).limit(limit))
    return [article_from_row(row) for row in rows]


def count_articles_without_page(connection: Connection, now: datetime) -> int:
    query = sa.select(sa.func.count()).where(*is_without_page(now))
    return int(connection.execute(query).scalar_one())


def mark_article_pages_written(connection: Connection, ids: Sequence[int]) -> None:
    if not ids:
        return
    written = sa.update(article).where(article.c.id == sa.bindparam("article"))
    values = written.values(page_hash=article.c.content_hash)
    connection.execute(values, [{"article": number} for number in ids])


_LATER_COLUMNS = frozenset(
    {"attachments", "provenance", "translated_with", "editor", "canonical_url"}
)

# Of a document that does not say it.
_USUAL_PROVENANCE = {
    model.Origin.ORIGINAL: model.Provenance.ORIGINAL,
    model.Origin.TRANSLATION: model.Provenance.HUMAN,
    model.Origin.CONVERTED: model.Provenance.SCRIPT,
}

_ARTICLE = TypeAdapter(model.Article)


@dataclass(frozen=True, slots=True)
class PublicationTime:
    """When an article was published: the date to show, and the time (UTC)."""

    day: date
    at: datetime


def publication_time(
    value: datetime | date, zone: ZoneInfo, seen: datetime | None = None
) -> PublicationTime:
    """Return a date or time in the publication's time zone; a bare date means its midnight, which is the day before further west.

    Of what was `seen` later, it is the latest moment until then that has this date nearly everywhere: at most noon in
    UTC, or 23:00 in zones further east.
    """
    if not isinstance(value, datetime):
        midnight = datetime.combine(value, time(), tzinfo=zone).astimezone(UTC)
        if seen is None or seen <= midnight:
            return PublicationTime(value, midnight)
        noon = datetime.combine(value, time(12), tzinfo=UTC)
        evening = datetime.combine(value, time(23), tzinfo=zone).astimezone(UTC)
        latest = max(midnight, min(noon, evening, seen))
        return PublicationTime(value, latest.replace(microsecond=0))
    local = value if value.tzinfo else value.replace(tzinfo=zone)
    at = local.astimezone(UTC).replace(microsecond=0)
    return PublicationTime(local.astimezone(zone).date(), at)


def content_hash(columns: dict[str, Any]) -> str:
    """Return a hash of columns that is equal for equal content on every machine."""
    # Without values they are left out, as in hashes from before these columns existed.
    counted = {n: value for n, value in columns.items() if value or n not in _LATER_COLUMNS}
    plain = json.dumps(counted, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(plain.encode("ascii")).hexdigest()


def article_from_row(row: sa.Row[Any]) -> model.Article:
    values = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it
    provenance = values["provenance"] or _USUAL_PROVENANCE[values["origin"]]
    return _ARTICLE.validate_python(
        values | {"story_key": values["key"], "provenance": provenance}
    )


def list_articles_before(
    connection: Connection,
    languages: Collection[str],
    before: tuple[datetime, int] | None,
    limit: int,
) -> list[model.Article]:
    """Return articles of some languages, without texts, the latest first. A place is the time of publication and the id."""
    own = article.c
    query = _articles(with_texts=False).where(own.language.in_(languages))
    if before is not None:
        place = sa.tuple_(sa.literal(before[0], UTCDateTime), sa.literal(before[1]))
        query = query.where(sa.tuple_(own.published_at, own.id) < place)
    query = query.order_by(own.published_at.desc(), own.id.desc())
    return [article_from_row(row) for row in connection.execute(query.limit(limit))]


_ALTERNATIVE_TEXT = re.compile(r'\balt="([^"]*)"')


def words_hash(one: model.Article) -> str:
    """Return a hash of an article's words; how they are marked up does not count."""
    return content_hash(
        {
            "title": one.title,
            "summary": one.summary,
            "text": one.text,
            "bylines": [asdict(byline) for byline in one.bylines],
            "translators": list(one.translators),
            "pictures": _ALTERNATIVE_TEXT.findall(one.html),
            "picture": one.picture.words if one.picture else None,
            "files": [each.title for each in one.attachments],
        }
    )


def with_known_people(people: People, article: model.Article) -> model.Article:
    if not people:
        return article
    tag, editor = article.language, article.editor
    return replace(
        article,
        bylines=known_bylines(people, article.bylines, tag),
        translators=tuple(people.name_in(tag, name) for name in article.translators),
        editor=people.name_in(tag, editor) if editor else editor,
    )


def known_bylines(
    people: People, bylines: Iterable[model.Byline], language: str
) -> tuple[model.Byline, ...]:
    """Return bylines with names of known people, each once; the article's affiliation, or else that of people.toml."""
    found: dict[str, model.Byline] = {}
    for byline in bylines:
        key = people.key_of(byline.name)
        found.setdefault(key or byline.name, _known(people, key, byline, language))
    return tuple(found.values())


def _known(
    people: People, key: str | None, byline: model.Byline, language: str
) -> model.Byline:
    if key is None:
        return byline
    person = people.persons[key]
    return model.KnownByline(
        name=people.name_in(language, byline.name),
        affiliation=byline.affiliation or person.affiliation.matching(language) or None,
        key=key,
        website=person.url,
        languages=person.languages,
    )
