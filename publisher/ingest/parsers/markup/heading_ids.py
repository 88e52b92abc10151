"""Give headings their ids: those that are written (`{#id}`), else those that generators make."""

from __future__ import annotations

import re
import unicodedata

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

# `{#id}`, `{: #id .class}`, and in MDX `{/* #id */}`.
_WRITTEN = re.compile(
    r"""\s*\{(?::\s*|/\*\s*)?(?P<list>(?:[#.][^\s{}"'/]+|[\w-]+=(?:"[^"]*"|\S+)|\s)+?)(?:\s*\*/)?\}\s*$"""
)
_ID = re.compile(r"#([^\s{}.#\"'/]+)")
_NOT_IN_ID = re.compile(r"[^\w\- ]")
_RUN = re.compile(r"[\W_]+")


def heading_ids_plugin(md: MarkdownIt, *, vitepress: bool = False) -> None:
    """Take written ids off headings, and give ids to the others when the text was parsed."""
    slug = _vitepress_slug if vitepress else _github_slug

    def take(state: StateCore) -> None:
        for opening, inline in _headings(state):
            found = _WRITTEN.search(inline.content)
            if found:
                inline.content = inline.content[: found.start()]
                if identifier := _ID.search(found["list"]):
                    opening.attrSet("id", identifier[1])

    def fill(state: StateCore) -> None:
        used = {str(opening.attrGet("id")) for opening, _inline in _headings(state)}
        last: dict[str, int] = {}
        for opening, inline in _headings(state):
            if not opening.attrGet("id"):
                identifier = _unused(slug(_text(inline)), used, last)
                used.add(identifier)
                opening.attrSet("id", identifier)

    md.core.ruler.before("inline", "written_ids", take)
    md.core.ruler.push("heading_ids", fill)


def _headings(state: StateCore) -> list[tuple[Token, Token]]:
    tokens = state.tokens
    return [
        (token, tokens[index + 1])
        for index, token in enumerate(tokens)
        if token.type == "heading_open"
    ]


def _text(inline: Token) -> str:
    children = inline.children or []
    return "".join(child.content for child in children if child.type in {"text", "code_inline"})


def _unused(slug: str, used: set[str], last: dict[str, int]) -> str:
    """Return an id that no heading has; `last` is the number of each slug that was given last."""
    if slug and slug not in used:
        return slug
    number = last.get(slug, 0) + 1
    while f"{slug}-{number}" in used:
        number += 1
    last[slug] = number
    return f"{slug}-{number}"


def _github_slug(text: str) -> str:
    """Return an id as GitHub, Hugo, Docusaurus and kramdown's GFM make it."""
    return _NOT_IN_ID.sub("", text.strip().lower()).replace(" ", "-")


def _vitepress_slug(text: str) -> str:
    folded = "".join(
        sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign)
    )
    return re.sub(r"^(\d)", r"_\1", _RUN.sub("-", folded).strip("-").lower())
