"""Links and images: addresses, texts, sizes, and the links that a mail owes its recipients.

A mail owes an unsubscribe link, a page to read it on, and a postal address. The message's own
header fields say which links these are, so that it works in every language. Nothing is fetched.
"""

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import PurePosixPath
from urllib.parse import SplitResult, unquote, urlsplit

from lxml import etree

from publisher.gate.css.computed_style import language_of
from publisher.gate.css.stylesheet import Declaration, pixels
from publisher.gate.findings import Finding
from publisher.gate.mail import (
    CheckedMail,
    HtmlDocument,
    clip_text,
    finding,
    finding_of,
    text_content,
)
from publisher.gate.mail_clients.caniemail import OUTLOOK_WINDOWS
from publisher.i18n.messages import counted, message
from publisher.mail_limits import MAX_URL_LENGTH

# What addresses and texts of unsubscribe links contain, in the languages of mailing services.
_UNSUBSCRIBE_WORDS = re.compile(
    r"unsub|opt-?_?out|abmeld|austrag|d[eé]s?-?(?:abonn|inscri|suscri)|disiscri|disiscriv"
    r"|descadastr|cancelar|afmeld|list-manage",
    re.IGNORECASE,
)
_IN_BRACKETS = re.compile(r"<\s*([^<>\s]+)\s*>")


def _check_footer(mail: CheckedMail) -> Iterator[Finding]:
    document = mail.document
    if not document.elements:
        return
    styles = document.styles.by_element
    links = [
        link for link in document.tagged("a") if not styles[link].is_hidden and link.get("href")
    ]
    addresses = {_without_query(one) for one in _addresses(mail, "List-Unsubscribe")}
    owes_link = not mail.is_about_subscription
    if owes_link and not any(_unsubscribes(link, addresses) for link in links):
        yield finding("unsubscribe", "body", "there is no visible unsubscribe link")
    online = _addresses(mail, "Archived-At")
    if online and not any(link.get("href") in online for link in links):
        yield finding("view-online", "body", "nothing links to the mail's own page")
    if not mail.address:
        yield finding("postal-address", "body", "the publication has no postal address")
    elif not _shows_address(mail):
        yield finding("postal-address", "body", "the postal address is not in the mail")


def _addresses(mail: CheckedMail, name: str) -> list[str]:
    return _IN_BRACKETS.findall(mail.header(name))


def _unsubscribes(link: etree._Element, addresses: set[str]) -> bool:
    href = link.get("href", "").strip()
    return bool(
        _without_query(href) in addresses
        or _UNSUBSCRIBE_WORDS.search(href)
        or _UNSUBSCRIBE_WORDS.search(text_content(link))
    )


def _without_query(address: str) -> str:
    try:
        return urlsplit(address)._replace(query="", fragment="").geturl()
    except ValueError:
        return address


def _shows_address(mail: CheckedMail) -> bool:
    """Return whether every line of the postal address is visible, however it is broken up."""
    shown = [one.text for one in mail.document.styles.texts]
    text = re.sub(r"\W", "", "".join(shown))
    return all(re.sub(r"\W", "", part) in text for part in mail.address.splitlines())


_NOTHING = urlsplit("")  # what can't be read as an address
# What placeholders of templates begin with.
_PLACEHOLDER = re.compile(r"\{\{|\{%|@@|\*\||%%|<%")
_SAFE = frozenset({"https", "http", "mailto", "tel"})
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_MAILBOX = re.compile(r"[^@\s<>]+@[^@\s<>]+\.\w+")


def check(mail: CheckedMail) -> Iterator[Finding]:
    yield from _images(mail)
    yield from _check_footer(mail)
    document = mail.document
    links = [link for link in document.tagged("a", "area") if link.get("href") is not None]
    places = {element.get("id") or element.get("name") for element in document.elements}
    for link in links:
        href = link.get("href", "").strip()
        if not href or href.startswith("#"):
            yield from _within(link, href, places)
        elif not _PLACEHOLDER.search(href):  # found by template_leftovers
            yield from _address(link, href)
            yield from _disguise(link, href)
    yield from _names(links)


def _within(link: etree._Element, href: str, places: set[str | None]) -> Iterator[Finding]:
    if href[1:] and href[1:] in places:
        yield finding("link-anchor", link, "it leads to another place in the mail")
    else:
        yield finding_of(
            "link-dead",
            link,
            message("it leads to %(href)s", href=clip_text(href))
            if href
            else message("its address is empty"),
        )


