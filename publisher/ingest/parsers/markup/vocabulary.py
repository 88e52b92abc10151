"""What tags show, by their names: shortcodes of Hugo and of themes, components of MDX.

The same names mean the same to all of them: notes become quotes with their title, tabs sections, buttons links.
Films and frames become links: mails and feeds can't show them. Addresses of other documents are written as Hugo
has them, and followed with all other links. https://gohugo.io/shortcodes/,
https://docusaurus.io/docs/markdown-features, https://vitepress.dev/guide/markdown
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any

from publisher.i18n.article_problems import ProblemKind
from publisher.ingest.parsers.document import SiteValues
from publisher.ingest.parsers.markup.common import code_block


@dataclass(frozen=True, slots=True)
class MarkupContext:
    """The values that tags of a document can show: its front matter, and those of its site."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    values: SiteValues = field(default_factory=SiteValues)
    in_html: bool = False  # whether the document is a page of HTML
    to_html: Callable[[str], str] = escape
    # The word for a kind of note in the document's language.
    note_title: Callable[[str], str] = str.capitalize

    def line_html(self, text: str) -> str:
        """Return a line of Markdown as HTML without a paragraph around it."""
        shown = self.to_html(text).strip()
        inside = shown.removeprefix("<p>").removesuffix("</p>")
        return inside if shown == f"<p>{inside}</p>" and "<p>" not in inside else escape(text)

    def value(self, name: str) -> Any:
        """Return a value of the page, else of the site; `a.b` is inside of `a`. None if absent."""
        inside = self.fields.get("params")
        for values in (self.fields, inside, _item(self.values.site, "params")):
            found: Any = values
            for key in name.lower().split("."):
                found = _item(found, key)
            if found is not None:
                return found
        return None


def _item(values: Any, key: str) -> Any:
    if not isinstance(values, Mapping):
        return None
    return next((value for name, value in values.items() if str(name).lower() == key), None)


@dataclass(frozen=True, slots=True)
class MarkupTag:
    """A tag with its arguments, and what is inside it; names are in small letters."""

    name: str
    named: Mapping[str, str]
    positional: tuple[str, ...] = ()
    inside: str = ""
    context: MarkupContext = field(default_factory=MarkupContext)

    def argument(self, *keys: str | int) -> str:
        """Return the first argument that is given, by its name or its position; else nothing."""
        for key in keys:
            if isinstance(key, str) and self.named.get(key):
                return self.named[key]
            if isinstance(key, int) and key < len(self.positional):
                return self.positional[key]
        return ""


# Returns HTML or Markdown; the kind of the problem if nothing stands here, None if nobody can know what.
TagWriter = Callable[[MarkupTag], str | ProblemKind | None]


def link_html(address: str, shown: str) -> str:
    """Return a link, or what it shows if it has no address; `shown` is HTML."""
    return f'<a href="{escape(address)}">{shown}</a>' if address else shown


def _summary_html(text: str) -> str:
    """Return the line above text that a site folds away; a mail shows all of it."""
    return f"<p><strong>{escape(text)}</strong></p>" if text else ""


_PICTURE = re.compile(r"\S+\.(?:png|jpe?g|gif|webp|avif|svg)(?:[?#]\S*)?", re.IGNORECASE)
_ADDRESS = re.compile(r"(?:https?:|mailto:|[./#])\S*", re.IGNORECASE)
_TEXT_KEYS = ("text", "content", "label", "title", "name", "caption")
_ADDRESS_KEYS = ("href", "link", "url")
_PICTURE_KEYS = ("src", "path", "img", "image", "sources", "light")
_FILM_KEYS = ("url", "src", "id", "video", "videoid", "video-id", "youtubeid")
_YOUTUBE = "https://www.youtube.com/watch?v={}"
_VIMEO = "https://vimeo.com/{}"
_INSTAGRAM = "https://www.instagram.com/p/{}/"
# Kinds of notes that have their own shortcode, and shortcodes that take the kind as an argument.
_KINDS = "note tip info warning caution important danger attention".split()  # noqa: SIM905
_NOTES = "admonition callout notice alert hint message".split()  # noqa: SIM905
_SHORTEST_KIND = 3  # the shortest word that is a kind; some themes have letters for it


