"""Whether a server refuses single readers, or everything. Pure.

As long as a server has accepted nothing, its refusals are not believed: a relay that does not
know us would have every address called dead. They are put off, and believed as soon as
something was accepted, or when all readers were tried. Knows no row.
"""

from __future__ import annotations

from collections.abc import Iterable

from publisher.delivery.ledger.claiming import Claim
from publisher.delivery.outcomes import Outcome, Verdict

# So many refusals in a row, and not one acceptance, are no chance.
EVERYTHING = 10


class Suspicion:
    """What one turn of delivering knows of its server; weighing an outcome twice changes nothing."""

    def __init__(self) -> None:
        self._has_accepted = False
        self._suspects: dict[Claim, Outcome] = {}

    def weigh(self, results: Iterable[tuple[Claim, Outcome]]) -> None:
        """Take note of outcomes."""
        for claim, outcome in results:
            if outcome.verdict is Verdict.ACCEPTED:
                self._has_accepted = True
            elif outcome.verdict is Verdict.REFUSED and not self._has_accepted:
                self._suspects[claim] = outcome

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
    def refuses_everything(self) -> str | None:
        """The server's last words, if it takes nothing."""
        if self._has_accepted or len(self._suspects) < EVERYTHING:
            return None
        return [*self._suspects.values()][-1].reason
