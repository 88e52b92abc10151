"""Pieces of HTML and Markdown that templates, shortcodes and components write."""

from __future__ import annotations

import re
from html import escape


def link_html(address: str, shown: str) -> str:
    """Return a link, or what it shows if it has no address; `shown` is HTML."""
    return f'<a href="{escape(address)}">{shown}</a>' if address else shown


def summary_html(text: str) -> str:
    """Return the line above text that a site folds away; a mail shows all of it."""
    return f"<p><strong>{escape(text)}</strong></p>" if text else ""


def shown_as_code(written: str, *, in_html: bool = False) -> str:
    """Return template code that readers are to see as it is written: code in a line."""
    as_html = in_html or "`" in written
    return f"<code>{escape(written)}</code>" if as_html else f"`{written}`"


def picture_html(src: str, alt: str, caption: str = "") -> str:
    """Return a picture, as a figure if it has a caption, which is HTML."""
    shown = f'<img src="{escape(src)}" alt="{escape(alt)}">'
    return f"<figure>{shown}<figcaption>{caption}</figcaption></figure>" if caption else shown


def code_block(code: str, language: str = "", *, in_html: bool = False) -> str:
    """Return code as a fenced block that nothing in it can close, or as HTML in a page of HTML."""
    if in_html:
        return f"<pre><code>{escape(code.strip(chr(10)), quote=False)}</code></pre>"
    longest = max((len(run) for run in re.findall("~{3,}", code)), default=2)
    fence = "~" * (longest + 1)
    return f"{fence}{language}\n{code.strip(chr(10))}\n{fence}"
