"""Which declarations apply to each element of a document (CSS Cascade), in light or dark mode.

The window is as wide as a desktop's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import comb
from operator import attrgetter
from typing import Any, TypeAlias

from cssselect2 import ElementWrapper  # type: ignore[import-untyped]  # it ships no types
from lxml import etree

from publisher.gate.css.selectors import Selector
from publisher.gate.css.stylesheet import (
    AtRule,
    Declaration,
    StyleRule,
    StyleSheet,
    parse_declarations,
)

# Pixels. Wider than the layout of any mail, so that rules for phones don't apply.
_WINDOW = 700
_FEATURE = re.compile(r"\(\s*([a-z-]+)\s*:\s*([^()]+?)\s*\)")
_LONGEST_QUERY = 200
# Selectors that can match something. A style sheet that Gmail accepts has about 200.
_MOST_SELECTORS = 500
# Steps that matching selectors with combinators may take at worst, about two seconds of work.
# A mail needs some thousands. When they are used up, such selectors match nothing.
_MOST_STEPS = 5_000_000
# Declarations of one property that are kept for one element: mail clients use the last that
# they support.
_MOST_VALUES = 4

# What applies to each element; elements that are styled alike share one tuple.
Declared: TypeAlias = Mapping[etree._Element, tuple[Declaration, ...]]  # noqa: SLF001  # lxml names it so


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    """A selector with its rule and its weight: specificity, then order."""

    selector: Selector
    rule: StyleRule
    within: tuple[AtRule, ...]
    weight: tuple[tuple[int, int, int], int]


@dataclass(slots=True)
class _Matcher:
    """The selectors of a document by class and by tag of their subject."""

    by_class: dict[str, list[_Candidate]] = field(default_factory=dict)
    by_tag: dict[str, list[_Candidate]] = field(default_factory=dict)
    possible: dict[tuple[str, str, str], tuple[list[_Candidate], list[_Candidate]]] = field(
        default_factory=dict
    )
    steps: int = 0

    def add(self, candidate: _Candidate) -> None:
        selector = candidate.selector
        if selector.subject_class:
            self.by_class.setdefault(selector.subject_class, []).append(candidate)
        else:
            self.by_tag.setdefault(selector.subject_tag or "", []).append(candidate)

    def candidates(self, wrapper: Any) -> list[_Candidate]:
        """Return the candidates that match an element in any medium, the weightiest last."""
        element = wrapper.etree_element
        key = (element.tag, element.get("id", ""), element.get("class", ""))
        possible = self.possible.get(key)
        if possible is None:
            possible = self.possible[key] = self._of_key(wrapper)
        found, unsure = possible
        if not unsure:
            return found
        failing = {one for one in unsure if not self._matches(one.selector, wrapper)}
        return [one for one in found if one not in failing]

    def _of_key(self, wrapper: Any) -> tuple[list[_Candidate], list[_Candidate]]:
        """Return what may match elements of this tag, id and class, and what of it may not."""
        asked = [*self.by_tag.get(wrapper.local_name, ()), *self.by_tag.get("", ())]
        for name in wrapper.classes:
            asked += self.by_class.get(name, ())
        asked.sort(key=attrgetter("weight"))
        unsure = [one for one in asked if not one.selector.depends_on_key]
        found = [one for one in asked if one in unsure or self._matches(one.selector, wrapper)]
        return found, unsure

    def _matches(self, selector: Selector, wrapper: Any) -> bool:
        if selector.matches is None:
            return False
        if selector.combinators:
            around = len(wrapper.ancestors) + wrapper.index
            self.steps += comb(around, min(len(selector.combinators), around)) + 1
            if self.steps > _MOST_STEPS:
                return False
        return selector.matches(wrapper)


def cascade(
    root: etree._Element,
    elements: Sequence[etree._Element],
    sheets: Iterable[tuple[StyleSheet, tuple[AtRule, ...]]],
) -> tuple[Declared, Declared]:
    """Return the declarations that apply to each element, those that win last: light, then dark.

    `sheets` are style sheets with the at-rules around them (a `media` attribute).
    """
    matcher = _Matcher()
    for candidate in _possible_candidates(elements, sheets):
        matcher.add(candidate)
    applied: tuple[dict[etree._Element, tuple[Declaration, ...]], ...] = ({}, {})
    known: dict[tuple[Any, ...], list[tuple[Declaration, ...]]] = {}
    shared: dict[tuple[Any, ...], tuple[Declaration, ...]] = {}
    wanted = set(elements)
    # Not iter_subtree(), which also wraps what lies too deep to be looked at.
    waiting = [ElementWrapper.from_html_root(root)] if elements else []
    for wrapper in waiting:
        element = wrapper.etree_element
        if element not in wanted:
            continue
        waiting.extend(wrapper.iter_children())
        style = element.get("style", "")
        candidates = matcher.candidates(wrapper)
        key = (style, *map(id, candidates))
        if key not in known:
            known[key] = [_in_mode(candidates, style, shared, mode) for mode in (False, True)]
        applied[0][element], applied[1][element] = known[key]
    return applied[0], applied[1]


def _possible_candidates(
    elements: Iterable[etree._Element], sheets: Iterable[tuple[StyleSheet, tuple[AtRule, ...]]]
) -> list[_Candidate]:
    """Return the selectors whose tags, classes and attributes the document has."""
    tags: set[str] = set()
    classes: set[str] = set()
    attributes: set[str] = set()
    for element in elements:
        tags.add(str(element.tag))
        attributes.update(map(str, element.keys()))
        classes.update(element.get("class", "").split())
    found: list[_Candidate] = []
    rules = [(rule, around) for sheet, around in sheets for rule in sheet.rules]
    for order, (rule, around) in enumerate(rules):
        found += [
            _Candidate(one, rule, (*around, *rule.within), (one.specificity, order))
            for one in rule.selectors
            if one.matches is not None
            and one.tags <= tags
            and one.classes <= classes
            and attributes.issuperset([name for name, _, _ in one.attributes])
        ]
    return found[:_MOST_SELECTORS]


def _in_mode(
    candidates: Iterable[_Candidate],
    style: str,
    shared: dict[tuple[Any, ...], tuple[Declaration, ...]],
    is_dark: bool,
) -> tuple[Declaration, ...]:
    """Return the declarations of rules and a style attribute, the same tuple for the same ones."""
    rules = [one.rule for one in candidates if applies(one.within, is_dark)]
    key = (style, *map(id, rules))
    if key not in shared:
        shared[key] = _in_order(rules, parse_declarations(style))
    return shared[key]


def _in_order(
    rules: Iterable[StyleRule], own: tuple[Declaration, ...]
) -> tuple[Declaration, ...]:
    """Return declarations by weight: style sheets, style attribute, then what is important."""
    listed = [*[one for rule in rules for one in rule.declarations], *own]
    # sort() is stable: within the important ones, those of the attribute still come last.
    listed.sort(key=attrgetter("important"))
    counts: Counter[str] = Counter()
    kept = []
    for one in reversed(listed):
        counts[one.name] += 1
        if counts[one.name] <= _MOST_VALUES:
            kept.append(one)
    return tuple(reversed(kept))


@lru_cache(maxsize=256)
def applies(within: tuple[AtRule, ...], is_dark: bool) -> bool:
    """Return whether rules within some at-rules apply to a wide window, in light or dark mode."""
    return all(rule.name == "media" and _matches(rule.prelude, is_dark) for rule in within)


def is_dark_only(within: tuple[AtRule, ...]) -> bool:
    """Return whether rules within some at-rules apply in dark mode only."""
    return applies(within, True) and not applies(within, False)


@lru_cache(maxsize=256)
def _matches(queries: str, is_dark: bool) -> bool:
    return any(_query_matches(query.strip().lower(), is_dark) for query in queries.split(","))


def _query_matches(query: str, is_dark: bool) -> bool:
    if len(query) > _LONGEST_QUERY or query.startswith(
        ("not ", "print", "only print", "speech", "only speech")
    ):
        return False
    features = _FEATURE.findall(query)
    return len(features) == query.count("(") and all(
        _has_feature(name, value, is_dark) for name, value in features
    )


def _has_feature(name: str, value: str, is_dark: bool) -> bool:
    if name == "prefers-color-scheme":
        return value == ("dark" if is_dark else "light")
    width = re.fullmatch(r"(\d{1,5})(?:\.\d+)?px", value)
    if name not in {"min-width", "max-width"} or not width:
        return False
    return int(width[1]) <= _WINDOW if name == "min-width" else int(width[1]) >= _WINDOW
