"""Selectors: how specific they are, whom they match, and whether a document can settle that.

A selector is fixed if the document alone decides whom it matches. Every other one (`a:hover`,
`[data-ogsc] p`) has a reach: a fixed selector for all elements that it may ever match. One for
a pseudo-element matches nobody who has a style attribute. Knows no declaration.

Source: Selectors 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import tinycss2  # type: ignore[import-untyped]  # it ships no types
from tinycss2 import ast

from publisher.rendering.inlining import compounds
from publisher.rendering.inlining.compounds import (
    CHOOSING,
    COUNTING,
    OLD_PSEUDO_ELEMENTS,
    Complex,
    Condition,
)
from publisher.rendering.inlining.words import words

Specificity = tuple[int, int, int]

# Pseudo-classes for the place of an element in its document, which no program changes.
FIXED = words(
    """
    first-child last-child only-child first-of-type last-of-type only-of-type empty root
    """
)
# What browsers have known for years. One that they don't know spoils the list it stands in, so
# that a rule with any other stays together, in the head.
KNOWN = FIXED | words(
    """
    active any-link checked default disabled enabled focus focus-visible focus-within hover
    in-range indeterminate invalid link optional out-of-range placeholder-shown read-only
    read-write required target valid visited
    """
)
KNOWN_FUNCTIONS = CHOOSING | COUNTING | words("has lang")
KNOWN_ELEMENTS = OLD_PSEUDO_ELEMENTS | words("marker placeholder selection")

# Attributes that mail programs add: Outlook.com for its dark mode, Apple for what it links,
# OWA. While a document has none of them, a selector for them waits.
ADDED_BY_MAIL_PROGRAMS = ("data-", "x-apple-", "owa")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """A fixed selector; `whole` if it is the one that was written, and no wider."""

    compounds: Complex
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """One selector of a rule; `known` if every browser takes it for one.

    `awaits` are the attributes in it that mail programs add; `for_elements` is false for one
    of a pseudo-element.
    """

    text: str
    specificity: Specificity
    compounds: Complex
    awaits: frozenset[str]
    for_elements: bool
    known: bool

    def reach(self, attributes: frozenset[str]) -> Reach:
        """Give a fixed selector for all that this may match.

        `attributes` are those that the document has.
        """
        return _reach(self.compounds, self.awaits - attributes)


def parse(tokens: Iterable[ast.Node]) -> tuple[Selector, ...]:
    """Read the selectors of a rule; raises UnknownSelectorError: one bad one spoils the list."""
    groups = compounds.groups(tokens)
    return tuple(_selector(tinycss2.serialize(group).strip()) for group in groups)


@lru_cache(maxsize=4096)
def _selector(text: str) -> Selector:
    read = compounds.parse(tinycss2.parse_component_value_list(text))
    everything = list(_all(read))
    kinds = [condition.kind for condition in everything]
    return Selector(
        text=text,
        specificity=_specificity(read),
        compounds=read,
        awaits=frozenset(
            condition.name
            for condition in everything
            if condition.kind == "attribute"
            and condition.name.startswith(ADDED_BY_MAIL_PROGRAMS)
        ),
        for_elements="pseudo-element" not in kinds,
        # A pseudo-element ends a selector, and there is but one.
        known=all(map(_known, everything)) and "pseudo-element" not in kinds[:-1],
    )


def _all(selector: Complex) -> Iterator[Condition]:
    """Give all conditions, also those within others."""
    for compound in selector:
        for condition in compound.conditions:
            yield condition
            for choice in condition.choices:
                yield from _all(choice)


def _known(condition: Condition) -> bool:
    match condition.kind:
        case "pseudo-class":
            return condition.name in KNOWN
        case "function":
            inner = {c.kind for choice in condition.choices for c in _all(choice)}
            arguments = condition.settled and "pseudo-element" not in inner
            return arguments and condition.name in KNOWN_FUNCTIONS
        case "pseudo-element":
            # WebKit's are taken without being known (Selectors 4, section 17.3).
            return condition.name in KNOWN_ELEMENTS or condition.name.startswith("-webkit-")
    return condition.settled


@lru_cache(maxsize=4096)
def _reach(selector: Complex, missing: frozenset[str]) -> Reach:
    """Widen a selector by leaving out what a document can't settle."""
    kept = tuple(
        replace(c, conditions=tuple(inner for inner in c.conditions if _fixed(inner, missing)))
        for c in selector
    )
    return Reach(compounds=kept, whole=kept == selector)


def _fixed(condition: Condition, missing: frozenset[str]) -> bool:
    match condition.kind:
        case "attribute":
            return condition.settled and condition.name not in missing
        case "pseudo-class":
            return condition.name in FIXED
        case "function":
            chosen = (inner for choice in condition.choices for inner in _all(choice))
            settled = condition.settled and condition.name != "has"
            return settled and all(_fixed(inner, missing) for inner in chosen)
    return condition.kind != "pseudo-element"


def _specificity(selector: Complex) -> Specificity:
    weights = [_weight(condition) for compound in selector for condition in compound.conditions]
    ids, classes, types = (sum(column) for column in zip((0, 0, 0), *weights, strict=True))
    return ids, classes, types


def _weight(condition: Condition) -> Specificity:
    inner = max((_specificity(choice) for choice in condition.choices), default=(0, 0, 0))
    match condition.kind, condition.name:
        case ("function", "where") | ("universal", _):
            return (0, 0, 0)
        case "function", "is" | "not" | "has":
            return inner
        case "id", _:
            return (1, 0, 0)
        case (("type" | "pseudo-element"), _):
            return (0, 0, 1)
    return inner[0], inner[1] + 1, inner[2]
