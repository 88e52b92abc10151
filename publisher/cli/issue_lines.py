"""Lines that say why an issue is not finished, and which mails wait, for `status` and `deliver`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from publisher.cli.common import count_noun, make_table
from publisher.delivery.states import UNSENT_STATES, DeliveryState, summarise_counts

if TYPE_CHECKING:
    from rich.table import Table

    from publisher.app.issues import Issue
    from publisher.app.status import CauseCounts, IssueStatus

# Further causes are shown by `publisher deliveries`.
_CAUSES_SHOWN = 5


def explain_failures(made: IssueStatus) -> Iterator[str]:
    """Yield lines that say why mails of an issue were not accepted, and which command shows more."""
    name, count, found = made.issue.name, made.deliveries, made.causes
    if found:
        yield f"{name}: publisher deliveries {name} shows who"
    for one, number in found.most_common(_CAUSES_SHOWN):
        looked_at = sum(n for (of, _), n in found.items() if of == one.state)
        part = f" (of {looked_at:,} looked at)" if looked_at < count[one.state] else ""
        yield f"    {number} {one.state}{part}: {one.sentence}"
        yield f"        {one.advice}"
    if (more := len(found) - _CAUSES_SHOWN) > 0:
        yield f"    and {more} more {'cause' if more == 1 else 'causes'}"
    if doubtful := count[DeliveryState.IN_DOUBT]:
        yield f"{name}: {doubtful} in doubt: publisher doubt list shows them"


def causes_as_json(found: CauseCounts) -> list[dict[str, Any]]:
    """Return causes as JSON values, the most frequent first."""
    return [
        {
            "state": one.state.value,
            "cause": one.sentence,
            "count": number,
            "key": one.cause.key,
            "advice": one.advice,
        }
        for one, number in found.most_common()
    ]


def summarise_unsent(count: Mapping[str, int]) -> str:
    """Return what was not sent, like `4 deferred, 11 bounced`; empty if there is nothing."""
    counts = [(count.get(state, 0), state.replace("_", " ")) for state in UNSENT_STATES]
    return ", ".join(f"{number} {word}" for number, word in counts if number)


def explain_pause(issue: Issue) -> str:
    """Return why an issue is paused, and which command continues it."""
    return f"{_why(issue)}; publisher resume {issue.name} continues it"


def explain_state(issue: Issue) -> Iterator[str]:
    """Yield lines with the reason for an issue's state, which may be too long for a table."""
    if issue.reason:
        yield _why(issue)
    if issue.state == "paused":
        yield f"    publisher resume {issue.name} continues it"


def _why(issue: Issue) -> str:
    words = " ".join((issue.reason or "no reason was given").split())
    return f"{issue.name} is {issue.state.replace('_', ' ')}: {words}"


def explain_mail(
    notices: Mapping[str, int], rejected: Mapping[str, int], received: Mapping[str, int]
) -> Iterator[str]:
    """Yield which mails about subscriptions wait or went wrong, and what came in for the owner."""
    parts = [
        f"{count} {state.replace('_', ' ')}"
        for state, count in sorted(notices.items())
        if state not in {"sent", "cancelled"}
    ]
    if parts:
        yield f"Mails about subscriptions: {', '.join(parts)}"
    for problem, count in rejected.items():
        wait = f"{count_noun(count, 'mail')} about subscriptions not sent yet"
        yield f"{wait}: {problem}. Mend the template: it is tried again every 5 minutes"
    if held := received.get("unsubscribe, held", 0):
        yield (
            f"{count_noun(held, 'mail')} held within 30 days: they ask to unsubscribe somebody, prove nothing, "
            "and were too many. Read them in the mailbox; see docs/how-to/run-without-a-web-server.md"
        )
    left = sum(received.get(use, 0) for use in ("unknown", "failed"))
    if left:
        yield f"{count_noun(left, 'mail')} left for you to read within 30 days"


def sum_deliveries(made: IssueStatus) -> str:
    """Return the number of deliveries as a sum of states, like `3 = 2 sent + 1 deferred`."""
    parts = [
        f"{n} {s.replace('_', ' ')}" for s, n in summarise_counts(made.deliveries).items() if n
    ]
    return f"{made.deliveries.total()} = {' + '.join(parts)}" if parts else ""


def issues_table(shown: Sequence[IssueStatus]) -> Table:
    """Return the table of issues, by the names that other commands take; fits into 80 columns."""
    table = make_table()
    table.add_column("Issue", no_wrap=True)
    table.add_column("State", overflow="fold")
    for heading in ("Articles", "Warnings"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("Deliveries", min_width=len("Deliveries"))
    for made in shown:
        table.add_row(
            made.issue.name,
            made.issue.state.replace("_", " "),
            str(made.articles),
            str(made.warnings or ""),
            sum_deliveries(made),
        )
    return table
