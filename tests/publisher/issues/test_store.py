"""Issues as they are stored, their states, and what editors change."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, insert

from publisher.articles.tables import article, story
from publisher.errors import DatabaseError, IssueError, TransitionError
from publisher.issues import digests, store
from publisher.issues import digests as issue_pages
from publisher.issues.editing import (
    EditKind,
    IssueEdit,
    IssueEdits,
    arrange,
    combine_edits,
    opening_value,
)
from publisher.issues.model import (
    ISSUE_TRANSITIONS,
    Issue,
    IssueReason,
    IssueState,
    check_transition,
)
from publisher.issues.tables import issue_table
from tests.processes import ROOT
from tests.publisher.conftest import NOW, PublicationFolder

DAY = date(2026, 1, 9)
PARTS = {name: name for name in ("subject", "preheader", "html", "text", "page", "sha256")}


def add(connection: Connection, **changes: Any) -> Issue:
    facts: dict[str, Any] = {
        "newsletter": "weekly",
        "language": "en",
        "day": DAY,
        "due_at": NOW,
    }
    facts |= changes | ({"state": IssueState.SKIPPED} if "reason" in changes else {})
    store.add_occurrence(connection, Issue(**facts))
    found = store.issue_by_name(
        connection, f"{facts['newsletter']}-{facts['language']}-{facts['day']}"
    )
    assert found is not None
    return found


def walk(connection: Connection, one: Issue, *states: IssueState) -> Issue:
    for state in states:
        one = store.move_issue(connection, one, state)
    return one


def add_article(connection: Connection, number: int) -> None:
    key = f"s{number}"
    connection.execute(insert(story).values(id=number, key=key, slug=key))
    texts = dict.fromkeys(
        ("origin", "status", "declared", "title", "summary", "html", "text"), "x"
    )
    lists: dict[str, Any] = {n: [] for n in ("bylines", "translators", "topics", "offered")}
    times = dict.fromkeys(("published_at", "available_at", "updated_at"), NOW)
    values = {"id": number, "story_id": number, "language": "en", "content_hash": "x"}
    connection.execute(
        insert(article).values(published_on=DAY, **texts, **lists, **times, **values)
    )


def test_an_occurrence_with_a_reason_is_skipped(connection: Connection) -> None:
    assert add(connection).state == IssueState.SCHEDULED
    skipped = add(connection, language="ar", reason="too late")
    assert (skipped.state, skipped.reason) == (IssueState.SKIPPED, "too late")


def test_an_occurrence_is_stored_once(connection: Connection) -> None:
    planned = Issue(newsletter="weekly", language="en", day=DAY, due_at=NOW)
    assert store.add_occurrence(connection, planned)
    again = replace(planned, due_at=NOW + timedelta(hours=1), reason="again")
    assert not store.add_occurrence(connection, again)
    (row,) = connection.execute(issue_table.select()).all()
    assert (row.due_at, row.reason) == (NOW, None)


def test_a_move_sets_values_and_increments_the_epoch(connection: Connection) -> None:
    before = add(connection)
    after = store.move_issue(
        connection, before, IssueState.ASSEMBLING, more=3, assembled_at=NOW
    )
    assert (after.state, after.epoch) == (IssueState.ASSEMBLING, before.epoch + 1)
    assert (after.more, after.assembled_at) == (3, NOW)
    assert store.issue_by_name(connection, f"weekly-en-{DAY}") == after


def test_a_move_with_an_old_epoch_is_refused(connection: Connection) -> None:
    stale = add(connection)
    ready = walk(connection, stale, IssueState.ASSEMBLING, IssueState.READY)
    again = walk(connection, ready, IssueState.ASSEMBLING)
    with pytest.raises(IssueError, match="weekly-en-2026-01-09: another process has moved it"):
        store.move_issue(connection, stale, IssueState.ASSEMBLING)
    older = Issue(**{n: getattr(again, n) for n in Issue.__dataclass_fields__} | {"epoch": 1})
    assert older.state == again.state
    with pytest.raises(IssueError, match="another process has moved it from assembling"):
        store.move_issue(connection, older, IssueState.READY)


def test_a_move_without_a_transition_changes_nothing(connection: Connection) -> None:
    one = add(connection)
    with pytest.raises(TransitionError):
        store.move_issue(connection, one, IssueState.SENT)
    assert store.issue_by_name(connection, f"weekly-en-{DAY}") == one


def test_the_database_refuses_unknown_states(publication: PublicationFolder) -> None:
    with publication.database.writing() as connection:
        one = add(connection)
    with (
        pytest.raises(DatabaseError, match="ck_issue_state"),
        publication.database.writing() as connection,
    ):
        connection.execute(
            issue_table.update().where(issue_table.c.id == one.id).values(state="lost")
        )


def test_issues_are_numbered_by_newsletter_and_language_and_skipped_ones_have_no_number(
    connection: Connection,
) -> None:
    for days in (3, 2, 1):
        walk(
            connection,
            add(connection, day=DAY - timedelta(days=days)),
            *([IssueState.SKIPPED] if days == 2 else []),
        )
    add(connection, day=DAY - timedelta(days=1), language="ar")
    assert store.issue_number(connection, "weekly", "en", DAY) == 3
    assert store.issue_number(connection, "weekly", "en", DAY - timedelta(days=3)) == 1
    assert store.issue_number(connection, "weekly", "ar", DAY) == 2
    assert store.issue_number(connection, "daily", "en", DAY) == 1


def test_planned_until_never_goes_back(connection: Connection) -> None:
    assert store.planned_until(connection, "weekly", "en") is None
    store.set_planned_until(connection, "weekly", "en", NOW)
    store.set_planned_until(connection, "weekly", "en", NOW - timedelta(days=1))
    assert store.planned_until(connection, "weekly", "en") == NOW
    store.set_planned_until(connection, "weekly", "en", NOW + timedelta(days=1))
    assert store.planned_until(connection, "weekly", "en") == NOW + timedelta(days=1)


def test_cutoffs_at_or_after_now_are_reset(connection: Connection) -> None:
    second = timedelta(seconds=1)
    cuts = {"en": NOW, "ar": NOW + timedelta(days=5), "zh-Hans": NOW - second}
    for language, cut in cuts.items():
        store.set_planned_until(connection, "weekly", language, NOW)
        store.set_cutoff(connection, "weekly", language, cut)
    store.set_planned_until(connection, "daily", "en", NOW)
    store.reset_future_cutoffs(connection, NOW)
    found = {store.cutoff(connection, "weekly", language) for language in cuts}
    assert found == {NOW - second}
    assert store.cutoff(connection, "daily", "en") is None
    store.reset_future_cutoffs(connection, NOW + timedelta(days=1))
    assert store.cutoff(connection, "weekly", "en") == NOW - second


def test_a_reason_changes_nothing_else_of_an_issue(connection: Connection) -> None:
    one = walk(connection, add(connection), IssueState.ASSEMBLING)
    store.set_reason(connection, one, "no such filter")
    noted = store.issue_by_name(connection, f"weekly-en-{DAY}")
    assert noted == replace(one, reason="no such filter")


def test_issues_are_sorted_by_due_time(connection: Connection) -> None:
    later = add(connection, day=date(2026, 1, 16), due_at=NOW + timedelta(days=7))
    sooner = add(connection)
    skipped = add(connection, language="ar", reason="too late")
    assert store.issues_in_state(connection, IssueState.SCHEDULED) == [sooner, later]
    assert store.issues_in_state(connection, IssueState.SCHEDULED, IssueState.SKIPPED) == [
        sooner,
        skipped,
        later,
    ]
    assert store.latest_issues(connection, 2) == [later, skipped]


def test_published_issues_are_those_with_a_page_latest_first(connection: Connection) -> None:
    add(connection)
    walk(connection, add(connection, day=date(2026, 1, 3)), IssueState.ASSEMBLING)
    old = walk(
        connection,
        add(connection, day=date(2026, 1, 2)),
        IssueState.ASSEMBLING,
        IssueState.READY,
    )
    daily = walk(
        connection, add(connection, newsletter="daily"), IssueState.ASSEMBLING, IssueState.READY
    )
    assert issue_pages.published_issues(connection, None, "en", 5, NOW) == [daily, old]
    assert issue_pages.published_issues(connection, None, "en", 1, NOW) == [daily]
    assert issue_pages.published_issues(connection, "weekly", "en", 5, NOW) == [old]
    assert issue_pages.published_issues(connection, None, "ar", 5, NOW) == []


def test_the_same_issue_in_other_languages(connection: Connection) -> None:
    one = walk(connection, add(connection), IssueState.ASSEMBLING)
    sister = walk(
        connection, add(connection, language="ar"), IssueState.ASSEMBLING, IssueState.READY
    )
    add(connection, language="zh-Hans", reason="no new articles")
    walk(
        connection, add(connection, language="ar", day=date(2026, 1, 2)), IssueState.ASSEMBLING
    )
    walk(connection, add(connection, newsletter="daily", language="ar"), IssueState.ASSEMBLING)
    assert store.same_issue_in_other_languages(connection, one) == [sister]


def test_selected_articles_keep_their_order_and_count_as_carried(
    connection: Connection,
) -> None:
    for number in (1, 2, 3):
        add_article(connection, number)
    one = add(connection)
    store.select_articles(connection, one, [(3, 3), (1, 1)])
    assert store.article_ids_of(connection, one) == [3, 1]
    assert store.article_counts(connection, [one.id, 999]) == {one.id: 2}
    assert store.stories_sent(connection, "weekly", "en", [1, 2, 3]) == {1, 3}
    assert store.stories_sent(connection, "weekly", "ar", [1, 2, 3]) == set()
    walk(connection, one, IssueState.CANCELLED)
    assert store.stories_sent(connection, "weekly", "en", [1, 2, 3]) == set()


def test_stories_sent_accepts_any_number_of_stories(connection: Connection) -> None:
    add_article(connection, 1)
    add_article(connection, 2_000)
    one = add(connection)
    store.select_articles(connection, one, [(1, 1), (2_000, 2_000)])
    assert store.stories_sent(connection, "weekly", "en", range(1, 2_001)) == {1, 2_000}
    # More than any build of SQLite takes in one statement.
    assert store.stories_sent(connection, "weekly", "en", range(2, 40_000)) == {2_000}


def test_warnings_are_stored_with_a_digest_and_counted(connection: Connection) -> None:
    one, other, third = (add(connection, language=tag) for tag in ("en", "ar", "zh-Hans"))
    found = [{"code": "subject-length"}, {"code": "text-width"}]
    digests.freeze_digest(connection, one, PARTS | {"findings": found})
    digests.freeze_digest(connection, other, PARTS)
    assert digests.digest_of(connection, one).findings == found
    assert digests.digest_of(connection, other).findings == []
    counted = digests.subjects_and_warnings(connection, [one.id, other.id, third.id])
    assert counted == {one.id: ("subject", 2), other.id: ("subject", 0)}


def test_a_page_is_due_from_freezing_until_it_is_written(connection: Connection) -> None:
    one = walk(connection, add(connection), IssueState.ASSEMBLING)
    assert issue_pages.issues_without_page(connection, NOW) == []
    digests.freeze_digest(connection, one, PARTS)
    assert issue_pages.issues_without_page(connection, NOW) == []
    one = walk(connection, one, IssueState.READY)
    assert issue_pages.issues_without_page(connection, NOW - timedelta(seconds=1)) == []
    assert issue_pages.issues_without_page(connection, NOW) == [(one, "page", "sha256")]
    assert issue_pages.issue_ids_without_page(connection) == {one.id}
    issue_pages.mark_page_written(connection, one, "sha256")
    assert issue_pages.issues_without_page(connection, NOW) == []
    assert issue_pages.issue_ids_without_page(connection) == set()


def test_the_page_on_delivery_lists_every_reason_of_an_issue() -> None:
    page = (ROOT / "docs" / "reference" / "delivery.md").read_text("utf-8")
    assert [one for one in IssueReason if f"`{one}`" not in page] == []


def test_a_correction_is_found_by_a_name_of_its_own(connection: Connection) -> None:
    first = add(connection)
    names = [first.name]
    for serial in (1, 2):
        row = insert(issue_table).values(
            newsletter="weekly", language="en", day=DAY, due_at=NOW, state="ready",
            kind="correction", serial=serial, corrects_id=first.id,
        )  # fmt: skip
        connection.execute(row)
        names.append(f"weekly-en-2026-01-09-correction{'-2' if serial == 2 else ''}")
    found = [store.issue_by_name(connection, name) for name in names]
    assert [one and (one.name, one.serial) for one in found] == [
        (name, serial) for serial, name in enumerate(names)
    ]
    for name in ("weekly-en-2026-01-09-correction-3", "weekly-en-2026-01-09-2", "-correction"):
        assert store.issue_by_name(connection, name) is None


def test_what_a_skipped_issue_had_selected_may_come_in_the_next(connection: Connection) -> None:
    store.set_planned_until(connection, "weekly", "en", NOW)
    store.set_cutoff(connection, "weekly", "en", NOW)
    since = NOW - timedelta(days=7)
    one = store.move_issue(
        connection,
        add(connection),
        IssueState.ASSEMBLING,
        assembled_at=NOW,
        available_since=since,
    )
    add_article(connection, 1)
    store.select_articles(connection, one, [(1, 1)])
    assert store.stories_sent(connection, "weekly", "en", [1]) == {1}
    store.give_up_issue(connection, one, "late", IssueReason.LATE, NOW)
    assert store.stories_sent(connection, "weekly", "en", [1]) == set()
    assert store.cutoff(connection, "weekly", "en") == since


def test_transitions_are_those_in_the_table_and_what_was_skipped_or_cancelled_stays_so() -> (
    None
):
    for source, targets in ISSUE_TRANSITIONS.items():
        for target in set(IssueState) - targets:
            with pytest.raises(TransitionError, match=f"can't go from {source} to {target}"):
                check_transition(source, target)
    assert {IssueState.SCHEDULED}.union(*ISSUE_TRANSITIONS.values()) == set(IssueState)
    for end in (IssueState.SKIPPED, IssueState.CANCELLED):
        assert not ISSUE_TRANSITIONS[end]
    # Only rows that bounced are sent again, and only if somebody says so; after a restore they may be in doubt.
    again = {IssueState.SENDING, IssueState.PARTIAL, IssueState.FAILED}
    assert ISSUE_TRANSITIONS[IssueState.SENT] == again


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


def test_a_story_is_added_only_where_it_may_be_shown_at_a_known_time() -> None:
    pin = (EditKind.PIN, 9, "2")
    assert order(pin, pinned={9: 90}) == [1, 9, 2, 3]
    assert order(pin) == [1, 2, 3]
    found = combine_edits(edits((EditKind.MOVE, 1, "2"), (EditKind.PIN, 8, "1")))
    assert found.pinned_at == NOW + timedelta(minutes=1)
    assert isinstance(found.pinned_at, datetime)


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
