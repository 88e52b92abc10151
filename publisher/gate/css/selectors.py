"""Selectors: what a rule of a style sheet applies to, and how much it weighs.

Selectors Level 3 without most pseudo-classes: what depends on a state (`:hover`) or on what
mail programs do not know applies to nothing here. Knows no mail.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from lxml import etree

# The only pseudo-class that says the same of every mail.
ROOT = "root"
WHOLE_WORD, PREFIXED, BEGINS, ENDS, HOLDS = "~=", "|=", "^=", "$=", "*="


@dataclass(frozen=True, slots=True)
class Attribute:
    """`[name]`, or `[name=value]` with one of the six operators."""

    name: str
    operator: str = ""
    value: str = ""

    def fits(self, element: etree._Element) -> bool:
        """Tell whether an element has it."""
        held = element.get(self.name)
        if held is None or not self.operator:
            return held is not None
        if self.operator == WHOLE_WORD:
            return self.value in held.split()
        if self.operator == PREFIXED:
            return held == self.value or held.startswith(f"{self.value}-")
        if self.operator == "=":
            return held == self.value
        if not self.value:
            return False
        tests = {BEGINS: held.startswith, ENDS: held.endswith, HOLDS: held.__contains__}
        return tests[self.operator](self.value)


@dataclass(frozen=True, slots=True)
class Compound:
    """What is asked of one element (`td.item[dir]`); `""` for a tag asks for none."""

    tag: str = ""
    identity: str = ""
    classes: frozenset[str] = frozenset()
    attributes: tuple[Attribute, ...] = ()
    pseudos: tuple[str, ...] = ()
    universal: bool = False

    def may_fit(self, element: etree._Element) -> bool:
        """Tell whether an element is one of these by its tag, id and classes."""
        return (
            (not self.tag or element.tag == self.tag)
            and (not self.identity or element.get("id") == self.identity)
            and (not self.classes or self.classes <= set(element.get("class", "").split()))
        )

    def fits(self, element: etree._Element) -> bool:
        """Tell whether an element is one of these."""
        return (
            self.may_fit(element)
            and all(attribute.fits(element) for attribute in self.attributes)
            and all(name == ROOT and element.getparent() is None for name in self.pseudos)
        )


@dataclass(frozen=True, slots=True)
class Selector:
    """Compounds from left to right, and what joins each to the next: ` `, `>`, `+` or `~`."""

    compounds: tuple[Compound, ...]
    joins: tuple[str, ...] = ()

    @property
    def specificity(self) -> tuple[int, int, int]:
        """How much it weighs: ids, then classes and attributes, then tags."""
        return (
            sum(bool(one.identity) for one in self.compounds),
            sum(
                len(one.classes) + len(one.attributes) + len(one.pseudos)
                for one in self.compounds
            ),
            sum(bool(one.tag) for one in self.compounds),
        )

    @property
    def subject(self) -> Compound:
        """What is asked of the element itself."""
        return self.compounds[-1]

    def fits(self, element: etree._Element) -> bool:
        """Tell whether it applies to an element of its document."""
        if not self.subject.fits(element):
            return False
        # Sets of where the left part may end: never more than there are elements above.
        ends = {element}
        for compound, join in zip(self.compounds[-2::-1], self.joins[::-1], strict=True):
            ends = {other for other in _joined(ends, join) if compound.fits(other)}
            if not ends:
                return False
        return True


def _joined(ends: set[etree._Element], join: str) -> set[etree._Element]:
    """Give the elements that a join leads to from any of some."""
    found: set[etree._Element] = set()
    for element in ends:
        for other in islice(WALKS[join](element), NEARBY.get(join)):
            if other in found and join != ">":
                break  # from here on the way has been gone
            found.add(other)
    return found


def _before(element: etree._Element) -> Iterator[etree._Element]:
    return element.itersiblings(etree.Element, preceding=True)


WALKS: dict[str, Callable[[etree._Element], Iterator[etree._Element]]] = {
    " ": lambda element: element.iterancestors(),
    ">": lambda element: element.iterancestors(),
    "+": _before,
    "~": _before,
}
# How many there may be; a sibling that is farther away than this is no sibling to any mail.
NEARBY = {">": 1, "+": 1, "~": 50}


def selectors(tokens: Iterable[Any]) -> tuple[Selector, ...]:
    """Read a list of selectors from tinycss2's tokens; a list with a fault is empty, as in CSS."""
    lists: list[list[Any]] = [[]]
    for token in tokens:
        if token.type == "literal" and token.value == ",":
            lists.append([])
        elif token.type != "comment":
            lists[-1].append(token)
    read = [_selector(one) for one in lists]
    return tuple(one for one in read if one) if all(read) else ()


def _selector(tokens: list[Any]) -> Selector | None:
    groups: list[list[Any]] = [[]]
    joins: list[str] = []
    for token in tokens:
        join = _join(token)
        if not join:
            groups[-1].append(token)
        elif groups[-1]:
            groups.append([])
            joins.append(join)
        elif join != " " and joins and joins[-1] == " ":
            joins[-1] = join  # the white space before it joined nothing
        elif join != " ":
            return None
    if not groups[-1] and joins and joins.pop() == " ":
        groups.pop()
    compounds = [_compound(group) for group in groups]
    whole = tuple(one for one in compounds if one)
    return Selector(whole, tuple(joins)) if whole and len(whole) == len(groups) else None


def _join(token: Any) -> str:
    if token.type == "whitespace":
        return " "
    return token.value if token.type == "literal" and token.value in ">+~" else ""


def _compound(tokens: list[Any]) -> Compound | None:
    tag = identity = ""
    universal = False
    classes: set[str] = set()
    attributes: list[Attribute] = []
    pseudos: list[str] = []
    waiting = iter(tokens)
    for token in waiting:
        if token.type == "ident":
            tag = token.lower_value
        elif token.type == "hash":
            identity = token.value
        elif token.type == "[] block" and (read := _attribute(token)):
            attributes.append(read)
        elif token.type == "literal" and token.value == "*":
            universal = True
        elif token.type == "literal" and token.value == "." and (name := next(waiting, None)):
            classes.add(getattr(name, "value", ""))
        elif token.type == "literal" and token.value == ":" and (name := next(waiting, None)):
            pseudos.extend(_pseudo(name, waiting))
        else:
            return None
    if not tokens:
        return None
    return Compound(
        tag, identity, frozenset(classes), tuple(attributes), tuple(pseudos), universal
    )


def _pseudo(name: Any, waiting: Iterator[Any]) -> Iterator[str]:
    """Name a pseudo-class (`hover`, `not()`) or, with two colons, a pseudo-element (`::after`)."""
    element = name.type == "literal" and name.value == ":"
    if element:
        name = next(waiting, name)
    written = (
        f"{name.lower_name}()" if name.type == "function" else getattr(name, "lower_value", "")
    )
    yield f"::{written}" if element else written


LONGEST_ATTRIBUTE = 200
ATTRIBUTE = re.compile(
    r"""\s*(?:\w+\|)?(?P<name>[\w-]+)\s*
    (?:(?P<operator>[~|^$*]?=)\s*(?P<quote>["']?)(?P<value>.*?)(?P=quote)\s*[is]?\s*)?""",
    re.VERBOSE | re.DOTALL,
)


def _attribute(block: Any) -> Attribute | None:
    written = "".join(token.serialize() for token in block.content)
    found = ATTRIBUTE.fullmatch(written) if len(written) <= LONGEST_ATTRIBUTE else None
    if not found:
        return None
    return Attribute(found["name"].lower(), found["operator"] or "", found["value"] or "")
