"""From an article to its entry in a feed: what it says, in the words of the feed templates.

Knows no feed and no format.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

import feeds
from publisher import urls
from publisher.articles.model import Article, Attachment, LanguageVersion
from publisher.config import Publication, Settings
from publisher.errors import RenderingError
from publisher.rendering import FeedTexts, Renderer, views

log = structlog.get_logger()

# An article is in several feeds, and made once for those that come soon after each other. Bodies of
# so many characters are kept for that: thousands of articles, or a few dozen enormous ones.
_CACHE_CHARACTERS = 20_000_000


@dataclass(frozen=True, slots=True)
class Identity:
    """What stays of an entry, and when its content changed last."""

    tag: str
    updated: datetime


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry in its place: the article, and in which languages its story can be read."""

    position: int
    article: Article
    identity: Identity
    versions: Sequence[LanguageVersion]


class EntryBuilder:
    """Makes entries, in one turn of the press."""

    def __init__(self, settings: Settings, renderer: Renderer) -> None:
        self._publication = settings.publication
        self._in_full = settings.feeds.content == "full"
        self._renderer = renderer
        self._rendered = False
        self._kept: dict[str, feeds.Entry] = {}
        self._kept_size = 0
        self.problems: list[str] = []

    def entries(self, standing: Sequence[StoredEntry]) -> list[feeds.Entry]:
        """Make entries; one that can't be made is left out and named, and the rest goes on.

        One that templates fail for goes without its text. Raises RenderingError if templates
        have failed for all there were in this turn: then it is they that are at fault.
        """
        made = {one.identity.tag: self._kept.get(one.identity.tag) for one in standing}
        new = [one for one in standing if made[one.identity.tag] is None]
        texts = [self._texts(one) for one in new]
        failed = next((text for text in texts if isinstance(text, RenderingError)), None)
        self._rendered |= any(isinstance(text, FeedTexts) for text in texts)
        if failed and not self._rendered:
            raise failed
        for one, text in zip(new, texts, strict=True):
            made[one.identity.tag] = self._keep(self._make(one, text))
        return [one_made for one_made in made.values() if one_made is not None]

    def _keep(self, made: feeds.Entry | None) -> feeds.Entry | None:
        if made is not None:
            self._kept_size += len(made.content_html)
            if self._kept_size > _CACHE_CHARACTERS:
                self._kept, self._kept_size = {}, len(made.content_html)
            self._kept[made.id] = made
        return made

    def _texts(self, one: StoredEntry) -> FeedTexts | RenderingError:
        language = one.article.language
        item = views.article_view(self._publication, one.article, language, one.versions)
        try:
            return self._renderer.feed_texts(
                item, views.publication_view(self._publication, language)
            )
        except RenderingError as error:
            return error

    def _make(self, one: StoredEntry, texts: FeedTexts | RenderingError) -> feeds.Entry | None:
        if isinstance(texts, RenderingError):
            self._complain(one.article, texts)
            texts = FeedTexts(title=one.article.title, summary=one.article.summary, content="")
        try:
            return build_entry(self._publication, one, texts, in_full=self._in_full)
        except feeds.FeedsError as error:
            self._complain(one.article, error)
            return None

    def _complain(self, article: Article, error: Exception) -> None:
        problem = f"{article.language}/{article.slug}: {error}"
        if problem not in self.problems:
            self.problems.append(problem)
            log.error("not whole in feeds", article=article.slug, reason=str(error))


def build_entry(
    publication: Publication, one: StoredEntry, texts: FeedTexts, *, in_full: bool
) -> feeds.Entry:
    """Make the entry of an article; not `in_full`, it has a summary and no content."""
    article = one.article
    titles = {version.language: version.title for version in one.versions}
    links = views.article_translations(publication, article, one.versions)
    return feeds.Entry(
        id=one.identity.tag,
        url=urls.article_url(publication, article),
        title=texts.title,
        language=article.language,
        published=article.published_at,
        updated=one.identity.updated,
        summary=texts.summary,
        content_html=texts.content if in_full else "",
        authors=tuple(
            feeds.Author(name=byline.name, affiliation=byline.affiliation)
            for byline in article.bylines
        ),
        topics=article.topics,
        translations=tuple(
            feeds.Link(url=link.url, language=link.language, title=titles.get(link.language))
            for link in links
        ),
        image=_image(publication, article),
        attachments=tuple(_attachment(publication, each) for each in article.attachments),
    )


def _image(publication: Publication, article: Article) -> feeds.Image | None:
    picture = article.picture
    if picture is None:
        return None
    return feeds.Image(
        url=_address(publication, picture.src),
        alt=picture.alt,
        width=picture.width,
        height=picture.height,
    )


def _attachment(publication: Publication, one: Attachment) -> feeds.EntryAttachment:
    return feeds.EntryAttachment(
        url=_address(publication, one.src),
        media_type=one.media_type,
        length=one.length,
        title=one.title,
        duration=one.duration,
    )


def _address(publication: Publication, src: str) -> str:
    return urls.absolute_url(publication, src) if src.startswith("/") else src
