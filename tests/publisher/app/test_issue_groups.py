"""The same issue in several languages is one object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from publisher.app.editing_state import EditingState
from publisher.app.issue_groups import find_issue_group, list_issue_groups
from publisher.app.issue_overview import edit_text
from publisher.errors import UsageError
from publisher.issues.edits import EditKind, IssueEdit, opening_value
from publisher.testing import SECRET
from tests.publisher.app.reading import Reading
from tests.publisher.conftest import NOW, PublicationFolder

DAILY = {"name": "daily", "schedule": "0 8 * * *"}


@pytest.fixture
def state(new_publication: Callable[..., PublicationFolder]) -> EditingState:
    reading = Reading(new_publication(languages=("en", "zh-Hant", "ar"), newsletters=(DAILY,)))
    reading.join("ann", "en")
    reading.write(1, "en", "ar")
    reading.run()
    reading.write(2, "en")
    reading.next_day()
    publication = reading.publication
    return EditingState(
        settings=publication.settings,
        database=publication.database,
        secret=SECRET,
        clock=publication.clock,
    )


def test_languages_stand_in_the_publication_s_order_and_days_from_the_latest(
    state: EditingState,
) -> None:
    groups = list_issue_groups(state, 100)
    assert [(one.newsletter, one.day) for one in groups] == [
        ("daily", date(2026, 1, 10)),
        ("daily", date(2026, 1, 9)),
    ]
    first = groups[1]
    assert [one.issue.language for one in first.issues] == ["en", "zh-Hant", "ar"]
    english, chinese, _arabic = first.issues
    assert (english.articles, english.issue.state, english.warnings) == (1, "sent", 0)
    assert "Story 1 in en" in english.subject
    # Nothing is made of an issue without articles.
    assert (chinese.issue.state, chinese.subject, chinese.warnings) == ("skipped", "", None)


def test_an_opening_is_shown_as_it_was_written() -> None:
    edit = IssueEdit(
        id=1,
        issue_id=1,
        kind=EditKind.OPENING,
        story_id=None,
        value=opening_value("Dear *all*", "<p>Dear <em>all</em></p>"),
        actor="terminal",
        account_id=None,
        at=NOW,
        undone_at=None,
    )
    assert edit_text(edit) == "Dear *all*"
    assert edit_text(replace(edit, kind=EditKind.SUBJECT, value="Words")) == "Words"


def test_a_group_is_found_by_the_name_of_any_of_its_issues(state: EditingState) -> None:
    group, issue = find_issue_group(state, "daily-ar-2026-01-09")
    assert issue.language == "ar"
    assert [one.issue.name for one in group.issues] == [
        "daily-en-2026-01-09",
        "daily-zh-Hant-2026-01-09",
        "daily-ar-2026-01-09",
    ]
    with pytest.raises(UsageError, match="no such issue"):
        find_issue_group(state, "daily-fr-2026-01-09")
