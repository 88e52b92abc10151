"""Parsers: the bytes of one file in, one ParsedArticle out; one module per kind of document.

They read no disk (files beside the document come from a MediaLibrary) and no database.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from publisher.articles.model import ParsedArticle
from publisher.errors import ArticleError
from publisher.ingest.parsers import html, markdown, text_page
from publisher.ingest.parsers.document import (
    Dialect,
    SiteValues,
    SourceDocument,
    decode_document,
)
from publisher.ingest.parsers.front_matter import YamlValue, split_front_matter
from publisher.ingest.parsers.media import MediaInfo, MediaLibrary

__all__ = [
    "ARTICLE_SUFFIXES",
    "Dialect",
    "MediaInfo",
    "MediaLibrary",
    "SiteValues",
    "SourceDocument",
    "front_matter_of",
    "parse_document",
    "text_below_front_matter",
]

_PARSERS: dict[str, Callable[[SourceDocument, MediaLibrary], ParsedArticle]] = {
    ".md": markdown.parse,
    ".markdown": markdown.parse,
    ".mkd": markdown.parse,
    ".mkdn": markdown.parse,
    ".mkdown": markdown.parse,
    ".mdx": markdown.parse,
    ".html": html.parse,
    ".htm": html.parse,
    ".txt": text_page.parse,
}
ARTICLE_SUFFIXES = frozenset(_PARSERS)


def front_matter_of(document: SourceDocument) -> Mapping[str, YamlValue]:
    """Return the front matter of a document; empty if it has none.

    Raises ArticleError, one line without the path, if it can't be read.
    """
    return split_front_matter(decode_document(document)).fields or {}


def text_below_front_matter(document: SourceDocument) -> str:
    """Return the text of a document as it is written, without its front matter; raises ArticleError."""
    return split_front_matter(decode_document(document)).body.strip()


def parse_document(document: SourceDocument, library: MediaLibrary) -> ParsedArticle:
    """Parse a document by its suffix.

    Raises ArticleError, one line without the path, if it can't be read.
    """
    parse = _PARSERS.get(document.path.suffix.lower())
    if parse is None:
        kinds = ", ".join(sorted(ARTICLE_SUFFIXES))
        raise ArticleError(f"not a kind of document that is read ({kinds})")
    return parse(document, library)
