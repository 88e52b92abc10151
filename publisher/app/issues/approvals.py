"""Approve an issue, or ask for changes, by the hash of what was read.

An approval names the manifest and the plan that its giver has seen. If the issue has another manifest by now, nothing
is approved, and the error says what has changed. An approval keeps the hash of the plan and how many get the issue. If
that count moves far, the approval does not count any more: `publisher.delivery.issue_opening` decides it before the
ledger is opened, and readers of an issue are told here, earlier.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection

from publisher.app.editing_state import Actor, EditingState, Permission
from publisher.app.issues import audience_plan
from publisher.app.issues.edits import render_again
from publisher.app.issues.lookup import require_edition, require_issue
from publisher.articles import store as articles
from publisher.config import Edition
from publisher.errors import IssueError
from publisher.issues import approvals, store
from publisher.issues.digests import reopen_issue, revisions_of
from publisher.issues.model import Issue, IssueReason, IssueState
from publisher.issues.schedule import lateness_of, reason_if_late
from publisher.rendering import Renderer, renderer


@dataclass(frozen=True, slots=True)
class ShownPlan:
    """A plan that somebody has read. Without `recipients`, the plan has to be the same to the last number when it is approved."""

    hash: str
    recipients: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanToSign:
    """The plan of an issue's day in all languages; `recipients` get the issue. `moved`: why given approvals won't count."""

    plan: audience_plan.AudiencePlan
    hash: str
    recipients: int
    moved: tuple[str, ...] = ()


# Returns the plan of a newsletter's day; of an announcement with its suffix.
Planner = Callable[[str, date, str], audience_plan.AudiencePlan]


def _planner(state: EditingState) -> Planner:
    def plan(newsletter: str, day: date, suffix: str) -> audience_plan.AudiencePlan:
        return audience_plan.plan_audience(state, newsletter, day, suffix=suffix)

    return plan


def plan_to_sign(
    state: EditingState, issue: Issue, plan_of: Planner | None = None
) -> PlanToSign | None:
    """Return the plan of an issue as it is now; None for a correction, which has another audience."""
    if issue.corrects_id is not None:
        return None
    plan = (plan_of or _planner(state))(issue.newsletter, issue.day, issue.suffix)
    count = plan.recipients.get(issue.language, 0)
    return PlanToSign(
        plan=plan, hash=audience_plan.plan_hash(plan, state.secret), recipients=count
    )


def signed_plan(
    state: EditingState, issue: Issue, shown: ShownPlan | None, plan_of: Planner | None = None
) -> tuple[str, dict[str, int]] | None:
    """Return the hash and the count that are kept with an approval: of what was shown, or else of now. None for a correction."""
    now = plan_to_sign(state, issue, plan_of)
    if now is None:
        return None
    if shown is None or shown.hash == now.hash:
        return now.hash, {issue.language: now.recipients}
    return shown.hash, {issue.language: _shown_count(state, issue, shown, now.recipients)}


def _shown_count(state: EditingState, issue: Issue, shown: ShownPlan, count: int) -> int:
    """Return how many a plan counted that was shown before; raise IssueError if it does not hold."""
    if shown.recipients is None:
        raise issue.saying(
            "%(issue)s: the plan is another by now (recipients: %(recipients)s); read it again: `publisher api readPlan newsletter=%(newsletter)s day=%(day)s`",
            recipients=count,
            newsletter=issue.newsletter,
            day=f"{issue.day} suffix={issue.suffix}" if issue.suffix else issue.day,
        )
    if not audience_plan.is_plan_hash(shown.hash, issue, state.secret):
        raise issue.saying(
            "%(issue)s: no plan of it had the hash %(hash)s; read the plan again",
            hash=shown.hash,
        )
    if approvals.is_far(shown.recipients, count):
        raise issue.saying(
            "%(issue)s: recipients: %(before)s when it was read, %(now)s now; read the plan again",
            before=shown.recipients,
            now=count,
        )
    return shown.recipients


_MAX_NOTE = 2_000
_FROZEN = (IssueState.AWAITING_APPROVAL, IssueState.READY)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalView:
    """The approvals of an issue. `manifest` is what an approval has to name; None without a digest.

    Rows with another manifest are struck: they are about what the issue was. `why_not` is why an approval by
    whoever reads them would not count, and `others` are the accounts whose approval would.
    """

    facts: approvals.ApprovalFacts
    count: approvals.ApprovalCount
    why_not: str = ""
    others: tuple[str, ...] = ()

    @property
    def issue(self) -> Issue:
        return self.facts.issue

    @property
    def manifest(self) -> str | None:
        return self.facts.signed

    @property
    def rows(self) -> tuple[approvals.IssueApproval, ...]:
        return self.facts.rows

    @property
    def struck(self) -> list[approvals.IssueApproval]:
        """The approvals of people who have not said anything since the issue changed, while it waits."""
        waits = self.issue.state is IssueState.AWAITING_APPROVAL
        return approvals.struck_approvals(self.rows, self.manifest) if waits else []

    def is_struck(self, row: approvals.IssueApproval) -> bool:
        return row.manifest != self.manifest


def read_approvals(state: EditingState, actor: Actor, name: str) -> ApprovalView:
    actor.require(Permission.VIEW)
    with state.database.reading() as connection:
        issue = require_issue(connection, name)
        facts = _facts(connection, require_edition(state.settings, issue), issue)
    view = _view(facts)
    if view.manifest is None:
        return view
    new = _verdict(actor, issue, view.manifest, "", state.clock.now())
    able, given = facts.able_to_approve(), view.count.approvers
    return replace(
        view,
        why_not=approvals.why_not_by(facts, new),
        others=tuple(email for email in able if email not in given),
    )


def read_plan_to_sign(state: EditingState, view: ApprovalView) -> PlanToSign | None:
    """Return the plan of an issue that has to be approved, and why approvals won't count; None for others. Counts all subscribers."""
    issue = view.issue
    if view.manifest is None or not view.count.needed or issue.state not in _FROZEN:
        return None
    plan = plan_to_sign(state, issue)
    if plan is None:
        return None
    moved = approvals.moved_far(view.facts, plan.recipients)
    return replace(plan, moved=tuple(dict.fromkeys(moved.values())))


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """An issue to approve: the manifest and the plan that were read, or the plan of now, and a note."""

    name: str
    manifest: str
    note: str = ""
    plan: ShownPlan | None = None


