"""Type: large enough, with room between lines, in fonts of the right script.

Sizes are those of a desktop. Knows no colour.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from publisher.errors import LanguageError
from publisher.gate.css.computed_style import ComputedStyle, Shown, looks
from publisher.gate.findings import Finding, MailPart, Rule, Severity
from publisher.gate.html_document import at, clip_text
from publisher.gate.mail import CheckedMail
from publisher.gate.text_layout import columns
from publisher.languages import normalise, script

# The least that footers are read in; below, phones' own programs enlarge text at random.
SMALLEST = 12.0
# Running text; most guides say 16.
SMALLEST_RUNNING = 14.0
# Longer than a line of a mail: what follows is read line by line.
RUNNING_COLUMNS = 100
# WCAG 2.2, 1.4.8 and 1.4.12; Chinese, Japanese and Korean fill their squares and need more.
LEADING, LEADING_CJK = 1.5, 1.6
# Line heights are whole pixels.
ROUNDED = 0.05
# What a phone of 320 px shows in one line of 16 px.
LONGEST_WORD = 40

CJK = frozenset({"Hans", "Hant", "Jpan", "Kore"})
IDEOGRAPH = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")
# A name or a label in another script is readable in any font.
FEWEST_IDEOGRAPHS = 12
ARABIC = re.compile("[\u0600-\u08ff\ufb50-\ufdff\ufe70-\ufeff]")
BREAKABLE = re.compile("[\\s\\-\u00ad\u200b\u2010\u2e80-\u9fff\uac00-\ud7af\uf900-\uffef]+")
GENERIC = frozenset(
    {"serif", "sans-serif", "monospace", "cursive", "fantasy", "system-ui", "ui-sans-serif"}
    | {"ui-serif", "ui-monospace", "ui-rounded", "math", "emoji"}
)
# The systems' own fonts, each with glyphs drawn as one script's readers expect.
FONTS = {
    "Hans": ("pingfang sc", "hiragino sans gb", "microsoft yahei", "simsun", "simhei", "stheiti",
             "heiti sc", "noto sans cjk sc", "noto sans sc", "source han sans sc", "songti sc",
             "wenquanyi micro hei", "noto serif cjk sc", "noto serif sc"),
    "Hant": ("pingfang tc", "pingfang hk", "microsoft jhenghei", "mingliu", "pmingliu", "heiti tc",
             "noto sans cjk tc", "noto sans tc", "noto sans hk", "source han sans tc",
             "songti tc", "lihei pro", "noto serif cjk tc", "noto serif tc"),
    "Jpan": ("hiragino sans", "hiragino kaku gothic pron", "hiragino kaku gothic pro", "meiryo",
             "yu gothic", "yugothic", "ms pgothic", "ms gothic", "noto sans cjk jp",
             "noto sans jp", "yu mincho", "hiragino mincho pron", "noto serif jp"),
    "Kore": ("apple sd gothic neo", "malgun gothic", "dotum", "gulim", "noto sans cjk kr",
             "noto sans kr", "nanum gothic", "noto serif kr"),
}  # fmt: skip
SCRIPT_OF = {font: of for of, fonts in FONTS.items() for font in fonts}

OUTLOOK = ("Outlook Windows",)

SMALL = Rule(
    code="text-small",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix=f"set no text below {SMALLEST:.0f} px, and running text in 16 px",
    why="Most read mail on a phone, and many of them not with young eyes.",
)
LEADED = Rule(
    code="line-height",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix=f"give running text a line height of {LEADING} times its size, Chinese {LEADING_CJK}",
    why="Dense lines lose their readers (WCAG 2.2, 1.4.8 and 1.4.12).",
)
STACK = Rule(
    code="font-stack",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="name fonts that systems have, and end with sans-serif or serif",
    why="Where none of the named fonts is, programs take Times or worse.",
)
SCRIPT = Rule(
    code="font-script",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="name fonts of the text's own script before all others of that kind",
    why="Chinese, Japanese and Korean draw the same characters differently; in a font of another "
    "script they look foreign, or come from two fonts.",
)
ITALIC = Rule(
    code="script-italic",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="set Chinese, Japanese and Korean upright; stress by weight",
    why="Their fonts have no italics, and a slanted square is hard to read (CLREQ, JLREQ).",
)
SPACED = Rule(
    code="script-spacing",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="take letter-spacing out",
    why="It tears joined Arabic letters apart, and ideographs out of their grid (ALREQ, CLREQ).",
)
JUSTIFIED = Rule(
    code="script-justify",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="align it to where its lines begin",
    why="Mail programs justify Arabic by gaps between words, not by longer joins (ALREQ).",
)
WORD = Rule(
    code="long-word",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="show a word or a title instead of an address; break long words with U+00AD",
    why="It is wider than a phone, and Gmail and Outlook don't break it (caniemail "
    "css-overflow-wrap).",
)
RULES = (SMALL, LEADED, STACK, SCRIPT, ITALIC, SPACED, JUSTIFIED, WORD)


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Look at every text that is seen."""
    for shown in looks(mail).texts:
        running = columns(" ".join(shown.text.split())) >= RUNNING_COLUMNS
        yield from _size(shown, running=running)
        yield from _fonts(shown, mail.language)
        yield from _script(shown)
        for word in BREAKABLE.split(shown.text):
            if len(word) > LONGEST_WORD:
                problem = f"{clip_text(word, 30)} has {len(word)} letters"
                yield at(WORD, shown.element, problem)


