"""WRITE FEEDS: articles -> feeds.Channel -> files that change only when they must.

A feed whose inputs are as before is not even rendered; one whose bytes are as before is not
touched. Knows no issue and no mail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import structlog

import feeds
from publisher import outputs, urls
from publisher.articles import store as articles
from publisher.articles.model import Article
from publisher.config import Publication, Settings
from publisher.database import Database
from publisher.errors import RenderingError
from publisher.files import write_if_changed
from publisher.rendering import Renderer, views

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Shelf:
    """What one feed says: its language, its articles newest first, and their translations."""

    language: str
    articles: Sequence[Article]
    variants: views.Variants

    def stamp(self) -> object:
        """Say all that the feed depends on, besides settings and templates."""
        shown = [
            (a.slug, a.content_hash, a.origin, a.published_at, a.updated_at)
            for a in self.articles
        ]
        others = [
            (v.language, v.slug, v.url, v.title, v.available_at)
            for found in self.variants.values()
            for v in found
        ]
        return (self.language, shown, others)


def syndicate(
    settings: Settings, database: Database, renderer: Renderer, now: datetime
) -> tuple[int, list[str]]:
    """Bring every feed up to date; gives how many files changed, and what went wrong.

    A feed that can't be made or written stays as it was, and the next turn tries again.
    """
    changed = 0
    problems: list[str] = []
    look = renderer.fingerprint()
    for language in settings.publication.languages:
        shelf = _fetch(database, language, settings.feed_entries, now)
        try:
            changed += _bring_up_to_date(settings, database, renderer, look, shelf, problems)
        except (RenderingError, feeds.FeedsError, OSError) as error:
            problems.append(f"feeds/{language}: {error}")
            log.error("feed left as it was", language=language, reason=str(error))
    return changed, problems


def _bring_up_to_date(
    settings: Settings,
    database: Database,
    renderer: Renderer,
    look: str,
    shelf: _Shelf,
    problems: list[str],
) -> int:
    language = shelf.language
    name = f"feeds/{language}"
    made_from = outputs.fingerprint(
        settings.publication, settings.feed_entries, look, shelf.stamp()
    )
    if _is_current(settings, database, name, language, made_from):
        return 0
    channel = _channel(settings.publication, renderer, shelf, problems)
    changed = _write(settings, channel, language)
    with database.writing() as connection:
        outputs.record(connection, name, made_from)
    return changed


def _fetch(database: Database, language: str, limit: int, now: datetime) -> _Shelf:
    with database.reading() as connection:
        found = articles.newest(connection, language, now, limit)
        variants = articles.variants(connection, [a.story_id for a in found], now)
    return _Shelf(language, found, variants)


def _is_current(
    settings: Settings, database: Database, name: str, language: str, made_from: str
) -> bool:
    files = [_file(settings, language, form) for form in feeds.FORMATS]
    with database.reading() as connection:
        same = outputs.made_from(connection, name) == made_from
    return same and all(file.is_file() for file in files)


def _file(settings: Settings, language: str, form: feeds.Format) -> Path:
    return settings.folders.public / urls.feed_path(language, form.suffix)


def _write(settings: Settings, channel: feeds.Channel, language: str) -> int:
    return sum(
        write_if_changed(_file(settings, language, form), form.render(channel))
        for form in feeds.FORMATS
    )


def _channel(
    publication: Publication, renderer: Renderer, shelf: _Shelf, problems: list[str]
) -> feeds.Channel:
    language = shelf.language
    house = views.house(publication, language)
    addresses = {
        form.name: urls.absolute(publication, urls.feed_path(language, form.suffix))
        for form in feeds.FORMATS
    }
    return feeds.Channel(
        id=_tag(publication, f"feed/{language}"),
        title=house.title,
        description=house.description,
        site_url=urls.absolute(publication, urls.home_path(language)),
        rss_url=addresses["rss"],
        atom_url=addresses["atom"],
        json_url=addresses["json"],
        language=language,
        entries=tuple(_entries(publication, renderer, shelf, problems)),
        author_name=house.title,
        # An empty feed has changed last when the publication began.
        updated=None if shelf.articles else datetime(publication.since, 1, 1, tzinfo=UTC),
        other_languages=_other_languages(publication, language),
    )


def _entries(
    publication: Publication, renderer: Renderer, shelf: _Shelf, problems: list[str]
) -> list[feeds.Entry]:
    """Make entries; one that can't be made is left out and named, and the rest goes on."""
    entries = []
    for article in shelf.articles:
        try:
            entries.append(entry(publication, renderer, article, shelf.variants))
        except feeds.FeedsError as error:
            problems.append(f"{article.language}/{article.slug}: {error}")
            log.error("left out of the feed", article=article.slug, reason=str(error))
    return entries


def entry(
    publication: Publication, renderer: Renderer, article: Article, variants: views.Variants
) -> feeds.Entry:
    """Make a feed's entry of an article."""
    found = variants.get(article.story_id, ())
    item = views.item(publication, article, article.language, found)
    titles = {v.language: v.title for v in found}
    return feeds.Entry(
        id=_tag(publication, f"{article.slug}/{article.language}"),
        url=item.url,
        title=article.title,
        language=article.language,
        published=article.published_at,
        updated=article.updated_at,
        summary=article.summary,
        content_html=renderer.feed_entry(item, views.house(publication, article.language)),
        authors=tuple(
            feeds.Author(name=byline.name, affiliation=byline.affiliation)
            for byline in article.bylines
        ),
        topics=article.topics,
        translations=tuple(
            feeds.Link(url=link.url, language=link.language, title=titles.get(link.language))
            for link in item.translations
        ),
        image=_image(publication, article),
    )


def _image(publication: Publication, article: Article) -> feeds.Image | None:
    picture = article.picture
    if picture is None:
        return None
    local = picture.src.startswith("/")
    return feeds.Image(
        url=urls.absolute(publication, picture.src) if local else picture.src,
        alt=picture.alt,
        width=picture.width,
        height=picture.height,
    )


def _tag(publication: Publication, specific: str) -> str:
    return feeds.tag_uri(publication.host, date(publication.since, 1, 1), specific)


def _other_languages(publication: Publication, language: str) -> tuple[feeds.Link, ...]:
    return tuple(
        feeds.Link(
            url=urls.absolute(publication, urls.feed_path(other, form.suffix)),
            language=other,
            title=publication.title(other),
            type=form.media_type,
        )
        for other in publication.languages
        if other != language
        for form in feeds.FORMATS
    )
