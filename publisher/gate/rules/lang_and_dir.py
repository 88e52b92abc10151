"""Language and writing direction: said, said in the right places, and right.

Knows no layout.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from lxml import etree

from publisher.errors import LanguageError
from publisher.gate.css.computed_style import ComputedStyle, Looks, Shown, language_of, looks
from publisher.gate.findings import Finding, MailPart, Rule, Severity
from publisher.gate.html_document import Page, at, clip_text, page
from publisher.gate.mail import CheckedMail
from publisher.languages import direction, match, normalise

BLOCKS = frozenset(
    {"body", "td", "th", "div", "p", "li", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6"}
)
TABLES = frozenset({"table", "thead", "tbody", "tfoot", "tr", "td", "th"})
ALIGNED = BLOCKS | {"table", "tr"}
# Letters of the scripts that run from right to left (Unicode, bidirectional classes R and AL).
RIGHT_TO_LEFT = re.compile(
    "(?![\\W\\d_])[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
LETTER = re.compile(r"[^\W\d_]")
WEBMAIL = ("Gmail web", "Outlook.com", "Yahoo Mail web")
OUTLOOK = ("Outlook Windows",)

LANG = Rule(
    code="lang",
    severity=Severity.ERROR,
    part=MailPart.HTML,
    fix="say the edition's language on <html>, as a BCP 47 tag (`en`, `zh-Hant`)",
    why="Screen readers choose their voice by it, systems their Chinese glyphs (WCAG 2.2, 3.1.1).",
)
DIR = Rule(
    code="dir",
    severity=Severity.ERROR,
    part=MailPart.HTML,
    fix="say the direction of the language: dir on <html>, on a wrapper in the body, and where "
    "another language begins",
    why="Text of mixed directions is read in the wrong order otherwise (UAX 9; "
    "caniemail html-dir).",
)
LANG_TEXT = Rule(
    code="lang-text",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="write a BCP 47 tag (`en`, `zh-Hant`) into the article, or none",
    why="Screen readers choose their voice by it (WCAG 2.2, 3.1.2), and pass over what is no tag.",
)
DIR_TEXT = Rule(
    code="dir-text",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="say the direction of the text's language in the article, or none",
    why="Text of mixed directions is read in the wrong order otherwise (UAX 9; "
    "caniemail html-dir).",
)
WRAPPER = Rule(
    code="wrapper",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix='put everything into <div role="article" aria-label="title" lang dir>',
    why="Webmail throws <html> and <body> away, and their lang and dir (caniemail html-body).",
)
BODY = Rule(
    code="body-lang",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="say xml:lang on <body>",
    why="Outlook for Windows looks for the language there.",
)
DESCRIPTION = Rule(
    code="role-description",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="translate aria-roledescription, or leave it out",
    why="Screen readers read it aloud, in the mail's language.",
)
TABLE = Rule(
    code="rtl-table",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="say dir on every table and cell",
    why="Programs that throw the wrapper away, or lay tables out by themselves, have nothing else "
    "to go by.",
)
LEFT = Rule(
    code="rtl-left",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix='align text to where its lines begin: align="right" and text-align:right',
    why="Text that runs from right to left begins at the right.",
)
RULES = (LANG, LANG_TEXT, DIR, DIR_TEXT, WRAPPER, BODY, DESCRIPTION, TABLE, LEFT)


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Compare what a mail says of its languages with what they are."""
    seen = page(mail)
    if not seen.elements:
        return
    yield from _root(mail, seen.root)
    for element in seen.elements:
        yield from _own(element)
    yield from _blocks(mail)
    yield from _wrapper(mail, seen)
    if direction(mail.language) == "rtl":
        yield from _tables(seen)
        yield from _left(mail)


def _root(mail: CheckedMail, root: etree._Element) -> Iterator[Finding]:
    stated = language_of(root)
    tag = _tag(stated)
    if not stated:
        yield at(LANG, root, "the mail does not say its language")
    elif not tag:
        yield at(LANG, root, f"{clip_text(stated)!r} is no language")
    elif match(tag, [mail.language]) is None:
        yield at(
            LANG, root, f"it says {clip_text(stated)!r}, and the edition is in {mail.language}"
        )
    wanted = direction(mail.language)
    said = root.get("dir", "").lower()
    if not said:
        yield at(DIR, root, f"the mail does not say its direction, {wanted}")
    elif said != wanted:
        yield at(DIR, root, f"it says {clip_text(said)!r}, and {mail.language} runs {wanted}")


@lru_cache(maxsize=256)
def _tag(stated: str) -> str | None:
    try:
        return normalise(stated)
    except LanguageError:
        return None


