"""Issues as programs read them: page by page, and one with its numbers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from publisher.app.issue_reading import IssueFilter, list_issue_page, read_issue
from publisher.app.issues import explained_transitions
from publisher.errors import IssueError, TransitionError, UsageError
from publisher.issues import store
from publisher.issues.model import IssueState
from tests.publisher.conftest import NOW, PublicationFolder, editing_state
from tests.publisher.delivery.mailing import ready, subscribe
from tests.publisher.printing import pipeline_of

NAME = "weekly-en-2026-01-09"


def add(publication: PublicationFolder, *days: int, language: str = "en") -> None:
    with publication.database.writing() as connection:
        for day in days:
            at = NOW + timedelta(days=day)
            store.add_occurrence(
                connection,
                newsletter="weekly",
                language=language,
                day=at.date(),
                due_at=at,
                reason=None,
            )


def names(publication: PublicationFolder, wanted: IssueFilter, limit: int) -> list[str]:
    found, _more = list_issue_page(editing_state(publication), wanted, limit)
    return [one.issue.name for one in found]


def test_pages_follow_each_other_and_each_issue_is_on_one(
    publication: PublicationFolder,
) -> None:
    add(publication, *range(5))
    # At the same instant.
    add(publication, *range(5), language="ar")
    found: list[str] = []
    before = None
    for _page in range(5):
        wanted = IssueFilter(languages=("en", "ar"), before=before)
        page, more = list_issue_page(editing_state(publication), wanted, 3)
        found += [one.issue.name for one in page]
        before = (page[-1].issue.due_at, page[-1].issue.id)
        if not more:
            break
    assert len(found) == len({*found}) == 10
    assert found[0].endswith("2026-01-13")
    assert found[-1].endswith("2026-01-09")


def test_what_is_listed_can_be_narrowed(publication: PublicationFolder) -> None:
    add(publication, 0, 1)
    add(publication, 0, language="ar")
    assert names(publication, IssueFilter(languages=("ar",)), 9) == ["weekly-ar-2026-01-09"]
    assert names(publication, IssueFilter(languages=()), 9) == []
    assert names(publication, IssueFilter(languages=("en",), newsletter="daily"), 9) == []
    assert len(names(publication, IssueFilter(languages=("en",), state="scheduled"), 9)) == 2
    assert names(publication, IssueFilter(languages=("en",), state="sent"), 9) == []


def test_an_issue_has_its_subject_once_it_is_assembled_and_its_deliveries(
    publication: PublicationFolder,
) -> None:
    add(publication, 1)
    early = read_issue(editing_state(publication), "weekly-en-2026-01-10")
    assert (early.subject, early.digest_hash, early.status.articles) == (None, None, 0)
    ready(publication)
    assembled = read_issue(editing_state(publication), NAME)
    assert assembled.subject
    assert sum(assembled.deliveries.values()) == 0


def test_deliveries_add_up(publication: PublicationFolder) -> None:
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    subscribe(publication, ("ann@example.com", "en"), ("bob@example.com", "en"))
    pipeline = pipeline_of(publication)
    pipeline.prepare()
    pipeline.deliver()
    found = read_issue(editing_state(publication), NAME)
    assert found.deliveries["sent"] == sum(found.deliveries.values()) == 2
    assert found.status.issue.state is IssueState.SENT


def test_an_unknown_issue_is_named(publication: PublicationFolder) -> None:
    with pytest.raises(UsageError, match="no such issue"):
        read_issue(editing_state(publication), NAME)


def test_a_refused_change_names_the_issue() -> None:
    with (
        pytest.raises(IssueError, match=f"{NAME}: is sent already"),
        explained_transitions(NAME),
    ):
        raise TransitionError("sent", "sent")
