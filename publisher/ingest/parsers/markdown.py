"""Parse Markdown: documents with front matter, as the generator of their site reads them, and editors' words.

A document without a site is CommonMark with tables, strikethrough, footnotes, task lists, alerts
and ids of headings. HTML in it is kept and sanitised later. The dialects are in `markup.dialects`. What an
editor writes at the beginning of an issue is CommonMark without HTML and pictures, cleaned as articles are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from publisher.articles.model import ParsedArticle
from publisher.errors import ArticleError
from publisher.ingest.media.document_media import MediaLibrary
from publisher.ingest.parsers import document as documents
from publisher.ingest.parsers import front_matter
from publisher.ingest.parsers.markup import templating
from publisher.ingest.parsers.markup.common import ProblemLog
from publisher.ingest.parsers.markup.dialects import east_asian_plugin, markdown_parser
from publisher.ingest.parsers.markup.kramdown import prepare_kramdown, take_abbreviations
from publisher.ingest.sanitise import MAX_ELEMENT_DEPTH, sanitise

_MAX_CHARACTERS = 1_000_000  # the parser takes two seconds for this much, which is a long book
# A book has 15,000. Each may be an item or a row of cells, which take a fifth of a millisecond.
_MAX_LINES = 20_000
# Signs that may begin or end something: the parser looks at each for some microseconds, and more often at many
# in one paragraph. A book has 20,000, as many formulas have 100,000. An address costs as much as some of them.
_SIGNS = (*"*_`~[]()<>&!\\{}|:^$\"'", *("www.", "://", "@") * 5)
_MAX_SIGNS = 200_000


def parse(document: documents.SourceDocument, library: MediaLibrary) -> ParsedArticle:
    """Parse a Markdown document; raises ArticleError if it can't be read."""
    text = documents.decode_document(document)
    parts = front_matter.split_front_matter(text)
    fields = parts.fields or {}
    # First, since a site may hold the document back.
    metadata = document.describe(fields)
    document = replace(document, values=document.values.of_article(metadata))
    log = ProblemLog.of_body(text, parts.body)
    body = _body(document, fields, metadata.language, log)
    metadata = replace(metadata, problems=(*metadata.problems, *log.found))
    return documents.build_article(metadata, body, document, library)


def _body(
    document: documents.SourceDocument,
    fields: Mapping[str, front_matter.YamlValue],
    language: str | None,
    log: ProblemLog,
) -> documents.DocumentBody:
    dialect = templating.dialect_of(document, fields)
    emoji, typography = templating.has_emoji(document), templating.has_typography(document)
    parser = markdown_parser(dialect, emoji=emoji, typography=typography)
    environment: dict[str, Any] = {"log": log, "language": language}

    def to_html(text: str) -> str:
        _check_length(text)
        return str(parser.render(text, {}))

    _check_length(log.text)
    source = templating.run_templates(document, fields, log, to_html, language)
    if dialect is documents.Dialect.KRAMDOWN:
        source, environment["abbreviations"] = take_abbreviations(prepare_kramdown(source))
    return _render(source, parser, environment)


def _check_length(source: str) -> None:
    if len(source) > _MAX_CHARACTERS:
        raise ArticleError.saying(
            "longer than %(most)s characters of Markdown; split it", most=_MAX_CHARACTERS
        )
    if source.count("\n") > _MAX_LINES:
        raise ArticleError.saying("longer than %(most)s lines; split it", most=_MAX_LINES)
    if sum(map(source.count, _SIGNS)) > _MAX_SIGNS:
        raise ArticleError.saying(
            "more than %(most)s signs such as * or [; split it", most=_MAX_SIGNS
        )


def _render(
    source: str, parser: MarkdownIt, environment: dict[str, Any]
) -> documents.DocumentBody:
    _check_length(source)
    tokens = parser.parse(source, environment)
    if max((token.level for token in tokens), default=0) >= MAX_ELEMENT_DEPTH - 1:
        raise ArticleError.saying(
            "blocks are nested more than %(most)s deep; simplify it", most=MAX_ELEMENT_DEPTH
        )
    title, rest = _split_title(tokens)

    def html_of(some: Sequence[Token]) -> str:
        return str(parser.renderer.render(some, parser.options, environment))

    return documents.DocumentBody(
        html=html_of(rest),
        title=title,
        html_with_title=html_of(tokens) if title else "",
        later_title=_later_title(tokens) if not title else "",
    )


def _later_title(tokens: Sequence[Token]) -> str:
    """Return the text of the first heading of level 1, empty if there is none."""
    for opening, inline in pairwise(tokens):
        if (opening.type, opening.tag) == ("heading_open", "h1"):
            return _plain(inline.children or []).strip()
    return ""


def _split_title(tokens: Sequence[Token]) -> tuple[str, Sequence[Token]]:
    """Separate the heading of level 1 that the text begins with from the rest."""
    if tokens and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        return _plain(tokens[1].children or []), tokens[3:]
    return "", tokens


def _plain(children: Sequence[Token]) -> str:
    return "".join(
        " " if "break" in child.type else child.content
        for child in children
        if child.type != "html_inline"
    )


MAX_CHARACTERS = 5_000  # two pages: what is longer is an article


def opening_html(markdown: str, base_url: str) -> str:
    """Return the HTML of a text; raise ArticleError if it is too long. Links are resolved."""
    if len(markdown) > MAX_CHARACTERS:
        raise ArticleError.saying(
            "longer than %(most)s characters; make it an article", most=MAX_CHARACTERS
        )
    return sanitise(str(_parser().render(markdown)), base_url=base_url).html


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": MAX_ELEMENT_DEPTH})
    return parser.disable("image").use(east_asian_plugin)
