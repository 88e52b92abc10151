"""Combine metadata, body, pictures and attachments of a document into one ParsedArticle."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from publisher.articles.content.characters import clean_characters
from publisher.articles.content.parser import parse_content
from publisher.articles.model import ParsedArticle
from publisher.articles.parsers.dates import date_in_name, date_in_permalink
from publisher.articles.parsers.media import DocumentMedia
from publisher.articles.parsers.source_document import MediaLibrary, SourceDocument
from publisher.articles.sanitise import sanitise
from publisher.errors import ArticleError


@dataclass(frozen=True, slots=True)
class DocumentBody:
    """The body of a document as HTML that is not sanitised yet.

    `title` is the heading that the body begins with; `html` lacks it, `html_with_title` has it. A
    `detached` body was taken out of a site whose pictures are not here.
    """

    html: str
    title: str = ""
    html_with_title: str = ""
    detached: bool = False


def build_article(
    metadata: ParsedArticle, body: DocumentBody, document: SourceDocument, library: MediaLibrary
) -> ParsedArticle:
    """Return the article that `metadata` describes, with its body, pictures and attachments.

    Raises ArticleError without a title or a body, or for a picture or attachment that can't be
    used.
    """
    heading = " ".join(body.title.split())
    title = metadata.title or heading
    if not title:
        raise ArticleError("no title; write `title: ...` in the front matter, or a heading")
    # A heading that differs from the title is a heading of the text.
    source = body.html if not heading or heading == title else body.html_with_title
    media = DocumentMedia(library, document.path.parent, metadata.url, body.detached)
    html = sanitise(source, base_url=metadata.url, find_image=media.local_image)
    text = parse_content(html).text
    if not text and "<img" not in html:
        raise ArticleError("no text; there is nothing to publish in it")
    return replace(
        metadata,
        title=clean_characters(title),
        html=html,
        text=text,
        published=metadata.published or _date_elsewhere(metadata, document),
        picture=media.own_picture(metadata.picture) if metadata.picture else None,
        attachment_fields=(),
        attachments=media.attach(metadata.attachment_fields),
        media=media.files,
    )


def _date_elsewhere(metadata: ParsedArticle, document: SourceDocument) -> date | None:
    permalink = date_in_permalink(metadata.permalink or "")
    return permalink or date_in_name(document.path.name)
