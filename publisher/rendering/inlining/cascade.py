"""The cascade of a mail whose rules go into its elements: what is to be marked, to win as before.

A rule that is inlined wins over every rule in the head, which it may not have done before; only
`!important` in the head beats it. So what stays in the head gets `!important` where it has to
win, and loses to an inlined `!important` where it has to lose. Where no such marking gives each
element the winner that it had, the properties in question are not inlined at all: their rules
stay in the head as they were written, which is always right. Knows no document.

Source: CSS Cascade 5, section 6.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from publisher.errors import RenderingError
from publisher.rendering.inlining.properties import certain_slots, families, slots
from publisher.rendering.inlining.sheets import Declaration

# Important or not, from a style attribute or not, specificity, sheet, rule, place in the rule:
# who ranks higher wins.
Rank = tuple[bool, bool, tuple[int, int, int], int, int, int]

# Which declaration of all sheets: sheet, rule, place in the rule.
Key = tuple[int, int, int]

# Declarations of one property that one element hears: more are an accident, and each is held
# against all others.
MOST_RIVALS = 300

# How an attribute may write a family: as it was, nothing or everything `!important`.
MODES = (None, False, True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A declaration that one kind of element hears, through one selector.

    `when` is what must be true for it to be heard, beyond the document; `inlined` says that it
    goes into the style attribute, `verbatim` that nothing can be added to it.
    """

    declaration: Declaration
    rank: Rank
    key: Key
    when: frozenset[str] = frozenset()
    inlined: bool
    verbatim: bool = False

    def settles(self, slot: str, when: frozenset[str]) -> bool:
        """Say whether it is heard, and taken by every program, whenever `when` holds."""
        certain = self.declaration.plain and slot in certain_slots(self.declaration.name)
        return certain and self.when <= when


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """Claims to one slot of a kind of element, lowest rank first.

    `alive` are those that can win; a higher claim overrules each of the others whenever it is
    heard. `place` numbers the kinds of elements that share an attribute.
    """

    slot: str
    place: int
    claims: tuple[Claim, ...]
    alive: tuple[Claim, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """How the declarations must be written.

    `raised` are those in the head that get `!important`, `in_head` the slots that nothing is
    inlined for, `modes` how the attributes of a place write a slot, where not as it was.
    """

    raised: frozenset[Key] = frozenset()
    in_head: frozenset[str] = frozenset()
    modes: dict[tuple[int, str], bool]


class HelplessError(Exception):
    """A declaration that can't be marked has to win over an inlined one."""

    def __init__(self, claim: Claim) -> None:
        super().__init__(str(claim.declaration))
        self.claim = claim


def contests(place: int, claims: Iterable[Claim]) -> Iterator[Contest]:
    """Give the contests of one kind of element that inlining could change."""
    found: dict[str, list[Claim]] = {}
    for claim in sorted(claims, key=lambda claim: claim.rank):
        for slot in slots(claim.declaration.name):
            found.setdefault(slot, []).append(claim)
    for slot, rivals in found.items():
        if len(rivals) > MOST_RIVALS:
            raise RenderingError(f"more than {MOST_RIVALS} rules set `{slot}` on one element")
        if len(rivals) > 1 and not all(claim.inlined for claim in rivals):
            alive = tuple(
                claim
                for position, claim in enumerate(rivals)
                if not any(
                    higher.settles(slot, claim.when) for higher in rivals[position + 1 :]
                )
            )
            yield Contest(slot=slot, place=place, claims=tuple(rivals), alive=alive)


def settle(
    found: Iterable[Contest],
    names: Collection[str],
    animated: Collection[str],
    tied_to_head: Collection[str] = (),
) -> Settlement:
    """Decide how to write what, family by family; raises HelplessError.

    `names` are all properties that the document sets, `animated` the slots in its key frames,
    which lose to what is important, `tied_to_head` slots that must not be inlined.
    """
    family_of = families(names)
    by_family: dict[str, list[Contest]] = {}
    for contest in found:
        by_family.setdefault(family_of[contest.slot], []).append(contest)
    raised: set[Key] = set()
    modes: dict[tuple[int, str], bool] = {}
    stuck = {family_of[slot] for slot in tied_to_head}
    for family, fought in by_family.items():
        answer = None if family in stuck else _settle_family(fought)
        changes = answer is not None and (answer[0] or answer[1])
        if answer is None or (changes and any(family_of.get(s) == family for s in animated)):
            stuck.add(family)
        else:
            raised |= answer[0]
            members = [slot for slot, name in family_of.items() if name == family]
            modes |= {(place, s): mode for place, mode in answer[1].items() for s in members}
    in_head = frozenset(slot for slot, family in family_of.items() if family in stuck)
    return Settlement(raised=frozenset(raised), in_head=in_head, modes=modes)


def _settle_family(fought: list[Contest]) -> tuple[set[Key], dict[int, bool]] | None:
    raised = _raised(fought)
    by_place: dict[int, list[Contest]] = {}
    for contest in fought:
        by_place.setdefault(contest.place, []).append(contest)
    modes: dict[int, bool] = {}
    for place, here in by_place.items():
        for mode in MODES:
            if all(_holds(contest, raised, mode) for contest in here):
                break
        else:
            return None
        if mode is not None:
            modes[place] = mode
    return raised, modes


def _raised(fought: list[Contest]) -> set[Key]:
    """Find what must be important: all that wins over an attribute, or over what is important."""
    raised: set[Key] = set()
    before = -1
    while len(raised) > before:
        before = len(raised)
        for contest in fought:
            raised |= _raised_here(contest, raised)
    return raised


def _raised_here(contest: Contest, raised: set[Key]) -> set[Key]:
    found: set[Key] = set()
    helpless: Claim | None = None
    over_attribute = over_important = False
    living = {id(claim) for claim in contest.alive}
    for claim in contest.claims:
        important = claim.declaration.important or claim.key in raised
        if claim.inlined:
            over_attribute, helpless = True, None
        elif important:
            over_important = True
        elif id(claim) not in living:
            continue
        elif claim.verbatim:
            helpless = claim if over_attribute else helpless
        elif over_attribute or over_important:
            found.add(claim.key)
            over_important = True
    if helpless is not None:
        raise HelplessError(helpless)
    return found


def _holds(contest: Contest, raised: set[Key], mode: bool | None) -> bool:
    """Say whether whoever won still wins, whatever is heard.

    Only one declaration has the strength of another: itself, heard through two selectors.
    """
    strength = {id(claim): _strength(claim, raised, mode) for claim in contest.claims}
    alive = [strength[id(claim)] for claim in contest.alive]
    if any(lower > higher for lower, higher in pairwise(alive)):
        return False
    living = {id(claim) for claim in contest.alive}

    def overruled(claim: Claim) -> bool:
        own = strength[id(claim)]
        return any(
            strength[id(other)] > own or (strength[id(other)] == own and id(other) in living)
            for other in contest.claims
            if other.settles(contest.slot, claim.when)
        )

    return all(overruled(claim) for claim in contest.claims if id(claim) not in living)


def _strength(claim: Claim, raised: set[Key], mode: bool | None) -> tuple[int, Rank]:
    """Rank a claim as it will be: head, attribute, important head, important attribute."""
    important = claim.declaration.important
    if claim.inlined:
        important = important if mode is None else mode
        return 2 * important + 1, claim.rank
    important = important or claim.key in raised
    return 2 * important, (False, *claim.rank[1:])
