"""The plan of who gets an issue, as part of what an approver signs.

An approval keeps the hash of the plan that its giver has read, and how many get the issue. If that count
moves far, the approval does not count any more: `publisher.delivery.approved_audience` finds it out before
the ledger is opened, and readers of an issue are told here, earlier.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from publisher.app.audience_plan import AudiencePlan, is_plan_hash, plan_audience, plan_hash
from publisher.errors import IssueError
from publisher.issues.audience_change import PlanChange
from publisher.messages import message

if TYPE_CHECKING:
    from datetime import date

    from publisher.app.editing_state import EditingState
    from publisher.app.issues import Issue


@dataclass(frozen=True, slots=True)
class ShownPlan:
    """A plan that somebody has read: its hash, and how many got the issue that is approved.

    Without `recipients` the plan has to be the same to the last number when it is approved.
    """

    hash: str
    recipients: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanToSign:
    """The plan of an issue's day, in all languages. `recipients` get the issue itself.

    `moved` is why approvals that were given will not count, in words, without repeats.
    """

    plan: AudiencePlan
    hash: str
    recipients: int
    moved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DayPlans:
    """Plans of days, each counted once, for languages that are approved together."""

    _plans: dict[tuple[str, date], AudiencePlan] = field(default_factory=dict)

    def plan_of(self, state: EditingState, issue: Issue) -> AudiencePlan:
        """Return the plan of an issue's day, of all its languages."""
        key = issue.newsletter, issue.day
        if key not in self._plans:
            self._plans[key] = plan_audience(state, *key)
        return self._plans[key]


def plan_to_sign(
    state: EditingState, issue: Issue, plans: DayPlans | None = None
) -> PlanToSign | None:
    """Return the plan of an issue as it is now; None for a correction, which has another audience."""
    if issue.corrects_id is not None:
        return None
    plan = (plans or DayPlans()).plan_of(state, issue)
    count = plan.recipients.get(issue.language, 0)
    return PlanToSign(plan=plan, hash=plan_hash(plan, state.secret), recipients=count)


def signed_plan(
    state: EditingState,
    issue: Issue,
    shown: ShownPlan | None,
    plans: DayPlans | None = None,
) -> tuple[str, dict[str, int]] | None:
    """Return the hash and the count that are kept with an approval; None for a correction.

    They are those of now if nothing was shown. Raise IssueError if the list has moved far since it was,
    or if no such plan was ever shown.
    """
    now = plan_to_sign(state, issue, plans)
    if now is None:
        return None
    if shown is None or shown.hash == now.hash:
        return now.hash, {issue.language: now.recipients}
    return shown.hash, {issue.language: _shown_count(state, issue, shown, now.recipients)}


def _shown_count(state: EditingState, issue: Issue, shown: ShownPlan, count: int) -> int:
    """Return how many a plan counted that was shown before; raise IssueError if it does not hold."""
    if shown.recipients is None:
        raise IssueError(
            message(
                "%(issue)s: the plan is another by now (recipients: %(recipients)s); read it again: `publisher issues plan %(newsletter)s %(day)s`",
                issue=issue.name,
                recipients=count,
                newsletter=issue.newsletter,
                day=issue.day,
            )
        )
    if not is_plan_hash(shown.hash, issue.newsletter, issue.day, state.secret):
        raise IssueError(
            message(
                "%(issue)s: no plan of it had the hash %(hash)s; read the plan again",
                issue=issue.name,
                hash=shown.hash,
            )
        )
    if PlanChange(issue.language, shown.recipients, count).is_far:
        raise IssueError(
            message(
                "%(issue)s: recipients: %(before)s when it was read, %(now)s now; read the plan again",
                issue=issue.name,
                before=shown.recipients,
                now=count,
            )
        )
    return shown.recipients
