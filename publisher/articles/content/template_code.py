"""Find code of templates (`{{ ... }}`, `{% ... %}`) in text that was meant for readers.

Code blocks and code in a line may show it: an article on templates does. Braces of formulas
(`x^{{2}}`) are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import unescape

from lxml import html as lxml_html

_CODE = re.compile(
    r"(?<![\w\\^{}$])\{\{[-<%]?\s*[\w.\"'/$][^{}]{0,200}\}\}|\{%-?\s*\w[^{}]{0,200}%\}"
)
_CODE_ELEMENTS = ("pre", "code", "kbd")


def find_template_code(text: str) -> list[str]:
    """Return the pieces of template code in a text, each once, in order."""
    return list(dict.fromkeys(_CODE.findall(text))) if "{" in text else []


def code_in_html(html: str) -> tuple[str, ...]:
    """Return the texts of a fragment's code that contain template code."""
    if not find_template_code(unescape(html)):
        return ()
    tree = lxml_html.fragment_fromstring(html, create_parent="div")
    found = ("".join(element.itertext()) for element in tree.iter(*_CODE_ELEMENTS))
    return tuple(text for text in found if find_template_code(text))


def leftover_code(texts: Iterable[str], shown_as_code: Iterable[str]) -> list[str]:
    """Return the template code in texts that is not among the code shown, each once, in order."""
    # A set: looking each of many up in a long text would take minutes.
    shown = {_one_line(piece) for text in shown_as_code for piece in find_template_code(text)}
    pieces = dict.fromkeys(piece for text in texts for piece in find_template_code(text))
    return [piece for piece in pieces if _one_line(piece) not in shown]


def _one_line(piece: str) -> str:
    return " ".join(piece.split())
