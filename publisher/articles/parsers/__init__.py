"""Readers: the bytes of one file in, one Draft out; one module per kind of document.

They know no database, no publication and no story, and touch no disk.
"""

from __future__ import annotations

from collections.abc import Callable

from publisher.articles.model import ParsedArticle
from publisher.articles.parsers import html, markdown, text_page
from publisher.articles.parsers.document import MediaInfo, MediaLibrary, SourceDocument
from publisher.errors import ArticleError

__all__ = ["ARTICLE_SUFFIXES", "MediaInfo", "MediaLibrary", "SourceDocument", "parse_document"]

READERS: dict[str, Callable[[SourceDocument, MediaLibrary], ParsedArticle]] = {
    ".md": markdown.parse,
    ".markdown": markdown.parse,
    ".html": html.parse,
    ".htm": html.parse,
    ".txt": text_page.parse,
}
ARTICLE_SUFFIXES = frozenset(READERS)


def parse_document(document: SourceDocument, library: MediaLibrary) -> ParsedArticle:
    """Read a document by its suffix.

    Raises ArticleError, one line without the path, for anything that can't be read.
    """
    reader = READERS.get(document.path.suffix.lower())
    if reader is None:
        kinds = ", ".join(sorted(ARTICLE_SUFFIXES))
        raise ArticleError(f"not a kind of document that is read ({kinds})")
    return reader(document, library)
