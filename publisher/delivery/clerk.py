"""The clerk keeps the ledger while couriers send: it alone writes, and many rows at a time.

A turn is one transaction: what became of messages is written down, and what couriers want next
is marked as being attempted. Only when that is committed does anybody get it. So a kill loses
nothing, and leaves in doubt no more than was promised. Knows no message and no socket.
"""

from __future__ import annotations

import contextlib
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import ceil
from random import Random
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import Connection

from publisher.clock import Clock, Timer
from publisher.delivery.desk import Desk, Result
from publisher.delivery.fates import Attempt, Fate, fate_of
from publisher.delivery.jobs import Job
from publisher.delivery.ledger import claiming, counting, leases, settling
from publisher.delivery.ledger.claiming import Claim, Key
from publisher.delivery.outcomes import Outcome, Slow, Verdict
from publisher.delivery.states import DeliveryState
from publisher.delivery.suspicion import EVERYTHING, Suspicion
from publisher.delivery.transports.base import Transport
from publisher.errors import DeliveryError
from subscribers import Status, SubscribersError, suppress

if TYPE_CHECKING:
    from publisher.delivery.rates import Rates

log = structlog.get_logger()

# A turn waits so long for what rates have put off; what takes longer is a later turn's.
LONGEST_WAIT = timedelta(minutes=1)
# Rows claimed at a time: their readers are looked up together.
CLAIMED_AT_ONCE = 500
# How often in a turn: where a domain's rate puts off most of an audience, it is done bit by bit.
CLAIMS_A_TURN = 4


class Fenced(DeliveryError):  # noqa: N818  # what it says of us
    """Somebody else has taken what this process held: it was stopped for too long."""


@dataclass(slots=True)
class Page:
    """What one turn has written, to be acted upon once it is committed."""

    portions: dict[int, list[Claim]] = field(default_factory=dict)
    stock: deque[Claim] = field(default_factory=deque)
    moved: Counter[tuple[int, DeliveryState]] = field(default_factory=Counter)
    kept: list[Key] = field(default_factory=list)
    believed: list[Claim] = field(default_factory=list)
    unbegun: int = 0
    # Seconds until the transport's rate lets more go, if it is what holds us up.
    rates_wait: float | None = None
    held_by: tuple[str, ...] = ()
    # Whether all that can be claimed was, and when a row that was put off can be.
    is_dry: bool = False
    next_due: datetime | None = None


