"""Show the template code in `{% raw %}` as code, where it stands in a sentence.

Jekyll shows such code in the text. In a mail nobody could tell it from a template that was not
filled in. In code blocks, spans and elements of code it stays.
"""

from __future__ import annotations

import re

from publisher.ingest.parsers.markup.code_regions import CodeRegions
from publisher.ingest.parsers.markup.html_parts import shown_as_code

_RAW = re.compile(r"(\{%-?\s*raw\s*-?%\})(.*?)(\{%-?\s*endraw\s*-?%\})", re.DOTALL)
_CODE = re.compile(r"(?:\{\{[^{}\n]*\}\}|\{%[^%\n]*%\})+")
# Characters before a piece of code in which an element of code may begin.
_MAX_ELEMENT = 5_000


def show_raw_code(text: str, *, in_html: bool = False) -> str:
    """Return a text with the same lines, with the code in its `raw` tags as Markdown shows code."""
    regions = CodeRegions(text)

    def shown(raw: re.Match[str]) -> str:
        start = raw.start(2)

        def piece(code: re.Match[str]) -> str:
            position = start + code.start()
            if position in regions or _is_in_element(text, position):
                return code[0]
            return shown_as_code(code[0], in_html=in_html)

        return f"{raw[1]}{_CODE.sub(piece, raw[2])}{raw[3]}"

    return _RAW.sub(shown, text)


def _is_in_element(text: str, position: int) -> bool:
    """Return whether a position is in an indented block, a tag, or an element of code."""
    before = text[max(0, position - _MAX_ELEMENT) : position]
    if before.rpartition("\n")[2].startswith(("    ", "\t")):
        return True
    names = ("<pre", "<code")
    is_open = any(before.rfind(name) > before.rfind(f"</{name[1:]}") for name in names)
    return is_open or before.rfind("<") > max(before.rfind(">"), before.rfind("\n"))
