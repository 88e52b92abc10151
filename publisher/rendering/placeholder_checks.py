"""Whether readers' values stand where they can in what templates have made, and are whole.

What a template does to a value itself is refused where it does it (`publisher.rendering.subscriber_values`);
here is looked at what came out. Knows no reader.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import zip_longest

from lxml import etree

from publisher.errors import RenderingError
from publisher.rendering import placeholders
from publisher.rendering.placeholders import Placeholder

# Attributes in which an address is followed or loaded: words would have to be encoded there.
_URL_ATTRIBUTES = frozenset(
    {"href", "src", "srcset", "background", "action", "cite", "poster", "longdesc", "data"}
    | {"formaction", "lowsrc", "dynsrc", "imagesrcset", "ping", "codebase", "xlink:href"}
)
# Attributes that hold a language of their own, in which HTML's escapes are no protection: nothing
# that comes later stands in them.
_CODE_ATTRIBUTES = re.compile("style|srcdoc|on.*")
# A place in letters in which nobody looks for it: a filter has been over it.
_ANY_CASE = re.compile("|".join(placeholders.ALL_PLACEHOLDERS), re.IGNORECASE)
_ADVICE = 'write {{ reader.name | otherwise("...") }}, or make another edition or newsletter'


def checked_subject(name: str, subject: str) -> str:
    """Give a subject back; raises RenderingError where a reader's value can't stand in it."""
    link = next(
        (slot for slot in placeholders.find_placeholders(subject) if slot.is_link), None
    )
    if link:
        raise RenderingError(f"templates/{name}: a link, {link}, can't stand in a subject")
    return checked_text(name, subject)


def checked_text(name: str, text: str) -> str:
    """Give a text back; raises RenderingError where a template has changed a reader's value."""
    for found in _ANY_CASE.finditer(text):
        if found[0] not in placeholders.ALL_PLACEHOLDERS:
            raise RenderingError(
                f"templates/{name}: a reader's value was changed to {found[0]}: a mail is made "
                "once for all its readers, and their values come later; write them as they are"
            )
    return text


def checked_html(name: str, html: str) -> str:
    """Give a mail's HTML back; raises RenderingError where a reader's value can't stand there."""
    tree = etree.fromstring(html, etree.HTMLParser(huge_tree=True))
    for element in tree.iter("*"):
        for place, slot in _misplaced(element):
            raise RenderingError(f"templates/{name}: {slot} can't stand in {place}")
    return checked_text(name, html)


def check_same_for_all(made: Mapping[str, str], blank: Callable[[str], str]) -> None:
    """Compare what templates made with what they make for a reader who has nothing.

    It must be the same around her values. So a template is found out that asks about what it
    has put together itself, as in `{% set whom %}{{ reader.name }}{% endset %}{% if whom %}`.
    Raises RenderingError.
    """
    for name, text in made.items():
        given = checked_text(name, text), blank(name)
        ours, theirs = (placeholders.PLACEHOLDER_PATTERN.sub("", one).split() for one in given)
        for one, other in zip_longest(ours, theirs, fillvalue=""):
            if one != other:
                raise RenderingError(
                    f"templates/{name}: where it says {one!r:.60} to some readers, it would say "
                    f"{other!r:.60} to others: a mail is made once for all its readers; {_ADVICE}"
                )


def _misplaced(element: etree._Element) -> Iterator[tuple[str, Placeholder]]:
    tag = str(element.tag)
    if tag in {"style", "script"}:
        yield from (
            (f"<{tag}>", slot) for slot in placeholders.find_placeholders(element.text or "")
        )
    for attribute, value in _attributes(element):
        for slot in placeholders.find_placeholders(value):
            is_address = attribute in _URL_ATTRIBUTES or (tag, attribute) == ("meta", "content")
            if _CODE_ATTRIBUTES.fullmatch(attribute) or (is_address and not slot.is_link):
                yield f'{attribute}="..." of <{tag}>', slot


def _attributes(element: etree._Element) -> Iterator[tuple[str, str]]:
    return ((str(name), str(value)) for name, value in element.items())
