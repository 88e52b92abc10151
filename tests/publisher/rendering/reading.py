"""Rendered pages as trees, and what people read in them."""

from lxml import etree, html


def tree(source: str) -> etree._Element:
    return html.document_fromstring(source)


def words(element: etree._Element) -> str:
    """Give the text of an element on one line."""
    return " ".join("".join(str(text) for text in element.itertext()).split())
