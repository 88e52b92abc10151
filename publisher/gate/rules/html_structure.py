"""The structure of the HTML part: head, doctype, elements, headings, Outlook's comments."""

import re
from collections import Counter
from collections.abc import Iterator

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
    """Check the document type and the head."""
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
