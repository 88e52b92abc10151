"""What editors change in an issue: edits in, the order of its stories and its words out. Pure.

Edits are rows that stay. The last one about a story, or about the subject and so on, counts. A story is a pair
of story and article ids.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

# A story and the article that shows it, by their ids.
StoryPlace = tuple[int, int]


class EditKind(StrEnum):
    """What an edit changes. The value of each is text."""

    # The story at a place, counted from 1: one that the issue has, or that it gets by this.
    PIN = "pin"
    MOVE = "move"
    # The reason.
    LEAVE_OUT = "leave-out"
    # The words; without any, those that the issue has by itself.
    SUBJECT = "subject"
    PREHEADER = "preheader"
    # As `opening_value` writes it.
    OPENING = "opening"
    # From an article of the story; without any, the issue has no quotation.
    QUOTATION = "quotation"
    NUMBER = "number"


# What orders the stories of an issue: one such edit may undo another's.
_ORDER = frozenset({EditKind.PIN, EditKind.MOVE, EditKind.LEAVE_OUT, EditKind.NUMBER})


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueEdit:
    """One edit, as it is stored. `actor` is an account's address, or "terminal"."""

    id: int
    issue_id: int
    kind: EditKind
    story_id: int | None
    value: str
    actor: str
    account_id: int | None
    at: datetime
    undone_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEdit:
    """An edit that is not stored yet."""

    kind: EditKind
    value: str
    story_id: int | None
    actor: str
    account_id: int | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueEdits:
    """What the edits of an issue come to.

    `places` are the stories that editors placed, in the order of the edits. `pinned_at` is when the last
    story was added that the issue did not have. `opening` is clean HTML. `quotation` is a story and a
    text of it, which is empty for no quotation.
    """

    left_out: Mapping[int, str] = field(default_factory=dict)
    places: tuple[tuple[int, int], ...] = ()
    pinned: frozenset[int] = frozenset()
    pinned_at: datetime | None = None
    subject: str = ""
    preheader: str = ""
    opening: str = ""
    quotation: tuple[int, str] | None = None
    number: int | None = None


def opening_value(markdown: str, html: str) -> str:
    """Return the value of an edit of the opening: what was written, and the clean HTML of it."""
    return json.dumps({"markdown": markdown, "html": html}, ensure_ascii=False)


def opening_markdown(value: str) -> str:
    """Return what was written of an opening."""
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
    words: dict[EditKind, tuple[int | None, str]] = {}
    for edit in edits:
        if edit.undone_at is not None:
            continue
        story = edit.story_id
        if edit.kind is EditKind.LEAVE_OUT and story is not None:
            left_out[story] = edit.value
            places.pop(story, None)
            pinned.pop(story, None)
        elif edit.kind in {EditKind.PIN, EditKind.MOVE} and story is not None:
            # The last one is placed last.
            places.pop(story, None)
            places[story] = int(edit.value)
            if edit.kind is EditKind.PIN:
                left_out.pop(story, None)
                pinned[story] = edit.at
        else:
            words[edit.kind] = (story, edit.value)
    return _combined(left_out, places, pinned, words)


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
    that may be shown of the stories that were added.
    """
    left = [one for one in chosen if one[0] not in edits.left_out]
    wanted = edits.number or len(left)
    known = {story for story, _article in left}
    room = (one for one in further if one[0] not in edits.left_out and one[0] not in known)
    more = list(room)[: max(0, wanted - len(left))]
    found = {one[0]: one for one in (*left, *more)}
    found |= {s: one for s, one in (pinned or {}).items() if s not in found}
    order = [one for one in found if one in known or one not in edits.pinned]
    for story, position in edits.places:
        if story in found:
            if story in order:
                order.remove(story)
            order.insert(max(0, position - 1), story)
    kept = order[: edits.number] if edits.number else order
    return [found[story] for story in kept]
