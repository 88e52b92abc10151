"""Contrast in light and in dark mode: text and background, links and the text around them."""

from collections.abc import Iterator
from dataclasses import replace

from publisher.gate.css.computed_style import ComputedStyle, ComputedStyles
from publisher.gate.findings import Finding
from publisher.gate.mail import CheckedMail, HtmlDocument, finding, finding_of, text_content
from publisher.i18n.messages import message
from publisher.pictures.colours import AA, AA_LARGE, contrast

# Pixels. WCAG 2.2, "large scale": 18 points, or 14 in bold.
_LARGE, _LARGE_BOLD = 24.0, 18.66
# WCAG 2.2, technique G183: the contrast of a link that only its colour marks with the text.
_LINK_CONTRAST = 3.0
# The links of clients that have a colour of their own for them, and of browsers.
_BLUE = "#0000ee"


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Check every text in both modes."""
    document = mail.document
    if not document.elements:
        return
    yield from _texts("contrast", document.styles, is_dark=False)
    if document.has_dark_rules or document.supports_dark:
        yield from _texts("contrast-dark", document.dark_styles, is_dark=True)
    yield from _links(document)
    yield from _dark_mode(document)


def needed_contrast(style: ComputedStyle) -> float:
    """Return the contrast that a text of this size needs (WCAG 2.2, 1.4.3)."""
    large = style.size >= _LARGE or (style.is_bold and style.size >= _LARGE_BOLD)
    return AA_LARGE if large else AA


def _texts(code: str, styles: ComputedStyles, *, is_dark: bool) -> Iterator[Finding]:
    problems: dict[int, str | None] = {}
    for shown in styles.texts:
        key = id(shown.style)
        if key not in problems:
            problems[key] = _problem(shown.style, is_dark=is_dark)
        if problem := problems[key]:
            yield finding_of(code, shown.element, problem)


def _problem(style: ComputedStyle, *, is_dark: bool) -> str | None:
    found, needed = style.contrast, needed_contrast(style)
    if found >= needed:
        return None
    # Rounded down: 4.499 must not read as 4.5.
    rounded = int(found * 100) / 100
    given = {"colour": style.seen_colour, "background": style.background}
    given |= {"rounded": str(rounded), "needed": str(needed)}
    if is_dark:
        return message(
            "%(colour)s on %(background)s in dark mode is %(rounded)s:1 and needs %(needed)s:1",
            **given,
        )
    return message(
        "%(colour)s on %(background)s is %(rounded)s:1 and needs %(needed)s:1", **given
    )


def _links(document: HtmlDocument) -> Iterator[Finding]:
    """Find links that don't look like links in some client, or can't be read there."""
    for link in document.tagged("a"):
        names = {declared.name for declared in document.declared[link]}
        if text_content(link) and names.isdisjoint({"text-decoration", "text-decoration-line"}):
            yield finding("link-decoration", link, "it has no %(name)s", name="text-decoration")
    styles = document.styles
    for shown in styles.texts:
        link = shown.element
        around = link.getparent()
        if link.tag != "a" or around is None:
            continue
        if blue := _problem(replace(shown.style, colour=_BLUE), is_dark=False):
            yield finding_of("link-colour", link, blue)
        if shown.style.is_underlined:
            continue
        other = styles.by_element[around]
        is_in_text = any(map(str.isalnum, "".join(document.own_texts[around])))
        if (
            is_in_text
            and shown.style.is_bold == other.is_bold
            and contrast(shown.style.seen_colour, other.seen_colour) < _LINK_CONTRAST
        ):
            yield finding("link-unmarked", link, "a link is not marked in the text around it")


def _dark_mode(document: HtmlDocument) -> Iterator[Finding]:
    if not document.has_dark_rules:
        yield finding("dark-missing", "head", "there are no colours for dark mode")
        return
    named = {
        name
        for block in document.style_blocks
        for rule in block.sheet.rules
        for selector in rule.selectors
        for name, _, _ in selector.attributes
    }
    if not named & {"data-ogsc", "data-ogsb"}:
        yield finding("dark-outlook", "head", "there are no colours for Outlook's dark mode")
