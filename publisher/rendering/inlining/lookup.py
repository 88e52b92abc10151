"""Looking up the elements of a document that a selector matches.

From left to right, in sets: however a selector is written, each of its compounds costs one look
at the elements that have its tag, class or id. The XPath that cssselect makes takes forty times
as long for the selectors of mails, and its square for those that count siblings. Knows no rule.

Source: Selectors 4.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property

from lxml import etree

from publisher.errors import RenderingError
from publisher.rendering.inlining.compounds import WORD, Complex, Compound, Condition

# Elements that are looked at, or found, for all selectors of one mail. Ours need some thousand;
# so many take about a second.
MOST_CHECKS = 300_000

# Which counts of a position a pseudo-class is about.
COUNTS = {
    "first-child": ("number",),
    "last-child": ("last",),
    "only-child": ("number", "last"),
    "first-of-type": ("of_type",),
    "last-of-type": ("last_of_type",),
    "only-of-type": ("of_type", "last_of_type"),
    "nth-child": ("number",),
    "nth-last-child": ("last",),
    "nth-of-type": ("of_type",),
    "nth-last-of-type": ("last_of_type",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where an element stands among its siblings, and among those of its type; from 1."""

    number: int
    last: int
    of_type: int
    last_of_type: int
    before: etree._Element | None


class Lookup:
    """An index of one document."""

    def __init__(self, root: etree._Element) -> None:
        self.elements = list(root.iter(etree.Element))
        self._root = root
        self._answers: dict[Complex, AbstractSet[etree._Element]] = {}
        self._marked: dict[tuple[str, str], set[etree._Element]] = {}
        for element in self.elements:
            for mark in _marks(element):
                self._marked.setdefault(mark, set()).add(element)
        self._checks = 0

    @cached_property
    def _positions(self) -> dict[etree._Element, Position]:
        positions = {
            self._root: Position(number=1, last=1, of_type=1, last_of_type=1, before=None)
        }
        for element in self.elements:
            positions |= _positions(element)
        return positions

    def find(self, selector: Complex) -> AbstractSet[etree._Element]:
        """Give all elements that a fixed selector matches."""
        if selector not in self._answers:
            found = self._compound(selector[0])
            for compound in selector[1:]:
                found = self._after(found, compound)
            self._answers[selector] = found
        answer = self._answers[selector]
        self._spend(len(answer))
        return answer

    def _after(
        self, found: AbstractSet[etree._Element], compound: Compound
    ) -> AbstractSet[etree._Element]:
        """Give the elements of a compound that stand as it says to one of those found."""
        candidates = self._compound(compound) if found else found
        self._spend(len(candidates))
        match compound.combinator:
            case " ":
                return {e for e in candidates if any(a in found for a in e.iterancestors())}
            case ">":
                return {e for e in candidates if e.getparent() in found}
            case "+":
                return {e for e in candidates if self._positions[e].before in found}
        first: dict[etree._Element | None, int] = {}
        for element in found:
            parent, number = element.getparent(), self._positions[element].number
            first[parent] = min(number, first.get(parent, number))
        return {e for e in candidates if self._later(e, first)}

    def _later(self, element: etree._Element, first: dict[etree._Element | None, int]) -> bool:
        number = self._positions[element].number
        return first.get(element.getparent(), number) < number

    def _compound(self, compound: Compound) -> AbstractSet[etree._Element]:
        found: AbstractSet[etree._Element] | None = None
        others = []
        for condition in compound.conditions:
            if condition.kind in {"type", "class", "id"}:
                marked = self._marked.get((condition.kind, condition.name), set())
                found = marked if found is None else found & marked
            elif condition.kind != "universal":
                others.append(condition)
        candidates = frozenset(self.elements) if found is None else found
        if not others:
            return candidates
        self._spend(len(candidates) * len(others))
        return {e for e in candidates if all(self._holds(e, other) for other in others)}

    def _spend(self, checks: int) -> None:
        self._checks += checks
        if self._checks > MOST_CHECKS:
            raise RenderingError(
                f"a mail's style sheets ask too much of its {len(self.elements)} elements"
            )

    def _holds(self, element: etree._Element, condition: Condition) -> bool:
        match condition.name if condition.kind != "attribute" else "":
            case "":
                found = element.get(condition.name)
                return found is not None and condition.compares(str(found))
            case "lang":
                return condition.compares(_language(element))
            case "is" | "where" | "not" as word:
                chosen = any(element in self.find(choice) for choice in condition.choices)
                return chosen != (word == "not")
            case "root" | "empty" as word:
                return element is self._root if word == "root" else _is_empty(element)
        position = self._positions[element]
        counts = (getattr(position, count) for count in COUNTS[condition.name])
        return all(_in_step(count, *condition.step) for count in counts)


def _marks(element: etree._Element) -> Iterator[tuple[str, str]]:
    yield "type", str(element.tag).lower()
    for name in WORD.findall(str(element.get("class", ""))):
        yield "class", name
    yield "id", str(element.get("id", ""))


def _positions(parent: etree._Element) -> dict[etree._Element, Position]:
    """Give the positions of all children of an element."""
    children = list(parent.iterchildren(etree.Element))
    totals = Counter(child.tag for child in children)
    seen: Counter[str] = Counter()
    positions: dict[etree._Element, Position] = {}
    before = None
    for number, child in enumerate(children, 1):
        seen[child.tag] += 1
        positions[child] = Position(
            number=number,
            last=len(children) + 1 - number,
            of_type=seen[child.tag],
            last_of_type=totals[child.tag] + 1 - seen[child.tag],
            before=before,
        )
        before = child
    return positions


def _in_step(number: int, step: int, start: int) -> bool:
    """Say whether a number is one of An+B (CSS Syntax 3, section 6)."""
    beyond = number - start
    return beyond == 0 if step == 0 else beyond % step == 0 and beyond // step >= 0


def _language(element: etree._Element) -> str:
    around = (element, *element.iterancestors())
    return next((str(e.get("lang")) for e in around if e.get("lang") is not None), "")


def _is_empty(element: etree._Element) -> bool:
    """Say whether there is neither element nor text; white space is text."""
    return not any((element.text, *(child.tail for child in element))) and not any(
        True for _child in element.iterchildren(etree.Element)
    )
