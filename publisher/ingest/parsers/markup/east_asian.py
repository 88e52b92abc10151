"""Emphasis and line breaks beside Chinese and Japanese characters."""

from __future__ import annotations

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter
from markdown_it.token import Token

from publisher.articles.content.characters import UNSPACED_CHARACTER, joins_without_space


def east_asian_plugin(md: MarkdownIt) -> None:
    """Read `*` without spaces around it, and join lines without a space."""
    md.inline.ruler.at("emphasis", _emphasis)
    md.core.ruler.push("join_lines", _join_lines)


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
