"""Contrast, in light and in dark: text and its ground, links and the text around them.

Where a ground is a picture, its colour counts: pictures may be blocked. Knows no size but
WCAG's "large".
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.colours import AA, AA_LARGE, contrast, mix
from publisher.gate.css.computed_style import ComputedStyle, Looks, has_dark, looks, takes_dark
from publisher.gate.findings import Finding, MailPart, Rule, Severity
from publisher.gate.html_document import Page, at, page
from publisher.gate.mail import CheckedMail

# WCAG 2.2, "large scale": 18 points, or 14 in bold.
LARGE, LARGE_BOLD = 24.0, 18.66
# WCAG 2.2, technique G183: a link that only a colour marks must stand out by this much.
MARKED = 3.0

OUTLOOK = ("Outlook.com", "Outlook iOS", "Outlook Android", "Outlook macOS")
# Those that follow the reader's system and know the media query (caniemail).
DARK = ("Apple Mail macOS", "Apple Mail iOS", "Outlook.com", "Outlook macOS")

LIGHT_RULE = Rule(
    code="contrast",
    severity=Severity.ERROR,
    part=MailPart.HTML,
    fix="darken the ink or lighten the ground, or the other way round",
    why="Text needs 4.5:1 against its ground, from 24 px (18.66 px in bold) 3:1 "
    "(WCAG 2.2, 1.4.3).",
)
DARK_RULE = Rule(
    code="contrast-dark",
    severity=Severity.ERROR,
    part=MailPart.HTML,
    fix="give ink and ground a colour in the rules for dark mode, both",
    why="A mail that has colours for dark mode is shown in them; text needs 4.5:1 there, too "
    "(WCAG 2.2, 1.4.3).",
)
UNMARKED = Rule(
    code="link-unmarked",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="underline links within text",
    why="Who does not see their colour does not see that they are links (WCAG 2.2, 1.4.1).",
)
NO_DARK = Rule(
    code="dark-missing",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="say the colours of dark mode in @media (prefers-color-scheme:dark)",
    why="Programs choose them by themselves otherwise, each in its own way "
    "(caniemail css-at-media-prefers-color-scheme).",
)
NO_OUTLOOK = Rule(
    code="dark-outlook",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="say the colours of dark mode for [data-ogsc] (inks) and [data-ogsb] (grounds) as well",
    why="Outlook marks a mail with these when it turns colours round (caniemail "
    "css-at-media-prefers-color-scheme).",
)
RULES = (LIGHT_RULE, DARK_RULE, UNMARKED, NO_DARK, NO_OUTLOOK)


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Look at every text in both schemes."""
    seen = page(mail)
    if not seen.elements:
        return
    light = looks(mail)
    yield from _texts(LIGHT_RULE, light, "")
    if has_dark(seen) or takes_dark(seen):
        yield from _texts(DARK_RULE, looks(mail, dark=True), " in dark mode")
    yield from _links(light)
    yield from _dark(seen)


def ratio(look: ComputedStyle) -> float:
    """Give the contrast between a text and its ground."""
    return contrast(ink(look), look.ground)


def ink(look: ComputedStyle) -> str:
    """Give the colour in which a text is seen, with what shines through it."""
    return mix(look.ground, look.ink, look.alpha * look.fade)


def needed(look: ComputedStyle) -> float:
    """Give the contrast that a text of this size needs."""
    large = look.size >= LARGE or (look.bold and look.size >= LARGE_BOLD)
    return AA_LARGE if large else AA


def _texts(rule: Rule, seen: Looks, scheme: str) -> Iterator[Finding]:
    for shown in seen.texts:
        look = shown.look
        found, least = ratio(look), needed(look)
        if found < least:
            # Rounded down: 4.499 must not read as 4.5.
            rounded = int(found * 100) / 100
            problem = f"{ink(look)} on {look.ground}{scheme} is {rounded}:1 and needs {least}:1"
            yield at(rule, shown.element, problem, DARK if scheme else ())


def _links(light: Looks) -> Iterator[Finding]:
    """Find links in running text that nothing but a colour too close to its own marks."""
    for shown in light.texts:
        link = shown.element
        around = link.getparent()
        if link.tag != "a" or around is None or shown.look.underlined:
            continue
        beside = [around.text, *(child.tail for child in around)]
        words = any(sign.isalnum() for piece in beside if piece for sign in piece)
        other = light.by_element[around]
        alike = contrast(ink(shown.look), ink(other)) < MARKED
        if words and alike and shown.look.bold == other.bold:
            yield at(UNMARKED, link, "a link is not told from the text around it")


def _dark(seen: Page) -> Iterator[Finding]:
    if not has_dark(seen):
        yield NO_DARK.broken("there are no colours for dark mode", where="head", clients=DARK)
        return
    named = {
        attribute.name
        for block in seen.blocks
        for rule in block.sheet.rules
        for selector in rule.selectors
        for compound in selector.compounds
        for attribute in compound.attributes
    }
    if not named & {"data-ogsc", "data-ogsb"}:
        problem = "Outlook's dark mode is left to itself"
        yield NO_OUTLOOK.broken(problem, where="head", clients=OUTLOOK)
