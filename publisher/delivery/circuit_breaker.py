"""Whether a server refuses single readers, or everything. Pure.

As long as a server has accepted nothing, its refusals are not believed: a relay that does not
know us would have every address called dead. They are put off, and believed as soon as
something was accepted, or when all readers were tried. A second refusal of a reader is believed
where others have got the issue: what is left of one at its end may well be nothing but that.
Knows no row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from publisher.delivery.ledger.claims import Claim
from publisher.delivery.outcomes import Outcome, SendStatus

# So many refusals in a row, and not one acceptance, are no chance.
EVERYTHING = 10
# So many suffice where the server speaks of us.
OF_US = 3


class CircuitBreaker:
    """What one turn of delivering knows of its server; weighing an outcome twice changes nothing."""

    def __init__(self, begun: Collection[int] = ()) -> None:
        """Know nothing but the issues that somebody has got already."""
        self._begun = begun
        self._has_accepted = False
        self._suspects: dict[Claim, Outcome] = {}

    def weigh(self, results: Iterable[tuple[Claim, Outcome]]) -> None:
        """Take note of outcomes."""
        for claim, outcome in results:
            if outcome.status is SendStatus.ACCEPTED:
                self._has_accepted = True
            elif outcome.status is SendStatus.REFUSED and not self._is_credible(claim):
                self._suspects[claim] = outcome

    def _is_credible(self, claim: Claim) -> bool:
        return self._has_accepted or (claim.attempts > 0 and claim.issue_id in self._begun)

    def doubts(self, claim: Claim) -> bool:
        """Say whether a refusal is not to be believed yet."""
        return claim in self._suspects and not self._has_accepted

    def believed(self, *, all_were_tried: bool = False) -> dict[Claim, Outcome]:
        """Give the refusals that were put off and are believed now."""
        return dict(self._suspects) if self._has_accepted or all_were_tried else {}

    def forget(self, claims: Iterable[Claim]) -> None:
        """Let go of refusals that have been written down."""
        for claim in claims:
            self._suspects.pop(claim, None)

    @property
    def refuses_us(self) -> str | None:
        """The server's last words about us rather than a reader, if it has accepted nothing."""
        about_us = self._about_us()
        return about_us[-1].reason if about_us and not self._has_accepted else None

    @property
    def refuses_everything(self) -> str | None:
        """The server's last words, if it takes nothing."""
        are_many = len(self._suspects) >= EVERYTHING or len(self._about_us()) >= OF_US
        if self._has_accepted or not are_many:
            return None
        return [*self._suspects.values()][-1].reason

    def _about_us(self) -> list[Outcome]:
        return [one for one in self._suspects.values() if one.blames_sender]
