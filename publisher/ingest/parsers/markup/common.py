"""What templates, shortcodes and components share while a document is read, and blocks of generators.

Code in Markdown is found before it is parsed, so that templates in it stay as they are written. The
problems of one document are collected with the lines of its file. The pieces of HTML and Markdown that
are written in place of a tag are those that plugins and sites use under the same names, so a tag of a
site's own most likely shows a picture, a film, or only what is inside: `{{< youtube abc >}}`.

Alerts of GitHub (`> [!NOTE]`) and `:::` blocks of Docusaurus and VitePress become quotes that begin
with their title. Without one, the title is the kind of the note in the article's language. Tables
without a head are kramdown's (`| a | b |` lines alone), and those whose head is empty.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from operator import itemgetter
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block.table import escapedSplit
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from mdit_py_plugins.container import container_plugin

from publisher.i18n.article_problems import ArticleProblem, ProblemKind

# No alternative reads past the next one of its own kind, so the time is linear.
_TOKEN = re.compile(
    r"^[ \t>]*(?:[-*+][ \t]+|\d+[.)][ \t]+)?(?P<fence>`{3,}[^`\n]*|~{3,}[^\n]*)$"
    r"|(?P<blank>\n[ \t]*(?=\n))"
    r"|(?P<ticks>`+)",
    re.MULTILINE,
)


class CodeRegions:
    """The fenced blocks and code spans of a text."""

    def __init__(self, text: str) -> None:
        self._regions = _regions(text) if "`" in text or "~~~" in text else []

    def __contains__(self, position: object) -> bool:
        return isinstance(position, int) and self.end_at(position) is not None

    def end_at(self, position: int) -> int | None:
        return span_end(self._regions, position)


def span_end(spans: Sequence[tuple[int, int]], position: int) -> int | None:
    """Return where the span ends that has a position, of spans in order; None if there is none."""
    index = bisect_right(spans, position, key=itemgetter(0)) - 1
    return spans[index][1] if index >= 0 and position < spans[index][1] else None


def replace_outside_code(
    pattern: re.Pattern[str], replace: Callable[[re.Match[str]], str], text: str
) -> str:
    regions = CodeRegions(text)
    return pattern.sub(
        lambda match: match[0] if match.start() in regions else replace(match), text
    )


# A comment with templates or components in it, which show nothing. Tags of Liquid hold for what is behind it.
_COMMENT = re.compile(
    r"<!--(?!\s*@include:)(?:(?!-->)[^<{])*(?!\{%)[<{](?:(?!<!--|-->|(?<!\{)\{%).)*-->",
    re.DOTALL,
)


def same_lines(match: re.Match[str]) -> str:
    """Return nothing on as many lines, so that problems behind it have theirs."""
    return "\n" * match[0].count("\n")


def without_comments(text: str) -> str:
    """Return a text without the comments that have templates or components in them."""
    return replace_outside_code(_COMMENT, same_lines, text)


def _regions(text: str) -> list[tuple[int, int]]:
    tokens = list(_TOKEN.finditer(text))
    partners = _tick_partners(tokens)
    found: list[tuple[int, int]] = []
    end = 0
    for index, token in enumerate(tokens):
        if token.start() < end or token.lastgroup == "blank":
            continue
        if token.lastgroup == "fence":
            end = _fence_end(tokens, index, len(text))
        elif index in partners:
            end = partners[index]
        else:
            continue
        found.append((token.start(), end))
    return found


def _fence_end(tokens: Sequence[re.Match[str]], index: int, length: int) -> int:
    opening = tokens[index]["fence"]
    mark = opening[0]
    size = len(opening) - len(opening.lstrip(mark))
    for token in tokens[index + 1 :]:
        fence = (token["fence"] or "").rstrip()
        if len(fence) >= size and not fence.strip(mark):
            return token.end()
    return length


def _tick_partners(tokens: Sequence[re.Match[str]]) -> dict[int, int]:
    """Return where each code span ends, by the index of its opening: in the same paragraph."""
    partners: dict[int, int] = {}
    later: dict[int, int] = {}
    for index in range(len(tokens) - 1, -1, -1):
        token = tokens[index]
        if token.lastgroup == "ticks":
            size = len(token[0])
            if size in later:
                partners[index] = later[size]
            later[size] = token.end()
        else:
            later.clear()
    return partners


_TAG = re.compile(r"\{[{%](?:(?!\{[{%]).)*[%}]\}", re.DOTALL)
# Characters beside a tag that are looked at; a line of many tags would be read for each.
_MAX_LINE = 1_000
_WORD = re.compile(r"\w")
_DEFINITION = re.compile(r"\s*\[[^\]\n]+\]:\s")


@dataclass
class ProblemLog:
    """Collects problems while a text is read; `before` is the number of lines above it in the file."""

    text: str
    before: int = 0
    found: list[ArticleProblem] = field(default_factory=list)

    @classmethod
    def of_body(cls, text: str, body: str) -> ProblemLog:
        """Return the log of a document's body, which its text ends with."""
        return cls(body, text.count("\n", 0, len(text) - len(body)))

    def reading(self, text: str) -> ProblemLog:
        """Return a log of the same problems for a changed text with the same lines."""
        return ProblemLog(text, self.before, self.found)

    @cached_property
    def _line_ends(self) -> list[int]:
        return [end.start() for end in re.finditer("\n", self.text)]

    def line_at(self, position: int) -> int:
        return self.before + 1 + bisect_right(self._line_ends, position - 1)

    def add(self, kind: ProblemKind, what: str, position: int | None = None) -> None:
        line = None if position is None else self.line_at(position)
        self.found.append(ArticleProblem(kind, line, what))

    def add_near(self, kind: ProblemKind, what: str, words: str) -> None:
        """Add a problem where these words first stand in the text; without a line if nowhere."""
        position = self.text.find(words)
        self.add(kind, what, None if position < 0 else position)

    def stands_alone(self, start: int, end: int) -> bool:
        before, behind = self._around(start, end)
        return not (before.strip(" \t>-*+") or behind.strip())

    def _around(self, start: int, end: int) -> tuple[str, str]:
        """Return what stands before and behind on the lines, at most _MAX_LINE characters each."""
        before = self.text[max(0, start - _MAX_LINE) : start]
        behind = self.text[end : end + _MAX_LINE]
        return before.rpartition("\n")[2], behind.partition("\n")[0]

    def _is_in_a_sentence(self, start: int, end: int) -> bool:
        """Return whether words beside tags are on the lines."""
        before, behind = (_TAG.sub("", text) for text in self._around(start, end))
        # A definition of a reference shows nothing, and may follow a tag directly.
        after = _WORD.search(behind) and not _DEFINITION.match(behind)
        return bool(_WORD.search(before) or after)

    def add_missing(self, kind: ProblemKind, what: str, start: int, end: int) -> None:
        """Add that what a tag stands for is missing.

        Between words it is a hole in a sentence; on a line of its own it is of this kind.
        """
        is_hole = self._is_in_a_sentence(start, end)
        self.add(ProblemKind.EMPTY_VALUE if is_hole else kind, what, start)


