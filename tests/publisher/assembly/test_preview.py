"""Previews render the next issue and store nothing."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from publisher.assembly.assemble import assemble_issues
from publisher.assembly.preview import IssuePreview, preview_issue
from publisher.assembly.select import select_due
from publisher.errors import IssueError
from publisher.issues.planner import plan_issues
from publisher.issues.schedule import OccurrenceChange, save_occurrence_change
from publisher.issues.tables import digest_table, issue_article_table, issue_table
from publisher.rendering import Renderer
from tests.publisher.conftest import NOW, Make, PublicationFolder


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer()


def previewed(
    publication: PublicationFolder, renderer: Renderer, language: str = "en"
) -> IssuePreview:
    edition = publication.settings.edition("weekly", language)
    assert edition is not None
    with publication.database.reading() as connection:
        return preview_issue(
            connection, publication.settings, renderer, edition, publication.clock.now()
        )


def carried(preview: IssuePreview) -> list[str]:
    return [story.passages[0] for story in preview.digest.stories]


def send_what_is_due(publication: PublicationFolder, renderer: Renderer) -> None:
    plan_issues(publication.settings, publication.database, NOW)
    select_due(publication.settings, publication.database, NOW)
    assert assemble_issues(publication.settings, publication.database, renderer)[1] == []


def test_a_preview_is_the_next_issue_as_of_now_and_stores_nothing(
    publication: PublicationFolder, renderer: Renderer
) -> None:
    publication.write("en/a.md", title="The ferry", date="2026-01-08")
    publication.pick_up_file("en/b.md", title="The map", date="2026-01-07")
    preview = previewed(publication, renderer)
    assert carried(preview) == ["The ferry", "The map"]
    assert (preview.articles, preview.why_not_new) == (2, None)
    assert preview.issue.name == "weekly-en-2026-01-16"
    assert preview.issue.assembled_at == NOW
    tables = issue_table, issue_article_table, digest_table
    assert [publication.rows(table) for table in tables] == [[], [], []]


def test_a_preview_passes_over_skipped_dates(new_publication: Make, renderer: Renderer) -> None:
    publication = new_publication(newsletters=[{"skip_dates": [date(2026, 1, 16)]}])
    publication.pick_up_file("en/a.md", title="The ferry", date="2026-01-08")
    assert previewed(publication, renderer).issue.day == date(2026, 1, 23)


@pytest.mark.parametrize(
    ("due_at", "skip_reason", "expected"),
    [
        (datetime(2026, 1, 17, 9, tzinfo=UTC), None, (date(2026, 1, 16), 17)),
        (None, "a holiday", (date(2026, 1, 23), 23)),
    ],
)
def test_a_preview_has_the_time_to_which_editors_moved_it_and_passes_over_what_they_skip(
    publication: PublicationFolder,
    renderer: Renderer,
    due_at: datetime | None,
    skip_reason: str | None,
    expected: tuple[date, int],
) -> None:
    change = OccurrenceChange(
        newsletter="weekly",
        language="en",
        day=date(2026, 1, 16),
        due_at=due_at,
        skip_reason=skip_reason,
        revision=1,
        actor="terminal",
        changed_at=NOW,
    )
    with publication.database.writing() as connection:
        save_occurrence_change(connection, change)
    publication.pick_up_file("en/a.md", title="The ferry", date="2026-01-08")
    issue = previewed(publication, renderer).issue
    assert (issue.day, issue.due_at.day) == expected


def test_the_newest_articles_are_shown_if_none_are_new(
    publication: PublicationFolder, renderer: Renderer
) -> None:
    publication.write("en/a.md", title="The ferry", date="2026-01-08")
    publication.pick_up_file("en/old.md", title="The old boat", date="2019-01-01")
    send_what_is_due(publication, renderer)
    publication.at(NOW + timedelta(days=1))
    preview = previewed(publication, renderer)
    assert carried(preview) == ["The ferry", "The old boat"]
    assert preview.why_not_new == "no new articles"


def test_a_preview_says_how_many_articles_have_no_room(
    new_publication: Make, renderer: Renderer
) -> None:
    publication = new_publication(newsletters=[{"max_articles": 1}])
    for title in ("The ferry", "The map"):
        publication.write(f"en/{title[4:]}.md", title=title, date="2026-01-08")
    publication.pick_up()
    preview = previewed(publication, renderer)
    assert (preview.articles, preview.content.more) == (1, 1)


def test_a_sample_has_at_most_max_articles(new_publication: Make, renderer: Renderer) -> None:
    publication = new_publication(newsletters=[{"max_articles": 2, "max_age": 1}])
    for day in range(1, 5):
        publication.write(f"en/{day}.md", title=f"Day {day}", date=f"2025-01-0{day}")
    publication.pick_up()
    preview = previewed(publication, renderer)
    assert carried(preview) == ["Day 4", "Day 3"]
    assert preview.why_not_new == "no new articles (4 older than 1 day)"


@pytest.mark.parametrize(
    ("terms", "expected"),
    [({"missing": "fallback", "fallback": ["en"]}, ["The ferry"]), ({"missing": "skip"}, None)],
)
def test_a_sample_shows_only_the_edition_s_languages(
    new_publication: Make, renderer: Renderer, terms: dict[str, Any], expected: list[str] | None
) -> None:
    publication = new_publication(languages=["en", "ar"], newsletters=[terms])
    publication.pick_up_file("en/a.md", title="The ferry", date="2019-01-08")
    if expected is None:
        with pytest.raises(IssueError, match="weekly in ar has no new articles"):
            previewed(publication, renderer, "ar")
    else:
        assert carried(previewed(publication, renderer, "ar")) == expected
