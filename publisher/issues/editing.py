"""What editors change in an issue: edits before it is sent, corrections after. Decisions on edits are pure.

Edits are rows that stay. The last one about a story, or about the subject and so on, counts; together they
decide the order of the stories and the words. A story is a pair of story and article ids. A correction is on the
page of its issue alone, or an issue of its own, which has the newsletter, language and day of the one that it
corrects, and a serial number. That issue has no articles. It goes to those who got the error
(`publisher.delivery.ledger.correction_audience`).
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, delete, func, insert, select, update

from publisher.issues import store
from publisher.issues.model import Issue, IssueKind, IssueState
from publisher.issues.tables import (
    correction_table,
    issue_article_table,
    issue_edit_table,
    issue_table,
)

StoryPlace = tuple[int, int]  # a story and the article that shows it, by their ids


class EditKind(StrEnum):
    """What an edit changes. The value of each is text."""

    # The story at a place, counted from 1: one that the issue has, or that it gets by this.
    PIN = "pin"
    MOVE = "move"
    LEAVE_OUT = "leave-out"  # the reason
    # The language of an article that came after its story was selected in another one, and shows it instead.
    TRANSLATION = "translation"
    # The words; without any, those that the issue has by itself.
    SUBJECT = "subject"
    PREHEADER = "preheader"
    OPENING = "opening"  # as `opening_value` writes it
    # From an article of the story; without any, the issue has no quotation.
    QUOTATION = "quotation"
    NUMBER = "number"


# What orders the stories of an issue: one such edit may undo another's.
_ORDER = frozenset({EditKind.PIN, EditKind.MOVE, EditKind.LEAVE_OUT, EditKind.NUMBER})


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEdit:
    """An edit that is not stored yet. `actor` is an account's address, or "terminal"."""

    kind: EditKind
    value: str
    story_id: int | None
    actor: str
    account_id: int | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueEdit(NewEdit):
    """One edit, as it is stored."""

    id: int
    issue_id: int
    undone_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueEdits:
    """What the edits of an issue come to.

    `places` are the stories that editors placed, in the order of the edits. `pinned` are shown as they were published
    at `pinned_at`, when the last one was added, or its translation taken (`translated`). `opening` is clean HTML.
    `quotation` is a story and a text of it, which is empty for no quotation.
    """

    left_out: Mapping[int, str] = field(default_factory=dict)
    places: tuple[tuple[int, int], ...] = ()
    pinned: frozenset[int] = frozenset()
    pinned_at: datetime | None = None
    translated: tuple[int, ...] = ()
    subject: str = ""
    preheader: str = ""
    opening: str = ""
    quotation: tuple[int, str] | None = None
    number: int | None = None


def opening_value(markdown: str, html: str) -> str:
    """Return the value of an edit of the opening: what was written, and the clean HTML of it."""
    return json.dumps({"markdown": markdown, "html": html}, ensure_ascii=False)


def opening_markdown(value: str) -> str:
    return str(json.loads(value)["markdown"]) if value else ""


def edits_of_same(edits: Iterable[IssueEdit], kind: EditKind) -> list[IssueEdit]:
    """Return the edits of what one of a kind changes: the same words, or the order of the stories."""
    kinds: Collection[EditKind] = _ORDER if kind in _ORDER else {kind}
    return [one for one in edits if one.kind in kinds]


def count_changes(edits: Iterable[IssueEdit], kind: EditKind) -> int:
    """Return how often that was changed. To take an edit back is a change, too."""
    return sum(1 + (one.undone_at is not None) for one in edits_of_same(edits, kind))


def combine_edits(edits: Iterable[IssueEdit]) -> IssueEdits:
    """Return what the edits of an issue come to, those that are undone left out."""
    left_out: dict[int, str] = {}
    places: dict[int, int] = {}
    pinned: dict[int, datetime] = {}
    translated = set[int]()
    words: dict[EditKind, tuple[int | None, str]] = {}
    for edit in edits:
        if edit.undone_at is not None:
            continue
        story = edit.story_id
        if edit.kind is EditKind.LEAVE_OUT and story is not None:
            left_out[story] = edit.value
            places.pop(story, None)
            pinned.pop(story, None)
        elif edit.kind is EditKind.TRANSLATION and story is not None:
            translated.add(story)
            pinned[story] = edit.at
        elif edit.kind in {EditKind.PIN, EditKind.MOVE} and story is not None:
            # The last one is placed last.
            places.pop(story, None)
            places[story] = int(edit.value)
            if edit.kind is EditKind.PIN:
                left_out.pop(story, None)
                pinned[story] = edit.at
        else:
            words[edit.kind] = (story, edit.value)
    combined = _combined(left_out, places, pinned, words)
    return replace(combined, translated=tuple(sorted(translated & pinned.keys())))


def _combined(
    left_out: Mapping[int, str],
    places: Mapping[int, int],
    pinned: Mapping[int, datetime],
    words: Mapping[EditKind, tuple[int | None, str]],
) -> IssueEdits:
    def text(kind: EditKind) -> str:
        return words.get(kind, (None, ""))[1]

    opening, quotation = text(EditKind.OPENING), words.get(EditKind.QUOTATION)
    number = text(EditKind.NUMBER)
    return IssueEdits(
        left_out=dict(left_out),
        places=tuple(places.items()),
        pinned=frozenset(pinned),
        pinned_at=max(pinned.values(), default=None),
        subject=text(EditKind.SUBJECT),
        preheader=text(EditKind.PREHEADER),
        opening=str(json.loads(opening)["html"]) if opening else "",
        quotation=(quotation[0] or 0, quotation[1]) if quotation else None,
        number=int(number) if number else None,
    )


