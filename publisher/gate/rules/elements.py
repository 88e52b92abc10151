"""Which elements and attributes a mail may have; headings; what Outlook's comments hold.

Knows no style.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from publisher.gate.findings import Finding, MailPart, Rule, Severity
from publisher.gate.html_document import Comment, Page, at, clip_text, page
from publisher.gate.mail import CheckedMail
from publisher.gate.mail_clients.caniemail import load

# Mail programs take these out, run the risk of them, or hold the mail for an attack.
FORBIDDEN = frozenset(
    {
        "script", "noscript", "form", "input", "button", "select", "textarea", "option",
        "iframe", "frame", "frameset", "object", "embed", "applet", "param",
        "video", "audio", "source", "track", "svg", "math", "canvas",
        "link", "base", "template", "slot", "dialog", "portal",
    }
)  # fmt: skip
# What every mail program shows, or shows the text of.
PLAIN = frozenset(
    {
        "html", "head", "meta", "title", "style", "body", "div", "p", "span", "br", "hr", "wbr",
        "table", "caption", "colgroup", "col", "thead", "tbody", "tfoot", "tr", "td", "th",
        "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "dl", "dt", "dd",
        "a", "img", "strong", "em", "b", "i", "u", "s", "del", "ins", "sub", "sup", "small",
        "center", "font", "blockquote", "q", "cite", "code", "pre", "kbd", "samp", "var",
        "abbr", "address", "bdo", "dfn", "strike", "tt", "big", "nobr", "map", "area",
    }
)  # fmt: skip

# A condition is short; the limit keeps a broken mail from being searched through many times.
CONDITION = re.compile(r"<!(?:--)?\s{0,9}\[\s{0,9}if\b[^\]]{0,200}\]", re.IGNORECASE)
END = re.compile(r"<!\s{0,9}\[\s{0,9}endif\s{0,9}\]", re.IGNORECASE)
BARE = re.compile(r"<!\s{0,9}\[\s{0,9}if\b[^\]]{0,200}\]>", re.IGNORECASE)
# What premailer and other parsers make of the form without dashes.
BROKEN = re.compile(r"<!--\[\s{0,9}if\b[^\]]{0,200}\]-->", re.IGNORECASE)
GHOST = re.compile(r"<(/?)(table|tr|td)\b", re.IGNORECASE)

OUTLOOK = ("Outlook Windows",)

ELEMENT = Rule(
    code="element-forbidden",
    severity=Severity.ERROR,
    part=MailPart.HTML,
    fix="take it out; link to a web page that has it",
    why="Mail programs remove scripts, forms, frames, media and outer style sheets, and filters "
    "take them for an attack (caniemail html-form, html-video, html-link).",
)
HANDLER = Rule(
    code="event-handler",
    severity=Severity.ERROR,
    part=MailPart.HTML,
    fix="take every on… attribute out",
    why="No mail program runs scripts, and filters take them for an attack.",
)
REFRESH = Rule(
    code="meta-refresh",
    severity=Severity.ERROR,
    part=MailPart.HTML,
    fix="take <meta http-equiv=refresh> out",
    why="A mail that leads elsewhere by itself is held for an attack.",
)
UNKNOWN = Rule(
    code="element-unknown",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="use a table, a div or a span in its place",
    why="Mail programs take out what they do not know, with what is in it or without.",
)
BALANCE = Rule(
    code="mso-balance",
    severity=Severity.ERROR,
    part=MailPart.HTML,
    fix="close every <!--[if mso]> with <![endif]-->, and use only the forms with dashes",
    why="Outlook for Windows loses the rest of the mail in a comment that is left open.",
)
GHOSTS = Rule(
    code="mso-tables",
    severity=Severity.ERROR,
    part=MailPart.HTML,
    fix="open and close table, tr and td in Outlook's comments in pairs",
    why="Outlook for Windows lays the mail out in these tables; one too few breaks all.",
)
FIRST = Rule(
    code="heading-first",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="give the mail exactly one <h1>, its name",
    why="Readers of screen readers go from heading to heading (WCAG 2.2, 1.3.1, 2.4.6).",
)
ORDER = Rule(
    code="heading-order",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="go down by one level at a time: <h2> below <h1>, <h3> below <h2>",
    why="A level that is left out sounds like a part that is missing (WCAG 2.2, 1.3.1).",
)
RULES = (ELEMENT, HANDLER, REFRESH, UNKNOWN, BALANCE, GHOSTS, FIRST, ORDER)


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Look at a mail's elements."""
    seen = page(mail)
    if not seen.elements:
        return
    yield from _elements(seen)
    yield from _balance(mail.html)
    yield from _ghosts([one for one in seen.comments if one.conditional])
    yield from _headings(seen)


def _elements(seen: Page) -> Iterator[Finding]:
    tested = load().features
    for element in seen.elements:
        tag = clip_text(str(element.tag))
        if tag in FORBIDDEN:
            yield at(ELEMENT, element, f"<{tag}> is in the mail")
        elif tag not in PLAIN and f"html-{tag}" not in tested and tag not in SEMANTIC:
            yield at(UNKNOWN, element, f"<{tag}> is no element that mail programs know")
        names = map(str, element.keys())
        handler = next((name for name in names if name.lower().startswith("on")), None)
        if handler:
            yield at(HANDLER, element, f"it has {clip_text(handler)}")
        if tag == "meta" and element.get("http-equiv", "").lower() == "refresh":
            yield at(REFRESH, element, "the mail leads elsewhere by itself")


# caniemail knows these together, as html-semantics and html-image-maps.
SEMANTIC = frozenset(
    {
        "article", "aside", "details", "figcaption", "figure", "footer", "header", "main",
        "mark", "nav", "section", "summary", "time",
    }
)  # fmt: skip


def _balance(html: str) -> Iterator[Finding]:
    opened, closed = len(CONDITION.findall(html)), len(END.findall(html))
    if opened != closed:
        problem = f"{opened} conditional comments begin and {closed} end"
        yield BALANCE.broken(problem, where="<!--[if]>", clients=OUTLOOK)
    for pattern, problem in (
        (BARE, "a condition is written without dashes, which parsers break"),
        (BROKEN, "a conditional comment ends where it begins"),
    ):
        for found in pattern.finditer(html):
            yield BALANCE.broken(
                problem,
                where=clip_text(found[0]),
                line=html.count("\n", 0, found.start()) + 1,
                clients=OUTLOOK,
            )


def _ghosts(comments: list[Comment]) -> Iterator[Finding]:
    opened: Counter[str] = Counter()
    for comment in comments:
        for found in GHOST.finditer(comment.text):
            opened[found[2].lower()] += -1 if found[1] else 1
    for tag, count in sorted(opened.items()):
        if count:
            problem = f"{abs(count)} <{tag}> more {'opened' if count > 0 else 'closed'} than "
            problem += "closed" if count > 0 else "opened"
            yield GHOSTS.broken(
                problem, where="<!--[if mso]>", line=comments[0].line, clients=OUTLOOK
            )


def _headings(seen: Page) -> Iterator[Finding]:
    headings = list(seen.tagged("h1", "h2", "h3", "h4", "h5", "h6"))
    first = [heading for heading in headings if heading.tag == "h1"]
    if not first:
        yield FIRST.broken("there is no <h1>", where="body")
    for heading in first[1:]:
        yield at(FIRST, heading, "there is more than one <h1>")
    level = 0
    for heading in headings:
        own = int(str(heading.tag)[1])
        if level and own > level + 1:
            yield at(ORDER, heading, f"<h{own}> comes after <h{level}>")
        level = own
