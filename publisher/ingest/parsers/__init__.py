"""Parsers: the bytes of one file in, one ParsedArticle out; one module per kind of document.

They read no disk (files beside the document come from a MediaLibrary) and no database. The modules,
and the libraries that they use, are imported when the first document is parsed: most runs find
nothing new.
"""

from collections.abc import Mapping
from importlib import import_module

from publisher.articles.model import ParsedArticle
from publisher.errors import ArticleError
from publisher.i18n.messages import message
from publisher.ingest.media.document_media import MediaLibrary
from publisher.ingest.parsers.document import SourceDocument, decode_document
from publisher.ingest.parsers.front_matter import YamlValue, split_front_matter

# Modules of this package with `parse`, by suffix.
_PARSERS = {
    **dict.fromkeys((".md", ".markdown", ".mkd", ".mkdn", ".mkdown", ".mdx"), "markdown"),
    **dict.fromkeys((".html", ".htm"), "html"),
    ".txt": "text_page",
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
    name = _PARSERS.get(document.path.suffix.lower())
    if name is None:
        kinds = ", ".join(sorted(ARTICLE_SUFFIXES))
        raise ArticleError(
            message("not a kind of document that is read (%(kinds)s)", kinds=kinds)
        )
    parsed: ParsedArticle = import_module(f"{__name__}.{name}").parse(document, library)
    return parsed
