"""The start of a mail: document type, title, and what the head tells mail clients."""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.gate.findings import Finding, html_error, html_warning
from publisher.gate.html_document import HtmlDocument
from publisher.gate.mail import CheckedMail
from publisher.gate.mail_clients.caniemail import APPLE_MAIL, OUTLOOK_WINDOWS

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
RULES = (_QUIRKS, _OLD, _TITLE, _CHARSET, _VIEWPORT, _SCALING, _DETECTION, _SCHEME, _DPI)


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Check the document type and the head."""
    document = mail.document
    if not document.elements:
        return
    yield from _doctype(mail.html)
    yield from _title(document)
    if not re.search("charset=", mail.html[:_CHARSET_WITHIN], re.IGNORECASE):
        problem = f"the first {_CHARSET_WITHIN} bytes name no charset"
        yield _CHARSET.finding(problem, where="head")
    yield from _metas(document)
    if not any("PixelsPerInch" in one.text for one in document.comments if one.is_conditional):
        yield _DPI.finding(
            "there is no PixelsPerInch for Outlook", where="head", clients=OUTLOOK_WINDOWS
        )


def _doctype(html: str) -> Iterator[Finding]:
    start = _BEFORE.match(html)
    found = _DOCTYPE.match(html, start.end() if start else 0)
    if not found:
        yield _QUIRKS.finding("there is no document type", where="html", line=1)
        return
    public, system = (found["public"] or "").lower(), found["system"] or ""
    if not public:
        if system and system != "about:legacy-compat":
            yield _OLD.finding("the document type names a file", where="html", line=1)
    elif public.startswith(_STANDARD) or (system and public.startswith(_WITH_SYSTEM)):
        yield _OLD.finding("the document type is an old one", where="html", line=1)
    else:
        yield _QUIRKS.finding("the document type leads to quirks mode", where="html", line=1)


def _title(document: HtmlDocument) -> Iterator[Finding]:
    if not any((title.text or "").strip() for title in document.tagged("title")):
        yield _TITLE.finding("the mail has no title", where="head")


def _metas(document: HtmlDocument) -> Iterator[Finding]:
    metas = {
        meta.get("name", "").strip().lower(): meta.get("content", "").lower()
        for meta in document.tagged("meta")
    }
    if "width=device-width" not in metas.get("viewport", "").replace(" ", ""):
        yield _VIEWPORT.finding("the head has no viewport of the device's width", where="head")
    if "x-apple-disable-message-reformatting" not in metas:
        yield _SCALING.finding(
            "iOS may shrink the mail", where="head", clients=("Apple Mail iOS",)
        )
    if "telephone=no" not in metas.get("format-detection", "").replace(" ", ""):
        problem = "dates and numbers may become links"
        yield _DETECTION.finding(problem, where="head", clients=APPLE_MAIL)
    for name in ("color-scheme", "supported-color-schemes"):
        if "dark" not in metas.get(name, ""):
            yield _SCHEME.finding(
                f"there is no {name} with dark", where="head", clients=APPLE_MAIL
            )
