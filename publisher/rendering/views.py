"""Make the values that templates get (`model`) of articles and settings. Pure.

The caller passes the articles, their translations and a pool of related ones.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from operator import is_
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

from feeds import FEED_FORMATS
from publisher import urls
from publisher.articles.model import Article, LanguageVersion, Mailing, Origin, Picture
from publisher.articles.store import ListedPage, publication_time, with_known_people
from publisher.config import Publication, Settings
from publisher.rendering import model
from publisher.rendering.colours_and_fonts import palette
from publisher.rendering.placeholders import neutralise_placeholders

# A translation that comes later than this after the first version is marked as late.
_LATE_TRANSLATION = timedelta(days=2)
_MAX_RELATED = 3
RELATED_POOL_SIZE = 200  # they are chosen among so many of the newest in the language

# Greatest size of a logo in CSS pixels: as high as a title, as wide as a phone's column.
_LOGO_WIDTH = 260
_LOGO_HEIGHT = 56

ALL_LANGUAGES = "all"  # name of their common feed, where others have a language's tag

# An article in another language: whole, or what a link needs.
Variant = Article | LanguageVersion
Variants = Mapping[int, Sequence[Variant]]


def publication_view(publication: Publication, language: str) -> model.PublicationView:
    return model.PublicationView(
        title=publication.title(language),
        description=publication.description(language),
        url=publication.url,
        address=publication.address(language),
        language=language,
        languages=publication.languages,
        since=publication.since,
        feeds_url=urls.public_url(publication, urls.feed_page_path(language)),
        opml_url=urls.public_url(publication, urls.opml_path()),
        palette=palette(publication.design.accent, publication.design.ground),
        headings=publication.design.headings,
        masthead=publication.design.masthead,
        logo=_logo(publication, publication.title(language)),
        icon_url=urls.public_url(publication, urls.page_icon_path(publication)),
    )


def view_with_privacy(settings: Settings, language: str) -> model.PublicationView:
    """Return the publication in one language, as all show it that ask for an address or write to people."""
    privacy = settings.joining.privacy
    view = publication_view(settings.publication, language)
    return replace(view, privacy_url=privacy(language) if privacy else "")


def site_view(settings: Settings, language: str) -> model.PublicationView:
    """Return the publication in one language, as pages show it that link to feeds and the form to subscribe."""
    publication, path = settings.publication, urls.subscriber_page_path(language, "subscribe")
    return replace(
        view_with_privacy(settings, language),
        feeds=feed_lines(publication, language),
        subscribe_url=urls.public_url(publication, path) if settings.takes_requests else "",
    )


def _logo(publication: Publication, title: str) -> Picture | None:
    logo = publication.design.logo
    if logo is None:
        return None
    shrunk = min(1, _LOGO_WIDTH / logo.width, _LOGO_HEIGHT / logo.height)
    return Picture(
        src=f"/{logo.target}",
        alt=title,
        width=max(1, round(logo.width * shrunk)),
        height=max(1, round(logo.height * shrunk)),
    )


def article_view(
    publication: Publication,
    article: Article,
    language: str,
    variants: Sequence[Variant],
    related: Sequence[Article] = (),
    corrected_on: date | None = None,
) -> model.ArticleView:
    others = (one for one in variants if one.language != article.language)
    original = next((one for one in others if one.origin == Origin.ORIGINAL), None)
    is_late = _is_late(article, variants)
    published = _moment(publication, article, is_late=is_late)
    day = original.published_on if original and is_late else None
    return model.ArticleView(
        # Lists and feeds of topics have the names of today.
        article=replace(
            with_known_people(publication.people, article),
            topics=tuple(dict.fromkeys(map(publication.present_topic, article.topics))),
        ),
        url=urls.article_url(publication, article),
        published=published,
        shown_as=_shown_as(article, language),
        is_late=is_late,
        original_on=day if day != published.date() else None,
        translations=article_translations(publication, article, variants),
        related=tuple(
            model.RelatedArticle(
                title=other.title,
                url=urls.article_url(publication, other),
                language=other.language,
            )
            for other in related
        ),
        corrected_on=corrected_on,
        original_url=urls.article_url(publication, original) if original else None,
    )


def _moment(publication: Publication, article: Article, *, is_late: bool) -> datetime:
    """Return when an article was published, in the publication's zone.

    A late translation with a date long past appeared when it came; one of an archive counts by its date.
    """
    is_old = article.available_at - article.published_at > _LATE_TRANSLATION
    if is_late and is_old and article.mailing is not Mailing.ARCHIVE:
        return article.available_at.astimezone(ZoneInfo(publication.timezone))
    return shown_moment(publication, article)


def shown_moment(publication: Publication, one: Article | ListedPage) -> datetime:
    """Return when an article was published, in the publication's zone; a bare date is stored as midnight."""
    day, zone, moment = one.published_on, ZoneInfo(publication.timezone), one.published_at
    if moment == publication_time(day, zone).at:
        moment = publication_time(day, zone, one.available_at).at
    return moment.astimezone(zone)


