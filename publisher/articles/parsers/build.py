"""Where metadata, body, pictures and attachments become one Draft; the same for every format.

Knows no format, and no publication.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from publisher.articles.content.characters import clean_text
from publisher.articles.content.parser import parse_content
from publisher.articles.model import ParsedArticle
from publisher.articles.parsers.attachments import AttachmentResolver
from publisher.articles.parsers.dates import date_in_name, date_in_permalink
from publisher.articles.parsers.document import MediaLibrary, SourceDocument
from publisher.articles.parsers.metadata import Metadata
from publisher.articles.parsers.pictures import PictureResolver
from publisher.articles.sanitise import sanitise
from publisher.errors import ArticleError


@dataclass(frozen=True, slots=True)
class DocumentBody:
    """A document's text as HTML, not yet sanitised.

    `title` is the heading that it begins with, which `html` is without and `html_with_title`
    has. A `detached` one was taken out of a site whose pictures are not here.
    """

    html: str
    title: str = ""
    html_with_title: str = ""
    detached: bool = False


def build_article(
    metadata: Metadata, body: DocumentBody, document: SourceDocument, library: MediaLibrary
) -> ParsedArticle:
    """Make the Draft.

    Raises ArticleError without a title or a body, or for a picture that can't be shown or an
    attachment that can't be had.
    """
    heading = " ".join(body.title.split())
    title = metadata.title or heading
    if not title:
        raise ArticleError("no title; write `title: ...` in the front matter, or a heading")
    # The same words twice in a row are one title; other words are a heading of their own.
    source = body.html if not heading or heading == title else body.html_with_title
    gallery = PictureResolver(library, document.path.parent, metadata.url, body.detached)
    html = sanitise(source, base_url=metadata.url, pictures=gallery.show)
    text = parse_content(html).text
    if not text and "<img" not in html:
        raise ArticleError("no text; there is nothing to publish in it")
    picture = gallery.picture(metadata.picture) if metadata.picture else None
    annex = AttachmentResolver(library, document.path.parent, metadata.url)
    attachments = annex.attach(metadata.attachments)
    plain = {field.name: getattr(metadata, field.name) for field in fields(metadata)}
    return ParsedArticle(
        **plain
        | {
            "title": clean_text(title),
            "html": html,
            "text": text,
            "published": metadata.published or _date_elsewhere(metadata, document),
            "picture": picture,
            "attachments": attachments,
            "media": gallery.media + annex.media,
        }
    )


def _date_elsewhere(metadata: Metadata, document: SourceDocument) -> object:
    permalink = date_in_permalink(metadata.permalink or "")
    return permalink or date_in_name(document.path.name)
