"""Inlining: the style sheets of a mail go into its elements; what must stay stays in the head.

What a browser computes for each element of the body is the same before and after, whatever the
screen and the colour scheme. Everything of CSS may be written, in any order, with these limits:

- `@media`, `@supports`, `:hover` and all else that a reader's program decides stays in the
  head. Since inlined rules beat the head, ` !important` is added there where a rule has to win.
- Where that can't give the same result for every element, the properties in question are not
  inlined at all; their rules stay in the head too.
- `<style data-premailer="ignore">` stays to the letter. A rule in it that has to win over an
  inlined one must say `!important` itself, or the mail is refused.
- A rule that matches nothing is left out, unless it waits for an attribute that a mail program
  adds, as `[data-ogsc]` does.
- Refused, by the line of the rendered mail: sheets from elsewhere, `@layer`, `@scope`,
  `@namespace`, nested rules, `all`, selectors that nobody knows, and HTML that a browser and
  lxml would mend differently.

Knows no template and no article.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from publisher.errors import RenderingError
from publisher.rendering.inlining import (
    cascade,
    documents,
    hardened,
    matching,
    styles,
    writing,
)
from publisher.rendering.inlining.cascade import HelplessError, Settlement
from publisher.rendering.inlining.hardened import Entry
from publisher.rendering.inlining.matching import Matches
from publisher.rendering.inlining.properties import slots
from publisher.rendering.inlining.styles import Style

# Elements that no inlined rule matches, but whose own style must be written in another way.
ALONE = "alone"


def inline(html: str) -> str:
    """Give a mail's HTML with its styles inlined; the document type and the text stay.

    Raises RenderingError, which says what is refused and where.
    """
    try:
        return _inlined(html)
    except RecursionError:
        raise RenderingError("a mail's style sheets are nested too deeply") from None


def _inlined(html: str) -> str:
    document = documents.parse(html)
    found = styles.find(document.root)
    matches = matching.find(document.root, [style.source for style in found])
    settlement = _settled(found, matches)
    styles.leave(found, matches, settlement)
    hardened.transform(
        document.root,
        _entries(found, matches, settlement),
        _attributes(matches, settlement),
    )
    styles.unmark(document.root)
    return documents.write(document)


def _settled(found: list[Style], matches: Matches) -> Settlement:
    inlined = [claim for match in matches.matches if match.inlined for claim in match.claims]
    # In a style attribute it would mean the rules in the head, not those of the browser.
    tied = {
        slot
        for claim in inlined
        if "revert-layer" in claim.declaration.value.lower()
        for slot in slots(claim.declaration.name)
    }
    animated = {slot for style in found for slot in style.source.sheet.animated}
    try:
        return cascade.settle(matches.contests(), matches.names(), animated, tied)
    except HelplessError as error:
        sheet, number, _place = error.claim.key
        source = found[sheet].source
        rule = source.sheet.rules[number]
        problem = (
            f"`{rule}` in a kept style sheet sets `{error}`, but what is inlined wins over it; "
            f"write `{error} !important`"
        )
        raise documents.fault(source.line + rule.line - 1, problem) from None


def _entries(found: list[Style], matches: Matches, settlement: Settlement) -> list[list[Entry]]:
    """Give for each sheet that premailer sees its rules, in its terms."""
    by_sheet: dict[int, list[Entry]] = {s.source.number: [] for s in found if s.inlined}
    for number, match in enumerate(matches.matches):
        if match.inlined:
            rank = (*match.selector.specificity, match.source.number, match.rule.number, number)
            entry = Entry(rank=rank, name=str(number), elements=match.elements)
            by_sheet[match.source.number].append(entry)
    entries = list(by_sheet.values())
    changed = {place for place, _slot in settlement.modes}
    alone = [
        element
        for place in matches.places.values()
        if place.number in changed and not place.heard
        for element in place.elements
    ]
    if alone:
        entries[0].append(Entry(rank=(), name=ALONE, elements=alone))
    return entries


def _attributes(
    matches: Matches, settlement: Settlement
) -> Callable[[frozenset[str], str], str]:
    @cache
    def attribute(names: frozenset[str], before: str) -> str:
        heard = frozenset(int(name) for name in names - {ALONE})
        place = matches.places[heard, before]
        return writing.attribute(matches.claims(place), place.number, settlement)

    return attribute
