"""Abbreviations with their meaning, as kramdown has them: `*[ISRG]: Internet Security Research Group`."""

from __future__ import annotations

import re
from html import escape

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from publisher.ingest.parsers.markup.code_regions import replace_outside_code

_DEFINITION = re.compile(r"^ {0,3}\*\[([^\]\n]+)\]:[ \t]*([^\n]*)\n?", re.MULTILINE)
# Real documents have some tens; each is looked for in the whole text.
_MAX_ABBREVIATIONS = 500


def take_abbreviations(text: str) -> tuple[str, dict[str, str]]:
    """Return a text without the definitions of its abbreviations, and these."""
    found: dict[str, str] = {}

    def take(match: re.Match[str]) -> str:
        if len(found) < _MAX_ABBREVIATIONS:
            found[match[1]] = match[2].strip()
        return ""

    return (replace_outside_code(_DEFINITION, take, text) if "*[" in text else text), found


def abbreviations_plugin(md: MarkdownIt) -> None:
    """Mark the abbreviations that the environment of a text has under `abbreviations`."""
    md.core.ruler.after("inline", "abbreviations", _mark)


def _mark(state: StateCore) -> None:
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
