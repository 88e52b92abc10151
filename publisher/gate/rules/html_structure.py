"""The structure of the HTML part: head, doctype, elements, headings, Outlook's comments."""

import re
from collections import Counter
from collections.abc import Iterator

from publisher.gate.findings import Finding, html_error, html_warning
from publisher.gate.mail import CheckedMail, HtmlComment, HtmlDocument, clip_text, finding_at
from publisher.gate.mail_clients.caniemail import (
    APPLE_MAIL,
    FORBIDDEN_ELEMENTS,
    OUTLOOK_WINDOWS,
    SEMANTIC_ELEMENTS,
    feature_slugs,
)
from publisher.i18n.messages import message

_ON = re.compile("on", re.IGNORECASE)
# Elements that every mail client shows, or shows the text of.
_PLAIN = frozenset(
    {
        "html", "head", "meta", "title", "style", "body", "div", "p", "span", "br", "hr", "wbr",
        "table", "caption", "colgroup", "col", "thead", "tbody", "tfoot", "tr", "td", "th",
        "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "dl", "dt", "dd",
        "a", "img", "strong", "em", "b", "i", "u", "s", "del", "ins", "sub", "sup", "small",
        "center", "font", "blockquote", "q", "cite", "code", "pre", "kbd", "samp", "var",
        "abbr", "address", "bdo", "dfn", "strike", "tt", "big", "nobr", "map", "area",
    }
)  # fmt: skip

# A condition is short; without the limits a broken mail would take long to search.
_CONDITION = re.compile(r"<!(?:--)?\s{0,9}\[\s{0,9}if\b[^\]]{0,200}\]", re.IGNORECASE)
_END = re.compile(r"<!\s{0,9}\[\s{0,9}endif\s{0,9}\]", re.IGNORECASE)
_BARE = re.compile(r"<!\s{0,9}\[\s{0,9}if\b[^\]]{0,200}\]>", re.IGNORECASE)
# The result when premailer and other parsers read the form without dashes.
_BROKEN = re.compile(r"<!--\[\s{0,9}if\b[^\]]{0,200}\]-->", re.IGNORECASE)
_GHOST = re.compile(r"<(/?)(table|tr|td)\b", re.IGNORECASE)

_ELEMENT = html_error(
    code="element-forbidden",
    fix="take it out; link to a web page that has it",
    why="Mail clients remove scripts, forms, frames, media and external style sheets, and filters "
    "take them for an attack (caniemail html-form, html-video, html-link).",
)
_HANDLER = html_error(
    code="event-handler",
    fix="take every on… attribute out",
    why="No mail client runs scripts, and filters take them for an attack.",
)
_REFRESH = html_error(
    code="meta-refresh",
    fix="take <meta http-equiv=refresh> out",
    why="Filters take a mail that loads another page for an attack.",
)
_UNKNOWN = html_warning(
    code="element-unknown",
    fix="use a table, a div or a span in its place",
    why="Mail clients remove what they don't know, with or without its content.",
)
_BALANCE = html_error(
    code="mso-balance",
    fix="close every <!--[if mso]> with <![endif]-->, and use only the forms with dashes",
    why="If a comment is left open, Outlook for Windows does not show the rest of the mail.",
)
_GHOSTS = html_error(
    code="mso-tables",
    fix="open and close table, tr and td in Outlook's comments in pairs",
    why="Outlook for Windows lays out the mail in these tables; one tag too few breaks the layout.",
)
_FIRST = html_warning(
    code="heading-first",
    fix="give the mail exactly one <h1>, its title",
    why="People who use screen readers go from heading to heading (WCAG 2.2, 1.3.1, 2.4.6).",
)
_ORDER = html_warning(
    code="heading-order",
    fix="go down by one level at a time: <h2> below <h1>, <h3> below <h2>",
    why="A missing level sounds like a missing section (WCAG 2.2, 1.3.1).",
)
_ELEMENTS_RULES = (_ELEMENT, _HANDLER, _REFRESH, _UNKNOWN, _BALANCE, _GHOSTS, _FIRST, _ORDER)


