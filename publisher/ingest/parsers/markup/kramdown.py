"""What kramdown adds to Markdown: attribute lists, options, comments, addresses with spaces, abbreviations.

It also reads HTML in Markdown differently from CommonMark: an element of lines (`<img>`, `<span>`) begins a
paragraph, a block goes on behind empty lines until it is closed, and with `markdown="1"` what is inside is
Markdown. An abbreviation is stated with its meaning: `*[ISRG]: Internet Security Research Group`.
https://kramdown.gettalong.org/syntax.html
"""

import re
from functools import partial
from html import escape
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block import html_block as common_html_block
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from publisher.ingest.parsers.markup import common

_SPANS = frozenset(
    "a abbr acronym b big bdo br button cite code del dfn em i img input ins kbd label mark option q "  # noqa: SIM905  # one a line would fill the page
    "rb rbc rp rt rtc ruby samp select small span strong sub sup textarea tt u var".split()
)
_SPAN_START = re.compile(rf"</?(?:{'|'.join(sorted(_SPANS))})(?=[\s/>])", re.IGNORECASE)
_TAG = re.compile(
    r"""<(?P<closing>/)?(?P<name>[a-zA-Z][\w-]*)(?P<attributes>(?:"[^"]*"|'[^']*'|[^<>"'])*)>"""
)
_IS_MARKDOWN = re.compile(r"""\smarkdown\s*=\s*(?:"(?:1|block|span)"|'(?:1|block|span)'|1)""")
# Elements that begin a block on a line of their own, and are searched for their end.
_BLOCK_TAG = re.compile(
    r"(?P<first>^ {0,3})?<(?P<closing>/)?(?P<name>address|article|aside|blockquote|center|details|dl"
    r"|div|fieldset|figure|footer|form|header|main|nav|ol|pre|section|table|ul)(?=[\s>])",
    re.MULTILINE | re.IGNORECASE,
)
_CODE = re.compile(r"[ \t]*(?P<pre><pre(?=[\s>]))", re.IGNORECASE)
_CODE_END = re.compile(r"</pre\s*>", re.IGNORECASE)
_EMPTY_LINE = re.compile(r"\n[ \t]*\n")
_INDENTED_TAG = re.compile(r"(?<=\n)[ \t]*\n(?:[ ]{4,}|[ ]*\t[ \t]*)(?=</?[a-zA-Z])")


def html_blocks_plugin(md: MarkdownIt) -> None:
    """Make a paragraph of a line that begins with an element of lines."""

    def rule(state: StateBlock, line: int, end: int, silent: bool) -> bool:
        start = state.bMarks[line] + state.tShift[line]
        if _SPAN_START.match(state.src, start, state.eMarks[line]):
            return False
        return common_html_block(state, line, end, silent)

    stops = {"alt": ["paragraph", "reference", "blockquote"]}
    md.block.ruler.at("html_block", rule, stops)  # type: ignore[arg-type]


def prepare_html(text: str) -> str:
    """Return a text whose HTML a reader of CommonMark takes as kramdown does."""
    if "<" not in text:
        return text
    text = _whole_code(text)
    return _without_indentation(_separated(text) if "markdown" in text else text)


def _without_indentation(text: str) -> str:
    """Begin tags behind an empty line at the margin: inside of a block they are no code."""
    blocks = _blocks(text)

    def begun(match: re.Match[str]) -> str:
        return "\n" if common.span_end(blocks, match.start()) is not None else match[0]

    return common.replace_outside_code(_INDENTED_TAG, begun, text) if blocks else text


def _whole_code(text: str) -> str:
    """Begin code with empty lines in it behind one: CommonMark reads such a `pre` to its end."""
    parts: list[str] = []
    at = 0
    shown = common.CodeRegions(text)
    while (opening := _CODE.search(text, at)) and (
        end := _CODE_END.search(text, opening.end())
    ):
        start = opening.start("pre")
        if start in shown:
            parts.append(text[at : opening.end()])
            at = opening.end()
            continue
        if _EMPTY_LINE.search(text, opening.end(), end.start()):
            parts += [text[at : opening.start()], "\n\n", text[start : end.end()]]
        else:
            parts.append(text[at : end.end()])
        at = end.end()
    return "".join([*parts, text[at:]])