def figure(tag: MarkupTag) -> str:
    """Return a picture as a figure, with its title, caption and source below it."""
    source = tag.argument("src", 0)
    attributes = {name: tag.argument(name) for name in ("alt", "width", "height")}
    title, caption = tag.argument("title"), tag.argument("caption")
    attributes["alt"] = attributes["alt"] or title or caption
    written = "".join(
        f' {name}="{escape(value)}"' for name, value in attributes.items() if value
    )
    shown = f'<img src="{escape(source)}"{written}>'
    if address := tag.argument("link"):
        shown = f'<a href="{escape(address)}">{shown}</a>'
    texts = [f"<strong>{title}</strong>"] if title else []
    line = tag.context.line_html
    texts += [line(caption)] if caption else []
    if text := tag.argument("attr"):
        texts.append(link_html(tag.argument("attrlink"), line(text)))
    below = f"<figcaption>{' '.join(texts)}</figcaption>" if texts else ""
    return f"<figure>{shown}{below}</figure>"


def picture(tag: MarkupTag) -> str | None:
    """Return a picture alone, or as a figure if it has a caption."""
    src, caption = tag.argument(*_PICTURE_KEYS, 0), tag.argument("caption", 2)
    alt = escape(tag.argument("alt", "caption", "title", 1))
    shown = f'<img src="{escape(src)}" alt="{alt}">' if src else alt
    line = tag.context.line_html(caption)
    below = f"<figure>{shown}<figcaption>{line}</figcaption></figure>"
    return (below if src and caption else shown) or None


def _theme_picture(tag: MarkupTag) -> str | None:
    named = {"src": tag.argument("src", 0), "alt": tag.argument("alt", 1)}
    named = {"caption": tag.argument(2), **named, **tag.named}
    return figure(replace(tag, named=named, positional=())) if named["src"] else None


def _reference(tag: MarkupTag) -> str | ProblemKind:
    path = tag.argument("path", 0)
    if not path:
        return ProblemKind.EMPTY_VALUE
    return tag.context.values.reference(path, tag.argument("lang", 1))


def _param(tag: MarkupTag) -> str | ProblemKind:
    value = tag.context.value(tag.argument("name", 0))
    return ProblemKind.EMPTY_VALUE if value is None else str(value)


def _code(tag: MarkupTag, *keys: str | int) -> str:
    language = tag.argument(*(keys or ("lang", "language", 0)))
    return code_block(tag.inside, language, in_html=tag.context.in_html)


def _section(*labels: str | int) -> TagWriter:
    """Return what shows a text that a site folds away, below its label."""

    def shown(tag: MarkupTag) -> str:
        is_code = tag.argument("codelang") or (tag.name == "tab" and tag.argument("lang"))
        inside = _code(tag, "codelang", "lang") if is_code else tag.inside
        return f"\n\n{_summary_html(tag.argument(*labels))}\n\n{inside}\n\n"

    return shown


def _film(address: str) -> TagWriter:
    def link(tag: MarkupTag) -> str | ProblemKind:
        stated = tag.argument(*_FILM_KEYS, 0)
        where = stated if "://" in stated else address.format(stated)
        shown = escape(tag.argument("title", "caption") or where)
        return link_html(where, shown) if stated else ProblemKind.REMOVED_FRAME

    return link


def _gist(tag: MarkupTag) -> str | None:
    if not tag.positional:
        return None
    where = "https://gist.github.com/" + "/".join(tag.positional[:2])
    return link_html(where, escape(" ".join((where, *tag.positional[2:3]))))


def _post(tag: MarkupTag) -> str:
    user, number = tag.argument("user"), tag.argument("id", 0)
    where = f"https://x.com/{user or 'i'}/status/{number}"
    return link_html(where, escape(f"@{user}: {where}" if user else where))


def _qr(tag: MarkupTag) -> str:
    text = (tag.argument("text") or tag.inside).strip()
    return link_html(text if "://" in text else "", escape(text))


