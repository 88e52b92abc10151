"""Elements and attributes, headings, and the content of Outlook's conditional comments."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from publisher.gate.findings import Finding, html_error, html_warning
from publisher.gate.html_document import HtmlComment, HtmlDocument, clip_text, finding_at
from publisher.gate.mail import CheckedMail
from publisher.gate.mail_clients.caniemail import OUTLOOK_WINDOWS, feature_slugs
from publisher.gate.mail_clients.features import FORBIDDEN_ELEMENTS, SEMANTIC_ELEMENTS

_ON = re.compile("on", re.IGNORECASE)
# Elements that every mail client shows, or shows the text of.
_PLAIN = frozenset(
    {
        "html", "head", "meta", "title", "style", "body", "div", "p", "span", "br", "hr", "wbr",
        "table", "caption", "colgroup", "col", "thead", "tbody", "tfoot", "tr", "td", "th",
        "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "dl", "dt", "dd",
        "a", "img", "strong", "em", "b", "i", "u", "s", "del", "ins", "sub", "sup", "small",
        "center", "font", "blockquote", "q", "cite", "code", "pre", "kbd", "samp", "var",
        "abbr", "address", "bdo", "dfn", "strike", "tt", "big", "nobr", "map", "area",
    }
)  # fmt: skip

# A condition is short; without the limits a broken mail would take long to search.
_CONDITION = re.compile(r"<!(?:--)?\s{0,9}\[\s{0,9}if\b[^\]]{0,200}\]", re.IGNORECASE)
_END = re.compile(r"<!\s{0,9}\[\s{0,9}endif\s{0,9}\]", re.IGNORECASE)
_BARE = re.compile(r"<!\s{0,9}\[\s{0,9}if\b[^\]]{0,200}\]>", re.IGNORECASE)
# The result when premailer and other parsers read the form without dashes.
_BROKEN = re.compile(r"<!--\[\s{0,9}if\b[^\]]{0,200}\]-->", re.IGNORECASE)
_GHOST = re.compile(r"<(/?)(table|tr|td)\b", re.IGNORECASE)

_ELEMENT = html_error(
    code="element-forbidden",
    fix="take it out; link to a web page that has it",
    why="Mail clients remove scripts, forms, frames, media and external style sheets, and filters "
    "take them for an attack (caniemail html-form, html-video, html-link).",
)
_HANDLER = html_error(
    code="event-handler",
    fix="take every on… attribute out",
    why="No mail client runs scripts, and filters take them for an attack.",
)
_REFRESH = html_error(
    code="meta-refresh",
    fix="take <meta http-equiv=refresh> out",
    why="Filters take a mail that loads another page for an attack.",
)
_UNKNOWN = html_warning(
    code="element-unknown",
    fix="use a table, a div or a span in its place",
    why="Mail clients remove what they don't know, with or without its content.",
)
_BALANCE = html_error(
    code="mso-balance",
    fix="close every <!--[if mso]> with <![endif]-->, and use only the forms with dashes",
    why="If a comment is left open, Outlook for Windows does not show the rest of the mail.",
)
_GHOSTS = html_error(
    code="mso-tables",
    fix="open and close table, tr and td in Outlook's comments in pairs",
    why="Outlook for Windows lays out the mail in these tables; one tag too few breaks the layout.",
)
_FIRST = html_warning(
    code="heading-first",
    fix="give the mail exactly one <h1>, its title",
    why="People who use screen readers go from heading to heading (WCAG 2.2, 1.3.1, 2.4.6).",
)
_ORDER = html_warning(
    code="heading-order",
    fix="go down by one level at a time: <h2> below <h1>, <h3> below <h2>",
    why="A missing level sounds like a missing section (WCAG 2.2, 1.3.1).",
)
RULES = (_ELEMENT, _HANDLER, _REFRESH, _UNKNOWN, _BALANCE, _GHOSTS, _FIRST, _ORDER)


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Check elements, conditional comments and headings."""
    document = mail.document
    if not document.elements:
        return
    yield from _elements(document)
    yield from _balance(mail.html)
    yield from _ghosts([one for one in document.comments if one.is_conditional])
    yield from _headings(document)


def _elements(document: HtmlDocument) -> Iterator[Finding]:
    tested = feature_slugs()
    for element in document.elements:
        tag = str(element.tag)
        if tag in FORBIDDEN_ELEMENTS:
            yield finding_at(_ELEMENT, element, f"<{clip_text(tag)}> is in the mail")
        elif tag not in _PLAIN and f"html-{tag}" not in tested and tag not in SEMANTIC_ELEMENTS:
            yield finding_at(
                _UNKNOWN,
                element,
                f"<{clip_text(tag)}> is not an element that mail clients know",
            )
        handler = next(filter(_ON.match, map(str, element.keys())), None)
        if handler:
            yield finding_at(_HANDLER, element, f"it has {clip_text(handler)}")
        if tag == "meta" and element.get("http-equiv", "").lower() == "refresh":
            yield finding_at(_REFRESH, element, "the mail loads another page")


def _balance(html: str) -> Iterator[Finding]:
    opened, closed = len(_CONDITION.findall(html)), len(_END.findall(html))
    if opened != closed:
        problem = f"{opened} conditional comments begin and {closed} end"
        yield _BALANCE.finding(problem, where="<!--[if]>", clients=OUTLOOK_WINDOWS)
    for pattern, problem in (
        (_BARE, "a condition is written without dashes, which parsers break"),
        (_BROKEN, "a conditional comment ends where it begins"),
    ):
        for found in pattern.finditer(html):
            yield _BALANCE.finding(
                problem,
                where=clip_text(found[0]),
                line=html.count("\n", 0, found.start()) + 1,
                clients=OUTLOOK_WINDOWS,
            )


def _ghosts(comments: list[HtmlComment]) -> Iterator[Finding]:
    opened: Counter[str] = Counter()
    for comment in comments:
        for found in _GHOST.finditer(comment.text):
            opened[found[2].lower()] += -1 if found[1] else 1
    for tag, count in sorted(opened.items()):
        if count:
            problem = f"{abs(count)} <{tag}> more {'opened' if count > 0 else 'closed'} than "
            problem += "closed" if count > 0 else "opened"
            yield _GHOSTS.finding(
                problem, where="<!--[if mso]>", line=comments[0].line, clients=OUTLOOK_WINDOWS
            )


def _headings(document: HtmlDocument) -> Iterator[Finding]:
    headings = list(document.tagged("h1", "h2", "h3", "h4", "h5", "h6"))
    first = [heading for heading in headings if heading.tag == "h1"]
    if not first:
        yield _FIRST.finding("there is no <h1>", where="body")
    for heading in first[1:]:
        yield finding_at(_FIRST, heading, "there is more than one <h1>")
    level = 0
    for heading in headings:
        own = int(str(heading.tag)[1])
        if level and own > level + 1:
            yield finding_at(_ORDER, heading, f"<h{own}> comes after <h{level}>")
        level = own