def _blocks(text: str) -> list[tuple[int, int]]:
    """Return where the outermost blocks begin and end; `pre` ends them, since its spaces count."""
    found: list[tuple[int, int]] = []
    opened: list[str] = []
    start = 0
    shown = common.CodeRegions(text)
    for tag in _BLOCK_TAG.finditer(text):
        if tag.start("name") in shown:
            continue
        name = tag["name"].lower()
        if name == "pre":
            if opened and not tag["closing"]:
                found.append((start, tag.start()))
            start = tag.end()
        elif not tag["closing"]:
            if opened or tag["first"] is not None:
                start = start if opened else tag.start()
                opened.append(name)
        elif name in opened:
            del opened[len(opened) - 1 - opened[::-1].index(name) :]
            if not opened:
                found.append((start, tag.end()))
    return found


def _separated(text: str) -> str:
    """Put empty lines around what is inside of elements with `markdown="1"`.

    A paragraph is made by its lines alone; an element within a line stays there.
    """
    opened: list[tuple[str, bool]] = []

    def tag(match: re.Match[str]) -> str:
        name = match["name"].lower()
        if match["closing"]:
            is_markdown = _close(opened, name)
            shown = "" if name == "p" else match[0]
            return f"\n\n{shown}\n\n" if is_markdown and name not in _SPANS else match[0]
        marked = _IS_MARKDOWN.search(match["attributes"])
        if opened or marked:
            opened.append((name, bool(marked)))
        if not marked:
            return match[0]
        without = match[0].replace(marked[0], "", 1)
        if name in _SPANS:
            return without
        return "\n\n" if name == "p" else f"\n\n{without}\n\n"

    return common.replace_outside_code(_TAG, tag, text)


def _close(opened: list[tuple[str, bool]], name: str) -> bool:
    """Close an element with all that are open in it, and return whether Markdown is in it."""
    for index in range(len(opened) - 1, -1, -1):
        if opened[index][0] == name:
            is_markdown = opened[index][1]
            del opened[index:]
            return is_markdown
    return False


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
        text = common.replace_outside_code(_TABLE_OF_CONTENTS, lambda _match: "", text)
        text = common.replace_outside_code(_EXTENSION, lambda _match: "", text)
    if "<!--" in text:
        text = common.replace_outside_code(_COMMENT, _without_comment, text)
    if "](" in text:
        text = common.replace_outside_code(_ADDRESS, _with_brackets, text)
    return prepare_html(common.with_table_heads(text))


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


_ABBREVIATION = re.compile(r"^ {0,3}\*\[([^\]\n]+)\]:[ \t]*([^\n]*)\n?", re.MULTILINE)
_MAX_ABBREVIATIONS = 500  # real documents have some tens; each is looked for in the whole text


def take_abbreviations(text: str) -> tuple[str, dict[str, str]]:
    """Return a text without the definitions of its abbreviations, and these."""
    found: dict[str, str] = {}

    def take(match: re.Match[str]) -> str:
        if len(found) < _MAX_ABBREVIATIONS:
            found[match[1]] = match[2].strip()
        return ""

    return (
        common.replace_outside_code(_ABBREVIATION, take, text) if "*[" in text else text
    ), found


def mark_abbreviations(state: StateCore) -> None:
    meanings: dict[str, str] = state.env.get("abbreviations", {})
    if not meanings:
        return
    words = "|".join(re.escape(word) for word in sorted(meanings, key=len, reverse=True))
    pattern = re.compile(rf"(?<!\w)(?:{words})(?!\w)")
    for token in state.tokens:
        if token.children:
            token.children = [
                part for child in token.children for part in _marked(child, pattern, meanings)
            ]


def _marked(token: Token, pattern: re.Pattern[str], meanings: dict[str, str]) -> list[Token]:
    if token.type != "text" or not pattern.search(token.content):
        return [token]
    parts: list[Token] = []
    position = 0
    for match in pattern.finditer(token.content):
        title = f' title="{escape(meanings[match[0]])}"' if meanings[match[0]] else ""
        parts += [
            token.copy(content=token.content[position : match.start()]),
            Token("html_inline", "", 0, content=f"<abbr{title}>"),
            token.copy(content=match[0]),
            Token("html_inline", "", 0, content="</abbr>"),
        ]
        position = match.end()
    return [*parts, token.copy(content=token.content[position:])]