def shown_as_code(written: str, *, in_html: bool = False) -> str:
    """Return template code that readers are to see as it is written: code in a line."""
    as_html = in_html or "`" in written
    return f"<code>{escape(written)}</code>" if as_html else f"`{written}`"


def with_fences(text: str) -> str:
    """Return Markdown whose blocks of code by indentation, outside lists, are in fences."""
    lines = text.split("\n")
    for token in reversed(MarkdownIt().parse(text)):
        if token.type == "code_block" and token.level == 0 and token.map:
            first, last = token.map
            lines[first:last] = [*code_block(token.content.rstrip()).split("\n"), ""]
    return "\n".join(lines)


def code_block(code: str, language: str = "", *, in_html: bool = False) -> str:
    """Return code as a fenced block that nothing in it can close, or as HTML in a page of HTML."""
    if in_html:
        return f"<pre><code>{escape(code.strip(chr(10)), quote=False)}</code></pre>"
    longest = max((len(run) for run in re.findall("~{3,}", code)), default=2)
    fence = "~" * (longest + 1)
    return f"{fence}{language}\n{code.strip(chr(10))}\n{fence}"


_ALERT = re.compile(r"\[!(?P<kind>[A-Za-z][\w-]*)\][+-]?[ \t]*(?P<title>[^\n]*)\n?")
_SAME_KINDS = (
    *("note", "info", "tip hint success", "important", "warning warn", "caution attention"),
    "danger error",
)
_KINDS = {name: names.split()[0] for names in _SAME_KINDS for name in names.split()}
# `:::` blocks that only arrange what is in them.
_ARRANGING = frozenset({"code-group", "raw", "v-pre", "tabs", "columns", "steps"})
_OPENING = re.compile(r"\s*(?P<kind>[A-Za-z][\w-]*)(?P<label>\[[^\n]*\])?(?P<rest>[^\n]*)")
_COLONS = re.compile(r"[ \t]*:{3,}[ \t]*")
_ATTRIBUTES = re.compile(r"\{[^{}]*\}\s*$")
# The kinds in an order, and by language the words for them in the same order.
_TITLES = tomllib.loads(Path(__file__).with_name("note_titles.toml").read_text("utf-8"))


def admonition_title(kind: str, language: str | None) -> str:
    known = _KINDS.get(kind.lower())
    if known is None:
        return "" if kind.lower() in _ARRANGING | {"details"} else kind.capitalize()
    tag, words = language or "en", _TITLES["words"]
    titles = words.get(tag) or words.get(tag.split("-")[0]) or words["en"]
    return str(titles.split()[_TITLES["kinds"].split().index(known)])


