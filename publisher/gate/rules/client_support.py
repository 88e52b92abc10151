"""How much of a mail arrives, and what it uses that large mail clients don't support.

Checked are its bytes before and after encoding, its depth, its style blocks, and Gmail, Outlook, Apple Mail and Yahoo
(caniemail.com). `accepted_features.toml` lists what a mail may use all the same, each with a reason.
"""

import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from publisher.gate.findings import Finding
from publisher.gate.mail import (
    MOST_CHARACTERS,
    CheckedMail,
    HtmlDocument,
    StyleBlock,
    clip_text,
    finding,
    finding_of,
)
from publisher.gate.mail_clients import caniemail
from publisher.gate.mail_clients.caniemail import CHECKED_CLIENTS, Support
from publisher.i18n.messages import message, untranslated
from publisher.mail_limits import MAX_HTML_BYTES, MAX_NESTING

# caniemail's note on hundreds of features: in Gmail's apps, mail of accounts of other providers
# has no <style> and few properties. It must be readable there, not more.
_FOREIGN_ACCOUNTS = "non google accounts"

# Features that a mail may use although not all clients support them, each with the reason.
ACCEPTED_FEATURES: dict[str, str] = tomllib.loads(
    Path(__file__).with_name("accepted_features.toml").read_text(encoding="utf-8")
)

_BY_CATEGORY = {"html": "html-support", "css": "css-support", "image": "image-support"}


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Compare each feature that a mail uses with what clients support."""
    yield from _delivered(mail)
    for use in caniemail.used_features(mail.document):
        for code, problem, clients in _problems(use.slug, use.within, use.is_for_outlook):
            yield finding_of(code, use.where, problem, line=use.line, clients=clients)


@lru_cache(maxsize=1024)
def _problems(
    slug: str, within: tuple[str, ...], is_for_outlook: bool
) -> list[tuple[str, str, tuple[str, ...]]]:
    feature = caniemail.client_feature(slug)
    if slug in ACCEPTED_FEATURES or feature.category not in _BY_CATEGORY:
        return []
    lacking = [
        client
        for client in _clients_that_meet(within, is_for_outlook)
        if feature.support[client] in {Support.NO, Support.PARTLY}
    ]
    affected = {
        client: feature.support[client]
        for client in lacking
        if not (notes := feature.notes_for(client))
        or any(_FOREIGN_ACCOUNTS not in note.lower() for note in notes)
    }
    found = []
    for support in sorted(set(affected.values()), reverse=True):  # "n" before "a"
        clients = [client for client, result in affected.items() if result == support]
        if clients:
            code = (
                "partial-support"
                if support == Support.PARTLY
                else _BY_CATEGORY[feature.category]
            )
            names = tuple([caniemail.client_names()[client] for client in clients])
            found.append((code, _problem(feature, support, clients[0]), names))
    return found


def _clients_that_meet(within: tuple[str, ...], is_for_outlook: bool) -> list[str]:
    """Return the clients that don't skip what is around a use."""
    skipping: set[str] = set()
    for slug in within:
        skipping |= _clients_without(slug)
    clients = [client for client in CHECKED_CLIENTS if client not in skipping]
    return [one for one in clients if one.startswith("outlook.")] if is_for_outlook else clients


@lru_cache(maxsize=256)
def _clients_without(slug: str) -> frozenset[str]:
    support = caniemail.client_feature(slug).support
    return frozenset([client for client in CHECKED_CLIENTS if support[client] == Support.NO])


def _problem(feature: caniemail.ClientFeature, support: Support, client: str) -> str:
    problem = message("%(title)s is not supported", title=feature.title)
    if support == Support.PARTLY:
        problem = message("%(title)s is supported in part", title=feature.title)
        if note := next(iter(feature.notes_for(client)), ""):
            words = untranslated(clip_text(note, 120))
            problem = message("%(sentence)s: %(words)s", sentence=problem, words=words)
    tested = feature.tested[:7]
    return message(
        "%(problem)s (%(slug)s, tested %(tested)s)",
        problem=problem,
        slug=feature.slug,
        tested=tested,
    )


_MOST_ENCODED = 102_000  # Bytes of the HTML part as it is sent. Gmail may count these.
_NEAR_BYTES = 60_000  # bytes from which on there is little room left


