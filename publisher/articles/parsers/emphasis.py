"""Emphasis in scripts without spaces, which CommonMark's rules for words get wrong.

`**重点：**说明` is bold to whoever wrote it, but no closing mark to CommonMark (0.31 section
6.2), which takes the colon for the beginning of something and misses a space. A plug-in.
"""

from __future__ import annotations

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter

from publisher.articles.content.characters import UNSPACED_CHARACTER


def emphasis_without_spaces(md: MarkdownIt) -> None:
    """Plug into a parser: beside a Chinese or Japanese character, `*` needs no space."""
    md.inline.ruler.at("emphasis", _emphasis)


def _emphasis(state: StateInline, silent: bool) -> bool:
    marker = state.src[state.pos]
    if silent or marker not in {"*", "_"}:
        return False
    scanned = state.scanDelims(state.pos, marker == "*")
    end = state.pos + scanned.length
    before = state.src[state.pos - 1 : state.pos]
    after = state.src[end : min(end + 1, state.posMax)]
    free = marker == "*" and bool(
        UNSPACED_CHARACTER.match(before) or UNSPACED_CHARACTER.match(after)
    )
    for _mark in range(scanned.length):
        state.push("text", "", 0).content = marker
        delimiter = Delimiter(
            marker=ord(marker),
            length=scanned.length,
            token=len(state.tokens) - 1,
            end=-1,
            open=scanned.can_open or (free and not _is_space(after)),
            close=scanned.can_close or (free and not _is_space(before)),
        )
        state.delimiters.append(delimiter)
    state.pos = end
    return True


def _is_space(character: str) -> bool:
    """Say if it is white space; the beginning and the end of a text are."""
    return not character.strip()
