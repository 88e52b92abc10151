"""Links inside an article (`#id`), where the article is not the only one on the page.

In mails, feeds and pages of issues, ids of two articles could be the same, and many mail programs
follow no such links. There ids are removed, and the links lead to the article's own page.
"""

from __future__ import annotations

import re

# The text of links from a footnote back to its reference.
_ARROWS = frozenset("↩⏎↵↑^⤴ \ufe0e")
# A tag of sanitised HTML: `<` is escaped in texts, and values stand in double quotes.
_TAG = re.compile(r"""<[a-z][^<>"]*(?:"[^"]*"[^<>"]*)*>""")
_ID = re.compile(r' id="[^"]*"')
_BACK_LINK = re.compile(
    rf'\s*<a [^<>]*href="#[^<>"]*"[^<>]*>[{re.escape("".join(_ARROWS))}]+</a>'
)


def is_back_arrow(text: str) -> bool:
    """Return whether the text of a link has arrows only, or nothing."""
    return _ARROWS.issuperset(text.strip())


def link_anchors(html: str, page_url: str) -> str:
    """Return sanitised HTML without ids, with links inside the article as links to its page.

    Links from a footnote back to its reference are removed. `page_url` is escaped for HTML.
    """
    if ' id="' not in html and 'href="#' not in html:
        return html

    def outside(tag: re.Match[str]) -> str:
        return _ID.sub("", tag[0]).replace(' href="#', f' href="{page_url}#')

    return _TAG.sub(outside, _BACK_LINK.sub("", html))
