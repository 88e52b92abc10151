"""What needs somebody: the items of the console's first page, the most urgent first.

`find_attention` is pure: it reads what `status` has taken. A new kind is one line there, whose task it is in `today`, a
sentence in `templates/console/today.html`, and its page in `web/console/operation.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

from publisher.accounts.model import Permission
from publisher.app.editing_state import Actor, EditingState
from publisher.app.operation.health import SERVICE_GONE
from publisher.app.operation.status import IssueStatus, PublicationStatus, take_snapshot
from publisher.i18n.messages import joined, message
from publisher.issues.model import IssueReason, IssueState

_RECENT = timedelta(days=7)  # issues that were due longer ago are not news any more
_LATE = timedelta(minutes=15)  # an issue that is due is made and sent within minutes

# What an issue waits for that awaits approval.
APPROVALS = frozenset({"approval", "changed"})
_OVER = frozenset({IssueState.SKIPPED, IssueState.CANCELLED})
# Why an issue is skipped that somebody may have waited for.
_MISSED = frozenset(
    {
        *(IssueReason.LATE, IssueReason.TOO_MANY_MISSED, IssueReason.NOT_APPROVED),
        *(IssueReason.MAY_HAVE_BEEN_SENT, IssueReason.EDITION_REMOVED),
    }
)
_BEFORE_SENDING = frozenset(
    {
        *(IssueState.SCHEDULED, IssueState.ASSEMBLING),
        *(IssueState.AWAITING_APPROVAL, IssueState.READY),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionItem:
    """Something that needs somebody. `kind` is a key; `urgent` if mail waits for it or is wrong.

    `name` is that of an issue or source; `text` is a reason that was stored, in English. Items of one `group`
    are about the same in several languages: an issue, or translations. `issue_kind` is of an issue.
    """

    kind: str
    urgent: bool = False
    name: str = ""
    group: str = ""
    newsletter: str = ""
    day: date | None = None
    language: str | None = None
    count: int = 0
    of: int = 0
    at: datetime | None = None
    text: str = ""
    issue_kind: str = ""


def list_attention(
    state: EditingState, actor: Actor
) -> tuple[PublicationStatus, tuple[AttentionItem, ...]]:
    actor.require(Permission.VIEW)
    now = state.clock.now()
    snapshot = take_snapshot(state.settings, state.database, now)
    return snapshot, find_attention(snapshot, now)


def is_in_trouble(snapshot: PublicationStatus, now: datetime) -> bool:
    """Return whether something is paused, held or failing. A service may be gone for an hour: some run single cycles."""
    return bool(
        snapshot.problems
        or snapshot.quarantine
        or snapshot.overdue
        or snapshot.full_disk
        or snapshot.clock_problem
        or any(
            one.kind == "backup" or (one.urgent and one.kind != "service")
            for one in find_attention(snapshot, now)
        )
    )


def find_attention(snapshot: PublicationStatus, now: datetime) -> tuple[AttentionItem, ...]:
    """Return what needs somebody, the urgent first."""
    found = [
        *_of_the_service(snapshot, now),
        *(item for issue in snapshot.latest for item in _of_issue(issue, now)),
        *_of_sources(snapshot),
        *_of_translations(snapshot),
    ]
    # What was approved and is not any more comes first: its approvers think that it is done.
    return tuple(sorted(found, key=lambda one: (one.kind != "changed", not one.urgent)))


def _of_the_service(snapshot: PublicationStatus, now: datetime) -> Iterator[AttentionItem]:
    last = snapshot.worked_at
    if last is None or now - last > SERVICE_GONE:
        yield AttentionItem(kind="service", urgent=True, at=last)
    if snapshot.bucket and snapshot.bucket.problem:
        yield AttentionItem(kind="bucket", urgent=True, text=snapshot.bucket.problem)
    if snapshot.backup and snapshot.backup.problem:
        yield AttentionItem(
            kind="backup", at=snapshot.backup.tried_at, text=snapshot.backup.problem
        )
    if snapshot.joining_stopped:
        yield AttentionItem(kind="joining-stopped", urgent=True)
    if held := snapshot.mails_held:
        yield AttentionItem(kind="mails-held", urgent=True, count=held)
    for text, count in snapshot.notices_rejected.items():
        yield AttentionItem(kind="notices", urgent=True, count=count, text=text)
    for language in snapshot.wordless:
        yield AttentionItem(kind="wordless", group="wordless", language=language)
    for hub, feed, answer in snapshot.pings_failed:
        yield AttentionItem(kind="hub", name=hub, text=f"{feed}: {answer}")


def _of_issue(one: IssueStatus, now: datetime) -> Iterator[AttentionItem]:
    issue, counts = one.issue, one.deliveries
    item = partial(
        AttentionItem,
        name=issue.name,
        group=f"{issue.newsletter} {issue.day} {issue.suffix}".strip(),
        newsletter=issue.newsletter,
        day=issue.day,
        language=issue.language,
        of=counts.total(),
        at=issue.send_at or issue.due_at,
        issue_kind=issue.kind,
    )
    if kind := _kind_by_state(one, now):
        urgent = kind not in {"approval", "waits", "skipped"} or (
            kind == "approval" and issue.due_at <= now
        )
        text = _changed_text(one) if kind == "changed" else issue.reason or ""
        yield item(kind=kind, urgent=urgent, text=text)
    if counts["in_doubt"]:
        yield item(kind="in-doubt", urgent=True, count=counts["in_doubt"])
    if issue.due_at + _RECENT < now:
        return
    if undelivered := counts["failed"] + counts["bounced"]:
        yield item(kind="undelivered", count=undelivered)
    if one.warnings:
        yield item(kind="warnings", count=one.warnings)


def _changed_text(one: IssueStatus) -> str:
    """Say who approved an issue before it changed, and what it waits for now."""
    names = ", ".join(sorted(one.approved_before))
    before = message("approved before by %(names)s", names=names)
    return joined(before, one.issue.reason or "")


def _kind_by_state(one: IssueStatus, now: datetime) -> str:
    """Return why an issue needs somebody, before its mails do; empty if it does not."""
    issue = one.issue
    is_waiting = issue.state in _BEFORE_SENDING
    is_recent = issue.due_at + _RECENT >= now
    kinds = {
        "changed": bool(one.approved_before),
        "approval": issue.state is IssueState.AWAITING_APPROVAL,
        "waits": issue.reason_key == IssueReason.WAITS_FOR_TRANSLATIONS,
        "unscheduled": is_waiting and bool(issue.schedule_note),
        "late": is_waiting and issue.due_at + _LATE < now,
        "paused": issue.state is IssueState.PAUSED,
        "skipped": is_recent and issue.reason_key in _MISSED and issue.state in _OVER,
    }
    return next((kind for kind, holds in kinds.items() if holds), "")


def _of_sources(snapshot: PublicationStatus) -> Iterator[AttentionItem]:
    for failure in snapshot.unreadable_sources:
        yield AttentionItem(
            kind="unreadable",
            urgent=True,
            name=failure.source,
            at=failure.since,
            text=failure.reason,
        )
    for held in snapshot.held_sources:
        if held.accepted >= held.lost:
            continue  # the next cycle withdraws what is gone
        yield AttentionItem(
            kind="lost", urgent=True, name=held.source, count=held.lost, of=held.articles
        )
    if snapshot.quarantine:
        yield AttentionItem(kind="quarantine", count=len(snapshot.quarantine))
    if problems := sum(snapshot.article_problems.values()):
        yield AttentionItem(kind="problems", count=problems)


def _of_translations(snapshot: PublicationStatus) -> Iterator[AttentionItem]:
    for language, count in snapshot.expired_promises.items():
        yield AttentionItem(
            kind="promises", group="translations", language=language, count=count
        )
    for language, count in snapshot.stale_translations.items():
        yield AttentionItem(kind="stale", group="translations", language=language, count=count)
