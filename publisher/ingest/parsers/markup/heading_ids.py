"""Give headings their ids: those that are written (`{#id}`), else those that generators make."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import partial

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from publisher.ingest.parsers.document import Dialect

# `{#id}`, `{: #id .class}`, and in MDX `{/* #id */}`.
_WRITTEN = re.compile(
    r"""\s*\{(?::\s*|/\*\s*)?(?P<list>(?:[#.][^\s{}"'/]+|[\w-]+=(?:"[^"]*"|\S+)|\s)+?)(?:\s*\*/)?\}\s*$"""
)
_ID = re.compile(r"#([^\s{}.#\"'/]+)")
# Categories of characters in ids, beside letters. Python's `\w` has no marks, which are vowels in Hindi.
_NUMBERS = frozenset({"Nd", "Nl", "Pc"})
_MARKS = frozenset({"Mn", "Mc", "Me"})
# Of mdit-vue: what becomes a hyphen, and the accents that go.
_SPECIAL = re.compile(r"""[\s~`!@#$%^&*()\-_+=[\]{}|\\;:"'“”‘’<>,.?/]+""")
_ACCENT = re.compile(r"[\u0300-\u036f\x00-\x1f]")


def heading_ids_plugin(md: MarkdownIt, dialect: Dialect = Dialect.PLAIN) -> None:
    """Take written ids off headings, and give ids to the others when the text was parsed."""
    slug = _SLUGS.get(dialect, _github_slug)

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


def _github_slug(text: str, kept: frozenset[str] = _NUMBERS | _MARKS) -> str:
    """Return an id as GitHub, Docusaurus and kramdown's GFM make it."""
    signs = ((sign, unicodedata.category(sign)) for sign in text.strip().lower())
    kept_signs = (one for one, kind in signs if one in "- " or kind[0] == "L" or kind in kept)
    return "".join(kept_signs).replace(" ", "-")


def _vitepress_slug(text: str) -> str:
    folded = _ACCENT.sub("", unicodedata.normalize("NFKD", text))
    return re.sub(r"^(\d)", r"_\1", _SPECIAL.sub("-", folded).strip("-").lower())


# Hugo leaves marks out itself.
_SLUGS: dict[Dialect, Callable[[str], str]] = {
    Dialect.GOLDMARK: partial(_github_slug, kept=_NUMBERS),
    Dialect.MARKDOWN_IT: _vitepress_slug,
}
