"""Checks of rendered texts: placeholders stand where values can be filled in, and are whole.

What a template does to a value itself is refused in `publisher.rendering.subscriber_values`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import zip_longest
from typing import Any

from lxml import etree

from publisher.errors import RenderingError
from publisher.rendering import placeholders
from publisher.rendering.model import Digest
from publisher.rendering.placeholders import Placeholder

# Attributes with an address that is followed or loaded: words would have to be encoded there.
_URL_ATTRIBUTES = frozenset(
    {"href", "src", "srcset", "background", "action", "cite", "poster", "longdesc", "data"}
    | {"formaction", "lowsrc", "dynsrc", "imagesrcset", "ping", "codebase", "xlink:href"}
)
# Attributes in a language of their own, where HTML's escapes do not protect.
_CODE_ATTRIBUTES = re.compile("style|srcdoc|on.*")
# A placeholder in other letters was changed by a filter, and would not be filled in.
_ANY_CASE = re.compile("|".join(placeholders.ALL_PLACEHOLDERS), re.IGNORECASE)
_ADVICE = (
    'write {{ subscriber.name | otherwise("...") }}, or make another edition or newsletter'
)


class MailParts:
    """The texts of a rendered mail, each with the name of its template."""

    def __init__(
        self, subject: tuple[str, str], html: tuple[str, str], text: tuple[str, str]
    ) -> None:
        """Check the texts; raises RenderingError."""
        self._subject, self._html, self._text = subject[1], html[1], text[1]
        _check_subject(*subject)
        _check_html(*html)
        _check_text(*text)

    def check_same_for_all(
        self, rendered: Mapping[str, str], render_empty: Callable[[str], str]
    ) -> None:
        """Compare texts with what the templates make for a subscriber without values.

        They must be the same around the values. This finds a template that tests a text which it
        made of a value: `{% set whom %}{{ subscriber.name }}{% endset %}{% if whom %}`. Raises
        RenderingError.
        """
        for name, text in rendered.items():
            ours, theirs = (_words(name, one) for one in (text, render_empty(name)))
            for one, other in zip_longest(ours, theirs, fillvalue=""):
                if one != other:
                    raise RenderingError(
                        f"templates/{name}: it says {one!r:.60} to some subscribers and {other!r:.60} "
                        f"to others, but a mail is rendered once for all of them: {_ADVICE}"
                    )

    def digest(self, preheader: str = "", **fields: Any) -> Digest:
        """Return the mail; `fields` are the other fields of Digest."""
        return Digest(
            subject=self._subject,
            preheader=preheader,
            html=self._html,
            text=self._text,
            **fields,
        )


def _check_subject(name: str, subject: str) -> None:
    link = next((one for one in placeholders.find_placeholders(subject) if one.is_link), None)
    if link:
        raise RenderingError(f"templates/{name}: a subject can't hold a link such as {link}")
    _check_text(name, subject)


def _check_text(name: str, text: str) -> None:
    """Raise RenderingError if a template has changed a subscriber's value."""
    for found in _ANY_CASE.finditer(text):
        if found[0] not in placeholders.ALL_PLACEHOLDERS:
            raise RenderingError(
                f"templates/{name}: a subscriber's value was changed to {found[0]}, but values are "
                "filled in after rendering: write them as they are"
            )


def _check_html(name: str, html: str) -> None:
    """Raise RenderingError if a value stands where it can't be filled in."""
    tree = etree.fromstring(html, etree.HTMLParser(huge_tree=True))
    for element in tree.iter("*"):
        for place, placeholder in _misplaced(element):
            raise RenderingError(f"templates/{name}: {placeholder} can't stand in {place}")
    _check_text(name, html)


def _words(name: str, text: str) -> list[str]:
    _check_text(name, text)
    return placeholders.PLACEHOLDER_PATTERN.sub("", text).split()


def _misplaced(element: etree._Element) -> Iterator[tuple[str, Placeholder]]:
    tag = str(element.tag)
    if tag in {"style", "script"}:
        found = placeholders.find_placeholders(element.text or "")
        yield from ((f"<{tag}>", placeholder) for placeholder in found)
    for name, value in element.items():
        attribute = str(name)
        for placeholder in placeholders.find_placeholders(str(value)):
            is_url = attribute in _URL_ATTRIBUTES or (tag, attribute) == ("meta", "content")
            if _CODE_ATTRIBUTES.fullmatch(attribute) or (is_url and not placeholder.is_link):
                yield f'{attribute}="..." of <{tag}>', placeholder
