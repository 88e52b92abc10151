"""Why mails of an issue were not sent: counts by cause, for `status` and `deliver`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from publisher.delivery.ledger.reports import FAILURE_STATES, ReasonCounts, count_reasons
from publisher.delivery.states import DeliveryState
from publisher.issues.model import Issue, IssueState

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from publisher.app.status import IssueStatus

# Rows that are read for all issues together; takes about 50 milliseconds.
_MAX_ROWS_READ = 10_000
# Further causes are shown by `publisher deliveries`.
_CAUSES_SHOWN = 5
_NOT_SENT = (*FAILURE_STATES, DeliveryState.IN_DOUBT)


def failure_causes(
    connection: Connection, shown: Sequence[IssueStatus]
) -> dict[int, ReasonCounts]:
    """Return the counts of causes for each issue with bounced, deferred or failed mail."""
    troubled = {
        one.issue.id: states
        for one in shown
        if (states := [state for state in FAILURE_STATES if one.deliveries[state]])
    }
    # An equal share each, so that a million rows of one issue do not hide another's few.
    most = _MAX_ROWS_READ // max(1, sum(map(len, troubled.values())))
    return {
        number: count_reasons(connection, number, states, most)
        for number, states in troubled.items()
    }


def explain_failures(made: IssueStatus, found: ReasonCounts) -> Iterator[str]:
    """Yield lines that say why mails of an issue were not accepted, and which command shows more."""
    name, count = made.issue.name, made.deliveries
    if found:
        yield f"{name}: publisher deliveries {name} shows who"
    for (state, cause), number in found.most_common(_CAUSES_SHOWN):
        looked_at = sum(n for (of, _), n in found.items() if of == state)
        part = f" (of {looked_at:,} looked at)" if looked_at < count[state] else ""
        yield f"    {number} {state}{part}: {cause}"
    if (more := len(found) - _CAUSES_SHOWN) > 0:
        yield f"    and {more} more {'cause' if more == 1 else 'causes'}"
    if doubtful := count[DeliveryState.IN_DOUBT]:
        yield f"{name}: {doubtful} in doubt: publisher doubt list shows them"


def causes_as_json(found: ReasonCounts) -> list[dict[str, Any]]:
    """Return causes as JSON values, the most frequent first."""
    return [
        {"state": state.value, "cause": cause, "count": number}
        for (state, cause), number in found.most_common()
    ]


def summarise_unsent(count: Mapping[str, int]) -> str:
    """Return what was not sent, like `4 deferred, 11 bounced`; empty if there is nothing."""
    counts = [(count.get(state, 0), state.replace("_", " ")) for state in _NOT_SENT]
    return ", ".join(f"{number} {word}" for number, word in counts if number)


def explain_pause(issue: Issue) -> str:
    """Return why an issue is paused, and which command continues it."""
    return f"{_why(issue)}; publisher resume {issue.name} continues it"


def explain_state(issue: Issue) -> Iterator[str]:
    """Yield lines with the reason for an issue's state, which may be too long for a table."""
    if issue.reason:
        yield _why(issue)
    if issue.state is IssueState.PAUSED:
        yield f"    publisher resume {issue.name} continues it"


def _why(issue: Issue) -> str:
    words = " ".join((issue.reason or "no reason was given").split())
    return f"{issue.name} is {issue.state.replace('_', ' ')}: {words}"
