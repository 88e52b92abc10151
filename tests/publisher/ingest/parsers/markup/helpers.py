"""Documents of sites, as their generators would read them."""

from pathlib import PurePosixPath
from typing import Any

from publisher.articles.model import ParsedArticle
from publisher.i18n.article_problems import ProblemKind
from publisher.ingest.parsers import parse_document
from publisher.ingest.parsers.document import Dialect, SiteValues, SourceDocument
from tests.publisher.ingest.helpers import MemoryLibrary

# Front matter of three lines: the body begins in line 4.
HEAD = "---\ntitle: The ferry\n---\n"


def read_as(dialect: str, body: str, *, head: str = HEAD, **values: Any) -> ParsedArticle:
    """Parse a document of a site; `includes` are files by name, `shortcodes` the site's own."""
    shortcodes = values.pop("shortcodes", {})
    includes = values.pop("includes", {})
    name = values.pop("name", "ferry.md")
    document = SourceDocument(
        PurePosixPath(name),
        (head + body).encode(),
        dialect=Dialect(dialect),
        values=SiteValues(**values, include=includes.get),
        shortcodes=shortcodes,
    )
    return parse_document(document, MemoryLibrary())


def problems_of(article: ParsedArticle) -> list[tuple[str, int | None, str]]:
    """Return the kind, line and value of each problem that reading the markup has.

    What readers would see of templates, and pictures, are other tests' business.
    """
    others = {ProblemKind.TEMPLATE_LEFTOVER, ProblemKind.PICTURE_WITHOUT_ALT}
    found = [one for one in article.problems if one.kind not in others]
    return [(one.kind.value, one.line, one.what) for one in found]
