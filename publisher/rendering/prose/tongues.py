"""What an element says of the language and direction of its words. Knows no block and no mail."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import cast

from lxml import etree

from publisher.errors import LanguageError
from publisher.languages import direction, normalise
from publisher.rendering.prose.blocks import Direction, LanguageAttrs

# Program text is written from left to right, unless its first letters are from a script that
# is not: poems are set in `pre` too.
CODE = frozenset({"pre", "code", "kbd"})
STRONG: dict[str, Direction] = {"L": "ltr", "R": "rtl", "AL": "rtl"}


def declared_language(element: etree._Element) -> LanguageAttrs | None:
    """Give what an element declares with `lang` and `dir`, None if nothing.

    A language that nobody knows says nothing. `auto` becomes the direction that it comes to: no
    mail program is known to reckon it.
    """
    tag, written = element.get("lang"), element.get("dir")
    if not tag and not written and element.tag not in CODE:
        return None
    language = _language(tag)
    towards = _direction(element, written, language)
    return LanguageAttrs(language=language, direction=towards) if language or towards else None


def inherit_language(around: LanguageAttrs, said: LanguageAttrs | None) -> LanguageAttrs:
    """Give what holds inside an element that declares `said`."""
    if said is None:
        return around
    return LanguageAttrs(
        language=said.language or around.language,
        direction=said.direction or around.direction,
    )


def first_strong_direction(text: str) -> Direction | None:
    """Give the direction of the first letter that has one (UAX 9, P2 without isolates)."""
    return next(_directions(text), None)


def letter_directions(text: str) -> set[Direction]:
    """Give the directions of the letters of a text."""
    return set(_directions(text))


def _directions(text: str) -> Iterator[Direction]:
    kinds = map(unicodedata.bidirectional, text)
    return (STRONG[kind] for kind in kinds if kind in STRONG)


def _language(tag: str | None) -> str | None:
    try:
        return normalise(tag) if tag else None
    except LanguageError:
        return None


def _direction(
    element: etree._Element, written: str | None, language: str | None
) -> Direction | None:
    if written in {"ltr", "rtl"}:
        return cast("Direction", written)
    if language and written != "auto":
        return cast("Direction", direction(language))
    if element.tag in CODE or written == "auto":
        found = first_strong_direction("".join(map(str, element.itertext())))
        return found or ("ltr" if element.tag in CODE else None)
    return None