def approve_issues(
    state: EditingState, actor: Actor, requests: Sequence[ApprovalRequest]
) -> list[ApprovalView]:
    """Approve issues as they are, or none. Enough approvals make one ready. Raise IssueError for one that has changed, or has no such manifest."""
    try:
        # Each in a transaction of its own: what has changed is made again, whatever becomes of this.
        read = [_refuse_changed(state, actor, request.name) for request in requests]
        # Before the transaction: it counts all subscribers, once for languages of one day.
        plan_of = cache(_planner(state))
        signed = [
            signed_plan(state, issue, request.plan, plan_of)
            for request, issue in zip(requests, read, strict=True)
        ]
        with state.together() as together:
            return [
                _approve(together, actor, *both) for both in zip(requests, signed, strict=True)
            ]
    except IssueError as error:
        if len(requests) == 1:
            raise
        why = str(error)
        raise IssueError.saying("%(why)s; none of the others was approved", why=why) from None


def _approve(
    state: EditingState,
    actor: Actor,
    request: ApprovalRequest,
    signed: tuple[str, dict[str, int]] | None,
) -> ApprovalView:
    name, manifest, note = request.name, request.manifest, request.note
    details: dict[str, Any] = {"manifest": manifest, "plan": signed[0] if signed else None}
    with state.changing(actor, "approve", name, details) as change:
        connection, now = change.connection, state.clock.now()
        issue, edition = _awaiting(state, connection, actor, name)
        facts = _facts(connection, edition, issue)
        _check_manifest(connection, facts, manifest)
        _check_embargoes(connection, issue, now)
        _check_lateness(edition, issue, now)
        new = _verdict(actor, issue, manifest, note, now)
        if signed:
            new = replace(new, plan_hash=signed[0], plan_counts=signed[1])
        if approvals.is_repeated(facts, new):
            change.is_repeated = True
            return _view(facts)
        view = _add(connection, facts, new)
        if why := view.count.invalid.get(view.rows[-1].id):
            raise IssueError.saying("%(issue)s: %(why)s", issue=name, why=why)
        return _settle(connection, edition, view, now)


def request_changes(
    state: EditingState, actor: Actor, name: str, manifest: str, note: str
) -> ApprovalView:
    """Ask for changes of an issue, which is not sent until it is changed, or whoever asked approves it."""
    if not note.strip():
        raise IssueError.saying("%(issue)s: say what is to be changed", issue=name)
    with state.changing(actor, "request-changes", name, {"note": note}) as change:
        connection, now = change.connection, state.clock.now()
        issue, edition = _awaiting(state, connection, actor, name)
        facts = _facts(connection, edition, issue)
        _check_manifest(connection, facts, manifest)
        new = replace(_verdict(actor, issue, manifest, note, now), verdict=approvals.CHANGES)
        if approvals.is_repeated(facts, new):
            change.is_repeated = True
            return _view(facts)
        return _settle(connection, edition, _add(connection, facts, new), now)


def _awaiting(
    state: EditingState, connection: Connection, actor: Actor, name: str
) -> tuple[Issue, Edition]:
    issue = require_issue(connection, name)
    actor.require(Permission.APPROVE, issue.language)
    edition = require_edition(state.settings, issue)
    # Whoever asked for changes may still say that it is good, though nobody has to by now.
    if not edition.approval.needed and issue.state is not IssueState.AWAITING_APPROVAL:
        raise issue.saying("%(issue)s: nobody has to approve it (`approval` is none)")
    if issue.state not in _FROZEN:
        raise issue.saying("%(issue)s: is %(state)s; there is nothing to approve")
    return issue, edition


