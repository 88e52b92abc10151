"""Detect a server that rejects every recipient, so that recipients are not bounced for it.

A relay that does not accept our mail at all rejects every address. So until a server has
accepted one message in a run, rejections are deferred, not bounced. They are confirmed as soon as
something is accepted, or when every recipient was tried. A second rejection of a recipient counts
at once if the issue has been delivered to others. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from publisher.delivery.ledger.claims import Claim
from publisher.delivery.outcomes import Outcome, SendStatus

# So many rejections and not one acceptance are no coincidence.
TRIP_AFTER = 10
# So many are enough when the replies are about us.
_TRIP_AFTER_BLAMING_US = 3


class CircuitBreaker:
    """What one run has learned about its server. Recording an outcome twice changes nothing."""

    def __init__(self, issues_with_sent: Collection[int] = ()) -> None:
        """Start closed. `issues_with_sent` are the issues that some recipients have got."""
        self._issues_with_sent = issues_with_sent
        self._has_accepted = False
        self._rejected: dict[Claim, Outcome] = {}

    def record(self, results: Iterable[tuple[Claim, Outcome]]) -> None:
        """Record the outcomes of attempts."""
        for claim, outcome in results:
            if outcome.status is SendStatus.ACCEPTED:
                self._has_accepted = True
            elif outcome.status is SendStatus.REFUSED and not self._counts_at_once(claim):
                self._rejected[claim] = outcome

    def _counts_at_once(self, claim: Claim) -> bool:
        is_second = claim.attempts > 0 and claim.issue_id in self._issues_with_sent
        return self._has_accepted or is_second

    def is_unconfirmed(self, claim: Claim) -> bool:
        """Return whether this recipient's rejection must not count as a bounce yet."""
        return claim in self._rejected and not self._has_accepted

    def confirmed(self, *, all_were_tried: bool = False) -> dict[Claim, Outcome]:
        """Return the deferred rejections that now count as bounces."""
        return dict(self._rejected) if self._has_accepted or all_were_tried else {}

    def forget(self, claims: Iterable[Claim]) -> None:
        """Drop rejections that have been written to the ledger as bounces."""
        for claim in claims:
            self._rejected.pop(claim, None)

    @property
    def sender_rejection_reason(self) -> str | None:
        """The last reply that was about us, if nothing was accepted."""
        about_us = self._about_us()
        return about_us[-1].reason if about_us and not self._has_accepted else None

    @property
    def trip_reason(self) -> str | None:
        """The last reply, if the server has to be taken for one that rejects everything."""
        has_many = (
            len(self._rejected) >= TRIP_AFTER or len(self._about_us()) >= _TRIP_AFTER_BLAMING_US
        )
        if self._has_accepted or not has_many:
            return None
        return [*self._rejected.values()][-1].reason

    def _about_us(self) -> list[Outcome]:
        return [one for one in self._rejected.values() if one.is_about_sender]
