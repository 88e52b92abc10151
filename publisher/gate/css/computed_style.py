"""The computed style of each element: which declarations apply, and the colours, font and direction of text.

Declarations apply by the CSS Cascade, in light or dark mode, in a window as wide as a desktop's. Styles are computed
from the root down, with the defaults of browsers. Images count as blocked, so that the background is always a colour.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import comb
from operator import attrgetter
from types import SimpleNamespace
from typing import Any, TypeAlias

from cssselect2 import ElementWrapper, Matcher  # type: ignore[import-untyped]  # it ships no types
from lxml import etree

from publisher.gate.css import stylesheet
from publisher.pictures.colours import BLACK, WHITE, contrast, mix

# Pixels. Wider than the layout of any mail, so that rules for phones don't apply.
_WINDOW = 700
_FEATURE = re.compile(r"\(\s*([a-z-]+)\s*:\s*([^()]+?)\s*\)")
_LONGEST_QUERY = 200
# Selectors that can match something. A style sheet that Gmail accepts has about 200.
_MOST_SELECTORS = 500
# Steps that matching selectors with combinators may take at worst, about two seconds of work.
# A mail needs some thousands. When they are used up, such selectors match nothing.
_MOST_STEPS = 5_000_000
# Declarations of one property that are kept for one element: mail clients use the last that they support.
_MOST_VALUES = 4

# What applies to each element; elements that are styled alike share one tuple.
Declared: TypeAlias = Mapping[etree._Element, tuple[stylesheet.Declaration, ...]]  # noqa: SLF001  # lxml names it so


# A rule, the at-rules around it, and one of its selectors.
_Candidate: TypeAlias = tuple[
    stylesheet.StyleRule, tuple[stylesheet.AtRule, ...], stylesheet.Selector
]


def _matcher(candidates: Iterable[_Candidate]) -> Any:
    """Return what finds the candidates that match an element in any medium, the weightiest last."""
    matcher, spent = Matcher(), Counter[str]()
    for candidate in candidates:
        matcher.add_selector(_bounded(candidate[2], spent), candidate)
    return matcher


def _bounded(selector: stylesheet.Selector, spent: Counter[str]) -> Any:
    """Return a compiled selector that counts the steps which combinators take at worst."""
    if not selector.combinators:
        return selector.compiled

    def test(wrapper: Any) -> bool:
        around = len(wrapper.ancestors) + wrapper.index
        spent["steps"] += comb(around, min(len(selector.combinators), around)) + 1
        return spent["steps"] <= _MOST_STEPS and bool(selector.compiled.test(wrapper))

    return SimpleNamespace(**vars(selector.compiled) | {"test": test})


def cascade(
    root: etree._Element,
    elements: Sequence[etree._Element],
    sheets: Iterable[tuple[stylesheet.StyleSheet, tuple[stylesheet.AtRule, ...]]],
) -> tuple[Declared, Declared]:
    """Return the declarations that apply to each element, those that win last: light, then dark.

    `sheets` are style sheets with the at-rules around them (a `media` attribute).
    """
    matcher = _matcher(_possible_candidates(elements, sheets))
    applied: tuple[dict[etree._Element, tuple[stylesheet.Declaration, ...]], ...] = ({}, {})
    known: dict[tuple[Any, ...], list[tuple[stylesheet.Declaration, ...]]] = {}
    shared: dict[tuple[Any, ...], tuple[stylesheet.Declaration, ...]] = {}
    wanted = set(elements)
    # Not iter_subtree(), which also wraps what lies too deep to be looked at.
    waiting = [ElementWrapper.from_html_root(root)] if elements else []
    for wrapper in waiting:
        element = wrapper.etree_element
        if element not in wanted:
            continue
        waiting.extend(wrapper.iter_children())
        style = element.get("style", "")
        candidates = [candidate for *_rank, candidate in matcher.match(wrapper)]
        key = (style, *map(id, candidates))
        if key not in known:
            known[key] = [_in_mode(candidates, style, shared, mode) for mode in (False, True)]
        applied[0][element], applied[1][element] = known[key]
    return applied[0], applied[1]


def _possible_candidates(
    elements: Iterable[etree._Element],
    sheets: Iterable[tuple[stylesheet.StyleSheet, tuple[stylesheet.AtRule, ...]]],
) -> list[_Candidate]:
    """Return the selectors whose tags, classes and attributes the document has."""
    tags: set[str] = set()
    classes: set[str] = set()
    attributes: set[str] = set()
    for element in elements:
        tags.add(str(element.tag))
        attributes.update(map(str, element.keys()))
        classes.update(element.get("class", "").split())
    found: list[_Candidate] = []
    for rule, around in [(rule, around) for sheet, around in sheets for rule in sheet.rules]:
        found += [
            (rule, (*around, *rule.within), one)
            for one in rule.selectors
            if one.compiled is not None
            and one.tags <= tags
            and one.classes <= classes
            and attributes.issuperset([name for name, _, _ in one.attributes])
        ]
    return found[:_MOST_SELECTORS]


def _in_mode(
    candidates: Iterable[_Candidate],
    style: str,
    shared: dict[tuple[Any, ...], tuple[stylesheet.Declaration, ...]],
    is_dark: bool,
) -> tuple[stylesheet.Declaration, ...]:
    """Return the declarations of rules and a style attribute, the same tuple for the same ones."""
    rules = [rule for rule, within, _selector in candidates if applies(within, is_dark)]
    key = (style, *map(id, rules))
    if key not in shared:
        shared[key] = _in_order(rules, stylesheet.parse_declarations(style))
    return shared[key]


def _in_order(
    rules: Iterable[stylesheet.StyleRule], own: tuple[stylesheet.Declaration, ...]
) -> tuple[stylesheet.Declaration, ...]:
    """Return declarations by weight: style sheets, style attribute, then what is important."""
    listed = [*[one for rule in rules for one in rule.declarations], *own]
    # sort() is stable: within the important ones, those of the attribute still come last.
    listed.sort(key=attrgetter("important"))
    counts: Counter[str] = Counter()
    kept = []
    for one in reversed(listed):
        counts[one.name] += 1
        if counts[one.name] <= _MOST_VALUES:
            kept.append(one)
    return tuple(reversed(kept))


@lru_cache(maxsize=256)
def applies(within: tuple[stylesheet.AtRule, ...], is_dark: bool) -> bool:
    """Return whether rules within some at-rules apply to a wide window, in light or dark mode."""
    return all(rule.name == "media" and _matches(rule.prelude, is_dark) for rule in within)


def is_dark_only(within: tuple[stylesheet.AtRule, ...]) -> bool:
    return applies(within, True) and not applies(within, False)


@lru_cache(maxsize=256)
def _matches(queries: str, is_dark: bool) -> bool:
    return any(_query_matches(query.strip().lower(), is_dark) for query in queries.split(","))


def _query_matches(query: str, is_dark: bool) -> bool:
    if len(query) > _LONGEST_QUERY or query.startswith(
        ("not ", "print", "only print", "speech", "only speech")
    ):
        return False
    features = _FEATURE.findall(query)
    return len(features) == query.count("(") and all(
        _has_feature(name, value, is_dark) for name, value in features
    )


def _has_feature(name: str, value: str, is_dark: bool) -> bool:
    if name == "prefers-color-scheme":
        return value == ("dark" if is_dark else "light")
    width = re.fullmatch(r"(\d{1,5})(?:\.\d+)?px", value)
    if name not in {"min-width", "max-width"} or not width:
        return False
    return int(width[1]) <= _WINDOW if name == "min-width" else int(width[1]) >= _WINDOW


# What Apple Mail shows behind a mail that supports dark mode, and the text on it.
_DARK_CANVAS, _DARK_TEXT, _DARK_LINK = "#1e1e1e", WHITE, "#9e9eff"
_LINK = "#0000ee"

# Font sizes of elements, as a multiple of the size around them.
_SCALES = {
    "h1": 2.0,
    "h2": 1.5,
    "h3": 1.17,
    "h5": 0.83,
    "h6": 0.67,
    "small": 0.83,
    "sub": 0.83,
    "sup": 0.83,
}
# <font size=1> to 7.
_FONT_SIZES = ("x-small", "small", "medium", "large", "x-large", "xx-large", "xx-large")
_BOLD_FROM = 700  # from this weight on text is bold (CSS Fonts)
_BOLD = frozenset({"b", "strong", "th", "h1", "h2", "h3", "h4", "h5", "h6"})
_ITALIC = frozenset({"i", "em", "cite", "dfn", "var", "address"})
_UNDERLINED = frozenset({"u", "ins"})
_NOT_SHOWN = frozenset({"head", "style", "script", "title", "template", "noscript", "object"})
# Webmail shows the content of these and removes the elements.
_REMOVED_BY_WEBMAIL = frozenset({"html", "body"})
# Attributes that take part in the style.
_HINTS = (
    "bgcolor", "color", "text", "size", "dir", "lang", "align", "hidden", "href", "link",
    "xml:lang",
)  # fmt: skip
# Properties that take part in it.
_FONT = frozenset(
    {"font-size", "font-weight", "font-style", "font-family", "line-height", "letter-spacing"}
    | {"mso-line-height-rule"}
)
_COLOUR = frozenset(
    {"background-color", "color", "opacity", "text-decoration", "text-decoration-line"}
)
_LAYOUT = frozenset(
    {"display", "visibility", "opacity", "overflow", "max-height", "height"}
    | {"direction", "text-align"}
)
_Changes = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputedStyle:
    """How the text of an element is shown.

    Colours are `#rrggbb`; `alpha` is the opacity of the text's colour, `opacity` that of all elements around it. `size`
    and `line_height` are pixels, `line_height_factor` is a line height without a unit; if both are None, the font
    decides. `direction` is ltr, rtl or auto, `webmail_direction` the direction without <html> and <body>.
    `has_exact_line_height` says whether Outlook uses the line height as it is given.
    """

    colour: str = BLACK
    background: str = WHITE
    alpha: float = 1.0
    opacity: float = 1.0
    size: float = stylesheet.ROOT_SIZE
    line_height: float | None = None
    line_height_factor: float | None = None
    is_bold: bool = False
    is_italic: bool = False
    is_underlined: bool = False
    is_hidden: bool = False
    has_letter_spacing: bool = False
    align: str = ""
    font_family: str = ""
    language: str = ""
    direction: str = "ltr"
    webmail_direction: str = "ltr"
    link_colour: str = _LINK
    has_exact_line_height: bool = False

    @property
    def seen_colour(self) -> str:
        """The colour of the text, mixed with the background that shows through."""
        return mix(self.background, self.colour, self.alpha * self.opacity)

    @property
    def contrast(self) -> float:
        """The contrast of the text and its background, 1 to 21 (WCAG 2.2)."""
        return contrast(self.seen_colour, self.background)

    @property
    def leading(self) -> float | None:
        """The line height as a multiple of the font size; None if the font decides."""
        if self.line_height is None or not self.size:
            return self.line_height_factor
        return self.line_height / self.size


@dataclass(frozen=True, slots=True)
class ShownText:
    """A text that is visible, its element, and how it is shown."""

    element: etree._Element
    text: str
    style: ComputedStyle


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputedStyles:
    """A document in light or in dark mode: the style of each element, the texts in order."""

    by_element: dict[etree._Element, ComputedStyle]
    texts: tuple[ShownText, ...]


def compute_styles(
    own_texts: Mapping[etree._Element, Sequence[str]],
    declared: Declared,
    *,
    on_dark: bool = False,
) -> ComputedStyles:
    """Compute the style of each element; `on_dark` says that the canvas is dark.

    `own_texts` are the elements in document order, each with the texts that stand in it.
    """
    start = ComputedStyle()
    if on_dark:
        start = replace(
            start, colour=_DARK_TEXT, background=_DARK_CANVAS, link_colour=_DARK_LINK
        )
    styles: dict[etree._Element, ComputedStyle] = {}
    known: dict[tuple[object, ...], ComputedStyle] = {}
    for element in own_texts:
        parent = element.getparent()
        above = styles[parent] if parent is not None else start
        applied = declared[element]
        hints = map(element.get, _HINTS) if element.keys() else ()
        key = (id(above), element.tag, *hints, id(applied))
        style = known.get(key)
        if style is None:
            style = known[key] = _style(element, above, applied)
        styles[element] = style
    return ComputedStyles(by_element=styles, texts=_shown_texts(styles, own_texts))


def _shown_texts(
    styles: dict[etree._Element, ComputedStyle],
    own_texts: Mapping[etree._Element, Sequence[str]],
) -> tuple[ShownText, ...]:
    found = []
    for element, style in styles.items():
        # Text below one pixel is not seen; elements within it may have a size again.
        if style.is_hidden or style.size < 1:
            continue
        text = " ".join(own_texts[element])
        if any(map(str.isalnum, text)):
            found.append(ShownText(element, text, style))
    return tuple(found)


def language_of(element: etree._Element) -> str:
    """Return the language tag that an element itself has, as it is written."""
    return element.get("lang") or element.get("xml:lang") or ""


def _style(
    element: etree._Element, above: ComputedStyle, applied: Iterable[stylesheet.Declaration]
) -> ComputedStyle:
    values = stylesheet.longhands(applied)
    changes = _of_tag(element, above)
    if element.keys():
        changes |= _of_attributes(element, above)
    if not _FONT.isdisjoint(values):
        changes |= _font(values, changes, above)
    if not _COLOUR.isdisjoint(values):
        changes |= _colours(values, above)
    if not _LAYOUT.isdisjoint(values):
        changes |= _layout(element, values, changes, above)
    # With nothing changed the parent's style is shared, and what is computed of it.
    return replace(above, **changes) if changes else above


def _of_tag(element: etree._Element, above: ComputedStyle) -> _Changes:
    tag = element.tag
    changes: _Changes = {}
    if tag in _SCALES:
        changes["size"] = above.size * _SCALES[tag]
    if tag in _BOLD:
        changes["is_bold"] = True
    if tag in _ITALIC:
        changes["is_italic"] = True
    if tag in _UNDERLINED:
        changes["is_underlined"] = True
    if tag == "a" and element.get("href") is not None:
        changes |= {"is_underlined": True, "colour": above.link_colour, "alpha": 1.0}
    if tag in _NOT_SHOWN or element.get("hidden") is not None:
        changes["is_hidden"] = True
    return changes


def _of_attributes(element: etree._Element, above: ComputedStyle) -> _Changes:
    changes: _Changes = {}
    tag = element.tag
    if background := stylesheet.legacy_colour(element.get("bgcolor")):
        changes["background"] = background
    named = {"font": "color", "body": "text"}.get(str(tag), "")
    if named and (colour := stylesheet.legacy_colour(element.get(named))):
        changes["colour"] = colour
    if tag == "body" and (link := stylesheet.legacy_colour(element.get("link"))):
        changes["link_colour"] = link
    if tag == "font" and (size := element.get("size", "")) in {*"1234567"}:
        changes["size"] = stylesheet.KEYWORD_SIZES[_FONT_SIZES[int(size) - 1]]
    if (direction := element.get("dir", "").lower()) in {"ltr", "rtl", "auto"}:
        changes["direction"] = direction
        removed = tag in _REMOVED_BY_WEBMAIL
        changes["webmail_direction"] = above.webmail_direction if removed else direction
    if language := language_of(element):
        changes["language"] = language
    if align := element.get("align", "").lower():
        changes["align"] = align
    return changes


def _font(values: dict[str, str], changes: _Changes, above: ComputedStyle) -> _Changes:
    found: _Changes = {}
    size = changes.get("size", above.size)
    if asked := values.get("font-size"):
        stated = stylesheet.KEYWORD_SIZES.get(asked) or stylesheet.pixels(asked, above.size)
        size = found["size"] = size if stated is None else stated
    if weight := values.get("font-weight"):
        found["is_bold"] = _is_bold(weight, changes.get("is_bold", above.is_bold))
    if slant := values.get("font-style"):
        found["is_italic"] = slant.startswith(("italic", "oblique"))
    if family := values.get("font-family"):
        found["font_family"] = family
    if height := values.get("line-height"):
        factor = found["line_height_factor"] = stylesheet.plain_number(height)
        found["line_height"] = stylesheet.pixels(height, size) if factor is None else None
    if spacing := values.get("letter-spacing"):
        found["has_letter_spacing"] = bool(stylesheet.pixels(spacing, size))
    if rule := values.get("mso-line-height-rule"):
        found["has_exact_line_height"] = rule == "exactly"
    return found


def _is_bold(weight: str, before: bool) -> bool:
    number = stylesheet.plain_number(weight)
    if number is not None:
        return number >= _BOLD_FROM
    return {"bold": True, "bolder": True, "normal": False, "lighter": False}.get(weight, before)


def _colours(values: dict[str, str], above: ComputedStyle) -> _Changes:
    found: _Changes = {}
    asked = values.get("background-color", "")
    if background := stylesheet.parse_colour(asked):
        found["background"] = mix(above.background, background[0], background[1])
    elif asked in {"transparent", "inherit"}:
        found["background"] = above.background
    asked = values.get("color", "")
    if colour := stylesheet.parse_colour(asked):
        found |= {"colour": colour[0], "alpha": colour[1]}
    elif asked == "inherit":
        found |= {"colour": above.colour, "alpha": above.alpha}
    opacity = stylesheet.opacity_of(values["opacity"]) if "opacity" in values else None
    if opacity is not None:
        found["opacity"] = above.opacity * opacity
    decoration = values.get("text-decoration-line") or values.get("text-decoration")
    if decoration:
        found["is_underlined"] = "underline" in decoration
    return found


def _layout(
    element: etree._Element, values: dict[str, str], changes: _Changes, above: ComputedStyle
) -> _Changes:
    found: _Changes = {}
    if _hides(values):
        found["is_hidden"] = True
    if (direction := values.get("direction")) in {"ltr", "rtl"}:
        before = changes.get("webmail_direction", above.webmail_direction)
        removed = element.tag in _REMOVED_BY_WEBMAIL
        found["direction"] = direction
        found["webmail_direction"] = before if removed else direction
    if align := values.get("text-align"):
        found["align"] = align
    return found


def _hides(values: dict[str, str]) -> bool:
    return (
        values.get("display") == "none"
        or values.get("visibility") in {"hidden", "collapse"}
        or stylesheet.pixels(values.get("opacity", ""), 1) == 0
        or (
            values.get("overflow") == "hidden"
            and 0
            in {stylesheet.pixels(values.get(name, ""), 1) for name in ("max-height", "height")}
        )
    )
