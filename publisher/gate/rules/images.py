"""Pictures: described, measured, from where they may come; and what is left without them.

Fetches nothing. Knows no style sheet beyond the addresses in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import SplitResult, unquote, urlsplit

from lxml import etree

from publisher.gate.css.computed_style import looks, styles_of
from publisher.gate.css.stylesheet import Declaration
from publisher.gate.css.values import length
from publisher.gate.findings import Finding, MailPart, Rule, Severity
from publisher.gate.html_document import Page, at, clip_text, page
from publisher.gate.mail import CheckedMail

FILE_NAME = re.compile(
    r"[^\s/]+\.(?:png|jpe?g|gif|webp|avif|svg|bmp|heic|tiff?)", re.IGNORECASE
)
WHOLE = re.compile(r"[0-9]{1,6}")
# Nobody sees what is this small; it is there to be fetched, or to push things apart.
PIXEL = 2.0
# A mail that says less in letters is a picture of a mail.
FEWEST_LETTERS = 80

OUTLOOK = ("Outlook Windows",)

ALT = Rule(
    code="img-alt",
    severity=Severity.ERROR,
    part=MailPart.HTML,
    fix='say in alt what the picture shows; alt="" if it only decorates',
    why="Many programs block pictures, and screen readers read the file's name instead "
    "(WCAG 2.2, 1.1.1).",
)
MEASURE = Rule(
    code="img-size",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="say width and height as attributes, in whole pixels",
    why="Outlook for Windows shows the file's own size otherwise, and the text jumps when "
    "pictures come (caniemail html-width).",
)
FORM = Rule(
    code="img-block",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="say display:block and border:0 in its style attribute",
    why="A picture stands on a line of text, with a gap below, and a linked one has had a border.",
)
SOURCE = Rule(
    code="img-source",
    severity=Severity.ERROR,
    part=MailPart.HTML,
    fix="put the picture on the web, and write its whole https address",
    why="A mail has no folder that an address could start from; Gmail shows no data: "
    "(caniemail image-base64), and cid: needs an attachment.",
)
INSECURE = Rule(
    code="img-insecure",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="write https",
    why="Webmail on https does not load what comes by http, or warns of it.",
)
HOST = Rule(
    code="img-host",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="put a copy beside the article",
    why="Whoever serves a picture learns who reads, when and where; filters go by such hosts.",
)
TRACE = Rule(
    code="img-pixel",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="take the picture out; make room with padding or height",
    why="It tells its server that somebody reads, and filters count it; Apple Mail fetches it "
    "whether one reads or not.",
)
ONLY = Rule(
    code="img-only",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="write the text as text",
    why="Where pictures are blocked nothing is left, and filters distrust it.",
)
RULES = (ALT, MEASURE, FORM, SOURCE, INSECURE, HOST, TRACE, ONLY)


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Look at every picture, also at those that styles name."""
    seen, sheets = page(mail), styles_of(mail)
    for image in seen.tagged("img"):
        applied = sheets.applied(image)
        yield from _alt(image)
        yield from _measures(image, applied)
        if not _is_beside_text(image):
            yield from _form(image, applied)
    for element in seen.elements:
        for name, address in _addresses(element, sheets.applied(element)):
            yield from _source(mail, element, name, address)
    yield from _sheets(mail, seen)
    yield from _only(mail, seen)


def _alt(image: etree._Element) -> Iterator[Finding]:
    alt = image.get("alt")
    name = PurePosixPath(unquote(_split(image.get("src", "")).path)).name
    if alt is None:
        yield at(ALT, image, "it has no alt")
    elif alt.strip() and (
        alt.strip().lower() == name.lower() or FILE_NAME.fullmatch(alt.strip())
    ):
        yield at(ALT, image, f"its alt is a file's name, {clip_text(alt)}")