def _note(tag: MarkupTag) -> str:
    if not tag.inside.strip():
        return shown_by_arguments(tag)
    is_kind = tag.name in _KINDS
    kind = tag.name if is_kind else tag.argument("type", "kind", "color", 0) or "note"
    is_word = len(kind) >= _SHORTEST_KIND and kind.isalpha()
    named = tag.context.note_title(kind) if is_word else ""
    title = tag.argument("title", 0 if is_kind else 1) or named
    return f"\n\n<blockquote>\n{_summary_html(title)}\n\n{tag.inside}\n\n</blockquote>\n\n"


def _link(tag: MarkupTag) -> str | None:
    address = tag.argument(*_ADDRESS_KEYS, 0)
    text = tag.inside.strip() or escape(tag.argument(*_TEXT_KEYS, 1) or address)
    return link_html(address, text) if _ADDRESS.fullmatch(address) else None


def _inside(tag: MarkupTag) -> str:
    return tag.inside


def _block(tag: MarkupTag) -> str:
    return f"\n\n{tag.inside}\n\n"


def shown_by_arguments(tag: MarkupTag) -> str:
    """Return what a tag of an unknown name most likely shows: its text, picture or link."""
    if shown := tag.inside or tag.argument("text"):
        return shown
    if _PICTURE.fullmatch(tag.argument("src", 0)):
        return figure(tag)
    address = tag.argument(*_ADDRESS_KEYS)
    if _ADDRESS.fullmatch(address):
        return link_html(address, escape(tag.argument(*_TEXT_KEYS) or address))
    return ""


def _named(writer: TagWriter, names: str) -> dict[str, TagWriter]:
    return dict.fromkeys(names.split(), writer)


# What all tags of a name show, then what only shortcodes or components do.
_COMMON: Mapping[str, TagWriter] = {
    **dict.fromkeys((*_NOTES, *_KINDS), _note),
    **_named(_section("name", "title", "header", "label", "value", 0), "tab tabitem"),
    **_named(_section("summary", "title", "label", 0), "details"),
    **_named(
        _section("summary", "title", "label", "name", 0), "expand collapse accordion spoiler"
    ),
    **_named(_inside, "center lead"),
    **_named(_block, "tabs tabpane tabgroup"),
    **_named(_code, "code highlight mermaid"),
    **_named(_link, "button btn"),
    **_named(_film(_YOUTUBE), "youtube"),
    **_named(_film(_VIMEO), "vimeo"),
}
SHORTCODES: Mapping[str, TagWriter] = {
    **_COMMON,
    **_named(lambda _tag: "", "comment"),
    **_named(figure, "figure"),
    **_named(_theme_picture, "image img picture imgproc"),
    **_named(_gist, "gist"),
    **_named(_link, "link"),
    **_named(_film(_INSTAGRAM), "instagram instagram_simple"),
    **_named(_film(_VIMEO), "vimeo_simple"),
    **_named(_param, "param"),
    **_named(_qr, "qr"),
    **_named(_reference, "ref relref"),
    **_named(_post, "tweet twitter twitter_simple x x_simple"),
    # What a script of the site draws, or runs.
    **_named(lambda _tag: ProblemKind.UNKNOWN_SHORTCODE, "chart echarts script mapbox css"),
}
# By their names in small letters; those of HTML are in `mdx`. A fragment, `<>...</>`, has no name.
COMPONENTS: Mapping[str, TagWriter] = {
    **_COMMON,
    **_named(_block, "steps browseronly clientonly codegroup"),
    **_named(_section("label", "title", "value"), "codegroupitem"),
    **_named(_inside, "translate highlight mdxcontent fragment"),
    **_named(_code, "codeblock"),
    **_named(
        lambda tag: f'<a href="{escape(tag.argument("to", "href"))}">{tag.inside}</a>',
        "link routerlink",
    ),
    **_named(picture, "image themedimage idealimage img figure"),
    **_named(_film(_YOUTUBE), "reactplayer liteyoutubeembed"),
    **_named(lambda tag: escape(tag.argument("text")), "badge"),
    **_named(lambda tag: f"\n\n<strong>{tag.inside}</strong>\n\n", "summary"),
    "": _inside,
}
