"""What is wrong with a publication, for monitors, containers and whoever looks."""

from datetime import UTC, datetime, timedelta
from typing import NoReturn

import pytest

from publisher.accounts.model import terminal_actor
from publisher.app.issues.overview import overdue_of_newsletter
from publisher.app.operation.attention import is_in_trouble
from publisher.app.operation.health import find_illness
from publisher.app.operation.page_servers import find_failure
from publisher.app.operation.status import take_snapshot
from publisher.errors import DatabaseError
from publisher.jobs.heartbeat import write_heartbeat
from tests.publisher.conftest import NOW, PublicationFolder, editing_state
from tests.publisher.starting_points import Point, StartingPoint

HOUR = timedelta(hours=1)


def test_an_issue_whose_hour_has_passed_without_a_cycle_is_trouble(
    starting_point: StartingPoint,
) -> None:
    sent, due = starting_point(Point.SENT), datetime(2026, 1, 16, tzinfo=UTC)
    for now, names in ((due - HOUR, []), (due + HOUR, ["weekly-en-2026-01-16"])):
        snapshot = take_snapshot(sent.settings, sent.database, now)
        assert is_in_trouble(snapshot, now) is bool(names)
        state = editing_state(sent.at(now))
        overdue = overdue_of_newsletter(state, terminal_actor(), "weekly")
        assert [one.issue.name for one in overdue] == names


def test_an_article_that_is_held_is_trouble_until_it_can_be_read(
    publication: PublicationFolder,
) -> None:
    for title, is_held in (("[", True), ("title: Harbour", False)):
        publication.pick_up_file("harbour.md", f"---\n{title}\ndate: 2026-01-05\n---\nCalm.\n")
        snapshot = take_snapshot(publication.settings, publication.database, NOW)
        assert is_in_trouble(snapshot, NOW) is is_held


def test_a_service_is_well_for_some_minutes_after_it_has_worked(
    publication: PublicationFolder,
) -> None:
    settings = publication.settings
    assert "not worked in this folder yet" in str(find_illness(settings, NOW))
    write_heartbeat(settings.folders.heartbeat, NOW)
    assert find_illness(settings, NOW + HOUR / 60) is None
    assert "not worked since" in str(find_illness(settings, NOW + HOUR))


def test_pages_can_be_served_while_the_database_can_be_read(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_failure(publication.database, publication.settings) == ""

    def fail(_database: object) -> NoReturn:
        raise DatabaseError("/srv/lantern/var/publisher.db: is damaged")

    monkeypatch.setattr(type(publication.database), "reading", fail)
    found = find_failure(publication.database, publication.settings)
    assert found == "the database can't be read"
