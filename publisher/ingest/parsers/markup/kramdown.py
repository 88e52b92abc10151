"""What kramdown adds to Markdown: attribute lists, options, comments, addresses with spaces.

https://kramdown.gettalong.org/syntax.html
"""

from __future__ import annotations

import re
from functools import partial
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from publisher.ingest.parsers.markup.code_regions import replace_outside_code
from publisher.ingest.parsers.markup.kramdown_html import prepare_html

# Attributes that stay in articles; classes and styles don't.
_KEPT = frozenset({"lang", "dir", "title", "width", "height", "start"})
_BLOCK_LIST = re.compile(r"\{:(?![:/])[^{}\n]*\}[ \t]*$")
_SPAN_LIST = re.compile(r"\{:(?![:/])[^{}\n]*\}")
_PLAIN_SPAN_LIST = re.compile(r"""\{(?:[#.][\w-]+|[\w-]+="[^"{}]*"|[ ])+\}""")
_PLAIN_LIST = re.compile(r"""\{(?:\s*(?:[#.][\w-][^\s{}"']*|[\w-]+="[^"{}]*"))+\s*\}[ \t]*$""")
_TRAILING_LIST = re.compile(r"""[ \n]\{(?:[#.][\w-]+|[\w-]+="[^"{}]*"|[ ])+\}$""")
_ITEM = re.compile(
    r"""#(?P<id>[^\s{}"'#.]+)|(?P<key>[\w-]+)=(?:"(?P<value>[^"]*)"|'(?P<other>[^']*)')"""
)
_DEFINITION = re.compile(r"\[[^\]\n]{1,200}\]:\s*\S")
_TABLE_OF_CONTENTS = re.compile(
    r"^[ \t]*(?:[*+-]|\d+\.)[ \t]+[^\n]*\n[ \t]*\{:[^}\n]*\btoc\b[^}\n]*\}[ \t]*$", re.MULTILINE
)
_EXTENSION = re.compile(
    r"\{::comment\}(?:(?!\{::).)*?\{:/(?:comment)?\}|\{::[^{}\n]*\}|\{:/\w*\}", re.DOTALL
)
_COMMENT = re.compile(
    r"(?P<stars>\*{0,2})<!--(?:(?!<!--|-->).)*-->(?P<after>\*{0,2})", re.DOTALL
)
# kramdown reads addresses with spaces, which CommonMark writes in angle brackets.
_ADDRESS = re.compile(
    r"""\]\([ ]?(?P<address>[^\s()<>"'][^()<>"'\n]{1,500}?)"""
    r"""(?P<title>[ ]{1,3}(?:"[^"\n]{0,500}"|'[^'\n]{0,500}'))?[ ]?\)"""
)


def prepare_kramdown(text: str) -> str:
    """Return a text without what has no meaning here, and Markdown in HTML apart from it."""
    if "{:" in text:
        text = replace_outside_code(_TABLE_OF_CONTENTS, lambda _match: "", text)
        text = replace_outside_code(_EXTENSION, lambda _match: "", text)
    if "<!--" in text:
        text = replace_outside_code(_COMMENT, _without_comment, text)
    if "](" in text:
        text = replace_outside_code(_ADDRESS, _with_brackets, text)
    return prepare_html(text)


def _with_brackets(match: re.Match[str]) -> str:
    """Write an address with spaces as CommonMark does; words without a dot or a slash are none."""
    address = match["address"].rstrip()
    if " " not in address or not ("/" in address or "." in address):
        return match[0]
    return f"](<{address}>{match['title'] or ''})"


def _without_comment(match: re.Match[str]) -> str:
    """Remove a comment, with the stars around it that mark a place on some pages."""
    stars, after = match["stars"], match["after"]
    return after[len(stars) :] if after.startswith(stars) else stars + after


