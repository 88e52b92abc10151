"""Inlining: the style sheet of a mail goes into its elements. The only importer of premailer.

premailer 3.10.0 is run hardened: it keeps `!important`, leaves width, align and bgcolor to the
templates, fetches nothing, and what it returns is compared with what it was given. Rules that
must stay in the head (media queries, dark mode, :hover) belong in a
`<style data-premailer="ignore">`. Style sheets must not mix a shorthand with its longhands, use
attribute selectors or `*`, or write colours other than six-digit hex: premailer and its parser
get these wrong. Knows no template and no article.
"""

from __future__ import annotations

import logging
import os
import threading
from typing import Any

# premailer reads it once, on import; with the default of 128 a digest's rules push each
# other out of the cache, and every issue costs as much as the first.
os.environ.setdefault("PREMAILER_CACHE_MAXSIZE", "4096")

import cssutils
from lxml import etree
from premailer import Premailer

from publisher.errors import RenderingError

DOCTYPE = "<!DOCTYPE html>"

# libxml2 drops what lies deeper than 255 elements without a word; mail clients give up earlier.
MAX_DEPTH = 100

LEFT_TO_TEMPLATES = ["width", "height", "align", "valign", "bgcolor"]

# cssutils reports through one logger for the whole process and reports mso- properties.
cssutils.log.setLevel(logging.CRITICAL)
# Old mail engines read three-digit colours at random.
cssutils.ser.prefs.minimizeColorHash = False
_one_at_a_time = threading.Lock()


def inline(html: str) -> str:
    """Give a mail's HTML with its styles inlined; the document type and the text stay.

    Raises RenderingError for what premailer can't do without losing something: style sheets
    from elsewhere, nesting over MAX_DEPTH, text that would get lost.
    """
    source = DOCTYPE + html.strip()[len(DOCTYPE) :]
    if not html.strip().lower().startswith(DOCTYPE.lower()):
        raise RenderingError(f"the HTML of a mail must begin with {DOCTYPE}")
    tree = _parsed(source)
    _refuse(tree)
    result = _transformed(source)
    if not result.startswith(DOCTYPE) or _words(_parsed(result)) != _words(tree):
        raise RenderingError("inlining would lose text or the document type of a mail")
    return result


def _transformed(source: str) -> str:
    try:
        with _one_at_a_time:
            result: str = _Inliner(source).transform(pretty_print=False)
    except Exception as error:
        # premailer lets whatever its parsers raise through: AttributeError, SyntaxErr, ...
        raise RenderingError(f"the style sheet of a mail can't be inlined: {error}") from error
    return result


class _Inliner(Premailer):  # type: ignore[misc]  # premailer ships no types
    def __init__(self, html: str) -> None:
        super().__init__(
            html,
            strip_important=False,
            allow_network=False,
            disable_basic_attributes=LEFT_TO_TEMPLATES,
            disable_validation=True,
            align_floating_images=False,
        )

    def _parse_css_string(self, css_body: str, validate: bool = True) -> Any:
        # Not premailer's own: allow_network does not stop cssutils from following @import.
        parser = cssutils.CSSParser(fetcher=_fetch_nothing, validate=validate)
        return parser.parseString(css_body)


def _fetch_nothing(_url: str) -> None:
    return None


def _refuse(tree: etree._Element) -> None:
    if any("@import" in (style.text or "").lower() for style in tree.iter("style")):
        raise RenderingError("a mail's style sheet must not @import another")
    if any("stylesheet" in link.get("rel", "").lower() for link in tree.iter("link")):
        raise RenderingError("a mail must not <link> to a style sheet")
    if (depth := _depth(tree)) > MAX_DEPTH:
        raise RenderingError(f"elements are nested {depth} deep; a mail may have {MAX_DEPTH}")


def _parsed(html: str) -> etree._Element:
    return etree.fromstring(html, etree.HTMLParser(huge_tree=True))


def _depth(tree: etree._Element) -> int:
    deepest = depth = 0
    for event, _element in etree.iterwalk(tree, events=("start", "end")):
        depth += 1 if event == "start" else -1
        deepest = max(deepest, depth)
    return deepest


def _words(tree: etree._Element) -> str:
    """Give all text without its white space; style sheets and comments are not text."""
    texts = []
    for event, element in etree.iterwalk(tree, events=("start", "end", "comment")):
        if event == "start" and element.tag != "style":
            texts.append(element.text)
        elif event != "start":
            texts.append(element.tail)
    return "".join("".join(text.split()) for text in texts if text)