def _address(link: etree._Element, href: str) -> Iterator[Finding]:
    parts = _split(href)
    scheme = parts.scheme.lower() if parts else ""
    if parts is None:
        yield finding("link-scheme", link, "%(href)s is not an address", href=clip_text(href))
    elif scheme not in _SAFE:
        problem = message("%(href)s is not a whole address", href=clip_text(href))
        if scheme:
            problem = message(
                "%(href)s is a %(scheme)s: address",
                href=clip_text(href),
                scheme=clip_text(scheme),
            )
        yield finding_of("link-scheme", link, problem)
    elif scheme.startswith("http") and not parts.hostname:
        yield finding("link-scheme", link, "%(href)s has no host", href=clip_text(href))
    else:
        yield from _form(link, href, is_insecure=scheme == "http")


def _form(link: etree._Element, href: str, *, is_insecure: bool) -> Iterator[Finding]:
    if is_insecure:
        yield finding("link-insecure", link, "%(href)s goes by http", href=clip_text(href))
    if not href.isascii() or re.search(r"[\s<>\"{}|\\^`]", href):
        yield finding("link-form", link, "%(href)s is not encoded", href=clip_text(href))
    if len(href) > MAX_URL_LENGTH:
        yield finding_of(
            "link-form",
            link,
            counted(
                "an address has %(count)s character",
                "an address has %(count)s characters",
                len(href),
            ),
        )


def _split(href: str) -> SplitResult | None:
    try:
        parts = urlsplit(href)
        _ = parts.hostname, parts.port
    except ValueError:
        return None
    return parts


def _disguise(link: etree._Element, href: str) -> Iterator[Finding]:
    parts = _split(href)
    shown = text_content(link)
    if parts is None:
        return
    if parts.scheme.startswith("http") and (parts.username or "@" in parts.netloc):
        yield finding(
            "link-disguised",
            link,
            "%(href)s hides its host behind a name",
            href=clip_text(href),
        )
    if _ADDRESS.fullmatch(shown):
        said = _split(shown if "//" in shown else f"https://{shown}")
        if said and said.hostname and _host(said) != _host(parts):
            yield finding(
                "link-disguised",
                link,
                "it shows %(hostname)s and leads to %(target)s",
                hostname=clip_text(said.hostname),
                target=clip_text(parts.hostname or href),
            )
    elif parts.scheme == "mailto" and _MAILBOX.fullmatch(shown) and shown not in parts.path:
        yield finding(
            "link-disguised",
            link,
            "it shows %(shown)s and writes to %(path)s",
            shown=clip_text(shown),
            path=clip_text(parts.path),
        )


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").removeprefix("www.")
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return host


def _names(links: list[etree._Element]) -> Iterator[Finding]:
    named = {link: _name(link) for link in links}
    reached = {link.get("href") for link, name in named.items() if name}
    targets: dict[str, str] = {}
    for link, name in named.items():
        href = link.get("href", "")
        if not name:
            code = "link-unnamed" if href in reached else "link-name"
            yield finding(code, link, "it has no text and no label")
        elif language_of(link):
            continue  # a switch of languages, which leads to the same story
        elif targets.setdefault(name.lower(), href) != href:
            yield finding(
                "link-same-name",
                link,
                "%(name)s leads to different places",
                name=repr(clip_text(name)),
            )


def _name(link: etree._Element) -> str:
    """Return a link's accessible name, as screen readers compute it."""
    if label := (link.get("aria-label") or "").strip():
        return label
    pieces = [text_content(link), *(image.get("alt", "") for image in link.iter("img"))]
    return (
        " ".join(" ".join(pieces).split())
        or (link.get("title") or link.get("alt") or "").strip()
    )


_FILE_NAME = re.compile(
    r"[^\s/]+\.(?:png|jpe?g|gif|webp|avif|svg|bmp|heic|tiff?)", re.IGNORECASE
)
_WHOLE = re.compile(r"[0-9]{1,6}")
_PIXEL = 2.0  # Pixels. An image of this size is not seen: it tracks recipients or makes room.
# Pixels. An attribute of more than this leaves a hole: a logo may have one, a photograph may not.
_TALLEST = 120
_FEWEST_LETTERS = 80  # Letters. A mail with fewer is an image of a mail.


def _images(mail: CheckedMail) -> Iterator[Finding]:
    document = mail.document
    for image in document.tagged("img"):
        applied = document.declared[image]
        yield from _alt(image)
        yield from _measures(image, applied)
        if not _is_beside_text(image, document):
            yield from _image_form(image, applied)
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
    name = PurePosixPath(unquote((_split(image.get("src", "")) or _NOTHING).path)).name
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


def _image_form(image: etree._Element, applied: tuple[Declaration, ...]) -> Iterator[Finding]:
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
    parts = _split(address) or _NOTHING
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