def _refuse_changed(state: EditingState, actor: Actor, name: str) -> Issue:
    """Return an issue; if its articles, templates or settings changed, have it made again and raise IssueError."""
    folder = state.settings.folders.templates
    templates = renderer.templates_fingerprint(folder)
    with state.database.writing() as connection:
        issue, edition = _awaiting(state, connection, actor, name)
        facts = approvals.approval_facts(connection, issue, edition.approval)
        made_now = approvals.manifest_now(connection, state.settings, edition, facts, templates)
        changes = approvals.verdict(facts, now=made_now).changes
        if not changes:
            return issue
        issue = reopen_issue(connection, issue, state.clock.now())
    with closing(Renderer(folder)) as opened:
        render_again(state, issue, opened)
    given = {"issue": name, "parts": changes}
    raise IssueError.saying("%(issue)s: changed meanwhile: %(parts)s; read it again", **given)


def _check_manifest(
    connection: Connection, facts: approvals.ApprovalFacts, manifest: str
) -> None:
    issue, stored = facts.issue, facts.manifest
    if facts.signed == manifest:
        return
    old = next(
        (
            revision.manifest
            for revision in revisions_of(connection, issue)
            if revision.manifest and approvals.manifest_hash(revision.manifest) == manifest
        ),
        None,
    )
    if old is None or stored is None:
        raise issue.saying("%(issue)s: it never was as that manifest says; read it again")
    what = approvals.changed_parts(
        approvals.read_manifest(old), approvals.read_manifest(stored)
    )
    raise issue.saying("%(issue)s: changed meanwhile: %(parts)s; read it again", parts=what)


def _check_embargoes(connection: Connection, issue: Issue, now: datetime) -> None:
    numbers = store.article_ids_of(connection, issue)
    for article in articles.articles_by_id(connection, numbers, with_texts=False).values():
        if article.available_at > now:
            until = f"{article.available_at:%Y-%m-%d %H:%M} UTC"
            raise issue.saying(
                "%(issue)s: “%(title)s” is under an embargo until %(until)s",
                title=article.title,
                until=until,
            )


def _check_lateness(edition: Edition, issue: Issue, now: datetime) -> None:
    late = reason_if_late(edition, lateness_of(edition, issue, now))
    if late and issue.send_at is not None:
        raise issue.saying("%(issue)s: %(why)s; schedule it, or skip it", why=late[1])


def _verdict(
    actor: Actor, issue: Issue, manifest: str, note: str, now: datetime
) -> approvals.NewApproval:
    if len(note) > _MAX_NOTE:
        raise issue.saying("%(issue)s: a note has at most %(most)s characters", most=_MAX_NOTE)
    return approvals.NewApproval(
        revision=issue.revision,
        manifest=manifest,
        verdict=approvals.APPROVE,
        note=note.strip(),
        actor=actor.name,
        account_id=actor.account_id,
        at=now,
    )


def _facts(connection: Connection, edition: Edition, issue: Issue) -> approvals.ApprovalFacts:
    facts = approvals.approval_facts(connection, issue, edition.approval)
    # The digest is that of the revision before.
    return replace(facts, manifest=None) if issue.state is IssueState.ASSEMBLING else facts


def _view(facts: approvals.ApprovalFacts) -> ApprovalView:
    return ApprovalView(facts=facts, count=approvals.verdict(facts).count)


def _add(
    connection: Connection, facts: approvals.ApprovalFacts, new: approvals.NewApproval
) -> ApprovalView:
    row = approvals.stored_approval(
        facts, new, approvals.add_approval(connection, facts.issue, new)
    )
    return _view(replace(facts, rows=(*facts.rows, row)))


def _settle(
    connection: Connection, edition: Edition, view: ApprovalView, now: datetime
) -> ApprovalView:
    """Move an issue to where its approvals put it. The last one leaves the time to undo it."""
    issue, count = view.issue, view.count
    reason = {
        "reason": count.reason,
        "reason_key": IssueReason.NOT_APPROVED if count.reason else None,
    }
    if count.is_enough and issue.state is IssueState.AWAITING_APPROVAL:
        send_at = issue.send_at
        if send_at is not None and edition.undo:
            send_at = max(send_at, now + edition.undo)
        issue = store.move_issue(connection, issue, IssueState.READY, send_at=send_at, **reason)
    elif not count.is_enough and issue.state is IssueState.READY:
        issue = store.move_issue(connection, issue, IssueState.AWAITING_APPROVAL, **reason)
    else:
        issue = store.touch_issue(connection, issue, **reason)
    return replace(view, facts=replace(view.facts, issue=issue))
