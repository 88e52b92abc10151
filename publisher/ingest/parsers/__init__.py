"""Parsers: the bytes of one file in, one ParsedArticle out; one module per kind of document.

They read no disk (files beside the document come from a MediaLibrary) and no database. The modules, and the libraries
that they use, are imported when the first document is parsed: most runs find nothing new.
"""

from publisher.ingest.parsers.document import ARTICLE_SUFFIXES, parse_document

__all__ = ["ARTICLE_SUFFIXES", "parse_document"]
