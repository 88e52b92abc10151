"""Which declarations apply to an element: style sheets, attributes, light and dark (CSS Cascade).

For a window as wide as a desktop's. Knows no rule and no mail program.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice

from lxml import etree

from publisher.gate.css.selectors import Selector
from publisher.gate.css.stylesheet import AtRule, Declaration, StyleRule
from publisher.gate.html_document import Page, media, styled

# Wider than any mail is laid out, so that what is meant for phones does not apply.
WINDOW = 700
FEATURE = re.compile(r"\(\s*([a-z-]+)\s*:\s*([^()]+?)\s*\)")
LONGEST_QUERY = 200
# How often a selector with combinators or attributes is tried on an element; a mail's own come
# to a few thousand. Beyond, they apply to nothing: the gate must come to an end.
MOST_TRIED = 20_000
# Selectors that can apply to something; a style sheet within Gmail's limit has some 200.
MOST_SELECTORS = 500
# Of one property on one element: the last one that a program understands wins.
MOST_VALUES = 4


@dataclass(frozen=True, slots=True)
class Candidate:
    """A selector with its rule, and what decides between it and others."""

    selector: Selector
    rule: StyleRule
    within: tuple[AtRule, ...]
    weight: tuple[tuple[int, int, int], int]

    @property
    def certain(self) -> bool:
        """Whether tag, id and class of an element say all about it."""
        one = self.selector.subject
        return not (self.selector.joins or one.attributes or one.pseudos)


@dataclass(slots=True)
class Cascade:
    """The style sheets of one page, ready to be asked."""

    tried: int = 0
    by_class: dict[str, list[Candidate]] = field(default_factory=lambda: defaultdict(list))
    by_tag: dict[str, list[Candidate]] = field(default_factory=lambda: defaultdict(list))
    known: dict[tuple[str, str, str], tuple[Candidate, ...]] = field(default_factory=dict)
    asked: dict[tuple[str, tuple[int, ...]], tuple[Declaration, ...]] = field(
        default_factory=dict
    )
    found: dict[tuple[etree._Element, bool], tuple[Declaration, ...]] = field(
        default_factory=dict
    )

    def candidates(self, element: etree._Element) -> Iterable[Candidate]:
        """Give the rules that apply to an element in some medium, the weightiest last."""
        key = (str(element.tag), element.get("id", ""), element.get("class", ""))
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = tuple(self._possible(element))
        return [one for one in found if one.certain or self._fits(one.selector, element)]

    def _fits(self, selector: Selector, element: etree._Element) -> bool:
        self.tried += 1
        return self.tried <= MOST_TRIED and selector.fits(element)

    def _possible(self, element: etree._Element) -> list[Candidate]:
        asked = [*self.by_tag[str(element.tag)], *self.by_tag[""]]
        for name in dict.fromkeys(element.get("class", "").split()):
            asked += self.by_class[name]
        fitting = (one for one in asked if one.selector.subject.may_fit(element))
        return sorted(fitting, key=lambda one: one.weight)

    def applied(
        self, element: etree._Element, *, dark: bool = False
    ) -> tuple[Declaration, ...]:
        """Give all declarations that apply to an element, the one that wins last.

        Elements that are styled alike get the very same tuple.
        """
        found = self.found.get((element, dark))
        if found is None:
            found = self.found[element, dark] = self._applied(element, dark=dark)
        return found

    def _applied(self, element: etree._Element, *, dark: bool) -> tuple[Declaration, ...]:
        rules = [one for one in self.candidates(element) if applies(one.within, dark=dark)]
        key = (element.get("style", ""), tuple(map(id, rules)))
        found = self.asked.get(key)
        if found is None:
            found = self.asked[key] = _last(_in_order(rules, styled(element)))
        return found


def _in_order(
    rules: Iterable[Candidate], own: tuple[Declaration, ...]
) -> Iterator[Declaration]:
    sheets = [declared for one in rules for declared in one.rule.declarations]
    for important in (False, True):
        yield from (one for one in sheets if one.important == important)
        yield from (one for one in own if one.important == important)


def _last(declared: Iterable[Declaration]) -> tuple[Declaration, ...]:
    """Leave out what is overridden many times over."""
    listed = list(declared)
    counts: Counter[str] = Counter()
    kept = []
    for one in reversed(listed):
        counts[one.name] += 1
        if counts[one.name] <= MOST_VALUES:
            kept.append(one)
    return tuple(reversed(kept))


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    """The names that a page uses; a selector that asks for another applies to nothing."""

    tags: frozenset[str]
    classes: frozenset[str]
    attributes: frozenset[str]

    @classmethod
    def of(cls, page: Page) -> _Vocabulary:
        return cls(
            frozenset(str(element.tag) for element in page.elements),
            frozenset(name for e in page.elements for name in e.get("class", "").split()),
            frozenset(str(name) for e in page.elements for name in e.keys()),  # noqa: SIM118  # an element iterates over its children
        )

    def allows(self, selector: Selector) -> bool:
        return all(
            (not one.tag or one.tag in self.tags)
            and one.classes <= self.classes
            and all(attribute.name in self.attributes for attribute in one.attributes)
            for one in selector.compounds
        )


def cascade(page: Page) -> Cascade:
    """Make a page's style sheets ready."""
    made = Cascade()
    there = _Vocabulary.of(page)
    possible = (one for one in _candidates(page) if there.allows(one.selector))
    for candidate in islice(possible, MOST_SELECTORS):
        subject = candidate.selector.subject
        if subject.classes:
            made.by_class[min(subject.classes)].append(candidate)
        else:
            made.by_tag[subject.tag].append(candidate)
    return made


def _candidates(page: Page) -> Iterator[Candidate]:
    order = 0
    for block in page.blocks:
        around = media(block.element)
        for rule in block.sheet.rules:
            order += 1
            for selector in rule.selectors:
                weight = (selector.specificity, order)
                yield Candidate(selector, rule, (*around, *rule.within), weight)


def applies(within: Iterable[AtRule], *, dark: bool) -> bool:
    """Tell whether what stands within some at-rules applies on a wide window, in one scheme."""
    return all(rule.name == "media" and _matches(rule.prelude, dark) for rule in within)


def is_dark(within: Iterable[AtRule]) -> bool:
    """Tell whether what stands within some at-rules is meant for dark mode alone."""
    found = list(within)
    return applies(found, dark=True) and not applies(found, dark=False)


@lru_cache(maxsize=256)
def _matches(queries: str, dark: bool) -> bool:
    return any(_query(query.strip().lower(), dark) for query in queries.split(","))


def _query(query: str, dark: bool) -> bool:
    if len(query) > LONGEST_QUERY or query.startswith(
        ("not ", "print", "only print", "speech", "only speech")
    ):
        return False
    asked = FEATURE.findall(query)
    return len(asked) == query.count("(") and all(_has(*one, dark=dark) for one in asked)


def _has(name: str, value: str, *, dark: bool) -> bool:
    if name == "prefers-color-scheme":
        return value == ("dark" if dark else "light")
    width = re.fullmatch(r"(\d{1,5})(?:\.\d+)?px", value)
    if name not in {"min-width", "max-width"} or not width:
        return False
    return int(width[1]) <= WINDOW if name == "min-width" else int(width[1]) >= WINDOW
