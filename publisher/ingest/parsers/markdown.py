"""Parse Markdown with YAML front matter: CommonMark with tables, strikethrough and footnotes.

HTML in it is kept and sanitised later. Addresses in running text do not become links.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter
from markdown_it.token import Token
from mdit_py_plugins.footnote import footnote_plugin

from publisher.articles.content.characters import UNSPACED_CHARACTER, joins_without_space
from publisher.articles.model import ParsedArticle
from publisher.errors import ArticleError
from publisher.ingest.parsers import front_matter, jekyll
from publisher.ingest.parsers.document import (
    DocumentBody,
    SourceDocument,
    build_article,
    decode_document,
)
from publisher.ingest.parsers.media import MediaLibrary
from publisher.ingest.sanitise import MAX_ELEMENT_DEPTH

# The parser takes two seconds for this much, which is a long book.
_MAX_CHARACTERS = 1_000_000
# In one paragraph. The parser's time grows with their square: 5,000 cost a hundredth of a second.
_MAX_BRACKETS = 5_000


def parse(document: SourceDocument, library: MediaLibrary) -> ParsedArticle:
    """Parse a Markdown document; raises ArticleError if it can't be read."""
    parts = front_matter.split_front_matter(decode_document(document))
    fields = parts.fields or {}
    # First, since a site may hold the document back.
    metadata = document.describe(fields)
    is_jekyll = bool(fields.get("layout"))
    source = jekyll.strip_liquid(parts.body) if is_jekyll else parts.body
    body = _render(source, _jekyll_parser() if is_jekyll else _parser())
    return build_article(metadata, body, document, library)


def _render(source: str, parser: MarkdownIt) -> DocumentBody:
    if len(source) > _MAX_CHARACTERS:
        raise ArticleError(f"longer than {_MAX_CHARACTERS:,} characters of Markdown; split it")
    environment: dict[str, object] = {}
    tokens = parser.parse(source, environment)
    if max((token.level for token in tokens), default=0) >= MAX_ELEMENT_DEPTH - 1:
        raise ArticleError(f"blocks are nested more than {MAX_ELEMENT_DEPTH} deep; simplify it")
    title, rest = _split_title(tokens)

    def html_of(some: Sequence[Token]) -> str:
        return str(parser.renderer.render(some, parser.options, environment))

    return DocumentBody(
        html=html_of(rest), title=title, html_with_title=html_of(tokens) if title else ""
    )


def _split_title(tokens: Sequence[Token]) -> tuple[str, Sequence[Token]]:
    """Separate the heading of level 1 that the text begins with from the rest."""
    if tokens and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        return _plain(tokens[1].children or []), tokens[3:]
    return "", tokens


def _plain(children: Sequence[Token]) -> str:
    """Return the text of inline tokens."""
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
    parser.inline.ruler.at("emphasis", _emphasis)
    parser.core.ruler.before("inline", "check_brackets", _check_brackets)
    parser.core.ruler.push("join_lines", _join_lines)
    return parser


def _check_brackets(state: StateCore) -> None:
    for token in state.tokens:
        if token.type == "inline" and token.content.count("[") > _MAX_BRACKETS:
            raise ArticleError(f"a paragraph holds more than {_MAX_BRACKETS:,} square brackets")


def _join_lines(state: StateCore) -> None:
    """Remove line breaks between Chinese or Japanese characters: they are no spaces."""
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


def _emphasis(state: StateInline, silent: bool) -> bool:
    """Read `*` and `_`; beside a Chinese or Japanese character, `*` needs no space.

    By CommonMark (0.31 section 6.2) the second mark in `**重点：**说明` closes nothing, because
    it stands between a colon and a letter.
    """
    marker = state.src[state.pos]
    if silent or marker not in {"*", "_"}:
        return False
    scanned = state.scanDelims(state.pos, marker == "*")
    end = state.pos + scanned.length
    before = state.src[state.pos - 1 : state.pos]
    after = state.src[end : min(end + 1, state.posMax)]
    beside = UNSPACED_CHARACTER.match(before) or UNSPACED_CHARACTER.match(after)
    free = marker == "*" and bool(beside)
    for _mark in range(scanned.length):
        state.push("text", "", 0).content = marker
        delimiter = Delimiter(
            marker=ord(marker),
            length=scanned.length,
            token=len(state.tokens) - 1,
            end=-1,
            # The beginning and the end of a text count as spaces.
            open=scanned.can_open or (free and bool(after.strip())),
            close=scanned.can_close or (free and bool(before.strip())),
        )
        state.delimiters.append(delimiter)
    state.pos = end
    return True
