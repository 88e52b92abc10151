"""The same issue in several languages is one object."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from publisher.app.editing_state import EditingState
from publisher.app.issue_groups import find_issue_group, list_issue_groups
from publisher.errors import UsageError
from publisher.testing import SECRET
from tests.publisher.app.reading import Reading
from tests.publisher.conftest import PublicationFolder

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
