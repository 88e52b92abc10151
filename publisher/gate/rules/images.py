"""Images: described, sized, and from where they may come; what is left without them.

Nothing is fetched.
"""

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import PurePosixPath
from urllib.parse import SplitResult, unquote, urlsplit

from lxml import etree

from publisher.gate.css.stylesheet import Declaration, pixels
from publisher.gate.findings import Finding
from publisher.gate.mail import CheckedMail, HtmlDocument, clip_text, finding, finding_of
from publisher.gate.mail_clients.caniemail import OUTLOOK_WINDOWS
from publisher.i18n.messages import counted, message

_FILE_NAME = re.compile(
    r"[^\s/]+\.(?:png|jpe?g|gif|webp|avif|svg|bmp|heic|tiff?)", re.IGNORECASE
)
_WHOLE = re.compile(r"[0-9]{1,6}")
# Pixels. An image of this size is not seen: it tracks recipients or makes room.
_PIXEL = 2.0
# Pixels. An attribute of more than this leaves a hole: a logo may have one, a photograph may not.
_TALLEST = 120
# Letters. A mail with fewer is an image of a mail.
_FEWEST_LETTERS = 80


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Check every image, also those of style sheets."""
    document = mail.document
    for image in document.tagged("img"):
        applied = document.declared[image]
        yield from _alt(image)
        yield from _measures(image, applied)
        if not _is_beside_text(image, document):
            yield from _form(image, applied)
    yield from _sources(mail)
    yield from _only_images(document)


def _sources(mail: CheckedMail) -> Iterator[Finding]:
    used: set[int] = set()
    for element, applied in mail.document.declared.items():
        has_address = element.tag == "img" or element.get("background") or element.get("srcset")
        addresses = _attribute_addresses(element) if has_address else []
        for declared in applied:
            if declared.urls:
                used.add(id(declared))
                addresses += [(declared.name, url.strip()) for url in declared.urls]
        for name, address in addresses:
            yield from _source(mail, element, name, address)
    for block in mail.document.style_blocks:
        # What only applies to other windows and modes.
        declared_in = chain(
            block.sheet.loose, *(rule.declarations for rule in block.sheet.rules)
        )
        unused = [one for one in declared_in if id(one) not in used]
        for name, address in [(one.name, url.strip()) for one in unused for url in one.urls]:
            yield from _source(mail, block.element, name, address)


def _alt(image: etree._Element) -> Iterator[Finding]:
    alt = image.get("alt")
    name = PurePosixPath(unquote(_split(image.get("src", "")).path)).name
    if alt is None:
        yield finding("img-alt", image, "it has no alt")
    elif alt.strip() and (
        alt.strip().lower() == name.lower() or _FILE_NAME.fullmatch(alt.strip())
    ):
        yield finding("img-alt", image, "its alt is a file's name, %(alt)s", alt=clip_text(alt))


def _measures(image: etree._Element, applied: tuple[Declaration, ...]) -> Iterator[Finding]:
    attributes = {name: image.get(name, "").strip() for name in ("width", "height")}
    styled = {d.name: pixels(d.value, 16.0) for d in applied if d.name in attributes}
    sizes = [
        float(value) if _WHOLE.fullmatch(value) else styled.get(name)
        for name, value in attributes.items()
    ]
    if any(size is not None and size <= _PIXEL for size in sizes):
        yield finding("img-pixel", image, "an image is too small to be seen")
        return
    for name, value in attributes.items():
        problem = message("its %(name)s is %(value)s", name=name, value=clip_text(value))
        if not value and name == "width":
            yield finding("img-size", image, "it has no %(name)s", name=name)
        elif value and not _WHOLE.fullmatch(value):
            yield finding_of("img-size", image, problem)
        elif value and name == "height" and int(value) > _TALLEST:
            yield finding_of("img-hole", image, problem)


def _is_beside_text(image: etree._Element, document: HtmlDocument) -> bool:
    """Return whether an image, or the link around it, stands in a line of text."""
    parent = image.getparent()
    while (
        parent is not None
        and parent.tag in {"a", "span"}
        and not "".join(document.own_texts[parent]).strip()
    ):
        parent = parent.getparent()
    return parent is not None and bool("".join(document.own_texts[parent]).strip())


def _form(image: etree._Element, applied: tuple[Declaration, ...]) -> Iterator[Finding]:
    values = {declared.name: declared.value.lower() for declared in applied}
    if values.get("display", "") not in {"block", "none"}:
        yield finding("img-block", image, "it is not display:block")
    plain = values.get("border", values.get("border-width", "")).startswith(("0", "none"))
    linked = next(image.iterancestors("a"), None) is not None
    if linked and not plain and image.get("border") != "0":
        yield finding(
            "img-block", image, "it is linked, and not border:0", clients=OUTLOOK_WINDOWS
        )


def _attribute_addresses(element: etree._Element) -> list[tuple[str, str]]:
    found = []
    if element.tag == "img":
        found.append(("src", element.get("src", "").strip()))
    if background := element.get("background"):
        found.append(("background", background.strip()))
    candidates = [one.split() for one in element.get("srcset", "").split(", ")]
    return found + [("srcset", words[0]) for words in candidates if words]


def _source(
    mail: CheckedMail, element: etree._Element, name: str, address: str
) -> Iterator[Finding]:
    parts = _split(address)
    scheme = parts.scheme.lower()
    if not address:
        yield finding("img-source", element, "its %(name)s is empty", name=name)
    elif scheme not in {"http", "https"} or not parts.hostname:
        problem = message("its %(name)s is not a whole address", name=name)
        if scheme:
            problem = message(
                "its %(name)s is a %(scheme)s: address", name=name, scheme=clip_text(scheme)
            )
        yield finding_of("img-source", element, problem)
    else:
        if scheme == "http":
            yield finding("img-insecure", element, "its %(name)s comes by http", name=name)
        if mail.hosts and parts.hostname not in mail.hosts:
            yield finding(
                "img-host",
                element,
                "its %(name)s comes from %(hostname)s",
                name=name,
                hostname=clip_text(parts.hostname),
            )


def _only_images(document: HtmlDocument) -> Iterator[Finding]:
    image = next(document.tagged("img"), None)
    if image is None:
        return
    letters = sum([sum(map(str.isalnum, shown.text)) for shown in document.styles.texts])
    if letters < _FEWEST_LETTERS:
        yield finding_of(
            "img-only",
            image,
            counted(
                "the mail has images and %(count)s letter",
                "the mail has images and %(count)s letters",
                letters,
            ),
        )


def _split(address: str) -> SplitResult:
    try:
        return urlsplit(address)
    except ValueError:
        return SplitResult("", "", "", "", "")
