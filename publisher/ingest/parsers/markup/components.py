"""JSX in documents: a tag with its attributes and literals, and what known components write around their content.

Nothing is run. https://docusaurus.io/docs/markdown-features, https://vitepress.dev/guide/markdown
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from publisher.ingest.parsers.markup.common import link_html, summary_html

_TAG_NAME = re.compile(r"<(?P<closing>/)?\s*(?P<name>[A-Za-z][\w.:-]*)?")
_ATTRIBUTE = re.compile(r"\s*(?P<name>[:@#]?[A-Za-z_][\w:.\[\]-]*)(?P<equals>\s*=\s*)?")
_END = re.compile(r"\s*(?P<single>/)?>")
_STRING = re.compile(r""""[^"]*"|'[^']*'""")
_BARE = re.compile(r"[^\s\"'<>=`{}]+")
# Characters of one tag or expression; real ones have some hundreds.
_MAX_LENGTH = 10_000
_SKIPPED = re.compile(r"""["'`{}]|/\*""")
_LITERAL = re.compile(
    r""""(?P<double>(?:\\.|[^"\\])*)"|'(?P<one>(?:\\.|[^'\\])*)'|`(?P<tick>(?:\\.|[^`\\$])*)`"""
    r"""|(?P<number>-?\d+(?:\.\d+)?)""",
    re.DOTALL,
)
_NOTHING = frozenset({"", "null", "undefined", "true", "false"})
_FRONT_MATTER_PATH = re.compile(
    r"(?:\$?frontMatter|\$frontmatter|page|props\.frontMatter)\.([\w.]+)"
)


@dataclass(frozen=True, slots=True)
class JsxTag:
    """A tag as written; values of attributes are texts, of expressions with their braces."""

    name: str
    start: int
    end: int
    closing: bool = False
    single: bool = False
    attributes: Mapping[str, str] | None = None

    def text(self, *names: str) -> str:
        """Return the first of these attributes that is a text."""
        for name in names:
            written = (self.attributes or {}).get(name, "")
            value = literal_value(written[1:-1].strip()) if written[:1] == "{" else written
            if value:
                return value
        return ""


def parse_tag(source: str, start: int) -> JsxTag | None:
    """Return the tag that begins at a position, None if there is none."""
    opening = _TAG_NAME.match(source, start)
    if opening is None or source.startswith("<!", start):
        return None
    position, limit = opening.end(), start + _MAX_LENGTH
    attributes: dict[str, str] = {}
    while position < limit:
        if end := _END.match(source, position):
            closing, single = bool(opening["closing"]), bool(end["single"])
            name = opening["name"] or ""
            return JsxTag(name, start, end.end(), closing, single, attributes)
        if not opening["name"]:
            return None
        after = _read_attribute(source, position, attributes)
        if after is None:
            return None
        position = after
    return None


def _read_attribute(source: str, position: int, attributes: dict[str, str]) -> int | None:
    """Read one attribute and return where it ends."""
    spread = re.compile(r"\s*(?=\{)").match(source, position)
    if spread:
        return skip_braces(source, spread.end())
    name = _ATTRIBUTE.match(source, position)
    if name is None or name.start() == name.start("name"):
        return None
    if not name["equals"]:
        attributes[name["name"]] = ""
        return name.end()
    end: int | None
    if string := _STRING.match(source, name.end()):
        value, end = string[0][1:-1], string.end()
    elif source[name.end() : name.end() + 1] == "{":
        end = skip_braces(source, name.end())
        value = source[name.end() : end] if end else ""
    elif bare := _BARE.match(source, name.end()):
        value, end = bare[0], bare.end()
    else:
        return None
    attributes[name["name"]] = value
    return end


def skip_braces(source: str, start: int) -> int | None:
    """Return where an expression ends that begins with `{`; None if it does not end soon."""
    depth, position, limit = 0, start, min(len(source), start + _MAX_LENGTH)
    while found := _SKIPPED.search(source, position, limit):
        sign = found[0]
        position = found.end()
        if sign == "/*":
            position = source.find("*/", position, limit) + 2
        elif sign in "\"'`":
            position = _string_end(source, found.start(), limit)
        else:
            depth += 1 if sign == "{" else -1
            if depth == 0:
                return position
        if position <= found.start():
            return None
    return None


def _string_end(source: str, start: int, limit: int) -> int:
    """Return where a string ends; an apostrophe in a text of JSX is none, and ends at once."""
    mark = source[start]
    position = start + 1
    while position < limit:
        if source[position] == "\\":
            position += 1
        elif source[position] == mark:
            return position + 1
        elif source[position] == "\n" and mark != "`":
            break
        position += 1
    return start + 1


def literal_value(source: str) -> str | None:
    """Return the text that a literal shows, None if the expression is none."""
    if source in _NOTHING:
        return ""
    match = _LITERAL.fullmatch(source)
    if match is None:
        return None
    if match["number"]:
        return match["number"]
    written = next(text for text in match.group("double", "one", "tick") if text is not None)
    return re.sub(r"\\(.)", lambda sign: {"n": "\n", "t": "\t"}.get(sign[1], sign[1]), written)


def value_at(source: str, fields: Mapping[str, Any]) -> str | None:
    """Return the value of the front matter that `frontMatter.a.b` names, None if there is none."""
    path = _FRONT_MATTER_PATH.fullmatch(source)
    value: Any = fields if path else None
    for key in path[1].split(".") if path else ():
        value = value.get(key.lower()) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else None


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
