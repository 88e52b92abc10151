"""The dealer: which readers are next, and which courier gets whom.

Claims rows of each issue in turn, asks the rates who of them may go, marks those as being
attempted, and deals them out. All of it is said in the caller's transaction, and counts only
once that is committed: until then a deal is a value. Knows no message and no outcome.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from random import Random
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import Connection

from publisher.clock import Clock, Timer
from publisher.delivery.ledger import claims, marking
from publisher.delivery.ledger.claims import Claim

if TYPE_CHECKING:
    from publisher.delivery.rates import RateLimiter

log = structlog.get_logger()

# A turn waits so long for what rates have put off; what takes longer is a later turn's.
LONGEST_WAIT = timedelta(minutes=1)
# Rows claimed at a time: their readers are looked up together.
CLAIMED_AT_ONCE = 500
# How often in a deal: where a domain's rate puts off most of an audience, it is done bit by bit.
CLAIMS_A_DEAL = 4
# How often rows are marked in a deal, until there are enough: of some issues all have left.
MARKS_A_DEAL = 4
# The part of those who are next that readers have who have been put off, and overdue for long.
OVERDUE_PART = 0.2


@dataclass(slots=True)
class Allocation:
    """What was said in one transaction."""

    portions: dict[int, list[Claim]] = field(default_factory=dict)
    stock: deque[Claim] = field(default_factory=deque)
    # Seconds until the transport's rate lets more go, if it is what holds us up.
    rates_wait: float | None = None
    # What holds readers up, for people: the transport's rate, and those of domains.
    transport_says: str = ""
    domains_say: dict[str, None] = field(default_factory=dict)
    # Whether all that can be claimed was, and when a row that was put off can be.
    is_dry: bool = False
    next_due: datetime | None = None


class FairQueue:
    """Deals out one sender's rows; each method is for one thread, always the same."""

    def __init__(
        self,
        sender: int,
        issues: Collection[int],
        rates: RateLimiter,
        clock: Clock,
        timer: Timer,
    ) -> None:
        self._sender = sender
        self._issues = list(issues)
        self._turns = deque(issues)
        self._rates = rates
        self._clock = clock
        self._timer = timer
        self._chance = Random()  # noqa: S311  # mixes readers, guards nothing
        self._stock: deque[Claim] = deque()
        # What can be claimed has been, as of the last deal.
        self.is_dry = False
        # When a row that a rate has put off can be taken up, if one was.
        self._next_due: datetime | None = None
        # Until then the transport's own rate lets nothing go.
        self._rates_open_at = 0.0
        self._transport_says = ""
        self._domains_say: dict[str, None] = {}

    @property
    def can_deal(self) -> bool:
        """Whether there may be rows to deal out, as far as is known without asking."""
        is_due = self._next_due is not None and self._next_due <= self._clock.now()
        return (not self.is_dry or is_due) and self.rest == 0

    @property
    def is_done(self) -> bool:
        """Whether nothing is left that could be dealt out now, or is worth waiting for."""
        if self.rest > LONGEST_WAIT.total_seconds():
            return True
        comes_soon = self._next_due and self._next_due <= self._clock.now() + LONGEST_WAIT
        return self.is_dry and not (self._stock or comes_soon)

    @property
    def holds_nobody_up(self) -> bool:
        """Whether no reader waits here: for a rate, or for her turn."""
        return self.is_dry and not (self._stock or self._next_due or self.rest)

    @property
    def rest(self) -> float:
        """Seconds until the transport's rate lets more go; 0 when it does now."""
        return max(0.0, self._rates_open_at - self._timer.time())

    @property
    def held_by(self) -> tuple[str, ...]:
        """What holds up those who still wait, for people."""
        of_domains = self._domains_say if self._next_due else ()
        return (*of_domains, *([self._transport_says] if self.rest else []))

    def deal(
        self, connection: Connection, demand: Mapping[int, int], now: datetime
    ) -> Allocation:
        """Mark as many rows as couriers want, and deal them out."""
        deal = Allocation(stock=deque(self._stock), is_dry=self.is_dry, next_due=self._next_due)
        marked = self._marked(connection, sum(demand.values()), now, deal)
        deal.portions = round_robin(marked, demand)
        return deal

    def stands(self, deal: Allocation, *, frees: bool) -> None:
        """Hear that a deal was committed; `frees` says that rows were put back with it."""
        self.is_dry, self._next_due = deal.is_dry and not frees, deal.next_due
        self._stock = deal.stock
        self._rates_open_at = self._timer.time() + (deal.rates_wait or 0.0)
        self._transport_says = deal.transport_says or self._transport_says
        self._domains_say |= deal.domains_say

    def put_down(self, connection: Connection, now: datetime) -> None:
        """Give back what was claimed and not dealt out; nothing is dealt after that."""
        marking.release_claims(connection, self._stock, now)

    def _marked(
        self, connection: Connection, count: int, now: datetime, deal: Allocation
    ) -> list[Claim]:
        """Mark rows until there are so many, or no more; some turn out to be nobody's to send."""
        marked: list[Claim] = []
        for _ in range(MARKS_A_DEAL):
            chosen = self._chosen(connection, count - len(marked), now, deal)
            if not chosen:
                break
            held, left = marking.begin_attempts(connection, chosen, now)
            marked += held
            if len(held) < len(chosen):
                self._rates.give_back(connection, len(chosen) - len(held), self._timer.time())
            if left:
                log.info("readers left", count=left)
        return marked

    def _chosen(
        self, connection: Connection, count: int, now: datetime, deal: Allocation
    ) -> list[Claim]:
        """Choose who may go now; whom rates hold back is put off, or waits in the stock."""
        chosen: list[Claim] = []
        claims_left = CLAIMS_A_DEAL
        while len(chosen) < count and deal.rates_wait is None:
            if not deal.stock and claims_left:
                claims_left -= 1
                deal.stock.extend(self._claimed(connection, now, deal))
            if not deal.stock:
                break
            some = [
                deal.stock.popleft() for _ in range(min(count - len(chosen), len(deal.stock)))
            ]
            chosen += self._granted(connection, some, now, deal)
        return chosen

    def _granted(
        self, connection: Connection, some: Sequence[Claim], now: datetime, deal: Allocation
    ) -> list[Claim]:
        """Ask the rates for some rows; gives those that may go, and puts the others off."""
        grant = self._rates.grant(connection, [one.domain for one in some], self._timer.time())
        if grant.put_off:
            instants = {
                some[number]: now + timedelta(seconds=ceil(wait))
                for number, wait in grant.put_off.items()
            }
            marking.postpone_claims(connection, instants, now)
        deal.stock.extendleft(some[number] for number in reversed(grant.held))
        deal.rates_wait = grant.transport_wait
        of_domains = [*grant.reasons]
        if grant.transport_wait is not None:
            # The transport's own comes last.
            deal.transport_says = of_domains.pop()
        deal.domains_say |= dict.fromkeys(of_domains)
        return [some[number] for number in grant.allowed]

    def _claimed(self, connection: Connection, now: datetime, deal: Allocation) -> list[Claim]:
        """Claim from the next issue that has anything due; each has its turn."""
        deal.is_dry = False
        for _ in range(len(self._turns)):
            issue_id = self._turns[0]
            self._turns.rotate(-1)
            if found := self._claimed_of(connection, issue_id, now):
                return found
        deal.is_dry = True
        deal.next_due = claims.next_due_at(connection, self._issues)
        return []

    def _claimed_of(self, connection: Connection, issue_id: int, now: datetime) -> list[Claim]:
        most = int(CLAIMED_AT_ONCE * OVERDUE_PART)
        overdue = claims.claim_overdue(connection, issue_id, self._sender, now, most)
        most = CLAIMED_AT_ONCE - len(overdue)
        others = claims.claim(connection, issue_id, self._sender, now, most)
        return interleave(overdue, others, OVERDUE_PART, self._chance)


def interleave(
    some: Sequence[Claim], others: Sequence[Claim], part: float, chance: Random
) -> list[Claim]:
    """Put two queues into one, of which the first has a part at any place; each keeps its order."""
    first, second, both = deque(some), deque(others), list[Claim]()
    while first and second:
        both.append((first if chance.random() < part else second).popleft())
    return [*both, *first, *second]


def round_robin(claims: Sequence[Claim], demand: Mapping[int, int]) -> dict[int, list[Claim]]:
    """Deal rows out, one to each in turn, to nobody more than was asked for."""
    hands: dict[int, list[Claim]] = {number: [] for number in demand}
    open_hands = deque(demand)
    for claim in claims:
        number = open_hands[0]
        hands[number].append(claim)
        open_hands.rotate(-1)
        if len(hands[number]) >= demand[number]:
            open_hands.remove(number)
    return {number: hand for number, hand in hands.items() if hand}
