"""From an article to its entry in a feed: what it says, in the words of the feed templates.

Knows no feed and no format.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import feeds
from publisher import urls
from publisher.articles.model import Article, Attachment, Version
from publisher.config import Publication
from publisher.rendering import Renderer, views


@dataclass(frozen=True, slots=True)
class Identity:
    """What stays of an entry, and when its content changed last."""

    tag: str
    updated: datetime


def entry(
    publication: Publication,
    renderer: Renderer,
    article: Article,
    identity: Identity,
    versions: Sequence[Version],
    *,
    in_full: bool = True,
) -> feeds.Entry:
    """Make the entry of an article; not `in_full`, it has a summary and no content."""
    item = views.item(publication, article, article.language, versions)
    texts = renderer.feed_texts(item, views.house(publication, article.language))
    titles = {version.language: version.title for version in versions}
    return feeds.Entry(
        id=identity.tag,
        url=item.url,
        title=texts.title,
        language=article.language,
        published=article.published_at,
        updated=identity.updated,
        summary=texts.summary,
        content_html=texts.content if in_full else "",
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
        attachments=tuple(_attachment(publication, one) for one in article.attachments),
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


def _attachment(publication: Publication, one: Attachment) -> feeds.Attachment:
    return feeds.Attachment(
        url=_address(publication, one.src),
        media_type=one.media_type,
        length=one.length,
        title=one.title,
        duration=one.duration,
    )


def _address(publication: Publication, src: str) -> str:
    return urls.absolute(publication, src) if src.startswith("/") else src
