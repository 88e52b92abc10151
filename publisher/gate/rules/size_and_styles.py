"""How much of a mail arrives: bytes before and after encoding, depth, and its style blocks."""

import re
from collections.abc import Iterator

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
from publisher.i18n.messages import message, untranslated
from publisher.mail_limits import MAX_HTML_BYTES, MAX_NESTING

# Bytes of the HTML part as it is sent. Gmail may count these.
_MOST_ENCODED = 102_000
# Bytes from which on there is little room left.
_NEAR_BYTES = 60_000


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
# The layout for phones, which Gmail keeps.
_FOR_PHONES = re.compile(r"(?:min|max)-(?:device-)?width")


def check(mail: CheckedMail) -> Iterator[Finding]:
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