def _measures(image: etree._Element, applied: tuple[Declaration, ...]) -> Iterator[Finding]:
    attributes = {name: image.get(name, "").strip() for name in ("width", "height")}
    styled = {d.name: length(d.value, 16.0) for d in applied if d.name in attributes}
    sizes = [
        float(value) if WHOLE.fullmatch(value) else styled.get(name)
        for name, value in attributes.items()
    ]
    if any(size is not None and size <= PIXEL for size in sizes):
        yield at(TRACE, image, "a picture is too small to be seen")
        return
    for name, value in attributes.items():
        if not value:
            yield at(MEASURE, image, f"it does not say its {name}", OUTLOOK)
        elif not WHOLE.fullmatch(value):
            yield at(MEASURE, image, f"its {name} is {clip_text(value)}", OUTLOOK)


def _is_beside_text(image: etree._Element) -> bool:
    """Tell whether a picture stands in a line of text; whatever links it stands there too."""
    element: etree._Element = image
    parent = image.getparent()
    while parent is not None and parent.tag in {"a", "span"} and not _words(parent):
        element, parent = parent, parent.getparent()
    return parent is not None and _words(parent) and element.tag != "body"


def _words(element: etree._Element) -> bool:
    held = [element.text, *(child.tail for child in element)]
    return any(piece and piece.strip() for piece in held)


def _form(image: etree._Element, applied: tuple[Declaration, ...]) -> Iterator[Finding]:
    values = {declared.name: declared.value.lower() for declared in applied}
    if values.get("display", "") not in {"block", "none"}:
        yield at(FORM, image, "it is not display:block")
    plain = values.get("border", values.get("border-width", "")).startswith(("0", "none"))
    linked = next(image.iterancestors("a"), None) is not None
    if linked and not plain and image.get("border") != "0":
        yield at(FORM, image, "it is linked, and not border:0", OUTLOOK)


def _addresses(
    element: etree._Element, applied: tuple[Declaration, ...]
) -> Iterator[tuple[str, str]]:
    if element.tag == "img":
        yield "src", element.get("src", "").strip()
    if background := element.get("background"):
        yield "background", background.strip()
    for candidate in element.get("srcset", "").split(", "):
        if candidate.strip():
            yield "srcset", candidate.split()[0]
    for declared in applied:
        for url in declared.urls:
            yield declared.name, url.strip()


def _source(
    mail: CheckedMail, element: etree._Element, name: str, address: str
) -> Iterator[Finding]:
    parts = _split(address)
    scheme = parts.scheme.lower()
    if not address:
        yield at(SOURCE, element, f"its {name} is empty")
    elif scheme not in {"http", "https"} or not parts.hostname:
        kind = f"a {clip_text(scheme)}: address" if scheme else "no whole address"
        yield at(SOURCE, element, f"its {name} is {kind}")
    else:
        if scheme == "http":
            yield at(INSECURE, element, f"its {name} comes by http")
        if mail.hosts and parts.hostname not in mail.hosts:
            yield at(HOST, element, f"its {name} comes from {clip_text(parts.hostname)}")


def _sheets(mail: CheckedMail, seen: Page) -> Iterator[Finding]:
    """Look at what only rules name: pictures for some screens, fonts."""
    applied = {id(d) for e in seen.elements for d in styles_of(mail).applied(e)}
    for block in seen.blocks:
        declared = (d for rule in block.sheet.rules for d in rule.declarations)
        for one in (*block.sheet.loose, *declared):
            for url in one.urls:
                if id(one) not in applied:
                    yield from _source(mail, block.element, one.name, url.strip())


def _only(mail: CheckedMail, seen: Page) -> Iterator[Finding]:
    letters = sum(sum(map(str.isalnum, shown.text)) for shown in looks(mail).texts)
    image = next(seen.tagged("img"), None)
    if image is not None and letters < FEWEST_LETTERS:
        yield at(ONLY, image, f"the mail has pictures and {letters} letters")


def _split(address: str) -> SplitResult:
    try:
        return urlsplit(address)
    except ValueError:
        return SplitResult("", "", "", "", "")
