"""Parsers: the bytes of one file in, one ParsedArticle out; one module per kind of document.

They read no disk (files beside the document come from a MediaLibrary) and no database.
"""

from __future__ import annotations

from collections.abc import Callable

from publisher.articles.model import ParsedArticle
from publisher.errors import ArticleError
from publisher.ingest.parsers import html, markdown, text_page
from publisher.ingest.parsers.document import Dialect, SiteValues, SourceDocument
from publisher.ingest.parsers.media import MediaInfo, MediaLibrary

__all__ = [
    "ARTICLE_SUFFIXES",
    "Dialect",
    "MediaInfo",
    "MediaLibrary",
    "SiteValues",
    "SourceDocument",
    "parse_document",
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


def parse_document(document: SourceDocument, library: MediaLibrary) -> ParsedArticle:
    """Parse a document by its suffix.

    Raises ArticleError, one line without the path, if it can't be read.
    """
    parse = _PARSERS.get(document.path.suffix.lower())
    if parse is None:
        kinds = ", ".join(sorted(ARTICLE_SUFFIXES))
        raise ArticleError(f"not a kind of document that is read ({kinds})")
    return parse(document, library)