def _check_elements(mail: CheckedMail) -> Iterator[Finding]:
    """Check elements, conditional comments and headings."""
    document = mail.document
    if not document.elements:
        return
    yield from _elements(document)
    yield from _balance(mail.html)
    yield from _ghosts([one for one in document.comments if one.is_conditional])
    yield from _headings(document)


def _elements(document: HtmlDocument) -> Iterator[Finding]:
    tested = feature_slugs()
    for element in document.elements:
        tag = str(element.tag)
        if tag in FORBIDDEN_ELEMENTS:
            yield finding_at(
                _ELEMENT, element, message("<%(tag)s> is in the mail", tag=clip_text(tag))
            )
        elif tag not in _PLAIN and f"html-{tag}" not in tested and tag not in SEMANTIC_ELEMENTS:
            yield finding_at(
                _UNKNOWN,
                element,
                message(
                    "<%(tag)s> is not an element that mail clients know", tag=clip_text(tag)
                ),
            )
        handler = next(filter(_ON.match, map(str, element.keys())), None)
        if handler:
            yield finding_at(
                _HANDLER, element, message("it has %(handler)s", handler=clip_text(handler))
            )
        if tag == "meta" and element.get("http-equiv", "").lower() == "refresh":
            yield finding_at(_REFRESH, element, message("the mail loads another page"))


