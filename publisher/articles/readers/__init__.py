"""Readers: the bytes of one file in, one Draft out; one module per kind of document.

They know no database, no publication and no story, and touch no disk.
"""

from __future__ import annotations

from collections.abc import Callable

from publisher.articles.model import Draft
from publisher.articles.readers import html, markdown, textpage
from publisher.articles.readers.document import Document, Library, Survey
from publisher.errors import ArticleError

__all__ = ["SUFFIXES", "Document", "Library", "Survey", "read"]

READERS: dict[str, Callable[[Document, Library], Draft]] = {
    ".md": markdown.read,
    ".markdown": markdown.read,
    ".html": html.read,
    ".htm": html.read,
    ".txt": textpage.read,
}
SUFFIXES = frozenset(READERS)


def read(document: Document, library: Library) -> Draft:
    """Read a document by its suffix.

    Raises ArticleError, one line without the path, for anything that can't be read.
    """
    reader = READERS.get(document.path.suffix.lower())
    if reader is None:
        kinds = ", ".join(sorted(SUFFIXES))
        raise ArticleError(f"not a kind of document that is read ({kinds})")
    return reader(document, library)
