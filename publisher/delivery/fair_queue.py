"""Decide which recipients are next, and which worker gets whom.

Claims rows of each issue in turn, passes them through the rate limits, reserves those that may
go (`attempting`), and distributes them over the workers. All of it happens in the caller's
transaction. The result is a value, an Allocation; it takes effect in `commit`, after the
transaction. If the transaction fails, the allocation is dropped and nothing has changed.
"""

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from random import Random

import structlog
from sqlalchemy import Connection

from publisher.clock import Clock, Timer
from publisher.delivery.ledger import attempts, claims
from publisher.delivery.ledger.claims import Claim
from publisher.delivery.rates.limiter import RateLimiter
from publisher.delivery.states import DeliveryState

log = structlog.get_logger()

# A run waits this long for a rate limit. What takes longer is left to a later run.
MAX_RATE_WAIT = timedelta(minutes=1)
# Rows claimed at a time: their addresses are read with one query.
CLAIM_SIZE = 500
# Claims per allocation: where one domain's rate holds back most recipients, others are found.
_CLAIMS_PER_ALLOCATION = 4
# Tries to fill the demand: recipients who unsubscribed leave gaps.
RESERVE_ROUNDS = 4
# Share of each batch that is reserved for deferred recipients whose retry time has passed.
OVERDUE_SHARE = 0.2


@dataclass(slots=True)
class Allocation:
    """What one transaction reserved and learned."""

    # Reserved rows, by worker.
    rows: dict[int, list[Claim]] = field(default_factory=dict)
    # Claimed rows that are not reserved yet.
    claimed: deque[Claim] = field(default_factory=deque)
    # Seconds until the transport's rate allows more, if that is the limit.
    rate_wait: float | None = None
    # What recipients wait for, for people: the transport's rate, and those of domains.
    transport_limit: str = ""
    domain_limits: dict[str, None] = field(default_factory=dict)
    # Whether nothing more can be claimed now, and when a postponed row can be.
    is_drained: bool = False
    next_due: datetime | None = None
    # The instants to which rate limits have postponed deferred rows.
    retries: set[datetime] = field(default_factory=set)


