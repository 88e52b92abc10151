"""Shortcodes that many themes of Hugo have under the same names, and what others most likely show.

Notes become quotes with their title, tabs sections, buttons links. Of a shortcode that nobody knows
its text, picture or link is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import escape

from publisher.article_problems import ProblemKind
from publisher.ingest.parsers.markup.html_parts import code_block, link_html, summary_html
from publisher.ingest.parsers.markup.hugo_shortcodes import HUGO_SHORTCODES
from publisher.ingest.parsers.markup.shortcode_call import ShortcodeCall

_PICTURE = re.compile(r"\S+\.(?:png|jpe?g|gif|webp|avif|svg)(?:[?#]\S*)?", re.IGNORECASE)
_ADDRESS = re.compile(r"(?:https?:|mailto:|[./#])\S*", re.IGNORECASE)
_TEXT_KEYS = ("text", "content", "label", "title", "name", "caption")
_ADDRESS_KEYS = ("href", "link", "url")
# Kinds of notes that have their own shortcode, and shortcodes that take the kind as an argument.
_KINDS = (
    "note",
    "tip",
    "info",
    "warning",
    "caution",
    "important",
    "danger",
    "attention",
)
_NOTES = ("admonition", "callout", "notice", "alert", "hint", "message")
# The shortest word that is a kind; some themes have letters for it.
_SHORTEST_KIND = 3


def _note(call: ShortcodeCall) -> str:
    if not call.inside.strip():
        return shown_by_arguments(call)
    is_kind = call.name in _KINDS
    kind = call.name if is_kind else call.argument("type", "kind", "color", 0) or "note"
    stated = call.argument("title", 0) if is_kind else call.argument("title", 1)
    named = (
        call.context.note_title(kind) if len(kind) >= _SHORTEST_KIND and kind.isalpha() else ""
    )
    return f"<blockquote>\n{summary_html(stated or named)}\n\n{call.inside}\n\n</blockquote>"


def _tab(call: ShortcodeCall) -> str:
    label = summary_html(call.argument("name", "title", "header", "label", 0))
    language = call.argument("codelang", "lang")
    inside = (
        code_block(call.inside, language, in_html=call.context.in_html)
        if language
        else call.inside
    )
    return f"{label}\n\n{inside}\n\n"


def _inside(call: ShortcodeCall) -> str:
    return call.inside


def _code(call: ShortcodeCall) -> str:
    return code_block(call.inside, call.argument("lang", 0), in_html=call.context.in_html)


def _details(call: ShortcodeCall) -> str:
    label = call.argument("summary", "title", "label", "name", 0)
    return f"{summary_html(label)}\n\n{call.inside}\n\n"


def _picture(call: ShortcodeCall) -> str:
    named = {"src": call.argument("src", 0), "alt": call.argument("alt", 1), **call.named}
    if not named["src"]:
        return _unknown(call)
    named.setdefault("caption", call.argument(2))
    figure = ShortcodeCall(call.name, (), named, "", call.span, call.context, call.log)
    return HUGO_SHORTCODES["figure"](figure)


def _link(call: ShortcodeCall) -> str:
    address = call.argument(*_ADDRESS_KEYS, 0)
    if not _ADDRESS.fullmatch(address):
        return _unknown(call)
    text = call.inside.strip() or escape(call.argument(*_TEXT_KEYS, 1) or address)
    return link_html(address, text)


def _data(call: ShortcodeCall) -> str:
    """Show nothing of what a script of the site draws, or runs."""
    call.log.add(ProblemKind.UNKNOWN_SHORTCODE, _written(call), call.span[0])
    return ""


def _unknown(call: ShortcodeCall) -> str:
    call.log.add(ProblemKind.UNKNOWN_SHORTCODE, _written(call), call.span[0])
    return shown_by_arguments(call)


def _written(call: ShortcodeCall) -> str:
    start = call.span[0]
    end = call.log.text.find("}}", start) + 2
    return " ".join(call.log.text[start:end].split())


def shown_by_arguments(call: ShortcodeCall) -> str:
    """Return what a shortcode of an unknown name most likely shows: its text, picture or link."""
    if call.inside or call.named.get("text"):
        return call.inside or call.named["text"]
    src = call.argument("src", 0)
    if _PICTURE.fullmatch(src):
        return HUGO_SHORTCODES["figure"](call)
    address = call.argument(*_ADDRESS_KEYS)
    if _ADDRESS.fullmatch(address):
        return link_html(address, escape(call.argument(*_TEXT_KEYS) or address))
    return ""


THEME_SHORTCODES: Mapping[str, Callable[[ShortcodeCall], str]] = {
    **dict.fromkeys((*_NOTES, *_KINDS), _note),
    **dict.fromkeys(("tab", "tabitem"), _tab),
    **dict.fromkeys(("tabs", "tabpane", "tabgroup", "center", "lead"), _inside),
    **dict.fromkeys(("expand", "collapse", "accordion", "spoiler"), _details),
    **dict.fromkeys(("code", "mermaid"), _code),
    **dict.fromkeys(("image", "img", "picture", "imgproc"), _picture),
    **dict.fromkeys(("button", "btn", "link"), _link),
    **dict.fromkeys(("chart", "echarts", "script", "mapbox", "css"), _data),
}