def attribute_lists_plugin(
    md: MarkdownIt, *, kramdown: bool = True, spans: bool = True
) -> None:
    """Read attribute lists on lines of their own, and with `spans` behind words.

    `*old*{: lang="la"}` in kramdown, `*old*{lang="la"}` elsewhere.
    """
    pattern = _BLOCK_LIST if kramdown else _PLAIN_LIST

    def block(state: StateBlock, line: int, _end: int, silent: bool) -> bool:
        start = state.bMarks[line] + state.tShift[line]
        if state.src[start : start + 1] != "{" or state.is_code_block(line):
            return False
        found = pattern.match(state.src, start, state.eMarks[line])
        if found is None:
            return False
        if not silent:
            token = state.push("attribute_list", "", 0)
            token.hidden = True
            token.content = found[0]
            token.map = [line, line + 1]
            state.line = line + 1
        return True

    stops: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    md.block.ruler.before("table", "attribute_list", block, stops)
    md.core.ruler.after("block", "attribute_lists", _attach)
    if spans:
        rule = partial(_span_rule, _SPAN_LIST if kramdown else _PLAIN_SPAN_LIST)
        md.inline.ruler.before("text", "span_attributes", rule)
        md.core.ruler.after("inline", "span_attributes", _attach_spans)


def footnote_ends_plugin(md: MarkdownIt) -> None:
    """End a footnote where a link is defined: its lines are indented, but for the first one."""

    def rule(state: StateBlock, line: int, _end: int, silent: bool) -> bool:
        start = state.bMarks[line] + state.tShift[line]
        return (
            silent
            and state.sCount[line] < state.blkIndent
            and _DEFINITION.match(state.src, start, state.eMarks[line]) is not None
            and any(one.type == "footnote_reference_open" for one in state.tokens[-4:])
        )

    stops: RuleOptionsType = {"alt": ["paragraph"]}
    md.block.ruler.before("paragraph", "footnote_end", rule, stops)


def trailing_lists_plugin(md: MarkdownIt) -> None:
    """Remove attribute lists at the end of paragraphs and items, as markdown-it-attrs reads them."""

    def remove(state: StateCore) -> None:
        for before, token in pairwise(state.tokens):
            # Those of headings have their ids.
            is_heading = before.type == "heading_open"
            if token.type == "inline" and token.content.endswith("}") and not is_heading:
                token.content = _TRAILING_LIST.sub("", token.content)

    md.core.ruler.before("inline", "trailing_lists", remove)


def _attach(state: StateCore) -> None:
    """Give each list's attributes to the block above it, or after an empty line to the next."""
    tokens = state.tokens
    if not any(token.type == "attribute_list" for token in tokens):
        return
    kept: list[Token] = []
    waiting: list[Token] = []
    for token in tokens:
        if token.type == "attribute_list":
            target = _block_above(kept, token)
            if target is None:
                waiting.append(token)
            else:
                _set_attributes(target, token.content)
            continue
        for one in waiting:
            _set_attributes(token, one.content)
        waiting = []
        kept.append(token)
    state.tokens = kept


def _block_above(tokens: list[Token], lists: Token) -> Token | None:
    """Return the opening token of the block that ends on the line above, at the same level."""
    line = lists.map[0] if lists.map else 0
    for token in reversed(tokens):
        if token.level < lists.level:
            return None
        if token.level == lists.level and token.nesting >= 0 and token.map:
            return token if token.map[1] >= line else None
    return None


def _set_attributes(token: Token, written: str) -> None:
    for item in _ITEM.finditer(written):
        if item["id"]:
            token.attrSet("id", item["id"])
        elif item["key"].lower() in _KEPT | {"id"}:
            value = item["value"] if item["value"] is not None else item["other"]
            token.attrSet(item["key"].lower(), value)


def _span_rule(pattern: re.Pattern[str], state: StateInline, silent: bool) -> bool:
    """Read an attribute list behind a span; `_attach_spans` gives it to the span."""
    if state.src[state.pos] != "{":
        return False
    found = pattern.match(state.src, state.pos, state.posMax)
    if found is None or state.src[state.pos - 1 : state.pos].isspace():
        return False
    if not silent:
        token = state.push("attribute_list", "", 0)
        token.content = found[0]
        token.hidden = True
    state.pos = found.end()
    return True


def _attach_spans(state: StateCore) -> None:
    for token in state.tokens:
        children = token.children or []
        if not any(child.type == "attribute_list" for child in children):
            continue
        kept: list[Token] = []
        for child in children:
            if child.type != "attribute_list":
                kept.append(child)
            elif target := _span_before(kept):
                _set_attributes(target, child.content)
        token.children = kept


def _span_before(tokens: list[Token]) -> Token | None:
    """Return the opening token of the span that ends here; a text alone is none."""
    if not tokens or tokens[-1].type == "text":
        return None
    last = tokens[-1]
    if last.nesting >= 0:
        return last
    for token in reversed(tokens[:-1]):
        if token.nesting == 1 and token.level == last.level:
            return token
    return None
