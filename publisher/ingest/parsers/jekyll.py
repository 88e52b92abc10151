"""Remove Jekyll's Liquid tags and kramdown's attributes from a document before it is parsed.

Only for documents with a `layout` in their front matter; others may contain `{{ ... }}` as text.
Included files are not available: a reference link that is defined in one becomes its text. Code
stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from markdown_it import MarkdownIt
from markdown_it.common.utils import normalizeReference
from markdown_it.rules_inline import StateInline

# No alternative reads past the next opening of its own kind, so the time is linear.
_TOKEN = re.compile(
    r"^[ \t>]*(?:[-*+][ \t]+|\d+[.)][ \t]+)?(?P<fence>`{3,}[^`\n]*|~{3,}[^\n]*)$"
    r"|(?P<blank>\n[ \t]*(?=\n))"
    r"|(?P<ticks>`+)"
    r"|(?P<tag>\{%(?:(?!\{%|%\}).)*%\})"
    r"|(?P<output>\{\{(?:(?!\{\{|\}\}).)*\}\})"
    r"|(?P<comment>\*{0,2}<!--(?:(?!<!--|-->).)*-->)"
    r"|(?P<attributes>^[ \t]*\{:[^}\n]*\}[ \t]*$)",
    re.MULTILINE | re.DOTALL,
)
_TAG_NAME = re.compile(r"\{%-?\s*(\w*)")
_ASSIGNMENT = re.compile(r"""\{%-?\s*assign\s+(\w+)\s*=\s*(["'])(.*?)\2\s*-?%\}""")
_LANGUAGE = re.compile(r"\{%-?\s*highlight\s+(\w+)")
_PAIRED = frozenset({"comment", "raw", "highlight"})

# `array[0][1]` is no link: a name with two subscripts right behind it.
_SUBSCRIPTED = re.compile(r"[A-Za-z0-9_)\]]")
_SUBSCRIPT = re.compile(r"[A-Za-z0-9_+*-]{1,20}")


def strip_liquid(source: str) -> str:
    """Return a document without Liquid and HTML comments.

    Outputs of variables that the document itself assigns a text become that text; others nothing.
    """
    return _Stripper(source).run()


class _Stripper:
    """Goes through a document from token to token."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._tokens = list(_TOKEN.finditer(source))
        self._partners = _partners(self._tokens)
        self._variables: dict[str, str] = {}
        self._pieces: list[str] = []
        self._position = 0

    def run(self) -> str:
        for index, token in enumerate(self._tokens):
            if token.start() >= self._position:
                self._take(self._position, token.start())
                self._handle(index, token)
        self._take(self._position, len(self._source))
        return "".join(self._pieces)

    def _take(self, start: int, end: int) -> None:
        self._pieces.append(self._source[start:end])
        self._position = end

    def _replace(self, replacement: str, end: int) -> None:
        self._position = end
        if not replacement and self._source[end : end + 1] in {"", "\n"}:
            # Spaces at the end of a line would be a hard break.
            self._pieces[-1] = self._pieces[-1].rstrip(" \t")
        self._pieces.append(replacement)

    def _handle(self, index: int, token: re.Match[str]) -> None:
        kind = token.lastgroup
        if kind == "tag":
            self._tag(index, token)
        elif kind == "output":
            self._replace(self._variables.get(token.group().strip("{}- "), ""), token.end())
        elif kind == "comment":
            self._comment(token)
        elif kind == "attributes":
            self._replace("", token.end())
        elif kind == "fence":
            self._take(token.start(), self._end_of_fence(index, token))
        else:
            partner = self._partners.get(index, token)
            self._take(token.start(), partner.end())

    def _tag(self, index: int, token: re.Match[str]) -> None:
        partner = self._partners.get(index)
        assignment = _ASSIGNMENT.match(token.group())
        if assignment:
            self._variables[assignment[1]] = assignment[3]
        if not partner:
            self._replace("", token.end())
            return
        inner = self._source[token.end() : partner.start()]
        name = _name(token)
        if name == "highlight":
            language = _LANGUAGE.match(token.group())
            inner = inner.strip("\n")
            inner = f"\n~~~~{language[1] if language else ''}\n{inner}\n~~~~\n"
        self._replace("" if name == "comment" else inner, partner.end())

    def _comment(self, token: re.Match[str]) -> None:
        """Remove a comment, with the stars around it that mark an anchor on some pages."""
        stars, _marks, _comment = token.group().partition("<")
        if stars and self._source.startswith(stars, token.end()):
            self._replace("", token.end() + len(stars))
        else:
            self._replace(stars, token.end())

    def _end_of_fence(self, index: int, opening: re.Match[str]) -> int:
        mark = opening["fence"][0]
        length = len(opening["fence"]) - len(opening["fence"].lstrip(mark))
        for token in self._tokens[index + 1 :]:
            fence = (token["fence"] or "").rstrip()
            if len(fence) >= length and not fence.strip(mark):
                return token.end()
        return len(self._source)


def _name(token: re.Match[str]) -> str:
    match = _TAG_NAME.match(token.group())
    return match[1] if match else ""


def _partners(tokens: Sequence[re.Match[str]]) -> Mapping[int, re.Match[str]]:
    """Return the closing token of each code span (in its paragraph) and each paired tag."""
    partners: dict[int, re.Match[str]] = {}
    ticks: dict[int, re.Match[str]] = {}
    endings: dict[str, re.Match[str]] = {}
    for index in range(len(tokens) - 1, -1, -1):
        token = tokens[index]
        if token.lastgroup == "ticks":
            length = len(token.group())
            if length in ticks:
                partners[index] = ticks[length]
            ticks[length] = token
        elif token.lastgroup in {"blank", "fence"}:
            ticks.clear()
        elif token.lastgroup == "tag":
            name = _name(token)
            if name in _PAIRED and f"end{name}" in endings:
                partners[index] = endings[f"end{name}"]
            endings[name] = token
    return partners


def degrade_references(md: MarkdownIt) -> None:
    """Make a parser turn `[text][label]` without a definition into the text.

    The rule runs after those for links and images, on what they left.
    """
    md.inline.ruler.after("image", "dropped_reference", _dropped_reference)


def _dropped_reference(state: StateInline, silent: bool) -> bool:
    """Read `[text][label]`, `[text][]`, or such an image (CommonMark 0.31 section 6.3)."""
    source = state.src
    start = state.pos + (source[state.pos] == "!")
    if source[start : start + 1] != "[":
        return False
    end = state.md.helpers.parseLinkLabel(state, start)
    if end < 0 or source[end + 1 : end + 2] != "[":
        return False
    close = source.find("]", end + 2)
    label = source[end + 2 : close] or source[start + 1 : end]
    if close < 0 or label.startswith("^") or "[" in source[end + 2 : close]:
        return False
    if _is_subscript(source, state.pos, source[start + 1 : end], label):
        return False
    if normalizeReference(label) in state.env.get("references", {}):
        return False
    if not silent:
        _parse_inside(state, start + 1, end)
    state.pos = close + 1
    return True


def _is_subscript(source: str, position: int, text: str, label: str) -> bool:
    behind = position > 0 and _SUBSCRIPTED.match(source[position - 1])
    return bool(behind and _SUBSCRIPT.fullmatch(text) and _SUBSCRIPT.fullmatch(label))


def _parse_inside(state: StateInline, start: int, end: int) -> None:
    outer = state.posMax
    state.pos, state.posMax = start, end
    state.md.inline.tokenize(state)
    state.posMax = outer