def read_alerts(state: StateCore) -> None:
    """Read the alerts of GitHub, with or without a title: `> [!WARNING] Low tide`."""
    kept: list[Token] = []
    tokens = state.tokens
    for index, token in enumerate(tokens):
        before = [one.type for one in tokens[max(0, index - 2) : index]]
        alert = None
        if before == ["blockquote_open", "paragraph_open"] and token.type == "inline":
            alert = _ALERT.match(token.content)
        if alert is None:
            kept.append(token)
            continue
        title = alert["title"] or admonition_title(alert["kind"], state.env.get("language"))
        opening = kept.pop()
        kept += _title(opening, title)
        rest = token.content[alert.end() :]
        if rest.strip():
            kept += [opening, token.copy(content=rest)]
        else:  # the paragraph's end follows
            tokens[index + 1].hidden = True
            kept.append(opening.copy(hidden=True))
    state.tokens = kept


def _title(like: Token, text: str) -> list[Token]:
    """Return the tokens of a paragraph that has a title in bold; `like` begins a paragraph."""
    inline = Token("inline", "", 0, content=f"**{text}**", children=[], level=like.level + 1)
    closing = Token("paragraph_close", "p", -1, level=like.level, block=True)
    return [like.copy(hidden=False), inline, closing]


def containers_plugin(md: MarkdownIt) -> None:
    """Read `:::` blocks with any name: `:::tip[Title]`, `::: warning Title`."""
    container_plugin(
        md, "note", validate=lambda params, _markup: bool(_OPENING.fullmatch(params))
    )
    stops: RuleOptionsType = {"alt": ["paragraph", "list"]}
    md.block.ruler.after("container_note", "stray_colons", _stray_colons, stops)
    md.core.ruler.after("block", "containers", _read_containers)


def _stray_colons(state: StateBlock, line: int, _end: int, silent: bool) -> bool:
    text = state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]
    if not _COLONS.fullmatch(text):
        return False
    if not silent:
        state.line = line + 1
    return True


def _read_containers(state: StateCore) -> None:
    """Make quotes of `:::` blocks; those that only arrange leave what is in them."""
    kept: list[Token] = []
    for token in state.tokens:
        if token.type not in {"container_note_open", "container_note_close"}:
            kept.append(token)
            continue
        found = _OPENING.fullmatch(token.info)
        if found:  # the opening
            arranges = found["kind"] in _ARRANGING
            token.type, token.tag, token.hidden = "blockquote_open", "blockquote", arranges
            state.env.setdefault("containers", []).append(arranges)
            kept += [token, *_container_title(state, token, found)]
        else:
            arranges = state.env["containers"].pop()
            token.type, token.tag, token.hidden = "blockquote_close", "blockquote", arranges
            kept.append(token)
    state.tokens = kept


def _container_title(state: StateCore, opening: Token, found: re.Match[str]) -> list[Token]:
    if opening.hidden:
        return []
    label = (found["label"] or "").removeprefix("[").removesuffix("]")
    written = label or _ATTRIBUTES.sub("", found["rest"]).strip()
    title = written or admonition_title(found["kind"], state.env.get("language"))
    if not title:
        return []
    paragraph = Token("paragraph_open", "p", 1, level=opening.level + 1, block=True)
    return _title(paragraph, title)


_ROWS = re.compile(
    r"^(?P<indent> {0,3})\|[^\n]*(?:\n {0,3}\|[^\n]*)*(?P<more>\n(?= {0,3}[^\s{]))?",
    re.MULTILINE,
)
_SEPARATOR = re.compile(r"\|?[ \t]*[-:=+|][-:=+| \t]*\|?[ \t]*$")


def with_table_heads(text: str) -> str:
    """Return Markdown whose rows of cells begin with a head of as many columns, an empty one if they have none."""
    return replace_outside_code(_ROWS, _headed, text) if "|" in text else text


def _headed(rows: re.Match[str]) -> str:
    lines = [line.strip() for line in rows[0].strip().split("\n")]
    cells = [line for line in lines if not _SEPARATOR.match(line)]
    columns = max(map(_count_cells, cells), default=0)
    if columns == 0:
        return rows[0]
    has_head = len(lines) > 1 and not _SEPARATOR.match(lines[0]) and _SEPARATOR.match(lines[1])
    if has_head and _count_cells(lines[1]) == columns == _count_cells(lines[0]):
        return rows[0]
    head = cells.pop(0) if has_head else "|"
    head += "|" * (columns - _count_cells(head) + (not head.endswith("|")))
    written = (rows["indent"] + line for line in (head, "|-" * columns + "|", *cells))
    return "\n".join(("", *written)) + 2 * (rows["more"] or "")


def _count_cells(row: str) -> int:
    cells = escapedSplit(row)[1:]
    return len(cells) - bool(cells and not cells[-1].strip())


def remove_empty_heads(state: StateCore) -> None:
    tokens = state.tokens
    if not any(token.type == "thead_open" for token in tokens):
        return
    kept: list[Token] = []
    start = 0
    for token in tokens:
        if token.type == "thead_open":
            start = len(kept)
        kept.append(token)
        if token.type == "thead_close":
            inside = kept[start:]
            if not any(cell.type == "inline" and cell.content.strip() for cell in inside):
                del kept[start:]
    state.tokens = kept
