"""The text that an editor writes at the beginning of an issue: Markdown in, clean HTML out.

CommonMark without HTML and pictures, then cleaned as the HTML of articles is.
"""

from __future__ import annotations

from functools import cache

from markdown_it import MarkdownIt

from publisher.errors import ArticleError
from publisher.ingest.parsers.markup.east_asian import east_asian_plugin
from publisher.ingest.sanitise import MAX_ELEMENT_DEPTH, sanitise
from publisher.messages import message

# Two pages: what is longer is an article.
MAX_CHARACTERS = 5_000


def opening_html(markdown: str, base_url: str) -> str:
    """Return the HTML of a text; raise ArticleError if it is too long. Links are resolved."""
    if len(markdown) > MAX_CHARACTERS:
        raise ArticleError(
            message("longer than %(most)s characters; make it an article", most=MAX_CHARACTERS)
        )
    return sanitise(str(_parser().render(markdown)), base_url=base_url).html


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": MAX_ELEMENT_DEPTH})
    return parser.disable("image").use(east_asian_plugin)
