"""Layout: tables that are not data, widths, phones, and how boxes are drawn.

Padding, margins, alignment, line heights and shorthands are known to old layout engines, which get
them wrong. Properties that mail clients don't support are found by `client_support`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from lxml import etree

from publisher.gate.css import stylesheet
from publisher.gate.findings import Finding
from publisher.gate.mail import CheckedMail, HtmlDocument, clip_text, finding, finding_of
from publisher.i18n.messages import message
from publisher.mail_limits import PHONE_WIDTH

_FLUID = "fluid"
# Pixels. A column of this width is easy to read and fits into a desktop's reading pane.
_COLUMN = (400, 720)
_PIXELS = re.compile(r"(\d{1,5})(?:px)?")
_WIDTH = re.compile(r"\bwidth\s*[:=]\s*[\"']?(\d{1,5})", re.IGNORECASE)


def check(mail: CheckedMail) -> Iterator[Finding]:
    yield from _boxes(mail)
    document = mail.document
    if not document.elements:
        return
    for table in document.tagged("table"):
        yield from _table(table)
    widths = _widths(document)
    yield from _column(document, widths)
    for element in document.tagged("table", "td", "th", "div", "img", "p"):
        styled = widths.get(id(document.declared[element]), {})
        if _FLUID in styled:
            continue
        width = styled.get("width") or _width_attribute(element)
        if width and width > PHONE_WIDTH:
            yield finding(
                "width-fixed",
                element,
                "<%(tag)s> is %(width)s px wide on every screen",
                tag=element.tag,
                width=format(width, ".0f"),
            )


def _table(table: etree._Element) -> Iterator[Finding]:
    is_layout = table.get("role", "") in {"presentation", "none"}
    marks = (one for one in table.iter("th", "caption", "thead", "table") if one is not table)
    first = next(marks, None)
    has_data = first is not None and first.tag != "table"
    if not is_layout and not has_data:
        yield finding("table-role", table, "a table for layout has no role=presentation")
    elif is_layout and has_data and first is not None:
        yield finding("table-role", first, "a table for layout has <%(tag)s>", tag=first.tag)
    lacking = [
        name for name in ("cellpadding", "cellspacing", "border") if table.get(name) is None
    ]
    if lacking and not has_data:
        yield finding("table-spacing", table, "it has no %(name)s", name=", ".join(lacking))


def _column(document: HtmlDocument, widths: dict[int, dict[str, float]]) -> Iterator[Finding]:
    """Look for the element that limits the width of the content."""
    least, most = _COLUMN
    in_comments = [
        int(width)
        for comment in document.comments
        if comment.is_conditional
        for width in _WIDTH.findall(comment.text)
    ]
    for element in document.tagged("table", "td", "div", "center"):
        stated = _width_attribute(element)
        bound = widths.get(id(document.declared[element]), {}).get("max-width") or stated
        if not bound or not least <= bound <= most:
            continue
        for_outlook = [*in_comments, stated or 0]
        if not any(least <= width <= most for width in for_outlook):
            yield finding("column-outlook", element, "nothing limits the column in Outlook")
        return
    yield finding("column-width", "body", "nothing limits the width of the content")


def _width_attribute(element: etree._Element) -> float | None:
    """Return the width attribute in pixels; None for a percentage."""
    found = _PIXELS.fullmatch(element.get("width", "").strip())
    return float(found[1]) if found else None


def _widths(document: HtmlDocument) -> dict[int, dict[str, float]]:
    """Return the widths in pixels of each tuple of declarations, by its id.

    There is _FLUID if the width is a percentage. A minimum in pixels takes it away again.
    """
    found: dict[int, dict[str, float]] = {}
    for applied in document.declared.values():
        if id(applied) in found:
            continue
        widths = found[id(applied)] = {}
        for declared in applied:
            if declared.name not in {"width", "max-width", "min-width"}:
                continue
            if declared.value.lower() == "auto" or "%" in declared.units:
                widths.pop(declared.name, None)
                widths[_FLUID] = 1.0
            elif size := stylesheet.pixels(declared.value, 16.0):
                widths[declared.name] = size
                if declared.name == "width":
                    widths.pop(_FLUID, None)
        if widths.get("min-width", 0) > PHONE_WIDTH:
            widths.pop(_FLUID, None)
            widths["width"] = widths["min-width"]
    return found


_CELLS = frozenset({"td", "th"})
_WITH_BGCOLOR = frozenset({"table", "td", "th"})
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_ZERO = re.compile(r"(?:[+-]?0(?:\.0*)?[a-z%]*\s*)+|inherit|initial|unset")
_KEYWORDS = frozenset({"transparent", "inherit", "currentcolor", "initial", "none", "unset"})
_SHORTHANDS = ("padding", "margin", "border", "font", "background", "list-style")
# These begin like a longhand of `border`, `font` or `background`, and are none.
_NOT_LONGHANDS = frozenset(
    {"border-collapse", "border-spacing", "border-radius", "font-feature-settings"}
    | {"background-blend-mode", "font-kerning", "font-display"}
)
_INEXACT = "a line height without mso-line-height-rule:exactly"
_Problem = tuple[str, str]  # a rule's code, and the sentence


@dataclass(frozen=True, slots=True)
class _Box:
    """What follows from a tag and its declarations, for every element with both."""

    problems: list[_Problem]
    background: str | None
    has_image: bool
    has_pixel_line_height: bool


def _boxes(mail: CheckedMail) -> Iterator[Finding]:
    document = mail.document
    styles = document.styles.by_element
    # Elements that are styled alike share one tuple of declarations.
    boxes: dict[tuple[str, int], _Box] = {}
    for element, applied in document.declared.items():
        if not applied:
            continue
        key = (str(element.tag), id(applied))
        box = boxes.get(key) or boxes.setdefault(key, _box(key[0], applied))
        problems = box.problems
        if box.background or box.has_image or element.get("background"):
            problems = [*problems, *_background(element, box)]
        style = styles[element]
        if box.has_pixel_line_height and not (style.has_exact_line_height or style.is_hidden):
            yield finding_of("line-height-rule", element, _INEXACT)
        for code, problem in problems:
            if code != "margin-auto" or not _is_centred(element):
                yield finding_of(code, element, problem)


def _box(tag: str, applied: tuple[stylesheet.Declaration, ...]) -> _Box:
    problems: list[_Problem] = []
    has_pixel_line_height = False
    for declared in applied:
        name, value = declared.name, declared.value.lower()
        if name.startswith(("padding", "margin")):
            problems += _spacing(tag, declared)
        elif name == "text-align" and value in {"start", "end"}:
            problem = message("text-align is %(value)s", value=declared.value)
            problems.append(("align-start", problem))
        elif name == "line-height" and "px" in declared.units:
            has_pixel_line_height |= stylesheet.pixels(value, 16.0) is not None
        if "color" in name or name in {"background", "border"}:
            problems += _colours(declared.value)
    names = {declared.name for declared in applied}
    for shorthand in names.intersection(_SHORTHANDS):
        longhands = [one for one in names - _NOT_LONGHANDS if one.startswith(f"{shorthand}-")]
        if longhands:
            problem = message(
                "%(shorthand)s stands beside %(longhands)s",
                shorthand=shorthand,
                longhands=clip_text(min(longhands)),
            )
            problems.append(("shorthand-mixed", problem))
    return _Box(problems, *_painted(applied), has_pixel_line_height)


@lru_cache(maxsize=1024)
def _spacing(tag: str, declared: stylesheet.Declaration) -> list[_Problem]:
    found: list[_Problem] = []
    if _ZERO.fullmatch(declared.value.lower()):
        return found
    if declared.name.startswith("padding"):
        if tag not in _CELLS:
            problem = message("padding is on <%(tag)s>", tag=clip_text(tag))
            found.append(("padding-place", problem))
        return found
    if "auto" in declared.words:
        problem = message("<%(tag)s> is centred by its margin", tag=clip_text(tag))
        found.append(("margin-auto", problem))
    if any(part.startswith("-") for part in stylesheet.split_value(declared.value)):
        found.append(("margin-negative", message("a margin is negative")))
    if tag in {"span", "body"}:
        found.append(("margin-place", message("a margin is on <%(tag)s>", tag=tag)))
    return found


def _is_centred(element: etree._Element) -> bool:
    parent = element.getparent()
    around = parent is not None and (parent.get("align") == "center" or parent.tag == "center")
    return element.get("align") == "center" or around


@lru_cache(maxsize=512)
def _colours(value: str) -> list[_Problem]:
    found: list[_Problem] = []
    for part in stylesheet.split_value(value):
        plain = _HEX.fullmatch(part) or part.lower() in _KEYWORDS or part.isalpha()
        if (
            not plain
            and (stylesheet.parse_colour(part) or "(" in part)
            and not part.startswith("url(")
        ):
            problem = message("a colour is written %(part)s", part=clip_text(part))
            found.append(("colour-form", problem))
    return found


def _painted(applied: tuple[stylesheet.Declaration, ...]) -> tuple[str | None, bool]:
    """Return the background colour if it is opaque, and whether there is a background image."""
    background, has_image = None, False
    for declared in applied:
        if declared.name in {"background", "background-color"}:
            colours = map(stylesheet.parse_colour, stylesheet.split_value(declared.value))
            background = next(filter(None, colours), background)
        if declared.name in {"background", "background-image"}:
            has_gradient = any("gradient" in name for name in declared.functions)
            has_image = has_image or has_gradient or bool(declared.urls)
    return (background[0] if background and background[1] == 1 else None), has_image


def _background(element: etree._Element, box: _Box) -> Iterator[_Problem]:
    own = stylesheet.legacy_colour(element.get("bgcolor"))
    if box.background:
        if element.tag in _WITH_BGCOLOR and own != box.background:
            problem = message(
                "background-color is %(background)s and there is no bgcolor",
                background=box.background,
            )
            if own:
                problem = message(
                    "background-color is %(background)s and bgcolor is %(own)s",
                    background=box.background,
                    own=own,
                )
            yield "bgcolor", problem
    elif not own and (box.has_image or element.get("background")):
        yield "background-colour", message("there is no colour behind a background image")
