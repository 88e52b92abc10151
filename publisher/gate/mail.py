"""The mail that the gate checks: the bytes that a recipient's server receives, taken apart.

Its HTML part has elements, style sheets, comments, the style of each element, and its text in reading order with
what hides some of it: only style attributes and the `hidden` attribute are read for that, since an inlined mail
has its styles there. It is parsed once per mail. What takes long is computed when a check first needs it.
"""

from __future__ import annotations

import email
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from lxml import etree

from publisher.gate.css import computed_style, stylesheet
from publisher.gate.findings import RULES, Finding
from publisher.i18n.messages import message

if TYPE_CHECKING:
    from publisher.rendering.model import StoryText


_NO_TEXT = frozenset({"style", "script", "head", "title", "template", "noscript"})
_INLINE = frozenset(
    {"a", "abbr", "b", "bdi", "bdo", "cite", "code", "em", "font", "i", "kbd", "mark", "q", "s"}
    | {"small", "span", "strong", "sub", "sup", "time", "u", "var", "del", "ins", "wbr", "img"}
)
# Pixels. Text of two pixels is not meant to be read; an empty spacer has one.
_SMALLEST_TEXT = 3.0
_PIXELS = re.compile(r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:px|pt)?")
# Values with which a property hides its element.
_HIDING = {
    "display": re.compile("none"),
    "visibility": re.compile("hidden|collapse"),
    "mso-hide": re.compile("all"),
    "opacity": re.compile(r"0*\.?0*%?"),
    "max-height": re.compile("0[a-z%]*"),
    "height": re.compile("0[a-z%]*"),
    "text-indent": re.compile(r"-\d{3,}.*"),
}
_SIZE = "font-size:"


@dataclass(frozen=True, slots=True)
class TextPiece:
    """A text and its element, None for a break of blocks; `hidden_by` says what hides it (`display:none on div`), or None."""

    text: str
    element: etree._Element | None
    hidden_by: str | None = None


_BREAK = TextPiece("\n", None)


def text_pieces(root: etree._Element) -> list[TextPiece]:
    """Return all text, visible or not, with breaks where blocks begin and end."""
    found: list[TextPiece] = []
    around: list[tuple[etree._Element, str | None]] = []
    mute: etree._Element | None = None
    for event, element in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        if event == "start":
            around.append((element, _hidden_by(element, around[-1][1] if around else None)))
            if mute is None and element.tag in _NO_TEXT:
                mute = element
        elif event == "end":
            around.pop()
        if mute is None and event in {"start", "end"} and element.tag not in _INLINE:
            found.append(_BREAK)
        if event == "start":
            if mute is None and element.text:
                found.append(TextPiece(element.text, *around[-1]))
            continue
        mute = None if mute is element else mute
        if mute is None and element.tail and around:
            found.append(TextPiece(element.tail, *around[-1]))
    return found


def join_visible(pieces: Iterable[TextPiece]) -> str:
    """Return the text that is visible; a line break stands for the edge of a block."""
    return "".join(
        [
            piece.text if piece.element is None else re.sub(r"\s", " ", piece.text)
            for piece in pieces
            if piece.hidden_by is None
        ]
    )


def _hidden_by(element: etree._Element, around: str | None) -> str | None:
    """Return what hides an element, `around` being what hides its parent."""
    style = element.get("style")
    has_size, hiding = _read_style(style) if style else (False, None)
    # Within text without a size, an element may have a size again.
    if around is not None and not (has_size and around.startswith(_SIZE)):
        return around
    if element.get("hidden") is not None:
        return f"hidden on {element.tag}"
    return f"{hiding} on {element.tag}" if hiding else None


@lru_cache(maxsize=1024)
def _read_style(style: str) -> tuple[bool, str | None]:
    """Return whether a style attribute has a font size, and its first declaration that hides."""
    has_size, hiding = False, None
    for declared in stylesheet.parse_declarations(style):
        value = declared.value.lower()
        pattern = _HIDING.get(declared.name)
        hides = pattern is not None and pattern.fullmatch(value) is not None
        if declared.name == "font-size":
            has_size = True
            found = _PIXELS.fullmatch(value)
            hides = found is not None and float(found[1]) < _SMALLEST_TEXT
        if hides and hiding is None:
            hiding = f"{declared.name}:{declared.value}"
    return has_size, hiding


def camouflage(style: computed_style.ComputedStyle) -> str | None:
    """Return the colours of a text that has the colour of its background, None for others."""
    if not style.alpha:
        return message("a transparent colour")
    is_hidden = style.colour == style.background
    return f"{style.colour} on {style.background}" if is_hidden else None