class Clerk:
    """Writes one sender's part of the ledger; each method is for one thread, always the same."""

    def __init__(  # noqa: PLR0913  # the parts that a turn of delivering is made of
        self,
        *,
        sender: int,
        transport: Transport,
        jobs: Mapping[int, Job],
        desk: Desk,
        rates: Rates,
        clock: Clock,
        timer: Timer,
    ) -> None:
        self._sender = sender
        self._transport = transport
        self._jobs = jobs
        self._desk = desk
        self._rates = rates
        self._clock = clock
        self._timer = timer
        # Until then the transport's own rate lets nothing go.
        self._rates_open_at = 0.0
        # What rates said when they held something back last, for people.
        self.held_by: tuple[str, ...] = ()
        self._chance = Random()  # noqa: S311  # spreads tries, guards nothing
        self._turns = deque(jobs)
        self._stock: deque[Claim] = deque()
        self._results: list[Result] = []
        self._returned: list[Claim] = []
        self.suspicion = Suspicion()
        self.moved: Counter[tuple[int, DeliveryState]] = Counter()
        # What can be claimed has been, as of the last turn that asked.
        self.is_dry = False
        # When a row that a rate has put off can be taken up, if one was.
        self._next_due: datetime | None = None

    def gather(self) -> bool:
        """Take what lies on the desk; says whether there is anything to write."""
        results, returned = self._desk.collect()
        self._results += results
        self._returned += returned
        return bool(self._results or self._returned)

    @property
    def can_promise(self) -> bool:
        """Whether there may be rows to promise, as far as is known without asking."""
        is_due = self._next_due is not None and self._next_due <= self._clock.now()
        return (not self.is_dry or is_due) and self._timer.time() >= self._rates_open_at

    @property
    def is_done(self) -> bool:
        """Whether nothing is left that could be promised now, or is worth waiting for."""
        if self._timer.time() + LONGEST_WAIT.total_seconds() < self._rates_open_at:
            return True
        comes_soon = self._next_due and self._next_due <= self._clock.now() + LONGEST_WAIT
        nothing_here = self.is_dry and not (self._stock or self._returned)
        return nothing_here and not comes_soon

    @property
    def rest(self) -> float:
        """Seconds until the transport's rate lets more go; 0 when it does now."""
        return max(0.0, self._rates_open_at - self._timer.time())

    def write(self, connection: Connection) -> Page:
        """Do a turn's writing; raises Fenced if the lease is lost, and nothing is written then."""
        self._renew(connection)
        now, page = self._clock.now(), Page()
        self._settle(connection, now, page)
        page.unbegun = claiming.unmark(connection, self._returned, now)
        self._promise(connection, now, page)
        return page

    def act(self, page: Page) -> None:
        """Do what is right once a turn's writing is committed."""
        self._written(page)
        self.is_dry, self._next_due = page.is_dry and not self._frees(page), page.next_due
        self._stock = page.stock
        self._rates_open_at = self._timer.time() + (page.rates_wait or 0.0)
        self.held_by = page.held_by or self.held_by
        self._returned += self._desk.hand_out(page.portions)

    def put_down(self, connection: Connection, *, has_ended: bool) -> Page:
        """Write what came last, and give back everything that is ours.

        `has_ended` says that the turn came to its own end, and nothing cut it off.
        """
        now, page = self._clock.now(), Page()
        all_were_tried = has_ended and self._has_tried_all(connection)
        self._settle(connection, now, page, all_were_tried=all_were_tried)
        claiming.unmark(connection, self._returned, now)
        claiming.release(connection, self._stock, now)
        return page

    def gone(self, page: Page) -> None:
        """Do what is right once the last writing is committed."""
        self._written(page)
        self._stock.clear()

    @property
    def accepted(self) -> int:
        """How many messages were taken."""
        return sum(n for (_, state), n in self.moved.items() if state is DeliveryState.SENT)

    def _has_tried_all(self, connection: Connection) -> bool:
        """Say whether no reader waits for a rate, and earlier turns fared no worse than this one."""
        waits = self._stock or self._returned or self._next_due or self.rest
        if waits or not self.is_dry:
            return False
        return not counting.takes_nothing(connection, self._jobs, EVERYTHING)

    def _frees(self, page: Page) -> bool:
        """Say whether a turn has put rows back that can be taken up at once."""
        return page.unbegun > 0 or any(
            state is DeliveryState.PENDING for _, state in page.moved
        )

    def _written(self, page: Page) -> None:
        self._results, self._returned = [], []
        self.suspicion.forget(page.believed)
        self.moved.update(page.moved)
        if page.kept:
            self._transport.kept(self._sender, page.kept)

    def _renew(self, connection: Connection) -> None:
        until = self._timer.time() + leases.LEASE_SECONDS
        if not leases.renew(connection, self._sender, until):
            raise Fenced("another process has taken over; this one was stopped for too long")

    def _settle(
        self,
        connection: Connection,
        now: datetime,
        page: Page,
        *,
        all_were_tried: bool = False,
    ) -> None:
        """Write down what became of messages, as far as their rows are still ours."""
        self.suspicion.weigh(self._results)
        fates = {claim: self._fate(claim, outcome, now) for claim, outcome in self._results}
        moved = settling.settle(connection, fates, now) if fates else set()
        for claim, outcome in self._results:
            if claim.key not in moved:
                log.warning(
                    "an outcome came too late", issue=claim.issue_id, reader=claim.reader.id
                )
                continue
            state = fates[claim].state
            page.moved[claim.issue_id, state] += 1
            if state is DeliveryState.SENT:
                page.kept.append(claim.key)
            if state is DeliveryState.BOUNCED and outcome.is_dead:
                self._bury(connection, claim, now)
            if outcome.slow:
                domain = claim.domain if outcome.slow is Slow.DOMAIN else None
                self._rates.slow_down(connection, domain, self._timer.time())
        self._believe(connection, now, page, all_were_tried=all_were_tried)

    def _fate(self, claim: Claim, outcome: Outcome, now: datetime) -> Fate:
        job = self._jobs[claim.issue_id]
        attempt = Attempt(claim.attempts + 1, claim.tried_at or now, now)
        if self.suspicion.doubts(claim):
            outcome = replace(outcome, verdict=Verdict.DEFERRED)
        return fate_of(outcome, attempt, job.terms, self._transport.guarantee, self._chance)

    def _believe(
        self, connection: Connection, now: datetime, page: Page, *, all_were_tried: bool
    ) -> None:
        believed = self.suspicion.believed(all_were_tried=all_were_tried)
        if not believed:
            return
        moved = settling.believe(connection, believed, now)
        page.believed += believed
        for claim, outcome in believed.items():
            if claim.key in moved:
                page.moved[claim.issue_id, DeliveryState.DEFERRED] -= 1
                page.moved[claim.issue_id, DeliveryState.BOUNCED] += 1
                if outcome.is_dead:
                    self._bury(connection, claim, now)

    def _bury(self, connection: Connection, claim: Claim, now: datetime) -> None:
        """Let nobody write to a mailbox again that does not exist."""
        with contextlib.suppress(SubscribersError):  # erased meanwhile: nobody will
            suppress(connection, claim.reader.address, Status.BOUNCED, now)
        log.info("address is dead", reader=claim.reader.id)

    def _promise(self, connection: Connection, now: datetime, page: Page) -> None:
        """Mark as many rows as couriers want, and deal them out."""
        demand = self._desk.demand()
        page.stock = deque(self._stock)
        page.is_dry, page.next_due = self.is_dry, self._next_due
        page.portions = dealt(self._marked(connection, sum(demand.values()), now, page), demand)

    def _marked(
        self, connection: Connection, count: int, now: datetime, page: Page
    ) -> list[Claim]:
        """Mark rows until there are so many, or no more; some turn out to be nobody's to send."""
        marked: list[Claim] = []
        while len(marked) < count and (
            chosen := self._choose(connection, count - len(marked), now, page)
        ):
            held, left = claiming.mark(connection, chosen, now)
            marked += held
            if left:
                log.info("readers left", count=left)
        return marked

    def _choose(
        self, connection: Connection, count: int, now: datetime, page: Page
    ) -> list[Claim]:
        """Choose what may go now; what rates hold back is put off, or waits in the stock."""
        chosen: list[Claim] = []
        claims_left = CLAIMS_A_TURN
        while len(chosen) < count and page.rates_wait is None:
            if not page.stock and claims_left:
                claims_left -= 1
                page.stock.extend(self._claimed(connection, now, page))
            if not page.stock:
                break
            some = [
                page.stock.popleft() for _ in range(min(count - len(chosen), len(page.stock)))
            ]
            chosen += self._granted(connection, some, now, page)
        return chosen

    def _granted(
        self, connection: Connection, some: Sequence[Claim], now: datetime, page: Page
    ) -> list[Claim]:
        """Ask the rates for some rows; gives those that may go, and puts the others off."""
        grant = self._rates.grant(connection, [one.domain for one in some], self._timer.time())
        if grant.put_off:
            instants = {
                some[number]: now + timedelta(seconds=ceil(wait))
                for number, wait in grant.put_off.items()
            }
            claiming.put_off(connection, instants, now)
        page.stock.extendleft(some[number] for number in reversed(grant.held))
        page.rates_wait = grant.transport_wait
        page.held_by = grant.reasons or page.held_by
        return [some[number] for number in grant.allowed]

    def _claimed(self, connection: Connection, now: datetime, page: Page) -> list[Claim]:
        """Claim from the next issue that has anything due; each has its turn."""
        page.is_dry = False
        for _ in range(len(self._turns)):
            issue_id = self._turns[0]
            self._turns.rotate(-1)
            found = claiming.claim(connection, issue_id, self._sender, now, CLAIMED_AT_ONCE)
            if found:
                return found
        page.is_dry = True
        page.next_due = claiming.next_due(connection, list(self._jobs))
        return []


def dealt(claims: Sequence[Claim], demand: Mapping[int, int]) -> dict[int, list[Claim]]:
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
