"""What the edits of an issue come to, and the order of its stories."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.issues.edits import (
    EditKind,
    IssueEdit,
    IssueEdits,
    arrange,
    combine_edits,
    opening_value,
)
from tests.publisher.conftest import NOW

BASE = [(story, story * 10) for story in (1, 2, 3)]
MORE = [(story, story * 10) for story in (4, 5)]


def edits(*made: tuple[EditKind, int | None, str], **changes: Any) -> list[IssueEdit]:
    return [
        IssueEdit(
            id=number,
            issue_id=1,
            kind=kind,
            story_id=story,
            value=value,
            actor="ann@example.org",
            account_id=1,
            at=NOW + timedelta(minutes=number),
            undone_at=changes.get("undone_at"),
        )
        for number, (kind, story, value) in enumerate(made)
    ]


def order(
    *made: tuple[EditKind, int | None, str], pinned: dict[int, int] | None = None
) -> list[int]:
    added = {story: (story, article) for story, article in (pinned or {}).items()}
    return [story for story, _ in arrange(combine_edits(edits(*made)), BASE, MORE, added)]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ([], [1, 2, 3]),
        ([(EditKind.MOVE, 3, "1")], [3, 1, 2]),
        ([(EditKind.MOVE, 1, "99")], [2, 3, 1]),
        ([(EditKind.MOVE, 3, "1"), (EditKind.MOVE, 2, "1")], [2, 3, 1]),
        ([(EditKind.LEAVE_OUT, 2, "dull")], [1, 3]),
        ([(EditKind.LEAVE_OUT, 2, "dull"), (EditKind.PIN, 2, "1")], [2, 1, 3]),
        ([(EditKind.MOVE, 2, "1"), (EditKind.LEAVE_OUT, 2, "dull")], [1, 3]),
        ([(EditKind.NUMBER, None, "2")], [1, 2]),
        ([(EditKind.NUMBER, None, "4")], [1, 2, 3, 4]),
        ([(EditKind.NUMBER, None, "9")], [1, 2, 3, 4, 5]),
        # What is left out makes room only for an editor who says a number.
        ([(EditKind.LEAVE_OUT, 1, "dull"), (EditKind.NUMBER, None, "3")], [2, 3, 4]),
        ([(EditKind.NUMBER, None, "1"), (EditKind.NUMBER, None, "")], [1, 2, 3]),
        ([(EditKind.MOVE, 3, "1"), (EditKind.NUMBER, None, "1")], [3]),
    ],
)
def test_stories_are_in_the_editors_order(
    made: list[tuple[EditKind, int | None, str]], expected: list[int]
) -> None:
    assert order(*made) == expected


def test_a_story_is_added_only_where_it_may_be_shown() -> None:
    pin = (EditKind.PIN, 9, "2")
    assert order(pin, pinned={9: 90}) == [1, 9, 2, 3]
    assert order(pin) == [1, 2, 3]


def test_what_is_undone_does_not_count() -> None:
    made = edits((EditKind.MOVE, 3, "1"), (EditKind.SUBJECT, None, "Hi"), undone_at=NOW)
    assert combine_edits(made) == IssueEdits()


def test_the_last_words_count() -> None:
    found = combine_edits(
        edits(
            (EditKind.SUBJECT, None, "One"),
            (EditKind.PREHEADER, None, "Three"),
            (EditKind.SUBJECT, None, "Two"),
            (EditKind.OPENING, None, opening_value("*Hi*", "<p><em>Hi</em></p>")),
            (EditKind.QUOTATION, 2, "words of an article"),
        )
    )
    assert (found.subject, found.preheader) == ("Two", "Three")
    assert found.opening == "<p><em>Hi</em></p>"
    assert found.quotation == (2, "words of an article")


EDITS = st.lists(
    st.tuples(
        st.sampled_from([EditKind.PIN, EditKind.MOVE, EditKind.LEAVE_OUT]),
        st.integers(1, 7),
        st.integers(1, 9).map(str),
    ),
    max_size=12,
)


@given(EDITS)
def test_no_story_comes_twice_and_none_that_is_left_out(
    made: list[tuple[EditKind, int, str]],
) -> None:
    combined = combine_edits(edits(*made))
    pinned = {story: (story, story * 10) for story in combined.pinned}
    found = [story for story, _ in arrange(combined, BASE, MORE, pinned)]
    assert len(found) == len(set(found))
    assert not combined.left_out.keys() & set(found)
    assert set(found) == ({1, 2, 3} | combined.pinned) - combined.left_out.keys()
    # The last story that somebody placed is where it was put, or at the end.
    if combined.places:
        story, position = combined.places[-1]
        if story in found:
            assert found.index(story) == min(position - 1, len(found) - 1)


def test_when_a_story_was_added_is_known() -> None:
    found = combine_edits(edits((EditKind.MOVE, 1, "2"), (EditKind.PIN, 8, "1")))
    assert found.pinned_at == NOW + timedelta(minutes=1)
    assert isinstance(found.pinned_at, datetime)
