"""Language and writing direction: given, given in the right places, and right."""

import re
from collections.abc import Iterator
from functools import lru_cache

from lxml import etree

from publisher.errors import LanguageError
from publisher.gate.css.computed_style import ComputedStyles, language_of
from publisher.gate.findings import Finding
from publisher.gate.mail import CheckedMail, HtmlDocument, clip_text, finding
from publisher.languages import direction, match, normalise

_BLOCKS = frozenset(
    {"body", "td", "th", "div", "p", "li", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6"}
)
_TABLES = frozenset({"table", "thead", "tbody", "tfoot", "tr", "td", "th"})
_ALIGNED = _BLOCKS | {"table", "tr"}
# Letters of the scripts that run from right to left (bidirectional classes R and AL).
_RIGHT_TO_LEFT = re.compile(
    "(?![\\W\\d_])[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_LETTER = re.compile(r"[^\W\d_]")
_WEBMAIL = ("Gmail web", "Outlook.com", "Yahoo Mail web")


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Compare the languages and directions that a mail gives with the right ones."""
    document = mail.document
    if not document.elements:
        return
    yield from _root(mail, document.root)
    yield from _root_direction(mail, document.root)
    for element in document.elements[1:]:
        if stated := element.get("lang") or element.get("xml:lang"):
            yield from _own(element, stated)
    yield from _blocks(document)
    yield from _wrapper(mail, document)
    if direction(mail.language) == "rtl":
        yield from _tables(document)
        yield from _left(document.styles)


def _root(mail: CheckedMail, root: etree._Element) -> Iterator[Finding]:
    stated = language_of(root)
    tag = _tag(stated)
    if not stated:
        yield finding("lang", root, "the mail has no lang")
    elif not tag:
        yield finding(
            "lang", root, "%(stated)s is not a language tag", stated=repr(clip_text(stated))
        )
    elif match(tag, [mail.language]) is None:
        yield finding(
            "lang",
            root,
            "lang is %(stated)s, and the edition is in %(language)s",
            stated=repr(clip_text(stated)),
            language=mail.language,
        )


def _root_direction(mail: CheckedMail, root: etree._Element) -> Iterator[Finding]:
    wanted = direction(mail.language)
    stated_dir = root.get("dir", "").lower()
    if not stated_dir:
        yield finding("dir", root, "the mail has no dir, which is %(wanted)s", wanted=wanted)
    elif stated_dir != wanted:
        yield finding(
            "dir",
            root,
            "dir is %(stated)s, and %(language)s runs %(wanted)s",
            stated=repr(clip_text(stated_dir)),
            language=mail.language,
            wanted=wanted,
        )


@lru_cache(maxsize=256)
def _tag(stated: str) -> str | None:
    try:
        return normalise(stated)
    except LanguageError:
        return None


def _own(element: etree._Element, stated: str) -> Iterator[Finding]:
    """Compare an element's own dir with its own lang."""
    tag, stated_dir = _tag(stated), element.get("dir", "").lower()
    if not tag:
        code = "lang" if _is_template(element) else "lang-text"
        yield finding(
            code, element, "%(stated)s is not a language tag", stated=repr(clip_text(stated))
        )
    elif stated_dir in {"ltr", "rtl"} and stated_dir != direction(tag):
        code = "dir" if _is_template(element) else "dir-text"
        yield finding(
            code,
            element,
            "dir is %(stated)s, and %(language)s runs %(wanted)s",
            stated=stated_dir,
            language=tag,
            wanted=direction(tag),
        )


def _is_template(element: etree._Element) -> bool:
    """Return whether an element belongs to the template, and not to an article."""
    if element.tag in {"html", "body"} or element.get("role") == "article":
        return True
    if element.tag not in _TABLES:
        return False
    tables = (one for one in (element, *element.iterancestors()) if one.tag == "table")
    table = next(tables, None)
    return table is not None and table.get("role", "").lower() in {"presentation", "none"}


def _is_by_author(block: etree._Element, styles: ComputedStyles) -> bool:
    """Return whether the language or direction of a block comes from an element of an article."""
    for one in (block, *block.iterancestors()):
        parent = one.getparent()
        if _is_template(one) or parent is None:
            return False
        if language_of(one) or one.get("dir"):
            return True
        if styles.by_element[one].direction != styles.by_element[parent].direction:
            return False  # by a style
    return False


def _blocks(document: HtmlDocument) -> Iterator[Finding]:
    """Find text whose letters run in another direction than the block around it."""
    styles = document.styles
    for shown in styles.texts:
        block = shown.element
        while block.tag not in _BLOCKS and (parent := block.getparent()) is not None:
            block = parent
        style = styles.by_element[block]
        language = style.language
        if block.tag not in _BLOCKS or not language or shown.style.language != language:
            continue
        wanted = _direction_of(language)
        if not wanted or _letters_run(shown.text) != wanted:
            continue
        named = clip_text(language)
        if style.direction not in {wanted, "auto"}:
            code = "dir-text" if _is_by_author(block, styles) else "dir"
            yield finding(
                code,
                block,
                "%(named)s text is laid out %(direction)s",
                named=named,
                direction=style.direction,
            )
        elif wanted == "rtl" and style.webmail_direction == "ltr":
            yield finding(
                "dir",
                block,
                "only <html> or <body> gives the %(named)s text its direction, rtl",
                clients=_WEBMAIL,
                named=named,
            )


@lru_cache(maxsize=256)
def _direction_of(language: str) -> str | None:
    tag = _tag(language)
    return direction(tag) if tag else None


@lru_cache(maxsize=4096)
def _letters_run(text: str) -> str | None:
    """Return the direction of most letters, None if there are as many of both."""
    right = len(_RIGHT_TO_LEFT.findall(text))
    left = len(_LETTER.findall(text)) - right
    return None if right == left else "rtl" if right > left else "ltr"


def _wrapper(mail: CheckedMail, document: HtmlDocument) -> Iterator[Finding]:
    body = next(document.tagged("body"), None)
    if body is None:
        return
    article = next((one for one in body.iter("*") if one.get("role") == "article"), None)
    if article is None:
        yield finding("wrapper", body, "there is no role=article around the content")
    else:
        is_labelled = bool(article.get("aria-labelledby"))
        for name in ("lang", "dir", "aria-label"):
            if not article.get(name) and not (name == "aria-label" and is_labelled):
                yield finding("wrapper", article, "it has no %(name)s", name=name)
        spoken = article.get("aria-roledescription", "").lower()
        if spoken == "email" and _tag(mail.language.partition("-")[0]) != "en":
            yield finding(
                "role-description", article, "it is %(spoken)s, in English", spoken=repr(spoken)
            )
    if not language_of(body):
        yield finding("body-lang", body, "it has no xml:lang")


def _tables(document: HtmlDocument) -> Iterator[Finding]:
    for element in document.tagged("table", "td"):
        if not element.get("dir"):
            yield finding("rtl-table", element, "a %(tag)s has no dir", tag=element.tag)


def _left(styles: ComputedStyles) -> Iterator[Finding]:
    for element, style in styles.by_element.items():
        if element.tag not in _ALIGNED or style.direction != "rtl" or style.align != "left":
            continue
        parent = element.getparent()
        above = styles.by_element[parent] if parent is not None else None
        # Only the element where it begins.
        if above is None or (above.align, above.direction) != ("left", "rtl"):
            yield finding("rtl-left", element, "text that runs rtl is aligned left")
