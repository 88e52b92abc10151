"""How far the recipients of issues moved since somebody approved them. Pure."""

from __future__ import annotations

from typing import NamedTuple

# A list that grew or shrank by more people, or by more than a fifth, is looked at again. One or two
# people are more than a fifth of a small list, and no reason to hold an issue.
_MOST_MOVED = 1_000
_MOST_MOVED_SHARE = 0.2
_FEWEST_MOVED = 10


class PlanChange(NamedTuple):
    """The recipients of one language, when a plan was approved and now."""

    language: str
    before: int
    now: int

    @property
    def is_far(self) -> bool:
        """Whether whoever approved the plan is asked again."""
        moved = abs(self.now - self.before)
        return moved > min(_MOST_MOVED, max(_MOST_MOVED_SHARE * self.before, _FEWEST_MOVED - 1))
