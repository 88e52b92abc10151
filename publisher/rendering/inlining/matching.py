"""Matching: which rules which elements of a document hear, and which they can't hear yet.

Elements that hear the same inlined rules and have the same style attribute share a place: what
is written into them is decided once. Elements in the head are never written to, since nobody
sees them. Knows no style element, and nothing of how a sheet is written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from lxml import etree

from publisher.rendering.inlining import cascade
from publisher.rendering.inlining.cascade import Claim, Contest
from publisher.rendering.inlining.lookup import Lookup
from publisher.rendering.inlining.selectors import Reach, Selector
from publisher.rendering.inlining.sheets import Rule, Sheet, parse_attribute


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A sheet of a document: which one it is, the media that it is for, and where it begins."""

    number: int
    sheet: Sheet
    line: int
    media: str
    verbatim: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A selector of a rule, and the elements that it matches or may match."""

    rule: Rule
    source: Source
    selector: Selector
    inlined: bool
    elements: Collection[etree._Element]
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Elements with one style attribute and one set of inlined rules.

    `contexts` are the sets of other rules that they hear, or may hear.
    """

    number: int
    attribute: str
    heard: frozenset[int]
    elements: list[etree._Element] = field(default_factory=list)
    contexts: set[frozenset[int]] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """All matches of a document, and its places by what is heard and by their attribute.

    `kept` and `used` are the selectors of a rule, by sheet and rule, that can't be inlined and
    that are.
    """

    matches: Sequence[Match]
    places: Mapping[tuple[frozenset[int], str], Place]
    kept: Mapping[tuple[int, int], Sequence[str]]
    used: Mapping[tuple[int, int], Sequence[str]]

    def claims(self, place: Place) -> list[Claim]:
        """Give what is written into the elements of a place."""
        heard = [claim for number in place.heard for claim in self.matches[number].claims]
        return [*heard, *_own(place.attribute)]

    def contests(self) -> Iterator[Contest]:
        """Give all contests of the document that inlining could change."""
        for place in self.places.values():
            inlined = self.claims(place)
            for context in place.contexts:
                kept = [claim for number in context for claim in self.matches[number].claims]
                yield from cascade.contests(place.number, [*inlined, *kept])

    def names(self) -> set[str]:
        """Give all properties that something in the document sets."""
        rules = {claim.declaration.name for match in self.matches for claim in match.claims}
        own = {
            claim.declaration.name
            for place in self.places.values()
            for claim in _own(place.attribute)
        }
        return rules | own


def find(root: etree._Element, sources: Iterable[Source]) -> Matches:
    """Find who hears what."""
    lookup = Lookup(root)
    head = root.find("head")
    shown = frozenset(lookup.elements) - set(() if head is None else head.iter())
    attributes = frozenset(str(name) for e in lookup.elements for name in e.attrib)
    matches: list[Match] = []
    kept: dict[tuple[int, int], list[str]] = {}
    used: dict[tuple[int, int], list[str]] = {}
    for source, rule, selector in _selectors(sources):
        reach = selector.reach(attributes)
        elements = lookup.find(reach.compounds) & shown if selector.for_elements else ()
        match = _match(reach, elements, source, rule, selector)
        if not match.inlined or match.elements:
            said = used if match.inlined else kept
            said.setdefault((source.number, rule.number), []).append(selector.text)
        if match.elements and rule.declarations:
            matches.append(match)
    places = _places([e for e in lookup.elements if e in shown], matches)
    return Matches(matches=matches, places=places, kept=kept, used=used)


def _match(
    reach: Reach,
    elements: Collection[etree._Element],
    source: Source,
    rule: Rule,
    selector: Selector,
) -> Match:
    doubt = "" if reach.whole and rule.known else selector.text
    when = frozenset(filter(None, (source.media, *rule.conditions, doubt)))
    inlined = not when and not source.verbatim and selector.for_elements
    return Match(
        rule=rule,
        source=source,
        selector=selector,
        inlined=inlined,
        elements=elements,
        claims=_claims(source, rule, selector, when, inlined=inlined),
    )


def _selectors(sources: Iterable[Source]) -> Iterator[tuple[Source, Rule, Selector]]:
    for source in sources:
        for rule in source.sheet.rules:
            for selector in rule.selectors:
                yield source, rule, selector


def _claims(
    source: Source, rule: Rule, selector: Selector, when: frozenset[str], *, inlined: bool
) -> tuple[Claim, ...]:
    return tuple(
        Claim(
            declaration=d,
            rank=(d.important, False, selector.specificity, source.number, rule.number, place),
            key=(source.number, rule.number, place),
            when=when,
            inlined=inlined,
            verbatim=source.verbatim,
        )
        for place, d in enumerate(rule.declarations)
    )


@lru_cache(maxsize=4096)
def _own(attribute: str) -> tuple[Claim, ...]:
    """Give the claims of a style attribute that was there already."""
    return tuple(
        Claim(
            declaration=d,
            rank=(d.important, True, (0, 0, 0), 0, 0, place),
            key=(-1, -1, place),
            inlined=True,
        )
        for place, d in enumerate(parse_attribute(attribute))
    )


def _places(
    elements: Sequence[etree._Element], matches: Sequence[Match]
) -> dict[tuple[frozenset[int], str], Place]:
    inlined: dict[etree._Element, set[int]] = {}
    others: dict[etree._Element, set[int]] = {}
    for number, match in enumerate(matches):
        hearers = inlined if match.inlined else others
        for element in match.elements:
            hearers.setdefault(element, set()).add(number)
    places: dict[tuple[frozenset[int], str], Place] = {}
    for element in elements:
        heard = frozenset(inlined.get(element, ()))
        context = frozenset(others.get(element, ()))
        attribute = element.get("style", "")
        # What only hears the head counts too: marks there change who wins.
        if heard or attribute or context:
            made = Place(number=len(places), attribute=attribute, heard=heard)
            place = places.setdefault((heard, attribute), made)
            place.elements.append(element)
            place.contexts.add(context)
    return places
