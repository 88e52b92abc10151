"""Writing what was decided: style attributes, and what is left of each sheet for the head.

Knows no document; the cascade has been settled before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from publisher.rendering.inlining.cascade import Claim, Settlement
from publisher.rendering.inlining.properties import certain_slots, slots
from publisher.rendering.inlining.sheets import (
    AsItIs,
    Declaration,
    Group,
    Node,
    Rule,
    Sheet,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """A declaration in an attribute; `twice` if it stands there without `!important` as well."""

    declaration: Declaration
    twice: bool

    def __str__(self) -> str:
        plain = replace(self.declaration, important=False)
        return f"{plain};{self.declaration}" if self.twice else str(self.declaration)


def attribute(claims: Iterable[Claim], place: int, settlement: Settlement) -> str:
    """Write a style attribute: all that an element heard, lowest rank first.

    Nothing is merged, so that shorthands, longhands and fallbacks come out as they went in;
    what a later declaration certainly overrules is left out. Outlook on Windows ignores
    `!important` declarations in attributes: those of sheets are also written without it.
    """
    said: list[_Said] = []
    for claim in sorted(claims, key=lambda claim: claim.rank):
        declaration, own = claim.declaration, claim.rank[1]
        slot = next(iter(slots(declaration.name)))
        if own or slot not in settlement.in_head:
            important = settlement.modes.get((place, slot), declaration.important)
            twice = important and not (own and declaration.important)
            said.append(
                _Said(declaration=replace(declaration, important=important), twice=twice)
            )
    return ";".join(map(str, _needed(said)))


def _needed(said: Sequence[_Said]) -> list[_Said]:
    needed: list[_Said] = []
    overruled: dict[bool, set[str]] = {False: set(), True: set()}
    for one in reversed(said):
        declaration = one.declaration
        if slots(declaration.name) <= overruled[declaration.important] or one in needed:
            continue
        needed.append(one)
        if declaration.plain:
            overruled[declaration.important] |= certain_slots(declaration.name)
            if one.twice:
                overruled[False] |= certain_slots(declaration.name)
    return needed[::-1]


def head(
    sheet: Sheet, number: int, settlement: Settlement, kept: Callable[[Rule], tuple[str, str]]
) -> str:
    """Write what stays of a sheet in the head, a rule a line.

    `kept` gives for a rule the selectors that stay, and those that stay only for what is not
    inlined.
    """

    def written(node: Node) -> str:
        match node:
            case AsItIs():
                return f"{node.text}\n"
            case Group():
                inside = "".join(map(written, node.nodes))
                return f"{node.opening} {{\n{inside}}}\n" if inside else ""
            case Rule():
                return _rule(node, number, settlement, *kept(node))

    return "".join(map(written, sheet.nodes))


def _rule(rule: Rule, number: int, settlement: Settlement, kept: str, inlined: str) -> str:
    everything = [
        replace(d, important=d.important or (number, rule.number, place) in settlement.raised)
        for place, d in enumerate(rule.declarations)
    ]
    rest = [d for d in rule.declarations if slots(d.name) & settlement.in_head]
    return _block(kept, everything) + _block(inlined, rest)


def _block(selectors: str, declarations: Sequence[Declaration]) -> str:
    if not selectors or not declarations:
        return ""
    return f"{selectors} {{ {'; '.join(map(str, declarations))}; }}\n"
