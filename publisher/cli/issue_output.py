"""What `publisher issues list` and `show` print."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from publisher.cli.common import rfc3339_or_none

if TYPE_CHECKING:
    from publisher.app.issue_approvals import ApprovalView, IssueApproval, PlanToSign
    from publisher.app.issue_overview import IssueEdit, IssueOverview, LeftOutStory
    from publisher.app.issue_report import IssueReport
    from publisher.app.issues import Issue

    Shown = tuple[IssueOverview, ApprovalView, PlanToSign | None, IssueReport]


def list_json(found: Sequence[Issue]) -> list[dict[str, Any]]:
    """Return issues for `--json`."""
    return [
        {
            "issue": one.name,
            "state": one.state,
            "reason": one.reason,
            "send_at": rfc3339_or_none(one.send_at),
            "revision": one.revision,
        }
        for one in found
    ]


def list_lines(found: Sequence[Issue], left: Sequence[LeftOutStory]) -> Iterator[str]:
    """Yield a line for each issue, and for each story that was left out."""
    for one in found:
        when = f"{one.send_at:%Y-%m-%d %H:%M} UTC" if one.send_at else "held"
        yield f"{one.name}  {_words(one.state)}  {when}  {one.reason or ''}".rstrip()
    for out in left:
        who = f"{out.actor}, carried since" if out.is_carried else out.actor
        yield f"left out of {out.issue}: {out.story.key} by {who}: {out.reason}"


def shown_json(shown: Shown) -> dict[str, Any]:
    """Return an issue for `--json`."""
    overview, approvals, plan, report = shown
    issue = overview.issue
    return {
        "issue": issue.name,
        "state": issue.state,
        "reason": issue.reason,
        "revision": issue.revision,
        "due": rfc3339_or_none(issue.due_at),
        "send_at": rfc3339_or_none(issue.send_at),
        "manifest": approvals.manifest,
        "plan": _plan_json(plan) if plan else None,
        "subject": overview.revisions[0].subject if overview.revisions else None,
        "stories": [{"story": one.key, "title": one.title} for one in overview.stories],
        "no_room": [{"story": one.key, "title": one.title} for one in overview.further],
        "left_out": [left_out_json(one) for one in overview.left_out],
        "edits": [_edit_json(one) for one in overview.edits],
        "approvals": [_approval_json(row, approvals) for row in approvals.rows],
        "needed": approvals.count.needed,
        "missing": approvals.count.reason,
        "mails": dict(report.counts),
        "causes": [one.as_dict() for one in report.causes],
    }


def _edit_json(one: IssueEdit) -> dict[str, Any]:
    return {
        "edit": one.id,
        "kind": one.kind,
        "value": one.value,
        "actor": one.actor,
        "at": rfc3339_or_none(one.at),
        "undone": one.undone_at is not None,
    }


def _approval_json(row: IssueApproval, approvals: ApprovalView) -> dict[str, Any]:
    return {
        "actor": row.actor,
        "verdict": row.verdict,
        "note": row.note,
        "at": rfc3339_or_none(row.at),
        "struck": approvals.is_struck(row),
        "invalid": approvals.count.invalid.get(row.id),
    }


def _plan_json(plan: PlanToSign) -> dict[str, Any]:
    return {"hash": plan.hash, "recipients": plan.recipients, "moved": list(plan.moved)}


def left_out_json(one: LeftOutStory) -> dict[str, Any]:
    """Return a story that was left out for `--json`."""
    return {
        "issue": one.issue,
        "story": one.story.key,
        "actor": one.actor,
        "reason": one.reason,
        "at": rfc3339_or_none(one.at),
        "carried": one.is_carried,
    }


def shown_lines(shown: Shown) -> Iterator[str]:
    """Yield what is shown of an issue."""
    overview, approvals, plan, report = shown
    issue = overview.issue
    why = f": {issue.reason}" if issue.reason else ""
    yield f"{issue.name}: {_words(issue.state)}{why}"
    if issue.send_at is None and not (report.planned or issue.reason):
        yield "    held: nothing is sent until `publisher issues schedule` or `publisher issues send-now`"
    yield from _mail_lines(report)
    if overview.revisions:
        yield f"    subject: {overview.revisions[0].subject}"
    for number, story in enumerate(overview.stories, start=1):
        yield f"    {number}. {story.title}  ({story.key})"
    for story in overview.further:
        yield f"    no room: {story.title}  ({story.key})"
    for out in overview.left_out:
        yield f"    left out by {out.actor}: {out.story.title}  ({out.story.key}): {out.reason}"
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
    """Yield how many mails have which state, and why those that nobody got were not sent."""
    if counts := [f"{n:,} {_words(state)}" for state, n in report.counts.items() if n]:
        yield f"    mails: {', '.join(counts)}"
    for one in report.causes:
        yield f"    {one.count:,} {_words(one.state)}: {one.sentence}; {one.advice}"


def _words(state: str) -> str:
    return state.replace("_", " ")
