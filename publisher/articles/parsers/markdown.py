"""Markdown with YAML front matter. HTML passes through: what may stay, sanitising decides.

CommonMark with tables, strikethrough and footnotes; addresses in running text are no links.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from mdit_py_plugins.footnote import footnote_plugin

from publisher.articles.content.characters import joins_without_space
from publisher.articles.model import ParsedArticle
from publisher.articles.parsers import front_matter, jekyll
from publisher.articles.parsers.build import DocumentBody, build_article
from publisher.articles.parsers.document import MediaLibrary, SourceDocument, decode_document
from publisher.articles.parsers.emphasis import emphasis_without_spaces
from publisher.articles.parsers.metadata import read_metadata
from publisher.articles.sanitise import MAX_ELEMENT_DEPTH
from publisher.errors import ArticleError

# The parser takes two seconds for one megabyte, which is a long book.
MAX_CHARACTERS = 1_000_000
# Its time grows by the square of these in one paragraph: 5,000 cost a hundredth of a second.
MAX_BRACKETS = 5_000


def parse(document: SourceDocument, library: MediaLibrary) -> ParsedArticle:
    """Read a Markdown document.

    Raises ArticleError for anything that can't be read.
    """
    parts = front_matter.split_front_matter(decode_document(document))
    fields = parts.fields or {}
    is_jekyll = bool(fields.get("layout"))
    source = jekyll.strip_liquid(parts.body) if is_jekyll else parts.body
    body = _render(source, _jekyll_parser() if is_jekyll else _parser())
    return build_article(
        read_metadata(fields), replace(body, detached=is_jekyll), document, library
    )


def _render(source: str, parser: MarkdownIt) -> DocumentBody:
    if len(source) > MAX_CHARACTERS:
        raise ArticleError(f"longer than {MAX_CHARACTERS:,} characters of Markdown; split it")
    environment: dict[str, object] = {}
    tokens = parser.parse(source, environment)
    if max((token.level for token in tokens), default=0) >= MAX_ELEMENT_DEPTH - 1:
        raise ArticleError(f"blocks are nested more than {MAX_ELEMENT_DEPTH} deep; simplify it")
    title, rest = _part_title(tokens)

    def html_of(some: Sequence[Token]) -> str:
        return str(parser.renderer.render(some, parser.options, environment))

    return DocumentBody(
        html=html_of(rest), title=title, html_with_title=html_of(tokens) if title else ""
    )


def _part_title(tokens: Sequence[Token]) -> tuple[str, Sequence[Token]]:
    """Take off the heading of level 1 that the text begins with."""
    if tokens and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        return _plain(tokens[1].children or []), tokens[3:]
    return "", tokens


def _plain(children: Sequence[Token]) -> str:
    """Give the words of inline tokens."""
    return "".join(
        " " if "break" in child.type else child.content
        for child in children
        if child.type != "html_inline"
    )


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    return _new_parser()


@lru_cache(maxsize=1)
def _jekyll_parser() -> MarkdownIt:
    parser = _new_parser()
    jekyll.degrade_references(parser)
    return parser


def _new_parser() -> MarkdownIt:
    options = {"html": True, "linkify": False, "maxNesting": MAX_ELEMENT_DEPTH}
    parser = MarkdownIt("commonmark", options).enable(["table", "strikethrough"])
    parser.use(footnote_plugin)
    emphasis_without_spaces(parser)
    # Without ids there is no way back from a footnote to its place.
    parser.add_render_rule("footnote_anchor", _nothing)
    parser.core.ruler.before("inline", "bound_brackets", _bound_brackets)
    parser.core.ruler.push("flow_on", _flow_on)
    return parser


def _nothing(*_arguments: object) -> str:
    return ""


def _bound_brackets(state: StateCore) -> None:
    for token in state.tokens:
        if token.type == "inline" and token.content.count("[") > MAX_BRACKETS:
            raise ArticleError(f"a paragraph holds more than {MAX_BRACKETS:,} square brackets")


def _flow_on(state: StateCore) -> None:
    """Make line breaks between Chinese or Japanese characters nothing, not a space."""
    for token in state.tokens:
        before: Token | None = None
        pending: Token | None = None
        for child in token.children or []:
            if child.type == "softbreak":
                pending = child
            elif child.content and child.type != "html_inline":
                if pending and before and joins_without_space(before.content, child.content):
                    pending.type = "text"
                before, pending = child, None
