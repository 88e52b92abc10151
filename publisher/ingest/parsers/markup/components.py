"""Components that are known: what each writes before and after what is inside it.

https://docusaurus.io/docs/markdown-features, https://vitepress.dev/guide/markdown
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape

from publisher.ingest.parsers.markup.html_parts import link_html, summary_html
from publisher.ingest.parsers.markup.jsx import JsxTag

AdmonitionTitle = Callable[[str], str]
_Writer = Callable[[JsxTag, Mapping[str, str], AdmonitionTitle], str]


def _nothing(_tag: JsxTag, _imported: Mapping[str, str], _title: AdmonitionTitle) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Component:
    """What a component writes; one that `drops` also removes what is inside it."""

    opening: _Writer = _nothing
    closing: str = ""
    drops: bool = False


# A path in `require("./a.png").default`, `useBaseUrl("/img/a.png")` or `{light: "..."}`.
_PATH = re.compile(r"""["']((?:[./@~]|https?:)[^"'\n]*)["']""")
_NAME = re.compile(r"\{\s*([A-Za-z_$][\w$]*)(?:\.(?:src|default|img))*\s*\}")
# Attributes that HTML has, in the spelling of JSX.
_VOID = frozenset(
    {"br", "hr", "img", "input", "source", "wbr", "area", "col", "embed", "track"}
)
_KEPT = {
    name.lower(): name
    for name in "href src alt title id width height lang dir name start colspan rowspan datetime".split()  # noqa: SIM905  # one a line would fill the page
}


def address_of(written: str, imported: Mapping[str, str]) -> str:
    """Return the address in an attribute: as text, or the first path in an expression."""
    if not written.startswith("{"):
        return written
    if name := _NAME.fullmatch(written):
        return imported.get(name[1], "")
    path = _PATH.search(written)
    return path[1] if path else ""


def tag_html(tag: JsxTag, imported: Mapping[str, str]) -> str:
    """Return a tag of HTML with the attributes that HTML has."""
    if tag.closing:
        return f"</{tag.name}>"
    written = []
    for name, value in (tag.attributes or {}).items():
        plain = _KEPT.get(name.lower().lstrip(":"))
        if plain is None:
            continue
        is_address = plain in {"href", "src"}
        text = address_of(value, imported) if is_address else tag.text(name)
        if name.startswith(":"):  # Vue: an expression in quotes
            text = address_of(f"{{{value}}}", imported) if is_address else ""
        if text or plain == "alt":
            written.append(f' {plain}="{escape(text.replace(chr(10), " "))}"')
    opened = f"<{tag.name}{''.join(written)}"
    # HTML closes only these by a slash: `<video />` would take in all that follows.
    if tag.single and tag.name not in _VOID:
        return f"{opened}></{tag.name}>"
    return f"{opened} />" if tag.single else f"{opened}>"


def _picture(tag: JsxTag, imported: Mapping[str, str], _title: AdmonitionTitle) -> str:
    attributes = tag.attributes or {}
    names = ("src", "img", "image", "sources", "light")
    found = (address_of(attributes[name], imported) for name in names if attributes.get(name))
    src = next(filter(None, found), "")
    alt = escape(tag.text("alt", "caption", "title"))
    return f'<img src="{escape(src)}" alt="{alt}">' if src else alt


def _link(tag: JsxTag, imported: Mapping[str, str], _title: AdmonitionTitle) -> str:
    attributes = tag.attributes or {}
    address = address_of(attributes.get("to") or attributes.get("href", ""), imported)
    return f'<a href="{escape(address)}">'


def _label(tag: JsxTag, _imported: Mapping[str, str], _title: AdmonitionTitle) -> str:
    return f"\n\n{summary_html(tag.text('label', 'title', 'value'))}\n\n"


def _space(_tag: JsxTag, _imported: Mapping[str, str], _title: AdmonitionTitle) -> str:
    return "\n\n"


def _summary(_tag: JsxTag, _imported: Mapping[str, str], _title: AdmonitionTitle) -> str:
    return "\n\n<strong>"


def _admonition(tag: JsxTag, _imported: Mapping[str, str], title: AdmonitionTitle) -> str:
    shown = tag.text("title") or title(tag.text("type") or "note")
    return f"\n\n<blockquote>\n{summary_html(shown)}\n\n"


def _code(tag: JsxTag, _imported: Mapping[str, str], _title: AdmonitionTitle) -> str:
    return f"\n\n~~~~~~{tag.text('language')}\n"


def _film(tag: JsxTag, _imported: Mapping[str, str], _title: AdmonitionTitle) -> str:
    number = tag.text("id", "videoId", "video-id", "youTubeId", "videoid")
    address = tag.text("url", "src") or f"https://www.youtube.com/watch?v={number}"
    return link_html(address, escape(tag.text("title") or address))


def _text(tag: JsxTag, _imported: Mapping[str, str], _title: AdmonitionTitle) -> str:
    return escape(tag.text("text"))


_LAYOUT = Component(_space, "\n\n")
_INLINE = Component()

COMPONENTS: Mapping[str, Component] = {
    # A fragment, `<>...</>`.
    "": _INLINE,
    "details": _LAYOUT,
    "summary": Component(_summary, "</strong>\n\n"),
    **dict.fromkeys(
        ("Tabs", "Steps", "BrowserOnly", "ClientOnly", "CodeGroup", "Details"), _LAYOUT
    ),
    **dict.fromkeys(("TabItem", "Tab", "CodeGroupItem"), Component(_label, "\n\n")),
    **dict.fromkeys(("Translate", "Highlight", "MDXContent", "Fragment"), _INLINE),
    **dict.fromkeys(("Admonition", "Callout"), Component(_admonition, "\n\n</blockquote>\n\n")),
    **dict.fromkeys(("CodeBlock",), Component(_code, "\n~~~~~~\n\n")),
    **dict.fromkeys(("Link", "RouterLink"), Component(_link, "</a>")),
    **dict.fromkeys(
        ("Image", "ThemedImage", "IdealImage", "Img", "Figure"), Component(_picture)
    ),
    **dict.fromkeys(
        ("YouTube", "Youtube", "ReactPlayer", "LiteYouTubeEmbed", "Vimeo"), Component(_film)
    ),
    "Badge": Component(_text),
    # Lists of other pages, and what is only for the head of the site's page.
    **dict.fromkeys(("TOCInline", "DocCardList", "Redirect"), Component(drops=True)),
    **dict.fromkeys(("Head", "head", "script", "style"), Component(drops=True)),
}