def view_for_mail(item: model.ArticleView) -> model.ArticleView:
    """Return an article whose texts can't be taken for placeholders in a mail."""
    return cast("model.ArticleView", _neutralised(item))


def _neutralised(value: Any) -> Any:
    """Return a text, or a value with texts, without placeholders: the same object, if it has none."""
    if isinstance(value, str) and not isinstance(value, StrEnum):
        return neutralise_placeholders(value)
    if isinstance(value, tuple):
        texts = tuple(map(_neutralised, value))
        return value if all(map(is_, value, texts)) else texts
    if not is_dataclass(value) or isinstance(value, type):
        return value
    parts = {field.name: getattr(value, field.name) for field in fields(value)}
    safe = {name: _neutralised(part) for name, part in parts.items()}
    changed = {name: part for name, part in safe.items() if part is not parts[name]}
    return replace(value, **changed) if changed else value


def _shown_as(article: Article, language: str) -> Literal["fallback", "converted"] | None:
    if article.origin == Origin.CONVERTED:
        return "converted"
    return "fallback" if article.language != language else None


def _is_late(article: Article, variants: Iterable[Variant]) -> bool:
    first = min((v.available_at for v in variants), default=article.available_at)
    late = article.available_at - first > _LATE_TRANSLATION
    return article.origin == Origin.TRANSLATION and late


def article_translations(
    publication: Publication, article: Article, variants: Iterable[Variant]
) -> tuple[model.LanguageLink, ...]:
    """Return links to a story in other languages, in the publication's order of languages."""
    others = [
        v
        for v in variants
        if v.language != article.language and v.language in publication.languages
    ]
    others.sort(key=lambda v: publication.languages.index(v.language))
    return tuple(
        model.LanguageLink(language=v.language, url=urls.article_url(publication, v))
        for v in others
    )


def related_articles(
    article: Article, pool: Iterable[Article], leave_out: Collection[int]
) -> list[Article]:
    """Choose articles for "you might also like": most shared topics first, then the newest.

    `pool` holds articles in the same language; stories in `leave_out` are on the page already.
    """
    mine = {*article.topics, article.section} - {None}

    def likeness(other: Article) -> int:
        return len(mine & {*other.topics, other.section})

    others = [
        other
        for other in pool
        if other.story_id != article.story_id
        and other.story_id not in leave_out
        and likeness(other)
    ]
    others.sort(key=lambda o: (-likeness(o), -o.published_at.timestamp(), o.story_key))
    return others[:_MAX_RELATED]


def feed_lines(publication: Publication, language: str) -> tuple[model.FeedLine, ...]:
    """Return a page's feeds: its language's first; that of all languages last, if there are several."""
    others = [tag for tag in publication.languages if tag != language]
    order = [language, *others, None] if others else [language]
    return tuple(
        model.FeedLine(
            title=publication.title(tag or language), language=tag, **asdict(address)
        )
        for tag in order
        for address in feed_addresses(publication, tag or ALL_LANGUAGES)
    )


def feed_addresses(publication: Publication, name: str) -> tuple[model.FeedAddress, ...]:
    """Return a feed's addresses, the most widely supported format first."""
    return tuple(
        model.FeedAddress(
            name=form.title,
            url=urls.public_url(publication, urls.feed_path(name, form.suffix)),
            media_type=form.media_type,
        )
        for form in FEED_FORMATS
    )
