"""One set-up of the Markdown parser for each generator's reading of Markdown.

CommonMark with tables, strikethrough, footnotes, task lists, alerts and heading ids is read in all;
each generator adds what it reads by default.
"""

from __future__ import annotations

import re
from functools import lru_cache, partial

from markdown_it import MarkdownIt
from markdown_it.parser_inline import RuleFuncInlineType
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.gfm_autolink import gfm_autolink_plugin
from mdit_py_plugins.gfm_autolink.index import _email_rule, _protocol_rule, _www_inline_rule

from publisher.errors import ArticleError
from publisher.ingest.parsers.document import Dialect
from publisher.ingest.parsers.markup.abbreviations import abbreviations_plugin
from publisher.ingest.parsers.markup.admonitions import alerts_plugin, containers_plugin
from publisher.ingest.parsers.markup.east_asian import east_asian_plugin
from publisher.ingest.parsers.markup.heading_ids import heading_ids_plugin
from publisher.ingest.parsers.markup.headless_tables import (
    empty_heads_plugin,
    headless_tables_plugin,
)
from publisher.ingest.parsers.markup.kramdown import (
    attribute_lists_plugin,
    footnote_ends_plugin,
    trailing_lists_plugin,
)
from publisher.ingest.parsers.markup.kramdown_html import html_blocks_plugin
from publisher.ingest.parsers.markup.references import missing_references_plugin
from publisher.ingest.parsers.markup.typography import emoji_plugin, smart_punctuation_plugin
from publisher.ingest.sanitise import MAX_ELEMENT_DEPTH
from publisher.messages import message

# In one paragraph. The parser's time grows with their square: 5,000 cost a hundredth of a second.
_MAX_BRACKETS = 5_000
# The end of what stands before the colon of an address, and its longest length.
_PROTOCOL = re.compile(r"(?:\A|[ \t\r\n*_~(])(?:https?|mailto|xmpp)\Z")
_PROTOCOL_LENGTH = 7
# Characters of an address that is read as a link: what servers take.
_MAX_ADDRESS = 8_192


@lru_cache(maxsize=16)
def markdown_parser(
    dialect: Dialect, *, emoji: bool = False, typography: bool = True
) -> MarkdownIt:
    """Return the parser for a dialect; with `emoji`, names such as `:tada:` are read.

    Without `typography`, goldmark's quotation marks and dashes stay as they are written.
    """
    md = _common()
    match dialect:
        case Dialect.KRAMDOWN:
            _kramdown(md)
        case Dialect.GOLDMARK:
            _goldmark(md, typography)
        case Dialect.DOCUSAURUS:
            _docusaurus(md)
        case Dialect.MARKDOWN_IT:
            _markdown_it(md)
        case _:
            pass
    if dialect is not Dialect.PLAIN:
        missing_references_plugin(md)
    if emoji or dialect in {Dialect.DOCUSAURUS, Dialect.MARKDOWN_IT}:
        emoji_plugin(md)
    heading_ids_plugin(md, dialect)
    return md


def _common() -> MarkdownIt:
    options = {
        "html": True,
        "linkify": False,
        "maxNesting": MAX_ELEMENT_DEPTH,
        "tasklists": True,
    }
    md = MarkdownIt("commonmark", options).enable(["table", "strikethrough"])
    md.use(footnote_plugin)
    east_asian_plugin(md)
    alerts_plugin(md)
    empty_heads_plugin(md)
    md.core.ruler.before("inline", "tasks", _check_boxes)
    md.core.ruler.before("inline", "check_brackets", _check_brackets)
    return md


def _kramdown(md: MarkdownIt) -> None:
    md.use(deflist_plugin)
    attribute_lists_plugin(md)
    footnote_ends_plugin(md)
    html_blocks_plugin(md)
    headless_tables_plugin(md)
    abbreviations_plugin(md)
    smart_punctuation_plugin(md)


def _goldmark(md: MarkdownIt, typography: bool) -> None:
    md.use(deflist_plugin)
    _autolinks(md)
    attribute_lists_plugin(md, kramdown=False, spans=False)
    if typography:
        smart_punctuation_plugin(md)


def _docusaurus(md: MarkdownIt) -> None:
    _autolinks(md)
    containers_plugin(md)
    md.disable("code")  # MDX has no code by indentation


def _markdown_it(md: MarkdownIt) -> None:
    _autolinks(md)
    attribute_lists_plugin(md, kramdown=False)
    containers_plugin(md)
    trailing_lists_plugin(md)


def _autolinks(md: MarkdownIt) -> None:
    """Read addresses as links. The plugin's rules read the rest of the paragraph at each; these do not."""
    md.use(gfm_autolink_plugin)
    rules = {"www": _www_inline_rule, "protocol": _protocol_link, "email": _email_rule}
    for name, rule in rules.items():
        md.inline.ruler.at(f"gfm_autolink_{name}", partial(_within_reach, rule))


def _within_reach(rule: RuleFuncInlineType, state: StateInline, silent: bool) -> bool:
    end = state.posMax
    state.posMax = min(end, state.pos + _MAX_ADDRESS)
    try:
        return rule(state, silent)
    finally:
        state.posMax = end


def _protocol_link(state: StateInline, silent: bool) -> bool:
    tail = state.pending[-_PROTOCOL_LENGTH:]
    if silent or state.src[state.pos] != ":" or not _PROTOCOL.search(tail):
        return False
    # What comes before is a text of its own: joined again when all is read.
    state.pending = state.pending[:-_PROTOCOL_LENGTH]
    if state.pending:
        state.pushPending()
    state.pending = tail
    return _protocol_rule(state, silent)


def _check_boxes(state: StateCore) -> None:
    """Write the boxes of task lists as characters: mails have no form fields."""
    box = ""
    for token in state.tokens:
        if token.type == "list_item_open":
            checked = token.meta.pop("checked", None)
            box = "" if checked is None else "☑ " if checked else "☐ "
        elif token.type == "inline" and box:
            token.content = box + token.content
            box = ""


def _check_brackets(state: StateCore) -> None:
    for token in state.tokens:
        if token.type == "inline" and token.content.count("[") > _MAX_BRACKETS:
            raise ArticleError(
                message(
                    "a paragraph holds more than %(most)s square brackets", most=_MAX_BRACKETS
                )
            )
