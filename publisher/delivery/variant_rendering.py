"""Render the variants of issues whose ledgers are open, and make their rows due.

The function that renders one is an argument: this package does not import the one that assembles.
After a crash, what is not rendered yet is rendered by the next run. A variant that can't be rendered
stays, and its rows with it, until its fault is mended or the issue is cancelled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog

from publisher.database import Database
from publisher.delivery.ledger import variant_rows
from publisher.errors import GateError, PublisherError
from publisher.issues import store as issues
from publisher.issues.model import Issue, IssueReason, IssueState
from publisher.issues.variants import IssueVariant, freeze_variant

log = structlog.get_logger()

# Returns the columns of a rendered variant; None if all its articles were withdrawn. Raises
# PublisherError if no mail can be made that passes the gate.
RenderVariant = Callable[[Issue, IssueVariant], Mapping[str, Any] | None]
# Why variants of an issue can't be sent.
IssueNote = tuple[str, IssueReason]


def render_variants(
    database: Database, render: RenderVariant, now: datetime
) -> dict[int, IssueNote]:
    """Render what waits. Return, by issue, why variants could not be rendered, and note it there."""
    with database.reading() as connection:
        sending = issues.issues_in_state(connection, IssueState.SENDING)
        waiting = variant_rows.waiting_variants(connection, [one.id for one in sending])
    problems = {}
    for issue in sending:
        own = [variant for variant in waiting if variant.issue_id == issue.id]
        if note := _render_all(database, render, issue, own, now):
            problems[issue.id] = note
    return problems


def _render_all(
    database: Database,
    render: RenderVariant,
    issue: Issue,
    variants: Sequence[IssueVariant],
    now: datetime,
) -> IssueNote | None:
    found: list[IssueNote] = []
    for variant in variants:
        try:
            _store(database, variant, render(issue, variant), now)
        except PublisherError as error:
            is_gate = isinstance(error, GateError)
            reason = error.reason if isinstance(error, GateError) else str(error)
            found.append((reason, IssueReason.GATE if is_gate else IssueReason.NOT_MADE))
            log.error(
                "variant can't be rendered", issue=issue.name, variant=variant.id, reason=reason
            )
    if not found:
        return None
    reason, key = found[0]
    note = f"{len(found)} of its variants can't be sent: {reason}", key
    if issue.reason != note[0]:
        with database.writing() as connection:
            issues.set_reason(connection, issue, *note)
    return note


def _store(
    database: Database, variant: IssueVariant, parts: Mapping[str, Any] | None, now: datetime
) -> None:
    """Store a variant and make its rows due, in one transaction. What another run stored stays."""
    with database.writing() as connection:
        if parts is None:
            variant_rows.cancel_variant(connection, variant, now)
        elif freeze_variant(connection, variant, parts):
            variant_rows.release_variant(connection, variant)