class FairQueue:
    """The order of one run's rows. For one thread."""

    def __init__(
        self,
        lease_id: int,
        issues: Collection[int],
        limiter: RateLimiter,
        clock: Clock,
        timer: Timer,
    ) -> None:
        self._lease_id = lease_id
        self._issues = list(issues)
        self._turns = deque(issues)
        self._limiter = limiter
        self._clock = clock
        self._timer = timer
        self._random = Random()  # noqa: S311  # mixes recipients, guards nothing
        self._claimed: deque[Claim] = deque()
        self._is_drained = False
        # When a row that a rate limit has postponed can be claimed again.
        self._next_due: datetime | None = None
        self._retries: set[datetime] = set()
        # Until then the transport's own rate allows nothing.
        self._transport_opens_at = 0.0
        self._transport_limit = ""
        self._domain_limits: dict[str, None] = {}

    @property
    def may_have_rows(self) -> bool:
        """Whether `allocate` may find rows, as far as is known without a query."""
        is_due = self._next_due is not None and self._next_due <= self._clock.now()
        return (not self._is_drained or is_due) and self.rate_wait == 0

    @property
    def is_done(self) -> bool:
        """Whether no row can be sent now, or within MAX_RATE_WAIT."""
        if self.rate_wait > MAX_RATE_WAIT.total_seconds():
            return True
        is_due_soon = self._next_due and self._next_due <= self._clock.now() + MAX_RATE_WAIT
        return self._is_drained and not (self._claimed or is_due_soon)

    @property
    def is_empty(self) -> bool:
        """Whether no recipient waits here, be it for a rate or for a turn."""
        return self._is_drained and not (self._claimed or self._next_due or self.rate_wait)

    @property
    def rate_wait(self) -> float:
        """Seconds until the transport's rate allows more; 0 if it does now."""
        return max(0.0, self._transport_opens_at - self._timer.time())

    @property
    def waiting_for(self) -> tuple[str, ...]:
        """The rate limits that recipients wait for, for people."""
        domain_limits = self._domain_limits if self._next_due else ()
        return (*domain_limits, *([self._transport_limit] if self.rate_wait else []))

    def allocate(
        self, connection: Connection, demand: Mapping[int, int], now: datetime
    ) -> Allocation:
        """Reserve as many rows as workers need. Takes effect with `commit`."""
        allocation = Allocation(
            claimed=deque(self._claimed),
            is_drained=self._is_drained,
            next_due=self._next_due,
            retries=set(self._retries),
        )
        reserved = self._reserve(connection, sum(demand.values()), now, allocation)
        allocation.rows = round_robin(reserved, demand)
        return allocation

    def commit(self, allocation: Allocation, *, rows_returned: bool) -> None:
        """Apply an allocation whose transaction is committed.

        `rows_returned` says that the transaction also made rows claimable again.
        """
        self._is_drained = allocation.is_drained and not rows_returned
        self._next_due = allocation.next_due
        self._retries = allocation.retries
        self._claimed = allocation.claimed
        self._transport_opens_at = self._timer.time() + (allocation.rate_wait or 0.0)
        self._transport_limit = allocation.transport_limit or self._transport_limit
        self._domain_limits |= allocation.domain_limits

    def release(self, connection: Connection, now: datetime) -> None:
        """Return the claimed rows at the end of a run."""
        claims.release_claims(connection, self._claimed, now)

    def _reserve(
        self, connection: Connection, count: int, now: datetime, allocation: Allocation
    ) -> list[Claim]:
        """Mark up to `count` rows as being attempted."""
        reserved: list[Claim] = []
        for _ in range(RESERVE_ROUNDS):
            chosen = self._choose(connection, count - len(reserved), now, allocation)
            if not chosen:
                break
            marked, unsubscribed = attempts.begin_attempts(connection, chosen, now)
            reserved += marked
            if unused := len(chosen) - len(marked):
                self._limiter.refund_quota(connection, unused, self._timer.time())
            if unsubscribed:
                log.info("recipients unsubscribed", count=unsubscribed)
        return reserved

    def _choose(
        self, connection: Connection, count: int, now: datetime, allocation: Allocation
    ) -> list[Claim]:
        """Choose up to `count` claimed rows that the rates allow."""
        chosen: list[Claim] = []
        claims_left = _CLAIMS_PER_ALLOCATION
        while len(chosen) < count and allocation.rate_wait is None:
            if not allocation.claimed and claims_left:
                claims_left -= 1
                allocation.claimed.extend(self._claim(connection, now, allocation))
            if not allocation.claimed:
                break
            size = min(count - len(chosen), len(allocation.claimed))
            some = [allocation.claimed.popleft() for _ in range(size)]
            chosen += self._apply_rates(connection, some, now, allocation)
        return chosen

    def _apply_rates(
        self,
        connection: Connection,
        some: Sequence[Claim],
        now: datetime,
        allocation: Allocation,
    ) -> list[Claim]:
        """Return the rows that rates allow now. Postpone or keep the others."""
        domains = [one.domain for one in some]
        grant = self._limiter.grant(connection, domains, self._timer.time())
        if grant.postponed:
            instants = {
                some[number]: now + timedelta(seconds=ceil(wait))
                for number, wait in grant.postponed.items()
            }
            claims.postpone_claims(connection, instants, now)
            allocation.retries.update(
                at for one, at in instants.items() if one.was is DeliveryState.DEFERRED
            )
        allocation.claimed.extendleft(some[number] for number in reversed(grant.held))
        allocation.rate_wait = grant.transport_wait
        domain_limits = [*grant.reasons]
        if grant.transport_wait is not None:
            # The transport's own is the last one.
            allocation.transport_limit = domain_limits.pop()
        allocation.domain_limits |= dict.fromkeys(domain_limits)
        return [some[number] for number in grant.allowed]

    def _claim(
        self, connection: Connection, now: datetime, allocation: Allocation
    ) -> list[Claim]:
        """Claim rows from the next issue that has any due; issues take turns."""
        allocation.is_drained = False
        for _ in range(len(self._turns)):
            issue_id = self._turns[0]
            self._turns.rotate(-1)
            if found := self._claim_from(connection, issue_id, now):
                return found
        allocation.is_drained = True
        # What is deferred for other reasons is left to a later run.
        allocation.retries = {at for at in allocation.retries if at > now}
        waiting = claims.next_due_at(connection, self._issues)
        allocation.next_due = min(filter(None, (waiting, *allocation.retries)), default=None)
        return []

    def _claim_from(self, connection: Connection, issue_id: int, now: datetime) -> list[Claim]:
        most = int(CLAIM_SIZE * OVERDUE_SHARE)
        overdue = claims.claim_overdue(connection, issue_id, self._lease_id, now, most)
        most = CLAIM_SIZE - len(overdue)
        others = claims.claim(connection, issue_id, self._lease_id, now, most)
        return interleave(overdue, others, OVERDUE_SHARE, self._random)


def interleave(
    first: Sequence[Claim], second: Sequence[Claim], share: float, random: Random
) -> list[Claim]:
    """Merge two queues in random order; `share` is the first one's. Each keeps its order."""
    one, other, both = deque(first), deque(second), list[Claim]()
    while one and other:
        both.append((one if random.random() < share else other).popleft())
    return [*both, *one, *other]


def round_robin(reserved: Sequence[Claim], demand: Mapping[int, int]) -> dict[int, list[Claim]]:
    """Distribute rows over workers in turn, up to the demand of each."""
    rows: dict[int, list[Claim]] = {number: [] for number in demand}
    hungry = deque(demand)
    for claim in reserved:
        number = hungry[0]
        rows[number].append(claim)
        hungry.rotate(-1)
        if len(rows[number]) >= demand[number]:
            hungry.remove(number)
    return {number: some for number, some in rows.items() if some}
