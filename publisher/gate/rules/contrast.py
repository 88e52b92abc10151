"""Contrast in light and in dark mode: text and background, links and the text around them."""

from collections.abc import Iterator
from dataclasses import replace

from publisher.gate.css.computed_style import ComputedStyle, ComputedStyles
from publisher.gate.findings import Finding, Rule, html_error, html_warning
from publisher.gate.mail import CheckedMail, HtmlDocument, finding_at, text_content
from publisher.i18n.messages import message
from publisher.pictures.colours import AA, AA_LARGE, contrast

# Pixels. WCAG 2.2, "large scale": 18 points, or 14 in bold.
_LARGE, _LARGE_BOLD = 24.0, 18.66
# WCAG 2.2, technique G183: the contrast of a link that only its colour marks with the text.
_LINK_CONTRAST = 3.0
# The links of clients that have a colour of their own for them, and of browsers.
_BLUE = "#0000ee"

_OUTLOOK_APPS = ("Outlook.com", "Outlook iOS", "Outlook Android", "Outlook macOS")
# Clients that follow the system's setting and support the media query (caniemail).
_DARK_CLIENTS = ("Apple Mail macOS", "Apple Mail iOS", "Outlook.com", "Outlook macOS")

_CONTRAST = html_error(
    code="contrast",
    fix="darken the text or lighten the background, or the reverse",
    why="Text needs 4.5:1 against its background, from 24 px (18.66 px in bold) 3:1 "
    "(WCAG 2.2, 1.4.3).",
)
_CONTRAST_DARK = html_error(
    code="contrast-dark",
    fix="set the colours of both text and background in the rules for dark mode",
    why="A mail that has colours for dark mode is shown in them; text needs 4.5:1 there, too "
    "(WCAG 2.2, 1.4.3).",
)
_UNMARKED = html_warning(
    code="link-unmarked",
    fix="underline links within text",
    why="People who don't see their colour don't see that they are links (WCAG 2.2, 1.4.1).",
)
_UNDECLARED = html_warning(
    code="link-decoration",
    fix="write text-decoration into the link's style: underline, or none where it looks like a link",
    why="Roundcube underlines only links that ask for it (WCAG 2.2, 1.4.1).",
)
_FORCED = html_warning(
    code="link-colour",
    fix="put the words of the link into a span, and give the span their colour",
    why="KMail, and settings of readers, force a blue on links that can't be read here; the words of "
    "a span keep their colour.",
)
_NO_DARK = html_warning(
    code="dark-missing",
    fix="set the colours of dark mode in @media (prefers-color-scheme:dark)",
    why="Otherwise each mail client chooses them in its own way "
    "(caniemail css-at-media-prefers-color-scheme).",
)
_NO_OUTLOOK = html_warning(
    code="dark-outlook",
    fix="set the colours of dark mode for [data-ogsc] (text) and [data-ogsb] (backgrounds) too",
    why="Outlook adds these attributes when it inverts colours (caniemail "
    "css-at-media-prefers-color-scheme).",
)
RULES = (_CONTRAST, _CONTRAST_DARK, _UNMARKED, _UNDECLARED, _FORCED, _NO_DARK, _NO_OUTLOOK)


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Check every text in both modes."""
    document = mail.document
    if not document.elements:
        return
    yield from _texts(_CONTRAST, document.styles, is_dark=False)
    if document.has_dark_rules or document.supports_dark:
        yield from _texts(_CONTRAST_DARK, document.dark_styles, is_dark=True)
    yield from _links(document)
    yield from _dark_mode(document)


def needed_contrast(style: ComputedStyle) -> float:
    """Return the contrast that a text of this size needs (WCAG 2.2, 1.4.3)."""
    large = style.size >= _LARGE or (style.is_bold and style.size >= _LARGE_BOLD)
    return AA_LARGE if large else AA


def _texts(rule: Rule, styles: ComputedStyles, *, is_dark: bool) -> Iterator[Finding]:
    problems: dict[int, str | None] = {}
    for shown in styles.texts:
        key = id(shown.style)
        if key not in problems:
            problems[key] = _problem(shown.style, is_dark=is_dark)
        if problem := problems[key]:
            yield finding_at(rule, shown.element, problem, _DARK_CLIENTS if is_dark else ())


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
            problem = message("it has no %(name)s", name="text-decoration")
            yield finding_at(_UNDECLARED, link, problem, ("Roundcube",))
    styles = document.styles
    for shown in styles.texts:
        link = shown.element
        around = link.getparent()
        if link.tag != "a" or around is None:
            continue
        if blue := _problem(replace(shown.style, colour=_BLUE), is_dark=False):
            yield finding_at(_FORCED, link, blue, ("KMail",))
        if shown.style.is_underlined:
            continue
        other = styles.by_element[around]
        is_in_text = any(map(str.isalnum, "".join(document.own_texts[around])))
        if (
            is_in_text
            and shown.style.is_bold == other.is_bold
            and contrast(shown.style.seen_colour, other.seen_colour) < _LINK_CONTRAST
        ):
            yield finding_at(
                _UNMARKED, link, message("a link is not marked in the text around it")
            )


def _dark_mode(document: HtmlDocument) -> Iterator[Finding]:
    if not document.has_dark_rules:
        problem = message("there are no colours for dark mode")
        yield _NO_DARK.finding(problem, where="head", clients=_DARK_CLIENTS)
        return
    named = {
        name
        for block in document.style_blocks
        for rule in block.sheet.rules
        for selector in rule.selectors
        for name, _, _ in selector.attributes
    }
    if not named & {"data-ogsc", "data-ogsb"}:
        problem = message("there are no colours for Outlook's dark mode")
        yield _NO_OUTLOOK.finding(problem, where="head", clients=_OUTLOOK_APPS)
