"""How late an issue is, and whether its edition's policy lets it be sent all the same."""

from __future__ import annotations

from datetime import datetime, timedelta

from publisher.config import Edition, LatePolicy
from publisher.issues.model import Issue, IssueKind, IssueReason, IssueState
from publisher.messages import counted, message
from publisher.recurrence import Occurrence

# `late = skip` skips issues later than this. The service makes an issue within a minute, but some
# people run single cycles from cron every hour.
_LATE_AFTER = timedelta(minutes=65)

# Why an occurrence is skipped that came too late, and whose time may come again if the clock was ahead.
LATE_REASONS = frozenset({IssueReason.LATE, IssueReason.MERGED, IssueReason.TOO_MANY_MISSED})


def may_come_back(edition: Edition, one: Issue, now: datetime) -> bool:
    """Return whether an occurrence was skipped for its time alone, and is not too late now.

    The clock was ahead then, or the policy for late issues has changed. One that was made is not planned again.
    """
    if one.state is not IssueState.SKIPPED or one.assembled_at is not None:
        return False
    if one.due_at > now:
        return one.reason_key in LATE_REASONS
    is_alone = one.reason_key in {IssueReason.LATE, IssueReason.BEFORE_DATABASE}
    return is_alone and reason_if_late(edition, now - one.due_at) is None


def lateness_of(edition: Edition, issue: Issue, now: datetime) -> timedelta:
    """Return how late an issue is that was made already: since it was due, or was to be sent."""
    if issue.kind == IssueKind.CORRECTION:
        return timedelta()  # it is never too late
    due = edition.instant_of(Occurrence(issue.day, issue.due_at))
    return now - max(due, issue.send_at or due)


def reason_if_late(edition: Edition, lateness: timedelta) -> tuple[IssueReason, str] | None:
    """Return why an issue is not sent that is late, None if it is."""
    if edition.late == LatePolicy.SKIP and lateness > _LATE_AFTER:
        late = message("%(span)s late, and late = skip", span=format_span(lateness))
        return IssueReason.LATE, late
    if edition.late == LatePolicy.SEND and lateness > edition.max_lateness:
        most = format_span(edition.max_lateness)
        return (
            IssueReason.LATE,
            message(
                "%(span)s late, more than max_lateness (%(most)s)",
                span=format_span(lateness),
                most=most,
            ),
        )
    return None


def format_span(span: timedelta) -> str:
    """Return a span in one unit: `3 days`, `5 hours`, `12 minutes`."""
    minutes = int(span.total_seconds()) // 60
    hours, days = minutes // 60, minutes // 1440
    if days > 1:
        return counted("%(count)s day", "%(count)s days", days)
    if hours:
        return counted("%(count)s hour", "%(count)s hours", hours)
    if minutes:
        return counted("%(count)s minute", "%(count)s minutes", minutes)
    return message("less than a minute")
