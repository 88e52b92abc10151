"""How a mail is laid out: tables that are no tables, the column's width, phones.

Knows no colour and no font.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from publisher.gate.css.cascade import Cascade
from publisher.gate.css.computed_style import styles_of
from publisher.gate.css.values import length
from publisher.gate.findings import Finding, MailPart, Rule, Severity
from publisher.gate.html_document import Page, at, page
from publisher.gate.mail import CheckedMail

# Between these a column of text is read with ease, and fits into a desktop's reading pane.
COLUMN = (400, 720)
# The narrowest phones in use; WCAG 2.2, 1.4.10 asks for it too.
PHONE = 320
PIXELS = re.compile(r"(\d{1,5})(?:px)?")
WIDTH = re.compile(r"\bwidth\s*[:=]\s*[\"']?(\d{1,5})", re.IGNORECASE)

OUTLOOK = ("Outlook Windows",)
# They show a mail without its <style> to readers whose account is not Google's.
WITHOUT_STYLES = ("Gmail iOS", "Gmail Android")

ROLE = Rule(
    code="table-role",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix='say role="presentation" on every table that only lays out, and use no th or caption in it',
    why="Screen readers announce rows and columns otherwise (WCAG 2.2, 1.3.1).",
)
SPACING = Rule(
    code="table-spacing",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix='say cellpadding="0" cellspacing="0" border="0" on every table',
    why="Outlook for Windows puts gaps between cells otherwise (caniemail html-cellspacing).",
)
COLUMN_WIDTH = Rule(
    code="column-width",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix='put the content into a table with width="600" and max-width:600px',
    why="Lines as long as a desktop's window is wide are hard to read (WCAG 2.2, 1.4.8).",
)
OUTLOOK_WIDTH = Rule(
    code="column-outlook",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix='say width="600" on the table, or put a table of that width into an [if mso] comment',
    why="Outlook for Windows knows max-width on tables at most (caniemail css-max-width).",
)
FIXED = Rule(
    code="width-fixed",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="say width:100% and max-width in its style attribute; leave pixels to the width attribute",
    why="Without <style> a phone shows it wider than its screen (caniemail html-style; "
    "WCAG 2.2, 1.4.10).",
)
RULES = (ROLE, SPACING, COLUMN_WIDTH, OUTLOOK_WIDTH, FIXED)


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Look at a mail's tables and widths."""
    seen = page(mail)
    if not seen.elements:
        return
    for table in seen.tagged("table"):
        yield from _table(table)
    yield from _column(seen, styles_of(mail))
    yield from _fixed(seen, styles_of(mail))


def _table(table: etree._Element) -> Iterator[Finding]:
    role = table.get("role", "")
    telling = next(
        (one for one in table.iter("th", "caption", "thead", "table") if one is not table), None
    )
    holds_data = telling is not None and telling.tag != "table"
    if role not in {"presentation", "none"} and not holds_data:
        yield at(ROLE, table, "a table that lays out has no role=presentation")
    elif role in {"presentation", "none"} and telling is not None and holds_data:
        yield at(ROLE, telling, f"a table that lays out has <{telling.tag}>")
    lacking = [
        name for name in ("cellpadding", "cellspacing", "border") if table.get(name) is None
    ]
    if lacking and not holds_data:
        yield at(SPACING, table, f"it does not say {', '.join(lacking)}", OUTLOOK)


def _column(seen: Page, sheets: Cascade) -> Iterator[Finding]:
    """Find what bounds the content: an element of a column's width."""
    least, most = COLUMN
    ghosts = [
        int(width)
        for comment in seen.comments
        if comment.conditional
        for width in WIDTH.findall(comment.text)
    ]
    for element in seen.tagged("table", "td", "div", "center"):
        stated = _attribute(element)
        bound = _styled(element, sheets).get("max-width") or stated
        if not bound or not least <= bound <= most:
            continue
        if not (stated and least <= stated <= most) and not any(
            least <= width <= most for width in ghosts
        ):
            yield at(OUTLOOK_WIDTH, element, "nothing bounds the column in Outlook", OUTLOOK)
        return
    yield COLUMN_WIDTH.broken("nothing bounds the width of the content", where="body")


def _fixed(seen: Page, sheets: Cascade) -> Iterator[Finding]:
    for element in seen.tagged("table", "td", "th", "div", "img", "p"):
        styled = _styled(element, sheets)
        width = styled.get("width") or (None if "fluid" in styled else _attribute(element))
        if width and width > PHONE and "fluid" not in styled:
            kind = f"<{element.tag}>"
            yield at(
                FIXED, element, f"{kind} is {width:.0f} px wide on every screen", WITHOUT_STYLES
            )


def _attribute(element: etree._Element) -> float | None:
    """Give the width attribute in pixels; None for a share."""
    found = PIXELS.fullmatch(element.get("width", "").strip())
    return float(found[1]) if found else None


def _styled(element: etree._Element, sheets: Cascade) -> dict[str, float]:
    """Give the widths that styles state in pixels; `fluid` where one is a share of what is around.

    A minimum of pixels makes what is fluid stiff again.
    """
    widths: dict[str, float] = {}
    for declared in sheets.applied(element):
        if declared.name not in {"width", "max-width", "min-width"}:
            continue
        if declared.value.lower() == "auto" or "%" in declared.units:
            widths.pop(declared.name, None)
            widths["fluid"] = 1.0
        elif pixels := length(declared.value, 16.0):
            widths[declared.name] = pixels
            if declared.name == "width":
                widths.pop("fluid", None)
    if widths.get("min-width", 0) > PHONE:
        widths.pop("fluid", None)
        widths["width"] = widths["min-width"]
    return widths
