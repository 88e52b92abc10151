"""Dashes, ellipses, quotation marks and emoji names, where the generator writes them so.

Code, addresses and HTML stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore

# Longest first.
_SIGNS = {"...": "…", "---": "—", "--": "–", "<<": "«", ">>": "»"}
_SIGN = re.compile(r"\.\.\.|(?<!-)---?(?!-)|<<|>>")
_EMOJI_NAME = re.compile(r":[a-z0-9_+-]{2,40}:")


def smart_punctuation_plugin(md: MarkdownIt) -> None:
    """Write `--`, `---`, `...`, `<<`, `>>` and straight quotes as signs of typography."""
    md.options["typographer"] = True
    md.enable("smartquotes")
    _on_texts(md, "smart_signs", lambda text: _SIGN.sub(lambda sign: _SIGNS[sign[0]], text))


def emoji_plugin(md: MarkdownIt) -> None:
    """Write names of emoji (`:tada:`) as emoji; unknown names stay."""
    _on_texts(md, "emoji", with_emoji)


def with_emoji(text: str) -> str:
    """Return a text with the names of emoji as emoji."""
    if not _EMOJI_NAME.search(text):
        return text
    import emoji  # its names take a tenth of a second to load

    return str(emoji.emojize(text, language="alias"))


def _on_texts(md: MarkdownIt, name: str, change: Callable[[str], str]) -> None:
    def rule(state: StateCore) -> None:
        for token in state.tokens:
            links = 0
            for child in token.children or []:
                links += child.nesting if child.info == "auto" else 0
                if child.type == "text" and not links:
                    child.content = change(child.content)

    md.core.ruler.before("smartquotes", name, rule)
