"""Where metadata, body, pictures and attachments become one Draft; the same for every format.

Knows no format, and no publication.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from publisher.articles.characters import clean
from publisher.articles.model import Draft
from publisher.articles.readers.annexes import Annex
from publisher.articles.readers.dates import date_in_name, date_in_permalink
from publisher.articles.readers.document import Document, Library
from publisher.articles.readers.metadata import Metadata
from publisher.articles.readers.pictures import Gallery
from publisher.articles.sanitising import sanitise
from publisher.articles.words import words
from publisher.errors import ArticleError


@dataclass(frozen=True, slots=True)
class Body:
    """A document's text as HTML, not yet sanitised.

    `title` is the heading that it begins with, which `html` is without and `html_with_title`
    has. A `detached` one was taken out of a site whose pictures are not here.
    """

    html: str
    title: str = ""
    html_with_title: str = ""
    detached: bool = False


def compose(metadata: Metadata, body: Body, document: Document, library: Library) -> Draft:
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
    gallery = Gallery(library, document.path.parent, metadata.url, body.detached)
    html = sanitise(source, base_url=metadata.url, pictures=gallery.show)
    text = words(html)
    if not text and "<img" not in html:
        raise ArticleError("no text; there is nothing to publish in it")
    picture = gallery.picture(metadata.picture) if metadata.picture else None
    annex = Annex(library, document.path.parent, metadata.url)
    attachments = annex.attach(metadata.attachments)
    plain = {field.name: getattr(metadata, field.name) for field in fields(metadata)}
    return Draft(
        **plain
        | {
            "title": clean(title),
            "html": html,
            "text": text,
            "published": metadata.published or _date_elsewhere(metadata, document),
            "picture": picture,
            "attachments": attachments,
            "media": gallery.media + annex.media,
        }
    )


def _date_elsewhere(metadata: Metadata, document: Document) -> object:
    permalink = date_in_permalink(metadata.permalink or "")
    return permalink or date_in_name(document.path.name)
