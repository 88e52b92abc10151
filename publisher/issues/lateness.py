"""How late an issue is, and whether its edition's policy lets it be sent all the same."""

from __future__ import annotations

from datetime import datetime, timedelta

from publisher.config import Edition, LatePolicy
from publisher.issues.model import Issue, IssueKind, IssueReason
from publisher.recurrence import Occurrence

# `late = skip` skips issues later than this. The service makes an issue within a minute, but some
# people run single cycles from cron every hour.
_LATE_AFTER = timedelta(minutes=65)


def lateness_of(edition: Edition, issue: Issue, now: datetime) -> timedelta:
    """Return how late an issue is that was made already: since it was due, or was to be sent."""
    if issue.kind == IssueKind.CORRECTION:
        return timedelta()  # it is never too late
    due = edition.instant_of(Occurrence(issue.day, issue.due_at))
    return now - max(due, issue.send_at or due)


def reason_if_late(edition: Edition, lateness: timedelta) -> tuple[IssueReason, str] | None:
    """Return why an issue is not sent that is late, None if it is."""
    if edition.late == LatePolicy.SKIP and lateness > _LATE_AFTER:
        return IssueReason.LATE, f"{format_span(lateness)} late, and late = skip"
    if edition.late == LatePolicy.SEND and lateness > edition.max_lateness:
        most = format_span(edition.max_lateness)
        return (
            IssueReason.LATE,
            f"{format_span(lateness)} late, more than max_lateness ({most})",
        )
    return None


def format_span(span: timedelta) -> str:
    """Return a span in one unit: `3 days`, `5 hours`, `12 minutes`."""
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        count = int(span.total_seconds()) // size
        if count >= (2 if unit == "day" else 1):
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "less than a minute"
