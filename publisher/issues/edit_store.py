"""Read and write the edits of issues, and what they had before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from publisher.issues import store
from publisher.issues.edits import (
    EditKind,
    IssueEdit,
    IssueEdits,
    NewEdit,
    StoryPlace,
    combine_edits,
)
from publisher.issues.model import Issue, IssueState
from publisher.issues.tables import issue_article_table, issue_edit_table, issue_table

_EDIT = [issue_edit_table.c[name] for name in IssueEdit.__dataclass_fields__]


def add_edit(connection: Connection, one: Issue, edit: NewEdit) -> int:
    """Store an edit of an issue, and return its id."""
    row = insert(issue_edit_table).values(issue_id=one.id, **asdict(edit))
    return int(connection.execute(row.returning(issue_edit_table.c.id)).scalar_one())


def mark_edit_undone(connection: Connection, one: Issue, edit_id: int, now: datetime) -> bool:
    """Let an edit not count any more. Return False if there is none that counts."""
    here = (issue_edit_table.c.id == edit_id) & (issue_edit_table.c.issue_id == one.id)
    row = update(issue_edit_table).where(here, issue_edit_table.c.undone_at.is_(None))
    return connection.execute(row.values(undone_at=now)).rowcount == 1


def edits_of(connection: Connection, issue_id: int) -> list[IssueEdit]:
    """Return all edits of an issue in order, those that are undone too."""
    query = select(*_EDIT).where(issue_edit_table.c.issue_id == issue_id)
    rows = connection.execute(query.order_by(issue_edit_table.c.id))
    return [_to_edit(row) for row in rows]


def combined_edits(connection: Connection, issue_id: int) -> IssueEdits:
    """Return what the edits of an issue come to."""
    return combine_edits(edits_of(connection, issue_id))


def left_out_of(connection: Connection, issues: Iterable[int]) -> list[IssueEdit]:
    """Return the edits by which stories are left out of some issues, the latest first."""
    found = [one for number in issues for one in edits_of(connection, number)]
    out: dict[tuple[int, int | None], IssueEdit] = {}
    for edit in found:
        if edit.story_id is None or edit.undone_at is not None:
            continue
        if edit.kind is EditKind.LEAVE_OUT:
            out[edit.issue_id, edit.story_id] = edit
        elif edit.kind is EditKind.PIN:
            out.pop((edit.issue_id, edit.story_id), None)
    return sorted(out.values(), key=lambda one: one.id, reverse=True)


def left_out_before(connection: Connection, one: Issue, since: datetime) -> dict[int, str]:
    """Return what editors left out of an edition's issues that are due since an instant, with the reasons.

    What one of its issues has all the same is not among it.
    """
    found = issue_table.c
    query = select(found.id).where(
        found.newsletter == one.newsletter,
        found.language == one.language,
        found.due_at >= since,
        found.id != one.id,
        found.id.in_(select(issue_edit_table.c.issue_id)),
        found.state.not_in((IssueState.SKIPPED, IssueState.CANCELLED)),
    )
    edits = left_out_of(connection, list(connection.execute(query).scalars()))
    out = {edit.story_id: edit.value for edit in edits if edit.story_id is not None}
    sent = store.stories_sent(connection, one.newsletter, one.language, sorted(out))
    return {story: why for story, why in out.items() if story not in sent}


def _to_edit(row: Any) -> IssueEdit:
    values = {name: getattr(row, name) for name in IssueEdit.__dataclass_fields__}
    return IssueEdit(**values | {"kind": EditKind(row.kind)})


# --- what an issue has without its edits


def first_selection(connection: Connection, one: Issue) -> tuple[list[StoryPlace], int]:
    """Return the stories of an issue as they were selected, and how many had no room."""
    query = select(issue_table.c.selected).where(issue_table.c.id == one.id)
    kept = connection.execute(query).scalar_one()
    if kept is None:
        return store.chosen_articles(connection, one), one.more
    return [(story, article) for story, article in kept["articles"]], int(kept["more"])


def rearrange(
    connection: Connection, one: Issue, arranged: list[StoryPlace], more: int
) -> None:
    """Store the stories of an issue in the editors' order, and keep what was selected."""
    chosen, before = first_selection(connection, one)
    values = {"selected": {"articles": chosen, "more": before}, "more": more}
    connection.execute(update(issue_table).where(issue_table.c.id == one.id).values(values))
    here = issue_article_table.c.issue_id == one.id
    connection.execute(delete(issue_article_table).where(here))
    if arranged:
        store.select_articles(connection, one, arranged)
