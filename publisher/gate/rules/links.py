"""Links: where they lead, what they are called, and that both agree.

Follows none. Knows no style.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from lxml import etree

from publisher.gate.css.computed_style import language_of
from publisher.gate.findings import Finding, MailPart, Rule, Severity
from publisher.gate.html_document import at, clip_text, page, text_of
from publisher.gate.mail import CheckedMail
from publisher.gate.rules.template_leftovers import MARKER

SAFE = frozenset({"https", "http", "mailto", "tel"})
# Some programs and servers cut what is longer.
LONGEST = 2000
ADDRESS = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
MAILBOX = re.compile(r"[^@\s<>]+@[^@\s<>]+\.\w+")

SCHEME = Rule(
    code="link-scheme",
    severity=Severity.ERROR,
    part=MailPart.HTML,
    fix="write the whole address, with https and a host",
    why="In a mail an address without a host leads nowhere, and javascript:, data: and file: "
    "are taken for an attack.",
)
DEAD = Rule(
    code="link-dead",
    severity=Severity.ERROR,
    part=MailPart.HTML,
    fix="give the link an address, or make it plain text",
    why="A reader who follows it gets nowhere.",
)
ANCHOR = Rule(
    code="link-anchor",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="link to the place on the web instead",
    why="Links within a mail do nothing in Gmail for iOS, and go astray in Yahoo "
    "(caniemail html-anchor-links).",
)
INSECURE = Rule(
    code="link-insecure",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="write https",
    why="Anybody on the way can read and change what comes by http; programs warn of it.",
)
FORM = Rule(
    code="link-form",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="percent-encode the path, write the host in punycode, and keep it short",
    why="Mail programs cut addresses at spaces, encode them twice, or cut long ones off (RFC 3986).",
)
DISGUISED = Rule(
    code="link-disguised",
    # An article says so, not the template: that must not hold up everybody's mail.
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="show the address that the link leads to, or words instead of an address",
    why="A link that shows another address than it leads to is how one phishes; programs warn "
    "of the whole mail.",
)
NAME = Rule(
    code="link-name",
    severity=Severity.ERROR,
    part=MailPart.HTML,
    fix="give the link words, or the picture in it an alt that says where it leads",
    why="Without pictures there is nothing to follow, and no other link leads there "
    "(WCAG 2.2, 2.4.4).",
)
UNNAMED = Rule(
    code="link-unnamed",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="give the link words, or the picture in it an alt that says where it leads",
    why="Screen readers spell the address out (WCAG 2.2, 2.4.4).",
)
SAME = Rule(
    code="link-same-name",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="say in aria-label where each of them leads",
    why="In a screen reader's list of links they are one and the same (WCAG 2.2, 2.4.4).",
)
RULES = (SCHEME, DEAD, ANCHOR, INSECURE, FORM, DISGUISED, NAME, UNNAMED, SAME)


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Look at every link."""
    seen = page(mail)
    links = [link for link in seen.tagged("a", "area") if link.get("href") is not None]
    places = {element.get("id") or element.get("name") for element in seen.elements}
    for link in links:
        href = link.get("href", "").strip()
        if not href or href.startswith("#"):
            yield from _within(link, href, places)
        elif not MARKER.search(href):  # which is `residue`'s business
            yield from _address(link, href)
            yield from _disguise(link, href)
    yield from _names(links)


def _within(link: etree._Element, href: str, places: set[str | None]) -> Iterator[Finding]:
    if href[1:] and href[1:] in places:
        yield at(
            ANCHOR,
            link,
            "it leads to another place in the mail",
            ("Gmail iOS", "Yahoo Mail iOS"),
        )
    else:
        yield at(
            DEAD, link, f"it leads to {clip_text(href)}" if href else "its address is empty"
        )


def _address(link: etree._Element, href: str) -> Iterator[Finding]:
    parts = _split(href)
    scheme = parts.scheme.lower() if parts else ""
    if parts is None:
        yield at(SCHEME, link, f"{clip_text(href)} is no address")
    elif scheme not in SAFE:
        kind = f"a {clip_text(scheme)}: address" if scheme else "no whole address"
        yield at(SCHEME, link, f"{clip_text(href)} is {kind}")
    elif scheme.startswith("http") and not parts.hostname:
        yield at(SCHEME, link, f"{clip_text(href)} has no host")
    else:
        if scheme == "http":
            yield at(INSECURE, link, f"{clip_text(href)} goes by http")
        if not href.isascii() or re.search(r"[\s<>\"{}|\\^`]", href):
            yield at(FORM, link, f"{clip_text(href)} is not encoded")
        if len(href) > LONGEST:
            yield at(FORM, link, f"an address has {len(href)} characters")


def _split(href: str) -> SplitResult | None:
    try:
        parts = urlsplit(href)
        _ = parts.hostname, parts.port
    except ValueError:
        return None
    return parts


def _disguise(link: etree._Element, href: str) -> Iterator[Finding]:
    parts = _split(href)
    shown = text_of(link)
    if parts is None:
        return
    if parts.scheme.startswith("http") and (parts.username or "@" in parts.netloc):
        yield at(DISGUISED, link, f"{clip_text(href)} hides its host behind a name")
    if ADDRESS.fullmatch(shown):
        said = _split(shown if "//" in shown else f"https://{shown}")
        if said and said.hostname and _host(said) != _host(parts):
            problem = f"it shows {clip_text(said.hostname)} and leads to {clip_text(parts.hostname or href)}"
            yield at(DISGUISED, link, problem)
    elif parts.scheme == "mailto" and MAILBOX.fullmatch(shown) and shown not in parts.path:
        yield at(
            DISGUISED,
            link,
            f"it shows {clip_text(shown)} and writes to {clip_text(parts.path)}",
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
            rule = UNNAMED if href in reached else NAME
            yield at(rule, link, "nothing says where it leads")
        elif language_of(link):
            continue  # a switch of languages: what it leads to is what it stands beside
        elif targets.setdefault(name.lower(), href) != href:
            yield at(SAME, link, f"{clip_text(name)!r} leads to different places")


def _name(link: etree._Element) -> str:
    """Give a link's accessible name, as screen readers come to it."""
    if label := (link.get("aria-label") or "").strip():
        return label
    pieces = [text_of(link), *(image.get("alt", "") for image in link.iter("img"))]
    return (
        " ".join(" ".join(pieces).split())
        or (link.get("title") or link.get("alt") or "").strip()
    )