def _balance(html: str) -> Iterator[Finding]:
    opened, closed = len(_CONDITION.findall(html)), len(_END.findall(html))
    if opened != closed:
        problem = message(
            "%(opened)s conditional comments begin and %(closed)s end",
            opened=opened,
            closed=closed,
        )
        yield _BALANCE.finding(problem, where="<!--[if]>", clients=OUTLOOK_WINDOWS)
    for pattern, problem in (
        (_BARE, message("a condition is written without dashes, which parsers break")),
        (_BROKEN, message("a conditional comment ends where it begins")),
    ):
        for found in pattern.finditer(html):
            yield _BALANCE.finding(
                problem,
                where=clip_text(found[0]),
                line=html.count("\n", 0, found.start()) + 1,
                clients=OUTLOOK_WINDOWS,
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
            yield _GHOSTS.finding(
                problem, where="<!--[if mso]>", line=comments[0].line, clients=OUTLOOK_WINDOWS
            )


def _headings(document: HtmlDocument) -> Iterator[Finding]:
    headings = list(document.tagged("h1", "h2", "h3", "h4", "h5", "h6"))
    first = [heading for heading in headings if heading.tag == "h1"]
    if not first:
        yield _FIRST.finding(message("there is no <h1>"), where="body")
    for heading in first[1:]:
        yield finding_at(_FIRST, heading, message("there is more than one <h1>"))
    level = 0
    for heading in headings:
        own = int(str(heading.tag)[1])
        if level and own > level + 1:
            yield finding_at(
                _ORDER,
                heading,
                message("<h%(own)s> comes after <h%(level)s>", own=own, level=level),
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

_QUIRKS = html_error(
    code="doctype",
    fix="begin with <!DOCTYPE html>",
    why="Without it clients lay a mail out in quirks mode: sizes, fonts and table cells differ "
    "(HTML, section 13.2.6.4.1; caniemail html-doctype).",
)
_OLD = html_warning(
    code="doctype-old",
    fix="begin with <!DOCTYPE html>",
    why="With those of XHTML and HTML 4, browsers lay out lines in another mode (HTML, "
    "limited-quirks mode).",
)
_TITLE = html_warning(
    code="title",
    fix="give the head a <title> that names the issue",
    why="Screen readers and browsers announce a mail by it (WCAG 2.2, 2.4.2).",
)
_CHARSET = html_warning(
    code="meta-charset",
    fix='begin the head with <meta charset="utf-8">',
    why="A mail that is saved as a file loses its header fields (HTML, section 4.2.5.4).",
)
_VIEWPORT = html_warning(
    code="meta-viewport",
    fix='write <meta name="viewport" content="width=device-width, initial-scale=1">',
    why="Without it phones lay out a mail for a desktop, and show it small.",
)
_SCALING = html_warning(
    code="meta-reformatting",
    fix='write <meta name="x-apple-disable-message-reformatting">',
    why="Otherwise Apple Mail on iOS shrinks mails of fixed width.",
)
_DETECTION = html_warning(
    code="meta-format-detection",
    fix='write <meta name="format-detection" content="telephone=no, date=no, address=no, '
    'email=no, url=no">',
    why="Otherwise Apple Mail turns dates and numbers into blue links.",
)
_SCHEME = html_warning(
    code="meta-color-scheme",
    fix="write two <meta>, color-scheme and supported-color-schemes, both with `light dark`",
    why="Otherwise Apple Mail inverts colours (caniemail html-meta-color-scheme).",
)
_DPI = html_warning(
    code="office-dpi",
    fix="put OfficeDocumentSettings with PixelsPerInch 96 into an [if mso] comment in the head",
    why="Otherwise Outlook enlarges images on screens of 120 dpi (caniemail html-width).",
)
_BODY_CLASS = html_warning(
    code="body-class",
    fix="take the class from <body>, and put it on the table or div within",
    why="Roundcube makes <body> a div. A class on it displaces the one that all rules of <style> "
    "need there, and none works, neither those for phones nor those for dark mode.",
)
RULES = (
    *_ELEMENTS_RULES,
    _QUIRKS,
    _OLD,
    _TITLE,
    _CHARSET,
    _VIEWPORT,
    _SCALING,
    _DETECTION,
    _SCHEME,
    _DPI,
    _BODY_CLASS,
)


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Check the document type and the head."""
    yield from _check_elements(mail)
    document = mail.document
    if not document.elements:
        return
    yield from _doctype(mail.html)
    yield from _title(document)
    if not re.search("charset=", mail.html[:_CHARSET_WITHIN], re.IGNORECASE):
        problem = message("the first %(number)s bytes name no charset", number=_CHARSET_WITHIN)
        yield _CHARSET.finding(problem, where="head")
    yield from _metas(document)
    for body in document.tagged("body"):
        if name := body.get("class"):
            problem = message("it has %(handler)s", handler=clip_text(f"class={name}"))
            yield finding_at(_BODY_CLASS, body, problem, ("Roundcube",))
    if not any("PixelsPerInch" in one.text for one in document.comments if one.is_conditional):
        yield _DPI.finding(
            message("there is no PixelsPerInch for Outlook"),
            where="head",
            clients=OUTLOOK_WINDOWS,
        )


def _doctype(html: str) -> Iterator[Finding]:
    start = _BEFORE.match(html)
    found = _DOCTYPE.match(html, start.end() if start else 0)
    if not found:
        yield _QUIRKS.finding(message("there is no document type"), where="html", line=1)
        return
    public, system = (found["public"] or "").lower(), found["system"] or ""
    if not public:
        if system and system != "about:legacy-compat":
            yield _OLD.finding(message("the document type names a file"), where="html", line=1)
    elif public.startswith(_STANDARD) or (system and public.startswith(_WITH_SYSTEM)):
        yield _OLD.finding(message("the document type is an old one"), where="html", line=1)
    else:
        yield _QUIRKS.finding(
            message("the document type leads to quirks mode"), where="html", line=1
        )


def _title(document: HtmlDocument) -> Iterator[Finding]:
    if not any((title.text or "").strip() for title in document.tagged("title")):
        yield _TITLE.finding(message("the mail has no title"), where="head")


def _metas(document: HtmlDocument) -> Iterator[Finding]:
    metas = {
        meta.get("name", "").strip().lower(): meta.get("content", "").lower()
        for meta in document.tagged("meta")
    }
    if "width=device-width" not in metas.get("viewport", "").replace(" ", ""):
        yield _VIEWPORT.finding(
            message("the head has no viewport of the device's width"), where="head"
        )
    if "x-apple-disable-message-reformatting" not in metas:
        yield _SCALING.finding(
            message("iOS may shrink the mail"), where="head", clients=("Apple Mail iOS",)
        )
    if "telephone=no" not in metas.get("format-detection", "").replace(" ", ""):
        problem = message("dates and numbers may become links")
        yield _DETECTION.finding(problem, where="head", clients=APPLE_MAIL)
    for name in ("color-scheme", "supported-color-schemes"):
        if "dark" not in metas.get(name, ""):
            yield _SCHEME.finding(
                message("there is no %(name)s with dark", name=name),
                where="head",
                clients=APPLE_MAIL,
            )
