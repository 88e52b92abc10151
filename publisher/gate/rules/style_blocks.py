"""What stands in <style>: where, how much, and in what form.

Knows nothing of what the rules do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.gate.css.selectors import WHOLE_WORD
from publisher.gate.findings import Finding, MailPart, Rule, Severity
from publisher.gate.html_document import Page, StyleBlock, at, clip_text, page
from publisher.gate.mail import CheckedMail

# Gmail ignores a <style> that would bring the total over 16 kB; it was 8,192 bytes once.
MOST_BYTES = 16_384
NEAR = 8_192

IMPORTANT = re.compile(r"!\s{0,20}important", re.IGNORECASE)
COMMENT = re.compile(r"/\*.*?(?:\*/|$)", re.DOTALL)
# A phone's layout, which Gmail would keep.
FOR_PHONES = re.compile(r"(?:min|max)-(?:device-)?width")

GMAIL = ("Gmail web", "Gmail iOS", "Gmail Android")
OUTLOOK = ("Outlook Windows",)

PLACE = Rule(
    code="style-place",
    severity=Severity.ERROR,
    part=MailPart.HTML,
    fix="move the <style> into the <head>",
    why="Gmail ignores a <style> in the body (caniemail html-style).",
)
SIZE = Rule(
    code="style-size",
    severity=Severity.ERROR,
    part=MailPart.HTML,
    fix=f"keep all <style> together below {MOST_BYTES:,} bytes: inline what can be inlined",
    why="Gmail ignores what is over 16 kB (hteumeuleu/email-bugs#90).",
)
NEARLY = Rule(
    code="style-size-near",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix=f"keep all <style> together below {NEAR:,} bytes",
    why="That was Gmail's limit for years (hteumeuleu/email-bugs#90).",
)
NESTED = Rule(
    code="style-nested",
    severity=Severity.ERROR,
    part=MailPart.HTML,
    fix="put no @ rule into another, and no rule into a rule",
    why="Gmail drops the whole <style> (hteumeuleu/email-bugs#21).",
)
IMPORT = Rule(
    code="style-import",
    severity=Severity.ERROR,
    part=MailPart.HTML,
    fix="take @import out, and inline what it brought",
    why="Gmail and Outlook ignore it, and others ask a server who reads (caniemail css-at-import).",
)
SYNTAX = Rule(
    code="style-syntax",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="mend the style sheet",
    why="Gmail drops a <style> that it can't parse, others a rule.",
)
RISK = Rule(
    code="style-risk",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="put it into a <style> of its own, after the others",
    why="What Gmail does not know may cost the <style> in which it stands, and the layout for "
    "phones with it.",
)
FORM = Rule(
    code="important-form",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="write ` !important` in small letters, with a space before it",
    why="Outlook for Windows needs the space, Gmail the small letters (caniemail css-important).",
)
RULES = (PLACE, SIZE, NEARLY, NESTED, IMPORT, SYNTAX, RISK, FORM)


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Look at every <style> that all mail programs see."""
    seen = page(mail)
    yield from _size(seen)
    for block in seen.blocks:
        if not block.in_head:
            yield at(PLACE, block.element, "a <style> stands in the body", GMAIL)
        yield from _at_rules(block)
        yield from _syntax(block)
        yield from _risk(block)
        yield from _form(block)


def _size(seen: Page) -> Iterator[Finding]:
    size = sum(len(block.css.encode(errors="replace")) for block in seen.blocks)
    rule = SIZE if size > MOST_BYTES else NEARLY
    if size > NEAR:
        yield at(rule, seen.blocks[0].element, f"the styles have {size:,} bytes", GMAIL)


def _found(rule: Rule, block: StyleBlock, line: int, problem: str, *clients: str) -> Finding:
    return rule.broken(problem, where="style", line=block.line + line - 1, clients=clients)


def _at_rules(block: StyleBlock) -> Iterator[Finding]:
    for rule in block.sheet.at_rules:
        if rule.name == "import":
            yield _found(IMPORT, block, rule.line, f"@import {clip_text(rule.prelude)}")
        if rule.depth:
            yield _found(
                NESTED, block, rule.line, f"@{clip_text(rule.name)} is in another rule", *GMAIL
            )
    for line in block.sheet.nested:
        yield _found(NESTED, block, line, "a rule is in another rule", *GMAIL)


def _syntax(block: StyleBlock) -> Iterator[Finding]:
    for fault in block.sheet.faults:
        yield _found(SYNTAX, block, fault.line, clip_text(fault.problem))
    if "<!--" in block.css:
        line = block.css[: block.css.index("<!--")].count("\n") + 1
        yield _found(SYNTAX, block, line, "<!-- is no comment in a style sheet")


def _risk(block: StyleBlock) -> Iterator[Finding]:
    sheet = block.sheet
    if not any(FOR_PHONES.search(rule.prelude) for rule in sheet.at_rules):
        return
    for rule in sheet.at_rules:
        if rule.name in {"font-face", "supports"} or "prefers-" in rule.prelude:
            problem = f"@{clip_text(rule.name)} {clip_text(rule.prelude)} stands beside the layout for phones"
            yield _found(RISK, block, rule.line, problem, *GMAIL)
    for style in sheet.rules:
        for selector in style.selectors:
            asked = (one for compound in selector.compounds for one in compound.attributes)
            # Gmail knows [class~=x], and no other attribute selector.
            if any((one.name, one.operator) != ("class", WHOLE_WORD) for one in asked):
                problem = "an attribute selector stands beside the layout for phones"
                yield _found(RISK, block, style.line, problem, *GMAIL)


def _form(block: StyleBlock) -> Iterator[Finding]:
    css = COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), block.css)
    for found in IMPORTANT.finditer(css):
        before = css[max(0, found.start() - 1) : found.start()]
        if found[0] != "!important" or not before.isspace():
            line = css.count("\n", 0, found.start()) + 1
            problem = f"it is written {clip_text(before + found[0])}"
            yield _found(FORM, block, line, problem, *OUTLOOK)
