"""HTML in the Markdown of kramdown, which reads it differently from CommonMark.

An element of lines (`<img>`, `<span>`) begins a paragraph, a block goes on behind empty lines until it
is closed, and with `markdown="1"` what is inside is Markdown.
https://kramdown.gettalong.org/syntax.html#html-blocks
"""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block import html_block as common_html_block

from publisher.ingest.parsers.markup.code_regions import (
    CodeRegions,
    replace_outside_code,
    span_end,
)

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
        return "\n" if span_end(blocks, match.start()) is not None else match[0]

    return replace_outside_code(_INDENTED_TAG, begun, text) if blocks else text


def _whole_code(text: str) -> str:
    """Begin code with empty lines in it behind one: CommonMark reads such a `pre` to its end."""
    parts: list[str] = []
    at = 0
    shown = CodeRegions(text)
    while (opening := _CODE.search(text, at)) and (
        end := _CODE_END.search(text, opening.end())
    ):
        if opening.start("pre") in shown:
            parts.append(text[at : opening.end()])
            at = opening.end()
            continue
        if _EMPTY_LINE.search(text, opening.end(), end.start()):
            parts += [
                text[at : opening.start()],
                "\n\n",
                text[opening.start("pre") : end.end()],
            ]
        else:
            parts.append(text[at : end.end()])
        at = end.end()
    return "".join([*parts, text[at:]])


def _blocks(text: str) -> list[tuple[int, int]]:
    """Return where the outermost blocks begin and end; `pre` ends them, since its spaces count."""
    found: list[tuple[int, int]] = []
    opened: list[str] = []
    start = 0
    shown = CodeRegions(text)
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

    return replace_outside_code(_TAG, tag, text)


def _close(opened: list[tuple[str, bool]], name: str) -> bool:
    """Close an element with all that are open in it, and return whether Markdown is in it."""
    for index in range(len(opened) - 1, -1, -1):
        if opened[index][0] == name:
            is_markdown = opened[index][1]
            del opened[index:]
            return is_markdown
    return False
