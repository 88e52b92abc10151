"""The structure of the HTML part: head, doctype, elements, headings, Outlook's comments, and languages.

Language and writing direction are given, given in the right places, and right.
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from lxml import etree

from publisher.gate.css.computed_style import ComputedStyles, language_of
from publisher.gate.findings import Finding
from publisher.gate.mail import (
    CheckedMail,
    HtmlComment,
    HtmlDocument,
    clip_text,
    finding,
    finding_of,
)
from publisher.gate.mail_clients import caniemail
from publisher.i18n.messages import message
from publisher.languages import direction, known_tag, match

_ON = re.compile("on", re.IGNORECASE)
# A condition is short; without the limits a broken mail would take long to search.
_CONDITION = re.compile(r"<!(?:--)?\s{0,9}\[\s{0,9}if\b[^\]]{0,200}\]", re.IGNORECASE)
_END = re.compile(r"<!\s{0,9}\[\s{0,9}endif\s{0,9}\]", re.IGNORECASE)
_BARE = re.compile(r"<!\s{0,9}\[\s{0,9}if\b[^\]]{0,200}\]>", re.IGNORECASE)
# The result when premailer and other parsers read the form without dashes.
_BROKEN = re.compile(r"<!--\[\s{0,9}if\b[^\]]{0,200}\]-->", re.IGNORECASE)
_GHOST = re.compile(r"<(/?)(table|tr|td)\b", re.IGNORECASE)


def _check_elements(mail: CheckedMail) -> Iterator[Finding]:
    document = mail.document
    if not document.elements:
        return
    yield from _elements(document)
    yield from _balance(mail.html)
    yield from _ghosts([one for one in document.comments if one.is_conditional])
    yield from _headings(document)


def _elements(document: HtmlDocument) -> Iterator[Finding]:
    tested = caniemail.feature_slugs()
    for element in document.elements:
        tag = str(element.tag)
        if tag in caniemail.FORBIDDEN_ELEMENTS:
            yield finding(
                "element-forbidden", element, "<%(tag)s> is in the mail", tag=clip_text(tag)
            )
        elif (
            tag not in caniemail.PLAIN_ELEMENTS
            and f"html-{tag}" not in tested
            and tag not in caniemail.SEMANTIC_ELEMENTS
        ):
            yield finding(
                "element-unknown",
                element,
                "<%(tag)s> is not an element that mail clients know",
                tag=clip_text(tag),
            )
        handler = next(filter(_ON.match, map(str, element.keys())), None)
        if handler:
            yield finding(
                "event-handler", element, "it has %(handler)s", handler=clip_text(handler)
            )
        if tag == "meta" and element.get("http-equiv", "").lower() == "refresh":
            yield finding("meta-refresh", element, "the mail loads another page")


def _balance(html: str) -> Iterator[Finding]:
    opened, closed = len(_CONDITION.findall(html)), len(_END.findall(html))
    if opened != closed:
        yield finding(
            "mso-balance",
            "<!--[if]>",
            "%(opened)s conditional comments begin and %(closed)s end",
            opened=opened,
            closed=closed,
        )
    for pattern, problem in (
        (_BARE, message("a condition is written without dashes, which parsers break")),
        (_BROKEN, message("a conditional comment ends where it begins")),
    ):
        for found in pattern.finditer(html):
            yield finding_of(
                "mso-balance",
                clip_text(found[0]),
                problem,
                line=html.count("\n", 0, found.start()) + 1,
            )


def _ghosts(comments: list[HtmlComment]) -> Iterator[Finding]:
    opened: Counter[str] = Counter()
    for comment in comments:
        for found in _GHOST.finditer(comment.text):
            opened[found[2].lower()] += -1 if found[1] else 1
    for tag, count in sorted(opened.items()):
        if count:
            problem = (
                message("%(number)s <%(tag)s> more opened than closed", number=count, tag=tag)
                if count > 0
                else message(
                    "%(number)s <%(tag)s> more closed than opened", number=-count, tag=tag
                )
            )
            yield finding_of("mso-tables", "<!--[if mso]>", problem, line=comments[0].line)


def _headings(document: HtmlDocument) -> Iterator[Finding]:
    headings = list(document.tagged("h1", "h2", "h3", "h4", "h5", "h6"))
    first = [heading for heading in headings if heading.tag == "h1"]
    if not first:
        yield finding("heading-first", "body", "there is no <h1>")
    for heading in first[1:]:
        yield finding("heading-first", heading, "there is more than one <h1>")
    level = 0
    for heading in headings:
        own = int(str(heading.tag)[1])
        if level and own > level + 1:
            yield finding(
                "heading-order",
                heading,
                "<h%(own)s> comes after <h%(level)s>",
                own=own,
                level=level,
            )
        level = own


# Bytes in which browsers look for the character encoding (HTML, section 13.2.3.2).
_CHARSET_WITHIN = 1024
_BEFORE = re.compile(r"(?:\ufeff|\s|<!--.*?-->|<\?[^>]*>)*", re.DOTALL)
_DOCTYPE = re.compile(
    r"""<!doctype\s+html(?:\s+public\s+(["'])(?P<public>[^"'>]*)\1)?"""
    r"""(?:\s*(?:system\s*)?(["'])(?P<system>[^"'>]*)\3)?[^>]*>""",
    re.IGNORECASE,
)
# Public identifiers with which no browser falls into quirks mode (HTML, "the initial insertion
# mode"); the second kind only if a system identifier follows.
_STANDARD = ("-//w3c//dtd xhtml 1", "-//w3c//dtd html 4.01//")
_WITH_SYSTEM = ("-//w3c//dtd html 4.01 transitional", "-//w3c//dtd html 4.01 frameset")


def check(mail: CheckedMail) -> Iterator[Finding]:
    yield from _check_languages(mail)
    yield from _check_elements(mail)
    document = mail.document
    if not document.elements:
        return
    yield from _doctype(mail.html)
    if not any((title.text or "").strip() for title in document.tagged("title")):
        yield finding("title", "head", "the mail has no title")
    if not re.search("charset=", mail.html[:_CHARSET_WITHIN], re.IGNORECASE):
        yield finding(
            "meta-charset",
            "head",
            "the first %(number)s bytes name no charset",
            number=_CHARSET_WITHIN,
        )
    yield from _metas(document)
    for body in document.tagged("body"):
        if name := body.get("class"):
            yield finding(
                "body-class", body, "it has %(handler)s", handler=clip_text(f"class={name}")
            )
    if not any("PixelsPerInch" in one.text for one in document.comments if one.is_conditional):
        yield finding("office-dpi", "head", "there is no PixelsPerInch for Outlook")


def _doctype(html: str) -> Iterator[Finding]:
    start = _BEFORE.match(html)
    found = _DOCTYPE.match(html, start.end() if start else 0)
    if not found:
        yield finding("doctype", "html", "there is no document type", line=1)
        return
    public, system = (found["public"] or "").lower(), found["system"] or ""
    if not public:
        if system and system != "about:legacy-compat":
            yield finding("doctype-old", "html", "the document type names a file", line=1)
    elif public.startswith(_STANDARD) or (system and public.startswith(_WITH_SYSTEM)):
        yield finding("doctype-old", "html", "the document type is an old one", line=1)
    else:
        yield finding("doctype", "html", "the document type leads to quirks mode", line=1)


def _metas(document: HtmlDocument) -> Iterator[Finding]:
    metas = {
        meta.get("name", "").strip().lower(): meta.get("content", "").lower()
        for meta in document.tagged("meta")
    }
    if "width=device-width" not in metas.get("viewport", "").replace(" ", ""):
        yield finding("meta-viewport", "head", "the head has no viewport of the device's width")
    if "x-apple-disable-message-reformatting" not in metas:
        yield finding("meta-reformatting", "head", "iOS may shrink the mail")
    if "telephone=no" not in metas.get("format-detection", "").replace(" ", ""):
        yield finding("meta-format-detection", "head", "dates and numbers may become links")
    for name in ("color-scheme", "supported-color-schemes"):
        if "dark" not in metas.get(name, ""):
            yield finding(
                "meta-color-scheme", "head", "there is no %(name)s with dark", name=name
            )


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


def _check_languages(mail: CheckedMail) -> Iterator[Finding]:
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
    tag = known_tag(stated)
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


def _own(element: etree._Element, stated: str) -> Iterator[Finding]:
    """Compare an element's own dir with its own lang."""
    tag, stated_dir = known_tag(stated), element.get("dir", "").lower()
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
    tag = known_tag(language)
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
        if spoken == "email" and known_tag(mail.language.partition("-")[0]) != "en":
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
