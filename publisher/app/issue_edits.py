"""Editors' changes of an issue: order and choice of its stories, and its words.

An edit may be made until the ledger of the issue is opened. It has the issue assembled again at once, so
that whoever made it sees what comes of it. What the issue contained before is kept as a revision.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from publisher.app.edit_values import EditRequest, checked_edit
from publisher.app.editing_state import Permission
from publisher.app.issues import require_issue
from publisher.articles import store as articles
from publisher.assembly import assemble_issue
from publisher.config import Edition, Settings
from publisher.delivery.ledger.choices import profile_selector
from publisher.errors import EditConflictError, IssueError
from publisher.issues import edit_store, store
from publisher.issues.digests import reopen_issue
from publisher.issues.edits import (
    EditKind,
    IssueEdits,
    NewEdit,
    StoryPlace,
    arrange,
    combine_edits,
    count_changes,
    edits_of_same,
)
from publisher.issues.model import (
    EDITION_REMOVED,
    SELECTED_STATES,
    STATE_WORDS,
    Issue,
    IssueKind,
    IssueState,
)
from publisher.issues.selection import best_article, rules_of_edition
from publisher.messages import message
from publisher.rendering import Renderer

if TYPE_CHECKING:
    from publisher.app.editing_state import Actor, EditingState

# What callers import, with the values of other packages that they get.
__all__ = ["EditKind", "EditRequest", "EditedIssue", "edit_issue", "undo_edit"]


@dataclass(frozen=True, slots=True)
class EditedIssue:
    """An issue after a change, and why it could not be assembled with it; None if it was."""

    issue: Issue
    problem: str | None = None


def edit_issue(
    state: EditingState,
    actor: Actor,
    name: str,
    request: EditRequest,
    renderer: Renderer | None = None,
) -> EditedIssue:
    """Change an issue, and have it assembled again.

    Raise IssueError if it can't be changed so, or any more; EditConflictError if somebody else has changed
    the same since it was read.
    """
    details = {"kind": request.kind, "story": request.story_id, "value": request.value}
    with state.changing(actor, "edit", name, details) as change:
        connection, now = change.connection, state.clock.now()
        issue, edition = editable_issue(connection, state.settings, actor, name)
        value = checked_edit(connection, state.settings, edition, issue, request, now)
        new = NewEdit(
            kind=request.kind,
            value=value,
            story_id=request.story_id,
            actor=actor.name,
            account_id=actor.account_id,
            at=now,
        )
        if _is_last_edit(connection, issue, new):
            change.is_repeated = True
            return EditedIssue(issue)
        _require_seen(connection, issue, request)
        edit_store.add_edit(connection, issue, new)
        issue = _apply(state, connection, edition, issue)
    return render_again(state, issue, renderer)


def _is_last_edit(connection: Connection, issue: Issue, new: NewEdit) -> bool:
    """Return whether the last edit that counts is the same, by the same person: it was posted twice."""
    same = edits_of_same(edit_store.edits_of(connection, issue.id), new.kind)
    edits = [one for one in same if one.undone_at is None]
    if not edits:
        return False
    last = edits[-1]
    return (last.kind, last.value, last.story_id, last.actor, last.account_id) == (
        new.kind,
        new.value,
        new.story_id,
        new.actor,
        new.account_id,
    )


def _require_seen(connection: Connection, issue: Issue, request: EditRequest) -> None:
    edits = edit_store.edits_of(connection, issue.id)
    if request.seen not in {None, count_changes(edits, request.kind)}:
        raise EditConflictError(
            message(
                "%(issue)s: somebody has changed it meanwhile; read it again", issue=issue.name
            )
        )


def undo_edit(
    state: EditingState,
    actor: Actor,
    name: str,
    edit_id: int,
    renderer: Renderer | None = None,
) -> EditedIssue:
    """Take back an edit of an issue, whoever made it, and have the issue assembled again."""
    with state.changing(actor, "undo-edit", name, {"edit": edit_id}) as change:
        connection, now = change.connection, state.clock.now()
        issue, edition = editable_issue(connection, state.settings, actor, name)
        if not edit_store.mark_edit_undone(connection, issue, edit_id, now):
            raise IssueError(
                message(
                    "%(issue)s: no edit %(edit_id)s that counts", issue=name, edit_id=edit_id
                )
            )
        issue = _apply(state, connection, edition, issue)
    return render_again(state, issue, renderer)


def editable_issue(
    connection: Connection, settings: Settings, actor: Actor, name: str
) -> tuple[Issue, Edition]:
    """Return an issue that an actor may edit, and its edition."""
    issue = require_issue(connection, name)
    actor.require(Permission.EDIT_ISSUE, issue.language)
    edition = settings.edition(issue.newsletter, issue.language)
    if edition is None:
        raise IssueError(message("%(issue)s: %(why)s", issue=name, why=EDITION_REMOVED))
    if issue.kind == IssueKind.CORRECTION:
        raise IssueError(
            message("%(issue)s: is a correction; cancel it, and write another one", issue=name)
        )
    if issue.state is IssueState.SCHEDULED:
        raise IssueError(
            message(
                "%(issue)s: its articles are not selected yet; the next cycle does it",
                issue=name,
            )
        )
    if issue.state not in SELECTED_STATES:
        raise IssueError(
            message(
                "%(issue)s: is %(state)s; it can't be changed any more",
                issue=name,
                state=STATE_WORDS[issue.state],
            )
        )
    return issue, edition


def render_again(
    state: EditingState, issue: Issue, renderer: Renderer | None = None
) -> EditedIssue:
    """Assemble an issue that was changed, and return it. A cycle does the same if this fails."""
    with _renderer(state, renderer) as found:
        problem = assemble_issue(state.settings, state.database, found, issue)
    with state.database.reading() as connection:
        (issue,) = store.issues_by_ids(connection, [issue.id])
    return EditedIssue(issue, problem or None)


@contextmanager
def _renderer(state: EditingState, renderer: Renderer | None) -> Iterator[Renderer]:
    if renderer is not None:
        yield renderer
        return
    with closing(Renderer(state.settings.folders.templates)) as found:
        yield found


def _apply(
    state: EditingState, connection: Connection, edition: Edition, issue: Issue
) -> Issue:
    """Store the order that all edits of an issue come to, and have it assembled again."""
    edits = combine_edits(edit_store.edits_of(connection, issue.id))
    # The digest is kept with the articles that it has.
    issue = reopen_issue(connection, issue, state.clock.now())
    chosen, before = edit_store.first_selection(connection, issue)
    further = _further(state.settings, connection, edition, issue, edits, chosen)
    arranged = arrange(edits, chosen, further, _pinned(connection, edition, issue, edits))
    if not arranged:
        raise IssueError(
            message(
                "%(issue)s: no story would be left; skip the issue instead", issue=issue.name
            )
        )
    own = {story for story, _article in (*chosen, *further)}
    _check_change(connection, issue, edits, own, {story for story, _article in arranged})
    left = sum(story not in edits.left_out for story, _article in chosen)
    more = max(0, left + before - sum(story in own for story, _article in arranged))
    edit_store.rearrange(connection, issue, arranged, more)
    (issue,) = store.issues_by_ids(connection, [issue.id])
    return issue


def _check_change(
    connection: Connection, issue: Issue, edits: IssueEdits, own: set[int], new: set[int]
) -> None:
    """Refuse a story that another issue took meanwhile, and free one that was added and is not any more."""
    old = {story for story, _article in store.chosen_articles(connection, issue)}
    where = (issue.newsletter, issue.language)
    if store.stories_sent(connection, *where, sorted(new - old)):
        raise IssueError(
            message(
                "%(issue)s: another issue of this edition has the story by now",
                issue=issue.name,
            )
        )
    if old - new - own - edits.left_out.keys():
        store.consider_again(connection, issue, issue.assembled_at)


def _pinned(
    connection: Connection, edition: Edition, issue: Issue, edits: IssueEdits
) -> dict[int, StoryPlace]:
    at = max(issue.assembled_at or issue.due_at, edits.pinned_at or issue.due_at)
    found = articles.variants(connection, edits.pinned, at)
    best = {s: best_article(rules_of_edition(edition), many) for s, many in found.items()}
    return {story: (story, one.id) for story, one in best.items() if one}


def _further(
    settings: Settings,
    connection: Connection,
    edition: Edition,
    issue: Issue,
    edits: IssueEdits,
    chosen: list[StoryPlace],
) -> list[StoryPlace]:
    """Return the stories that had no room, if editors want more than were chosen."""
    if issue.for_profiles_only or (edits.number or 0) <= len(chosen) - len(edits.left_out):
        return []
    found = profile_selector(connection, settings, edition, issue).considered_own()
    known = {story for story, _article in chosen}
    others = [one for one in found if one.story_id not in known]
    sent = store.stories_sent(
        connection, issue.newsletter, issue.language, [one.story_id for one in others]
    )
    return [(one.story_id, one.id) for one in others if one.story_id not in sent]
