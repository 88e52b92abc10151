"""Parsers: the bytes of one file in, one ParsedArticle out; one module per kind of document.

They read no disk (files beside the document come from a MediaLibrary) and no database. The modules,
and the libraries that they use, are imported when the first document is parsed: most runs find
nothing new.
"""

from importlib import import_module

from publisher.articles.model import ParsedArticle
from publisher.errors import ArticleError
from publisher.ingest.media.document_media import MediaLibrary
from publisher.ingest.parsers.document import SourceDocument

# Modules of this package with `parse`, by suffix.
_PARSERS = {
    **dict.fromkeys((".md", ".markdown", ".mkd", ".mkdn", ".mkdown", ".mdx"), "markdown"),
    **dict.fromkeys((".html", ".htm"), "html"),
    ".txt": "text_page",
}
ARTICLE_SUFFIXES = frozenset(_PARSERS)


def parse_document(document: SourceDocument, library: MediaLibrary) -> ParsedArticle:
    """Parse a document by its suffix. Raises ArticleError, one line without the path, if it can't be read."""
    name = _PARSERS.get(document.path.suffix.lower())
    if name is None:
        kinds = ", ".join(sorted(ARTICLE_SUFFIXES))
        raise ArticleError.saying(
            "not a kind of document that is read (%(kinds)s)", kinds=kinds
        )
    parsed: ParsedArticle = import_module(f"{__name__}.{name}").parse(document, library)
    return parsed