def _own(element: etree._Element) -> Iterator[Finding]:
    """Compare an element's own dir with its own lang."""
    stated, said = language_of(element), element.get("dir", "").lower()
    tag = _tag(stated) if stated else None
    if element.getparent() is None or not stated:
        return
    if not tag:
        rule = LANG if _frames(element) else LANG_TEXT
        yield at(rule, element, f"{clip_text(stated)!r} is no language")
    elif said in {"ltr", "rtl"} and said != direction(tag):
        rule = DIR if _frames(element) else DIR_TEXT
        yield at(rule, element, f"dir is {said}, and {tag} runs {direction(tag)}")


def _frames(element: etree._Element) -> bool:
    """Tell whether an element is of a mail's frame, and no text that an author may have marked."""
    if element.tag in {"html", "body"} or element.get("role") == "article":
        return True
    if element.tag not in TABLES:
        return False
    tables = (one for one in (element, *element.iterancestors()) if one.tag == "table")
    table = next(tables, None)
    return table is not None and table.get("role", "").lower() in {"presentation", "none"}


def _is_authors(block: etree._Element, every: Looks) -> bool:
    """Tell whether the language or direction of a block is said by an element of text."""
    for one in (block, *block.iterancestors()):
        parent = one.getparent()
        if _frames(one) or parent is None:
            return False
        if language_of(one) or one.get("dir"):
            return True
        if every.by_element[one].direction != every.by_element[parent].direction:
            return False  # by a style
    return False


def _blocks(mail: CheckedMail) -> Iterator[Finding]:
    """Find text whose letters run otherwise than the block that they stand in."""
    every = looks(mail)
    for shown in every.texts:
        block = next(
            (
                one
                for one in (shown.element, *shown.element.iterancestors())
                if one.tag in BLOCKS
            ),
            None,
        )
        if block is None:
            continue
        look = every.by_element[block]
        wanted = _wanted(shown, look)
        if wanted and look.direction not in {wanted, "auto"}:
            rule = DIR_TEXT if _is_authors(block, every) else DIR
            yield at(
                rule, block, f"{clip_text(look.language)} text is laid out {look.direction}"
            )
        elif wanted == "rtl" and look.webmail == "ltr":
            problem = (
                f"only <html> or <body> says that the {clip_text(look.language)} text runs rtl"
            )
            yield at(DIR, block, problem, WEBMAIL)


def _wanted(shown: Shown, look: ComputedStyle) -> str | None:
    """Give the direction that both language and letters have; None where they don't agree."""
    tag = _tag(look.language) if look.language else None
    if not tag or shown.look.language != look.language:
        return None
    wanted = direction(tag)
    return wanted if _runs(shown.text) == wanted else None


@lru_cache(maxsize=4096)
def _runs(text: str) -> str | None:
    """Give the direction that most letters have."""
    right = len(RIGHT_TO_LEFT.findall(text))
    left = len(LETTER.findall(text)) - right
    return None if right == left else "rtl" if right > left else "ltr"


def _wrapper(mail: CheckedMail, seen: Page) -> Iterator[Finding]:
    body = next(seen.tagged("body"), None)
    if body is None:
        return
    article = next((one for one in body.iter("*") if one.get("role") == "article"), None)
    if article is None:
        yield at(WRAPPER, body, "no role=article is around the content", WEBMAIL)
    else:
        for name in ("lang", "dir", "aria-label"):
            if not article.get(name) and not (name == "aria-label" and _labelled(article)):
                yield at(WRAPPER, article, f"it has no {name}", WEBMAIL)
        spoken = article.get("aria-roledescription", "").lower()
        if spoken == "email" and _tag(mail.language.partition("-")[0]) != "en":
            yield at(DESCRIPTION, article, f"it is {spoken!r}, in English")
    if not language_of(body):
        yield at(BODY, body, "it has no xml:lang", OUTLOOK)


def _labelled(element: etree._Element) -> bool:
    return bool(element.get("aria-labelledby"))


def _tables(seen: Page) -> Iterator[Finding]:
    for element in seen.tagged("table", "td"):
        if not element.get("dir"):
            yield at(TABLE, element, f"a {element.tag} has no dir", OUTLOOK)


def _left(mail: CheckedMail) -> Iterator[Finding]:
    for element, look in looks(mail).by_element.items():
        if element.tag not in ALIGNED:
            continue
        parent = element.getparent()
        above = looks(mail).by_element.get(parent) if parent is not None else None
        begins = above is None or above.align != look.align or above.direction != look.direction
        if look.direction == "rtl" and look.align == "left" and begins:
            yield at(LEFT, element, "text that runs rtl is aligned left")
