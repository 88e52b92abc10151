"""What frames a mail: document type, title, and what the head says to mail programs.

Knows nothing of what is in the body.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.gate.findings import Finding, MailPart, Rule, Severity
from publisher.gate.html_document import Page, page
from publisher.gate.mail import CheckedMail

# HTML, "determining the character encoding": it is looked for in so many bytes.
CHARSET_WITHIN = 1024
BEFORE = re.compile(r"(?:\ufeff|\s|<!--.*?-->|<\?[^>]*>)*", re.DOTALL)
DOCTYPE = re.compile(
    r"""<!doctype\s+html(?:\s+public\s+(["'])(?P<public>[^"'>]*)\1)?"""
    r"""(?:\s*(?:system\s*)?(["'])(?P<system>[^"'>]*)\3)?[^>]*>""",
    re.IGNORECASE,
)
# Public identifiers with which no browser falls into quirks mode (HTML, "the initial insertion
# mode"); the second kind only if a system identifier follows.
STANDARD = ("-//w3c//dtd xhtml 1", "-//w3c//dtd html 4.01//")
WITH_SYSTEM = ("-//w3c//dtd html 4.01 transitional", "-//w3c//dtd html 4.01 frameset")

QUIRKS = Rule(
    code="doctype",
    severity=Severity.ERROR,
    part=MailPart.HTML,
    fix="begin with <!DOCTYPE html>",
    why="Without it programs lay a mail out in quirks mode: sizes, fonts and table cells differ "
    "(HTML, section 13.2.6.4.1; caniemail html-doctype).",
)
OLD = Rule(
    code="doctype-old",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="begin with <!DOCTYPE html>",
    why="With those of XHTML and HTML 4 browsers lay lines out in a mode of their own (HTML, "
    "limited-quirks mode).",
)
TITLE = Rule(
    code="title",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="give the head a <title> that says which issue it is",
    why="Screen readers and browsers announce a mail by it (WCAG 2.2, 2.4.2).",
)
CHARSET = Rule(
    code="meta-charset",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix='begin the head with <meta charset="utf-8">',
    why="A mail that is saved or forwarded as a file has lost its header (HTML, section 4.2.5.4).",
)
VIEWPORT = Rule(
    code="meta-viewport",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix='say <meta name="viewport" content="width=device-width, initial-scale=1">',
    why="Without it phones lay a mail out for a desktop, and show it small.",
)
SCALING = Rule(
    code="meta-reformatting",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix='say <meta name="x-apple-disable-message-reformatting">',
    why="Apple Mail on iOS shrinks mails of fixed width otherwise.",
)
DETECTION = Rule(
    code="meta-format-detection",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix='say <meta name="format-detection" content="telephone=no, date=no, address=no, '
    'email=no, url=no">',
    why="Apple Mail makes blue links of dates and numbers otherwise.",
)
SCHEME = Rule(
    code="meta-color-scheme",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="say color-scheme and supported-color-schemes, both `light dark`, in two <meta>",
    why="Apple Mail turns colours round by itself otherwise (caniemail html-meta-color-scheme).",
)
DPI = Rule(
    code="office-dpi",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="put OfficeDocumentSettings with PixelsPerInch 96 into an [if mso] comment in the head",
    why="Outlook enlarges pictures on screens of 120 dpi otherwise (caniemail html-width).",
)
RULES = (QUIRKS, OLD, TITLE, CHARSET, VIEWPORT, SCALING, DETECTION, SCHEME, DPI)

APPLE = ("Apple Mail iOS", "Apple Mail macOS")
IOS = ("Apple Mail iOS",)
OUTLOOK = ("Outlook Windows",)


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Look at a mail's first line and its head."""
    seen = page(mail)
    if not seen.elements:
        return
    yield from _doctype(mail.html)
    yield from _title(seen)
    if not re.search("charset=", mail.html[:CHARSET_WITHIN], re.IGNORECASE):
        problem = f"the first {CHARSET_WITHIN} bytes name no charset"
        yield CHARSET.broken(problem, where="head")
    yield from _metas(seen)
    if not any("PixelsPerInch" in one.text for one in seen.comments if one.conditional):
        yield DPI.broken("nothing tells Outlook its pixels", where="head", clients=OUTLOOK)


def _doctype(html: str) -> Iterator[Finding]:
    start = BEFORE.match(html)
    found = DOCTYPE.match(html, start.end() if start else 0)
    if not found:
        yield QUIRKS.broken("there is no document type", where="html", line=1)
        return
    public, system = (found["public"] or "").lower(), found["system"] or ""
    if not public:
        if system and system != "about:legacy-compat":
            yield OLD.broken("the document type names a file", where="html", line=1)
    elif public.startswith(STANDARD) or (system and public.startswith(WITH_SYSTEM)):
        yield OLD.broken("the document type is an old one", where="html", line=1)
    else:
        yield QUIRKS.broken("the document type asks for quirks mode", where="html", line=1)


def _title(seen: Page) -> Iterator[Finding]:
    if not any((title.text or "").strip() for title in seen.tagged("title")):
        yield TITLE.broken("the mail has no title", where="head")


def _metas(seen: Page) -> Iterator[Finding]:
    said = {
        meta.get("name", "").strip().lower(): meta.get("content", "").lower()
        for meta in seen.tagged("meta")
    }
    if "width=device-width" not in said.get("viewport", "").replace(" ", ""):
        yield VIEWPORT.broken("the head says nothing of the viewport", where="head")
    if "x-apple-disable-message-reformatting" not in said:
        yield SCALING.broken("iOS may shrink the mail", where="head", clients=IOS)
    if "telephone=no" not in said.get("format-detection", "").replace(" ", ""):
        problem = "dates and numbers may become links"
        yield DETECTION.broken(problem, where="head", clients=APPLE)
    for name in ("color-scheme", "supported-color-schemes"):
        if "dark" not in said.get(name, ""):
            yield SCHEME.broken(f"{name} is not said", where="head", clients=APPLE)
