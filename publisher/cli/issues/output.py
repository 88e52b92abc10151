"""How issues and occurrences are printed: tables, and lines that say why one is not finished."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from publisher.cli.common import count_noun, format_local, make_table
from publisher.delivery.states import UNSENT_STATES, DeliveryState, summarise_counts

if TYPE_CHECKING:
    from publisher.app.issues.approvals import ApprovalView, PlanToSign
    from publisher.app.issues.deliveries import IssueReport
    from publisher.app.issues.overview import IssueOverview, LeftOutStory
    from publisher.issues.model import Issue

    Shown = tuple[IssueOverview, ApprovalView, PlanToSign | None, IssueReport]
    from rich.table import Table

    from publisher.app.issues.occurrences import ChangedOccurrence
    from publisher.app.operation.status import IssueStatus, PublicationStatus
    from publisher.delivery.ledger.reports import CauseCounts
    from publisher.issues.planner import EditionIssue


def list_lines(issues: Sequence[Issue], left: Sequence[LeftOutStory]) -> Iterator[str]:
    for issue in issues:
        when = f"{issue.send_at:%Y-%m-%d %H:%M} UTC" if issue.send_at else "held"
        yield f"{issue.name}  {_words(issue.state)}  {when}  {issue.reason or ''}".rstrip()
    for out in left:
        who = f"{out.edit.actor}, carried since" if out.is_carried else out.edit.actor
        yield f"left out of {out.issue.name}: {out.story.story_key} by {who}: {out.edit.value}"


def shown_lines(shown: Shown) -> Iterator[str]:
    overview, approvals, plan, report = shown
    issue = overview.issue
    why = f": {issue.reason}" if issue.reason else ""
    yield f"{issue.name}: {_words(issue.state)}{why}"
    if issue.send_at is None and not (report.planned or issue.reason):
        yield "    held: nothing is sent until `publisher api scheduleIssue` or `publisher issues send-now`"
    yield from (*_pause_lines(issue), *_mail_lines(report))
    if overview.revisions:
        yield f"    subject: {overview.revisions[0].subject}"
    for number, story in enumerate(overview.stories, start=1):
        yield f"    {number}. {story.title}  ({story.story_key})"
    for story in overview.further:
        yield f"    no room: {story.title}  ({story.story_key})"
    for out in overview.left_out:
        yield f"    left out by {out.edit.actor}: {out.story.title}  ({out.story.story_key}): {out.edit.value}"
    for edit in overview.edits:
        undone = ", undone" if edit.undone_at else ""
        yield f"    edit {edit.id} by {edit.actor}: {edit.kind}{undone}"
    for row in approvals.rows:
        struck = "struck: it has changed since" if approvals.is_struck(row) else ""
        invalid = struck or approvals.count.invalid.get(row.id, "")
        note = f": {row.note}" if row.note else ""
        yield f"    {row.verdict} by {row.actor}{note}" + (f" ({invalid})" if invalid else "")
    if approvals.manifest:
        yield f"    manifest {approvals.manifest}"
    if plan:
        yield f"    plan {plan.hash}: {plan.recipients:,} {'recipient' if plan.recipients == 1 else 'recipients'}"
        yield from (
            f"    approvers are asked again before it is sent: {one}" for one in plan.moved
        )


def _mail_lines(report: IssueReport) -> Iterator[str]:
    if counts := [f"{n:,} {_words(state)}" for state, n in report.counts.items() if n]:
        yield f"    mails: {', '.join(counts)}"
    for cause in report.causes:
        yield f"    {cause.count:,} {_words(cause.state)}: {cause.sentence}; {cause.advice}"


def _words(state: str) -> str:
    return state.replace("_", " ")


_CAUSES_SHOWN = 5  # further causes are shown by `publisher deliveries`


def explain_failures(made: IssueStatus) -> Iterator[str]:
    name, count, causes = made.issue.name, made.deliveries, made.causes
    if causes:
        yield f"{name}: publisher deliveries {name} shows who"
    for failure, number in causes.most_common(_CAUSES_SHOWN):
        looked_at = sum(n for (of, _), n in causes.items() if of == failure.state)
        part = f" (of {looked_at:,} looked at)" if looked_at < count[failure.state] else ""
        yield f"    {number} {failure.state}{part}: {failure.sentence}"
        yield f"        {failure.advice}"
    if (more := len(causes) - _CAUSES_SHOWN) > 0:
        yield f"    and {more} more {'cause' if more == 1 else 'causes'}"
    if doubtful := count[DeliveryState.IN_DOUBT]:
        yield f"{name}: {doubtful} in doubt: publisher doubt list shows them"


def causes_as_json(causes: CauseCounts) -> list[dict[str, Any]]:
    return [
        {
            "state": failure.state.value,
            "cause": failure.sentence,
            "count": number,
            "key": failure.cause.key,
            "advice": failure.advice,
        }
        for failure, number in causes.most_common()
    ]


def summarise_unsent(count: Mapping[str, int]) -> str:
    """Return what was not sent, like `4 deferred, 11 bounced`; empty if there is nothing."""
    counts = [(count.get(state, 0), state.replace("_", " ")) for state in UNSENT_STATES]
    return ", ".join(f"{number} {word}" for number, word in counts if number)


def explain_pause(issue: Issue) -> str:
    return f"{_why(issue)}; publisher resume {issue.name} continues it"


def explain_resending(name: str, *, is_paused: bool) -> str:
    """Return when mails leave that are sent again, after their number."""
    paused = f"when `publisher resume {name}` continues the issue, which is paused"
    return f"will be sent again {paused if is_paused else 'with the next run of delivery'}"


def explain_state(issue: Issue) -> Iterator[str]:
    if issue.reason:
        yield _why(issue)
    yield from _pause_lines(issue)


def _pause_lines(issue: Issue) -> Iterator[str]:
    if issue.state == "paused":
        yield f"    publisher resume {issue.name} continues it"


def _why(issue: Issue) -> str:
    words = " ".join((issue.reason or "no reason was given").split())
    return f"{issue.name} is {issue.state.replace('_', ' ')}: {words}"


def explain_mail(
    notices: Mapping[str, int], rejected: Mapping[str, int], received: Mapping[str, int]
) -> Iterator[str]:
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
    table = make_table(())
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


_OVERDUE_SHOWN = 5  # after a break of weeks there may be many


def occurrence_line(one: ChangedOccurrence) -> str:
    edition, change = one.edition, one.change
    name = f"{edition.newsletter}-{edition.language}-{change.day}"
    if change.skip_reason is not None:
        return f"{name} is skipped: {change.skip_reason}"
    local = one.occurrence.due_at.astimezone(edition.zone)
    return f"{name} is due {format_local(local)}, {one.occurrence.due_at:%a %Y-%m-%d %H:%M} UTC"


def explain_overdue(facts: PublicationStatus) -> Iterator[str]:
    yield from map(overdue_line, facts.overdue[:_OVERDUE_SHOWN])
    if (more := len(facts.overdue) - _OVERDUE_SHOWN) > 0:
        yield f"    and {more:,} more, which publisher status --json lists"
    if not facts.overdue:
        return
    last, due = facts.worked_at, facts.overdue[0].local
    if last is None or last < due:
        since = f"since {format_local(last)}" if last else "in this folder"
        yield f"    no cycle has run {since}: start publisher run, or look why it ended (its log)"
    else:
        yield "    the service works; see the problems below, and its log"


def overdue_line(one: EditionIssue) -> str:
    issue = one.issue
    what = f"will be skipped: {issue.reason}" if issue.reason else "is not made yet"
    return f"{issue.name} was due {format_local(one.local)} and {what}"


def overdue_as_json(late: EditionIssue) -> dict[str, Any]:
    return {"issue": late.issue.name, "at": late.local.isoformat(), "reason": late.issue.reason}
