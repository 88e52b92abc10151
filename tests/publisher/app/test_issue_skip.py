"""Skipping a day's issues, made or still to come."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from publisher.app.issue_skip import OccurrenceKey, SkippedIssue, skip_day
from publisher.errors import IssueError, UsageError
from publisher.issues.tables import issue_table, occurrence_change_table
from tests.publisher.app.approving import (
    DAY,
    DUE,
    NAME,
    TERMINAL,
    cycle,
    fill,
    newsletter,
    state_of_editors,
)
from tests.publisher.conftest import PublicationFolder

ARABIC = "weekly-ar-2026-01-09"


@pytest.fixture
def publication(new_publication: Callable[..., PublicationFolder]) -> PublicationFolder:
    """The English issue is made a day ahead, the Arabic one when it is due."""
    terms = newsletter(approval="none", edition={"en": {"lead": 24}})
    found = new_publication(languages=["en", "ar"], newsletters=[terms])
    fill(found, "en", "ar")
    cycle(found, DUE - DAY / 2)
    return found


def skip(publication: PublicationFolder, *languages: str, why: str = "") -> list[SkippedIssue]:
    key = OccurrenceKey(newsletter="weekly", day=date(2026, 1, 9), languages=languages)
    return skip_day(state_of_editors(publication), TERMINAL, key, why)


def test_an_issue_that_is_made_is_skipped_and_the_occurrence_of_another_language(
    publication: PublicationFolder,
) -> None:
    assert skip(publication, why="a  holiday") == [
        SkippedIssue(NAME, "a holiday", was_made=True),
        SkippedIssue(ARABIC, "a holiday", was_made=False),
    ]
    assert [row["language"] for row in publication.rows(occurrence_change_table)] == ["ar"]
    assert cycle(publication, DUE).taken == []
    assert {(row["state"], row["reason_key"]) for row in publication.rows(issue_table)} == {
        ("skipped", "skipped-by-editor")
    }


@pytest.mark.parametrize(("language", "made"), [("en", True), ("ar", False)])
def test_one_language_is_skipped_and_the_other_is_sent(
    publication: PublicationFolder, language: str, made: bool
) -> None:
    (one,) = skip(publication, language)
    assert (one.was_made, one.reason) == (made, "skipped by terminal")
    (mail,) = cycle(publication, DUE).taken
    assert f"ann-{language}@" not in mail.recipient


def test_what_is_sent_or_skipped_already_or_in_no_schedule_is_refused(
    publication: PublicationFolder,
) -> None:
    skip(publication, "en")
    with pytest.raises(IssueError, match="is skipped"):
        skip(publication, "en")
    cycle(publication, DUE)
    with pytest.raises(IssueError, match="is sent"):
        skip(publication, "ar")
    key = OccurrenceKey(newsletter="weekly", day=date(2026, 1, 10))
    with pytest.raises(UsageError, match="its schedule has no 2026-01-10"):
        skip_day(state_of_editors(publication), TERMINAL, key)