# Four times what Gmail shows. A longer part can't be sent whatever is in it, and looking at its
# elements would take a minute.
MOST_CHARACTERS = 300_000
# Elements that are nested deeper are counted, but not looked at. Mail clients don't show them.
_DEEPEST = 250
_QUOTED = 60  # characters of a quotation in a finding: enough to find the place
_READ = 10  # so many times that is read, since white space is put together
_CONDITION = re.compile(r"\s*\[\s*if\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class StyleBlock:
    """A <style>: its CSS, its place, and its line in the part."""

    element: etree._Element
    css: str
    sheet: stylesheet.StyleSheet
    is_in_head: bool
    line: int

    @property
    def within(self) -> tuple[stylesheet.AtRule, ...]:
        """The media attribute, as the at-rule that it stands for."""
        asked = self.element.get("media", "").strip()
        return (stylesheet.AtRule("media", asked, 1, 0),) if asked else ()


@dataclass(frozen=True, slots=True)
class HtmlComment:
    """A comment, and its line in the part."""

    text: str
    line: int

    @property
    def is_conditional(self) -> bool:
        """Whether Outlook for Windows reads it (`<!--[if mso]>`)."""
        return bool(_CONDITION.match(self.text))


class HtmlDocument:
    """The parsed HTML part of one mail; `depth` is how deep its elements are nested.

    `own_texts` are the elements in document order, each with the texts that stand in it and in
    no other element. If the part is missing or longer than MOST_CHARACTERS, there are none.
    """

    def __init__(self, html: str) -> None:
        self.root = _parsed(html)
        self.own_texts: dict[etree._Element, list[str]] = {}
        self.comments: list[HtmlComment] = []
        self.depth = 0
        if html.strip() and len(html) <= MOST_CHARACTERS:
            self._walk()
        self.elements = tuple(self.own_texts)
        self.style_blocks = tuple([_style_block(one) for one in self.tagged("style")])

    def _walk(self) -> None:
        depth = 0
        for event, node in etree.iterwalk(self.root, events=("start", "end", "comment")):
            if event == "comment":
                self.comments.append(HtmlComment(node.text or "", node.sourceline or 1))
            elif event == "end":
                depth -= 1
            else:
                depth += 1
                self.depth = max(self.depth, depth)
                if depth <= _DEEPEST:
                    tails = [child.tail for child in node] if len(node) else ()
                    self.own_texts[node] = [*filter(None, (node.text, *tails))]

    def tagged(self, *tags: str) -> Iterator[etree._Element]:
        """Return the elements with one of some tags, in document order."""
        return iter([element for element in self.elements if element.tag in tags])

    @cached_property
    def _declared(self) -> tuple[computed_style.Declared, computed_style.Declared]:
        sheets = [(block.sheet, block.within) for block in self.style_blocks]
        return computed_style.cascade(self.root, self.elements, sheets)

    @property
    def declared(self) -> computed_style.Declared:
        """The declarations that apply to each element in light mode, those that win last."""
        return self._declared[0]

    @cached_property
    def styles(self) -> computed_style.ComputedStyles:
        return computed_style.compute_styles(self.own_texts, self._declared[0])

    @cached_property
    def dark_styles(self) -> computed_style.ComputedStyles:
        return computed_style.compute_styles(
            self.own_texts, self._declared[1], on_dark=self.supports_dark
        )

    @cached_property
    def supports_dark(self) -> bool:
        """Whether the mail says that it supports dark mode, so that its canvas is dark."""
        metas = [m for m in self.tagged("meta") if m.get("name", "").lower() == "color-scheme"]
        return any("dark" in meta.get("content", "").lower() for meta in metas) or any(
            declared.name == "color-scheme" and "dark" in declared.words
            for block in self.style_blocks
            for rule in block.sheet.rules
            for declared in rule.declarations
        )

    @cached_property
    def has_dark_rules(self) -> bool:
        rules = [rule for block in self.style_blocks for rule in block.sheet.rules]
        return any(
            computed_style.is_dark_only(within) for within in {rule.within for rule in rules}
        )

    @cached_property
    def text_pieces(self) -> list[TextPiece]:
        """All text in reading order, visible or not."""
        return text_pieces(self.root)

    @cached_property
    def visible_text(self) -> str:
        """The text that is visible; a line break stands for the edge of a block."""
        return join_visible(self.text_pieces)


def _parsed(html: str) -> etree._Element:
    # As bytes, so that an encoding in the document itself is overruled.
    parser = etree.HTMLParser(huge_tree=True, encoding="utf-8")
    content = html.encode(errors="replace")
    tree: etree._Element | None = etree.fromstring(content, parser) if content else None
    return tree if tree is not None else etree.Element("html")


def _style_block(element: etree._Element) -> StyleBlock:
    css = element.text or ""
    parent = element.getparent()
    is_in_head = parent is not None and parent.tag == "head"
    return StyleBlock(
        element, css, stylesheet.parse_stylesheet(css), is_in_head, line_of(element)
    )


def finding(
    code: str,
    place: etree._Element | str,
    template: str,
    /,
    *,
    line: int | None = None,
    clients: tuple[str, ...] = (),
    **values: object,
) -> Finding:
    """Return a finding: an element or a field breaks a code's rule; template and values are those of `message`."""
    return finding_of(code, place, message(template, **values), line=line, clients=clients)


def finding_of(
    code: str,
    place: etree._Element | str,
    problem: str,
    *,
    line: int | None = None,
    clients: tuple[str, ...] = (),
) -> Finding:
    """Return a finding whose sentence is made already; its clients are the rule's, if none are given."""
    if isinstance(place, str):
        where = place
    else:
        where, line = element_name(place), line_of(place)
    rule = RULES[code]
    clients = clients or rule.clients
    return Finding(rule=rule, problem=problem, where=where, line=line, clients=clients)


def line_of(element: etree._Element) -> int:
    number: Any = element.sourceline
    return number or 1


def element_name(element: etree._Element) -> str:
    """Name an element so that people find it: `td.item`, `img#logo`, `p`."""
    identity = element.get("id", "").strip()
    classes = "".join([f".{name}" for name in element.get("class", "").split()[:2]])
    return clip_text(f"{element.tag}{classes or (identity and f'#{identity}')}")


def text_content(element: etree._Element) -> str:
    """Return all text of an element in one line, without comments."""
    return " ".join(str(element.xpath("string()")).split())


# Joiners, marks and isolates of direction, as subjects in Persian and Arabic have them.
_JOINERS_AND_MARKS = frozenset("\u200c\u200d\u200e\u200f\u061c\u2066\u2067\u2068\u2069")


def clip_text(text: str, most: int = _QUOTED) -> str:
    """Shorten a quotation to one line; other characters that can't be seen become U+FFFD."""
    line = " ".join(text[: most * _READ].split())
    if not line.isprintable():
        line = "".join(
            [
                one if one.isprintable() or one in _JOINERS_AND_MARKS else "\ufffd"
                for one in line
            ]
        )
    return line if len(line) <= most else f"{line[: most - 1]}…"


_TITLE = 48  # characters of a title: enough to find the story
_FOLD = re.compile(r"\r?\n(?=[ \t])")


# Compared by identity: the document holds lxml elements that belong to one parsed message.
@dataclass(frozen=True, kw_only=True, eq=False)
class CheckedMail:
    """One complete message, and what it should contain.

    `content` is the message as SMTP carries it (RFC 5322), addressed to a sample recipient. `language` is the
    edition's; `hosts` serve the publication's images; `preheader` is the first line; `address` is the postal address,
    empty if there is none. Both parts must contain the passages of all `stories` unchanged and in order. `quoted` are
    further texts that people wrote (names, sections, other titles): what looks like a template's leftover in them is
    not one. A mail about a subscription, `is_about_subscription`, need not offer to unsubscribe: it asks for a
    confirmation, or says that the subscriber has left.
    """

    content: bytes
    language: str
    hosts: frozenset[str]
    preheader: str
    address: str = ""
    stories: tuple[StoryText, ...] = field(default=())
    quoted: tuple[str, ...] = ()
    is_about_subscription: bool = False

    @cached_property
    def message(self) -> Message:
        """The parsed message; malformed fields are kept as they are."""
        return email.message_from_bytes(self.content)

    def header(self, name: str) -> str:
        """Return a field's value, unfolded and not decoded; empty if there is no such field."""
        return _FOLD.sub("", str(self.message.get(name, ""))).strip()

    def decoded_header(self, name: str) -> str:
        """Return a field's value, unfolded and decoded; empty if there is no such field."""
        return decode_words(self.header(name))

    @cached_property
    def written_by_people(self) -> str:
        """All texts of the mail that people wrote, one per line."""
        passages = [passage for story in self.stories for passage in story.passages]
        return "\n".join((*passages, *self.quoted))

    @cached_property
    def html_part(self) -> Message | None:
        return self._part("text/html")

    @cached_property
    def html(self) -> str:
        """The decoded HTML part, empty if there is none."""
        return _decoded(self.html_part)

    @cached_property
    def text(self) -> str:
        """The decoded text part, empty if there is none."""
        return _decoded(self._part("text/plain"))

    @cached_property
    def document(self) -> HtmlDocument:
        return HtmlDocument(self.html)

    def _part(self, kind: str) -> Message | None:
        for part in self.message.walk():
            if part.get_content_type() == kind and (
                part.get_content_disposition() != "attachment"
            ):
                return part
        return None


def decode_words(value: str) -> str:
    """Decode encoded words (RFC 2047); what can't be decoded stays as it is."""
    try:
        return str(make_header(decode_header(value)))
    except (ValueError, LookupError, MessageError):
        return value


def _decoded(part: Message | None) -> str:
    """Return a part's text; bytes that its charset can't decode become U+FFFD."""
    content = part.get_payload(decode=True) if part is not None else b""
    if part is None or not isinstance(content, bytes):
        return ""
    try:
        return content.decode(part.get_content_charset("utf-8"), errors="replace")
    except (LookupError, ValueError):  # an unknown charset, or one that is not for text
        return content.decode(errors="replace")


def story_name(story: StoryText) -> str:
    """Return a story's title and language, or its address if it has no words."""
    titles = [p for p in story.passages if any(c.isprintable() and c != " " for c in p)]
    title = titles[0] if titles else story.url
    return f"“{clip_text(title, _TITLE)}” ({story.language})"