def _size(shown: Shown, *, running: bool) -> Iterator[Finding]:
    look = shown.look
    if look.size < SMALLEST:
        yield at(SMALL, shown.element, f"text of {look.size:g} px")
    elif running and look.size < SMALLEST_RUNNING:
        yield at(SMALL, shown.element, f"running text of {look.size:g} px")
    if not running:
        return
    least = LEADING_CJK if IDEOGRAPH.search(shown.text) else LEADING
    leading = leading_of(look)
    if leading is None:
        yield at(LEADED, shown.element, "running text without a line height")
    elif leading < least - ROUNDED:
        yield at(LEADED, shown.element, f"lines are {leading:.2f} times the size apart")


def leading_of(look: ComputedStyle) -> float | None:
    """Give the line height as a multiple of the size; None where the font decides."""
    if look.ratio is not None:
        return look.ratio
    return look.leading / look.size if look.leading is not None and look.size else None


def _fonts(shown: Shown, language: str) -> Iterator[Finding]:
    stack = families(shown.look.family)
    if not stack:
        yield at(STACK, shown.element, "text without a font", OUTLOOK)
        return
    if stack[-1] not in GENERIC:
        yield at(STACK, shown.element, f"the fonts end with {clip_text(stack[-1])}")
    own = _script_of(shown.look.language or language)
    if own not in CJK or len(IDEOGRAPH.findall(shown.text)) < FEWEST_IDEOGRAPHS:
        return
    named = [SCRIPT_OF[font] for font in stack if font in SCRIPT_OF]
    if named and named[0] != own:
        yield at(SCRIPT, shown.element, f"{own} text is set in a font for {named[0]}")
    elif not named and own == _script_of(language):
        yield at(SCRIPT, shown.element, f"no font for {own} is named")


@lru_cache(maxsize=256)
def families(stack: str) -> tuple[str, ...]:
    """Split a list of fonts; names in small letters, without quotes."""
    names = (name.strip().strip("\"'").strip().lower() for name in stack.split(","))
    return tuple(name for name in names if name)


@lru_cache(maxsize=256)
def _script_of(tag: str) -> str:
    try:
        return script(normalise(tag))
    except LanguageError:
        return ""


def _script(shown: Shown) -> Iterator[Finding]:
    square, joined = IDEOGRAPH.search(shown.text), ARABIC.search(shown.text)
    if shown.look.italic and square:
        yield at(ITALIC, shown.element, "ideographs are set in italics")
    if shown.look.spaced and (square or joined):
        kind = "Arabic letters" if joined else "ideographs"
        yield at(SPACED, shown.element, f"{kind} are spaced")
    if shown.look.align == "justify" and joined:
        yield at(JUSTIFIED, shown.element, "Arabic is justified")