def _check_size(mail: CheckedMail) -> Iterator[Finding]:
    size, sent = len(mail.html.encode(errors="replace")), _sent_size(mail)
    if size > MAX_HTML_BYTES:
        problem = message("the HTML has %(size)s bytes", size=size)
        if len(mail.html) > MOST_CHARACTERS:
            problem = message(
                "the HTML has %(size)s bytes, too long for a closer look", size=size
            )
        yield finding_of("html-size", "html", problem)
    elif sent > _MOST_ENCODED:
        yield finding("html-size", "html", "the HTML is sent as %(sent)s bytes", sent=sent)
    elif size > _NEAR_BYTES:
        yield finding("html-size-near", "html", "the HTML has %(size)s bytes", size=size)
    if (depth := mail.document.depth) > MAX_NESTING:
        yield finding("html-depth", "html", "elements are nested %(depth)s deep", depth=depth)


def _sent_size(mail: CheckedMail) -> int:
    """Return the bytes of the encoded part as SMTP carries it, with CRLF."""
    body = mail.html_part.get_payload() if mail.html_part is not None else ""
    return len(body.replace("\r\n", "\n").replace("\n", "\r\n")) if isinstance(body, str) else 0


# Bytes. Gmail ignores a <style> that brings the total over this; the limit was once 8,192.
_MOST_BYTES = 16_384
_NEAR = 8_192

_IMPORTANT = re.compile(r"!\s{0,20}important", re.IGNORECASE)
_COMMENT = re.compile(r"/\*.*?(?:\*/|$)", re.DOTALL)
_FOR_PHONES = re.compile(r"(?:min|max)-(?:device-)?width")  # of a layout that Gmail keeps


def _delivered(mail: CheckedMail) -> Iterator[Finding]:
    """Check every <style> outside of conditional comments."""
    yield from _check_size(mail)
    document = mail.document
    yield from _size(document)
    for block in document.style_blocks:
        if not block.is_in_head:
            yield finding("style-place", block.element, "a <style> stands in the body")
        yield from _at_rules(block)
        yield from _syntax(block)
        yield from _risk(block)
        yield from _form(block)


def _size(document: HtmlDocument) -> Iterator[Finding]:
    size = sum(len(block.css.encode(errors="replace")) for block in document.style_blocks)
    code = "style-size" if size > _MOST_BYTES else "style-size-near"
    if size > _NEAR:
        yield finding(
            code, document.style_blocks[0].element, "the styles have %(size)s bytes", size=size
        )


def _found(code: str, block: StyleBlock, line: int, problem: str) -> Finding:
    return finding_of(code, "style", problem, line=block.line + line - 1)


def _at_rules(block: StyleBlock) -> Iterator[Finding]:
    for rule in block.sheet.at_rules:
        if rule.name == "import":
            yield _found("style-import", block, rule.line, f"@import {clip_text(rule.prelude)}")
        if rule.depth:
            yield _found(
                "style-nested",
                block,
                rule.line,
                message("@%(name)s is in another rule", name=clip_text(rule.name)),
            )
    for line in block.sheet.nested:
        yield _found("style-nested", block, line, message("a rule is in another rule"))


def _syntax(block: StyleBlock) -> Iterator[Finding]:
    for fault in block.sheet.faults:
        yield _found("style-syntax", block, fault.line, untranslated(clip_text(fault.problem)))
    if "<!--" in block.css:
        line = block.css[: block.css.index("<!--")].count("\n") + 1
        yield _found(
            "style-syntax", block, line, message("<!-- is not a comment in a style sheet")
        )


def _risk(block: StyleBlock) -> Iterator[Finding]:
    sheet = block.sheet
    if not any(_FOR_PHONES.search(rule.prelude) for rule in sheet.at_rules):
        return
    for rule in sheet.at_rules:
        if rule.name in {"font-face", "supports"} or "prefers-" in rule.prelude:
            problem = message(
                "@%(name)s %(prelude)s stands beside the layout for phones",
                name=clip_text(rule.name),
                prelude=clip_text(rule.prelude),
            )
            yield _found("style-risk", block, rule.line, problem)
    for style in sheet.rules:
        for selector in style.selectors:
            # Gmail supports [class~=x], and no other attribute selector.
            if any(
                (name, operator) != ("class", "~=") for name, operator, _ in selector.attributes
            ):
                problem = message("an attribute selector stands beside the layout for phones")
                yield _found("style-risk", block, style.line, problem)


def _form(block: StyleBlock) -> Iterator[Finding]:
    css = _COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), block.css)
    for found in _IMPORTANT.finditer(css):
        before = css[max(0, found.start() - 1) : found.start()]
        if found[0] != "!important" or not before.isspace():
            line = css.count("\n", 0, found.start()) + 1
            problem = message("it is written %(before)s", before=clip_text(before + found[0]))
            yield _found("important-form", block, line, problem)
