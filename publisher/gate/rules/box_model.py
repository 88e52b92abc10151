"""How boxes are drawn: padding, margins, alignment, colours, line heights, shorthands.

What old layout engines get wrong although they know the property; what they do not know is
`support`'s business. Knows no text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from publisher.gate.css.computed_style import looks, styles_of
from publisher.gate.css.stylesheet import Declaration, colour, parts
from publisher.gate.css.values import legacy_colour, length
from publisher.gate.findings import Finding, MailPart, Rule, Severity
from publisher.gate.html_document import at, clip_text, page
from publisher.gate.mail import CheckedMail

CELLS = frozenset({"td", "th"})
HEX = re.compile(r"#[0-9a-fA-F]{6}")
NOTHING = re.compile(r"(?:[+-]?0(?:\.0*)?[a-z%]*\s*)+|inherit|initial|unset")
NAMED = frozenset({"transparent", "inherit", "currentcolor", "initial", "none", "unset"})
# Each with the first words of what it sets as well.
SHORTHANDS = ("padding", "margin", "border", "font", "background", "list-style")
# These stand beside `border` and `font`, and are no part of them.
APART = frozenset(
    {"border-collapse", "border-spacing", "border-radius", "font-feature-settings"}
    | {"background-blend-mode", "font-kerning", "font-display"}
)

OUTLOOK = ("Outlook Windows",)
GMAIL = ("Gmail web",)

PADDING = Rule(
    code="padding-place",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="put padding on table cells only; use margins between paragraphs",
    why="Outlook for Windows knows padding on cells only (caniemail css-padding).",
)
AUTO = Rule(
    code="margin-auto",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix='centre with align="center" on the table, or on the cell around it',
    why="Outlook for Windows does not know margin:auto (caniemail css-margin).",
)
NEGATIVE = Rule(
    code="margin-negative",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="take negative margins out",
    why="Gmail, Outlook and Yahoo ignore them (caniemail css-margin).",
)
MARGIN = Rule(
    code="margin-place",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="put the margin on a paragraph, or padding on the cell",
    why="Outlook for Windows ignores margins on span and body (caniemail css-margin).",
)
ALIGN = Rule(
    code="align-start",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="write left or right, by the direction of the language",
    why="Gmail's apps, Outlook and Yahoo don't know start and end (caniemail css-text-align).",
)
MIXED = Rule(
    code="shorthand-mixed",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="write the shorthand with all its values, or the longhands alone",
    why="Inliners and Gmail have put them into another order, and so given another value "
    "(foundation-emails#627).",
)
COLOUR = Rule(
    code="colour-form",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="write colours as #rrggbb",
    why="Old programs read other forms at random, and Gmail drops a style attribute with the "
    "newer ones (caniemail css-rgba, css-modern-color).",
)
GROUND = Rule(
    code="bgcolor",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="say bgcolor beside background-color on tables and cells, the same colour",
    why="Programs that drop styles keep it, and light ink on a ground that is gone can't be read.",
)
PICTURE = Rule(
    code="background-colour",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="say a background-color where a background picture is, on which its text can be read",
    why="Outlook for Windows shows no background pictures, nor does who blocks pictures "
    "(caniemail css-background-image).",
)
EXACT = Rule(
    code="line-height-rule",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="say mso-line-height-rule:exactly where a line height is said, or on a cell around it",
    why="Outlook for Windows takes line heights for the least otherwise (caniemail "
    "css-line-height).",
)
RULES = (PADDING, AUTO, NEGATIVE, MARGIN, ALIGN, MIXED, COLOUR, GROUND, PICTURE, EXACT)


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Look at the declarations that apply to each element."""
    sheets, seen = styles_of(mail), looks(mail).by_element
    for element in page(mail).elements:
        applied = sheets.applied(element)
        if not applied:
            continue
        yield from _spaces(element, applied)
        yield from _mixed(element, applied)
        yield from _colours(element, applied)
        yield from _grounds(element, applied)
        for declared in applied:
            if declared.name == "text-align" and declared.value.lower() in {"start", "end"}:
                yield at(ALIGN, element, f"text-align is {declared.value}", OUTLOOK)
        look = seen[element]
        if _states_leading(applied) and not (look.exact or look.hidden):
            yield at(EXACT, element, "a line height is not said to be exact", OUTLOOK)


def _spaces(element: etree._Element, applied: tuple[Declaration, ...]) -> Iterator[Finding]:
    for declared in applied:
        name, value = declared.name, declared.value.lower()
        something = not NOTHING.fullmatch(value)
        if name.startswith("padding") and something and element.tag not in CELLS:
            yield at(
                PADDING, element, f"padding is on <{clip_text(str(element.tag))}>", OUTLOOK
            )
        if not name.startswith("margin") or not something:
            continue
        if "auto" in declared.words and not _is_centred(element):
            yield at(
                AUTO,
                element,
                f"<{clip_text(str(element.tag))}> is centred by its margin",
                OUTLOOK,
            )
        if any(part.startswith("-") for part in parts(value)):
            yield at(NEGATIVE, element, "a margin is negative")
        if element.tag in {"span", "body"}:
            yield at(
                MARGIN, element, f"a margin is on <{clip_text(str(element.tag))}>", OUTLOOK
            )


def _is_centred(element: etree._Element) -> bool:
    parent = element.getparent()
    around = parent is not None and (parent.get("align") == "center" or parent.tag == "center")
    return element.get("align") == "center" or around


def _mixed(element: etree._Element, applied: tuple[Declaration, ...]) -> Iterator[Finding]:
    names = {declared.name for declared in applied}
    for shorthand in SHORTHANDS:
        if shorthand in names:
            rest = {name for name in names - APART if name.startswith(f"{shorthand}-")}
            if rest:
                yield at(
                    MIXED, element, f"{shorthand} stands beside {clip_text(min(rest))}", GMAIL
                )


def _colours(element: etree._Element, applied: tuple[Declaration, ...]) -> Iterator[Finding]:
    for declared in applied:
        if "color" not in declared.name and declared.name not in {"background", "border"}:
            continue
        for part in parts(declared.value):
            plain = HEX.fullmatch(part) or part.lower() in NAMED or part.isalpha()
            if not plain and (colour(part) or "(" in part) and not part.startswith("url("):
                yield at(COLOUR, element, f"a colour is written {clip_text(part)}")


def _grounds(element: etree._Element, applied: tuple[Declaration, ...]) -> Iterator[Finding]:
    ground, picture = None, bool(element.get("background"))
    for declared in applied:
        if declared.name in {"background", "background-color"}:
            ground = next(
                (colour(part) for part in parts(declared.value) if colour(part)), ground
            )
        if declared.name in {"background", "background-image"}:
            gradient = any("gradient" in name for name in declared.functions)
            picture = picture or gradient or bool(declared.urls)
    own = legacy_colour(element.get("bgcolor"))
    painted = ground is not None and ground[1] == 1
    if element.tag in {"table", "td", "th"} and painted and ground and own != ground[0]:
        differs = f"bgcolor is {own}" if own else "there is no bgcolor"
        yield at(GROUND, element, f"background-color is {ground[0]} and {differs}", OUTLOOK)
    if picture and not painted and not own:
        yield at(PICTURE, element, "there is no colour behind a background picture", OUTLOOK)


def _states_leading(applied: tuple[Declaration, ...]) -> bool:
    return any(
        declared.name == "line-height"
        and length(declared.value, 16.0) is not None
        and "px" in declared.units
        for declared in applied
    )
