"""Typography at a desktop's sizes: size, line height, fonts for the text's script, contrast in light and dark mode."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from publisher.gate.css.computed_style import ComputedStyle, ComputedStyles, ShownText
from publisher.gate.findings import Finding
from publisher.gate.mail import (
    CheckedMail,
    HtmlDocument,
    clip_text,
    finding,
    finding_of,
    text_content,
)
from publisher.gate.mail_clients.caniemail import OUTLOOK_WINDOWS
from publisher.gate.passages import column_width
from publisher.i18n.messages import counted, message
from publisher.languages import known_tag, script
from publisher.pictures.colours import AA, AA_LARGE, contrast

_SMALLEST = 12.0  # Pixels. Phones enlarge smaller text, some of it and some not.
_SMALLEST_RUNNING = 14.0  # Pixels. Most guides recommend 16 for running text.
_RUNNING_COLUMNS = 100  # Columns. Text of more than a line is running text.
# Line heights as multiples of the size (WCAG 2.2, 1.4.8 and 1.4.12); ideographs need more.
_LEADING, _LEADING_CJK = 1.5, 1.6
_ROUNDED = 0.05  # line heights are rounded to whole pixels
_LONGEST_WORD = 40  # characters that a phone of 320 px shows in one line of 16 px

_CJK = frozenset({"Hans", "Hant", "Jpan", "Kore"})
_IDEOGRAPH = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")
_FEWEST_IDEOGRAPHS = 12  # Ideographs. A name or a label can be read in any font.
_ARABIC = re.compile("[\u0600-\u08ff\ufb50-\ufdff\ufe70-\ufeff]")
_BREAKABLE = re.compile("[\\s\\-\u00ad\u200b\u2010\u2e80-\u9fff\uac00-\ud7af\uf900-\uffef]+")
_FONTS = tomllib.loads(Path(__file__).with_name("fonts.toml").read_text("utf-8"))
_GENERIC = frozenset(_FONTS["generic"])
_SCRIPT_OF = {font: of for of, fonts in _FONTS["scripts"].items() for font in fonts}


def check(mail: CheckedMail) -> Iterator[Finding]:
    yield from _contrasts(mail)
    for shown in mail.document.styles.texts:
        is_running = column_width(" ".join(shown.text.split())) >= _RUNNING_COLUMNS
        yield from _size(shown, is_running=is_running)
        yield from _fonts(shown, mail.language)
        yield from _script(shown)
        for word in _BREAKABLE.split(shown.text):
            if len(word) > _LONGEST_WORD:
                problem = counted(
                    "%(word)s has %(count)s letter",
                    "%(word)s has %(count)s letters",
                    len(word),
                    word=clip_text(word, 30),
                )
                yield finding_of("long-word", shown.element, problem)


def _size(shown: ShownText, *, is_running: bool) -> Iterator[Finding]:
    style = shown.style
    if style.size < _SMALLEST:
        yield finding(
            "text-small", shown.element, "text of %(size)s px", size=format(style.size, "g")
        )
    elif is_running and style.size < _SMALLEST_RUNNING:
        yield finding(
            "text-small",
            shown.element,
            "running text of %(size)s px",
            size=format(style.size, "g"),
        )
    if not is_running:
        return
    least = _LEADING_CJK if _IDEOGRAPH.search(shown.text) else _LEADING
    leading = style.leading
    if leading is None:
        yield finding("line-height", shown.element, "running text without a line height")
    elif leading < least - _ROUNDED:
        yield finding(
            "line-height",
            shown.element,
            "the line height is %(leading)s times the size",
            leading=format(leading, ".2f"),
        )


def _fonts(shown: ShownText, language: str) -> Iterator[Finding]:
    stack = font_names(shown.style.font_family)
    if not stack:
        yield finding(
            "font-stack", shown.element, "text without a font", clients=OUTLOOK_WINDOWS
        )
        return
    if stack[-1] not in _GENERIC:
        yield finding(
            "font-stack",
            shown.element,
            "the fonts end with %(font)s",
            font=clip_text(stack[-1]),
        )
    own = _script_of(shown.style.language or language)
    if own not in _CJK or len(_IDEOGRAPH.findall(shown.text)) < _FEWEST_IDEOGRAPHS:
        return
    named = [_SCRIPT_OF[font] for font in stack if font in _SCRIPT_OF]
    if named and named[0] != own:
        yield finding(
            "font-script",
            shown.element,
            "%(own)s text is set in a font for %(named)s",
            own=own,
            named=named[0],
        )
    elif not named and own == _script_of(language):
        yield finding("font-script", shown.element, "no font for %(own)s is named", own=own)


@lru_cache(maxsize=256)
def font_names(stack: str) -> tuple[str, ...]:
    """Return the names of a list of fonts, in lower case and without quotes."""
    names = (name.strip().strip("\"'").strip().lower() for name in stack.split(","))
    return tuple(name for name in names if name)


@lru_cache(maxsize=256)
def _script_of(tag: str) -> str:
    known = known_tag(tag)
    return script(known) if known else ""


def _script(shown: ShownText) -> Iterator[Finding]:
    square, joined = _IDEOGRAPH.search(shown.text), _ARABIC.search(shown.text)
    if shown.style.is_italic and square:
        yield finding("script-italic", shown.element, "ideographs are set in italics")
    if shown.style.has_letter_spacing and (square or joined):
        problem = (
            message("Arabic letters are spaced") if joined else message("ideographs are spaced")
        )
        yield finding_of("script-spacing", shown.element, problem)
    if shown.style.align == "justify" and joined:
        yield finding("script-justify", shown.element, "Arabic is justified")


_LARGE, _LARGE_BOLD = 24.0, 18.66  # Pixels. WCAG 2.2, "large scale": 18 points, or 14 in bold.
# WCAG 2.2, technique G183: the contrast of a link that only its colour marks with the text.
_LINK_CONTRAST = 3.0
_BLUE = "#0000ee"  # links of browsers, and of clients that have a colour of their own for them


def _contrasts(mail: CheckedMail) -> Iterator[Finding]:
    document = mail.document
    if not document.elements:
        return
    yield from _texts("contrast", document.styles, is_dark=False)
    if document.has_dark_rules or document.supports_dark:
        yield from _texts("contrast-dark", document.dark_styles, is_dark=True)
    yield from _links(document)
    yield from _dark_mode(document)


def _texts(code: str, styles: ComputedStyles, *, is_dark: bool) -> Iterator[Finding]:
    problems: dict[int, str | None] = {}
    for shown in styles.texts:
        key = id(shown.style)
        if key not in problems:
            problems[key] = _problem(shown.style, is_dark=is_dark)
        if problem := problems[key]:
            yield finding_of(code, shown.element, problem)


def _problem(style: ComputedStyle, *, is_dark: bool) -> str | None:
    is_large = style.size >= _LARGE or (style.is_bold and style.size >= _LARGE_BOLD)
    # By the size of the text (WCAG 2.2, 1.4.3).
    found, needed = style.contrast, AA_LARGE if is_large else AA
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