def arrange(
    edits: IssueEdits,
    chosen: Sequence[StoryPlace],
    further: Sequence[StoryPlace] = (),
    pinned: Mapping[int, StoryPlace] | None = None,
) -> list[StoryPlace]:
    """Return the stories of an issue, or of what a profile wants of it, in the editors' order.

    `chosen` is what it has by itself, `further` what had no room, both in order. `pinned` are those
    that may be shown of the stories that were added, or are shown in another language.
    """
    left = [one for one in chosen if one[0] not in edits.left_out]
    wanted = edits.number or len(left)
    known = {story for story, _article in left}
    room = (one for one in further if one[0] not in edits.left_out and one[0] not in known)
    more = list(room)[: max(0, wanted - len(left))]
    added = pinned or {}
    found = {one[0]: added.get(one[0], one) for one in (*left, *more)}
    order = [*found]
    found = {**added, **found}
    for story, position in edits.places:
        if story in found:
            if story in order:
                order.remove(story)
            order.insert(max(0, position - 1), story)
    kept = order[: edits.number] if edits.number else order
    return [found[story] for story in kept]


_EDIT = [issue_edit_table.c[name] for name in IssueEdit.__dataclass_fields__]


def add_edit(connection: Connection, one: Issue, edit: NewEdit) -> int:
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
    rows = connection.execute(query.order_by(issue_edit_table.c.id)).mappings()
    return [IssueEdit(**{**row, "kind": EditKind(row["kind"])}) for row in rows]


def combined_edits(connection: Connection, issue_id: int) -> IssueEdits:
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
        store.is_of_edition(one.newsletter, one.language),
        found.due_at >= since,
        found.id != one.id,
        found.id.in_(select(issue_edit_table.c.issue_id)),
        found.state.not_in((IssueState.SKIPPED, IssueState.CANCELLED)),
    )
    edits = left_out_of(connection, list(connection.execute(query).scalars()))
    out = {edit.story_id: edit.value for edit in edits if edit.story_id is not None}
    sent = store.stories_sent(connection, one.newsletter, one.language, sorted(out))
    return {story: why for story, why in out.items() if story not in sent}


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


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCorrection:
    """What an editor says about an error. `html` is clean; `actor` an account's address, or "terminal"."""

    subject: str
    markdown: str
    html: str
    actor: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction(NewCorrection):
    """A stored correction of the issue `first_id`. Without `issue_id` it is not mailed."""

    id: int
    first_id: int
    issue_id: int | None


def store_correction(
    connection: Connection, first: Issue, new: NewCorrection, issue_id: int | None = None
) -> None:
    """Store a correction of an issue, and the issue that mails it; None if only the page shows it."""
    values = asdict(new) | {"first_id": first.id, "issue_id": issue_id}
    connection.execute(insert(correction_table).values(values))


def add_correction_issue(
    connection: Connection, first: Issue, new: NewCorrection, send_at: datetime
) -> Issue:
    """Add an issue that corrects another one, to be assembled now and sent from `send_at` on."""
    same = [issue_table.c[name] == getattr(first, name) for name in _SERIES]
    last = connection.execute(select(func.max(issue_table.c.serial)).where(*same)).scalar_one()
    issue = store.insert_unscheduled(
        connection,
        **{name: getattr(first, name) for name in _SERIES},
        kind=IssueKind.CORRECTION,
        serial=last + 1,
        corrects_id=first.id,
        due_at=send_at,
        send_at=send_at,
        assembled_at=new.created_at,
    )
    store_correction(connection, first, new, issue.id)
    return issue


_SERIES = ("newsletter", "language", "day")


def correction_by(connection: Connection, one: Issue) -> tuple[Correction, Issue]:
    """Return what a correcting issue says, and the issue with the error."""
    query = select(correction_table).where(correction_table.c.issue_id == one.id)
    found = Correction(**connection.execute(query).mappings().one())
    return found, store.issues_by_ids(connection, [found.first_id])[0]


def corrections_of(
    connection: Connection, first: Issue
) -> list[tuple[Correction, Issue | None]]:
    """Return the corrections of an issue, each with the issue that mails it, the oldest first."""
    query = select(correction_table).where(correction_table.c.first_id == first.id)
    found = [
        Correction(**row)
        for row in connection.execute(query.order_by(correction_table.c.id)).mappings()
    ]
    numbers = [one.issue_id for one in found if one.issue_id is not None]
    issues = {one.id: one for one in store.issues_by_ids(connection, numbers)}
    return [(one, issues.get(one.issue_id or 0)) for one in found]


def has_written_page(connection: Connection, one: Issue) -> bool:
    """Return whether the page of a correcting issue is on disk."""
    query = select(issue_table.c.page_hash).where(issue_table.c.id == one.id)
    return connection.execute(query).scalar_one() is not None
