"""The layout of a mail: tables that are not data, the width of the column, phones."""

import re
from collections.abc import Iterator

from lxml import etree

from publisher.gate.css.stylesheet import pixels
from publisher.gate.findings import Finding
from publisher.gate.mail import CheckedMail, HtmlDocument, finding
from publisher.mail_limits import PHONE_WIDTH

_FLUID = "fluid"
# Pixels. A column of this width is easy to read and fits into a desktop's reading pane.
_COLUMN = (400, 720)
_PIXELS = re.compile(r"(\d{1,5})(?:px)?")
_WIDTH = re.compile(r"\bwidth\s*[:=]\s*[\"']?(\d{1,5})", re.IGNORECASE)


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Check a mail's tables and widths."""
    document = mail.document
    if not document.elements:
        return
    for table in document.tagged("table"):
        yield from _table(table)
    widths = _widths(document)
    yield from _column(document, widths)
    for element in document.tagged("table", "td", "th", "div", "img", "p"):
        styled = widths.get(id(document.declared[element]), {})
        if _FLUID in styled:
            continue
        width = styled.get("width") or _width_attribute(element)
        if width and width > PHONE_WIDTH:
            yield finding(
                "width-fixed",
                element,
                "<%(tag)s> is %(width)s px wide on every screen",
                tag=element.tag,
                width=format(width, ".0f"),
            )


def _table(table: etree._Element) -> Iterator[Finding]:
    is_layout = table.get("role", "") in {"presentation", "none"}
    marks = (one for one in table.iter("th", "caption", "thead", "table") if one is not table)
    first = next(marks, None)
    has_data = first is not None and first.tag != "table"
    if not is_layout and not has_data:
        yield finding("table-role", table, "a table for layout has no role=presentation")
    elif is_layout and has_data and first is not None:
        yield finding("table-role", first, "a table for layout has <%(tag)s>", tag=first.tag)
    lacking = [
        name for name in ("cellpadding", "cellspacing", "border") if table.get(name) is None
    ]
    if lacking and not has_data:
        yield finding("table-spacing", table, "it has no %(name)s", name=", ".join(lacking))


def _column(document: HtmlDocument, widths: dict[int, dict[str, float]]) -> Iterator[Finding]:
    """Look for the element that limits the width of the content."""
    least, most = _COLUMN
    in_comments = [
        int(width)
        for comment in document.comments
        if comment.is_conditional
        for width in _WIDTH.findall(comment.text)
    ]
    for element in document.tagged("table", "td", "div", "center"):
        stated = _width_attribute(element)
        bound = widths.get(id(document.declared[element]), {}).get("max-width") or stated
        if not bound or not least <= bound <= most:
            continue
        for_outlook = [*in_comments, stated or 0]
        if not any(least <= width <= most for width in for_outlook):
            yield finding("column-outlook", element, "nothing limits the column in Outlook")
        return
    yield finding("column-width", "body", "nothing limits the width of the content")


def _width_attribute(element: etree._Element) -> float | None:
    """Return the width attribute in pixels; None for a percentage."""
    found = _PIXELS.fullmatch(element.get("width", "").strip())
    return float(found[1]) if found else None


def _widths(document: HtmlDocument) -> dict[int, dict[str, float]]:
    """Return the widths in pixels of each tuple of declarations, by its id.

    There is _FLUID if the width is a percentage. A minimum in pixels takes it away again.
    """
    found: dict[int, dict[str, float]] = {}
    for applied in document.declared.values():
        if id(applied) in found:
            continue
        widths = found[id(applied)] = {}
        for declared in applied:
            if declared.name not in {"width", "max-width", "min-width"}:
                continue
            if declared.value.lower() == "auto" or "%" in declared.units:
                widths.pop(declared.name, None)
                widths[_FLUID] = 1.0
            elif size := pixels(declared.value, 16.0):
                widths[declared.name] = size
                if declared.name == "width":
                    widths.pop(_FLUID, None)
        if widths.get("min-width", 0) > PHONE_WIDTH:
            widths.pop(_FLUID, None)
            widths["width"] = widths["min-width"]
    return found
