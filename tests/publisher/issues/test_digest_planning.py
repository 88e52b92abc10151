"""Planning of digests: while somebody gets them, on their dates, without a flood at the start."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from publisher.issues import store
from publisher.issues.planner import plan_issues, read_planning, upcoming_issues
from publisher.issues.tables import edition_table, issue_table
from subscribers import Cadence, unsubscribe
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import choose_cadence, number_of, subscribe

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ANN = "ann@example.com"
DAILY = {"name": "weekly", "schedule": "0 8 * * *"}


def made(publication: PublicationFolder, key: str) -> list[date]:
    return [row["day"] for row in publication.rows(issue_table) if row["newsletter"] == key]


def choose(publication: PublicationFolder, cadence: Cadence) -> None:
    number = number_of(publication.database, ANN)
    with publication.database.writing() as connection:
        choose_cadence(connection, number, cadence)


def run(
    publication: PublicationFolder, first: datetime, last: datetime, step: timedelta
) -> None:
    now = first
    while now <= last:
        plan_issues(publication.settings, publication.database, now)
        now += step


def test_a_year_has_a_digest_for_each_week_and_month_whatever_the_clocks_do(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    publication = new_publication(
        languages=["en"], newsletters=[DAILY], timezone="America/New_York"
    )
    subscribe(publication, (ANN, "en"))
    choose(publication, Cadence.WEEKLY)
    first = datetime(2026, 1, 1, tzinfo=UTC)
    run(publication, first, first + 365 * DAY, 25 * HOUR)
    mondays = made(publication, "weekly.weekly")
    assert mondays == [date(2026, 1, 5) + timedelta(weeks=n) for n in range(52)]
    assert made(publication, "weekly.monthly") == made(publication, "weekly.daily") == []
    assert len(made(publication, "weekly")) >= 365
    due = {r["due_at"] for r in publication.rows(issue_table) if r["newsletter"] != "weekly"}
    assert {(at.hour, at.minute) for at in due} == {(10, 0)}


def test_a_digest_that_nobody_gets_is_not_planned_and_its_cutoff_moves_on(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    publication = new_publication(languages=["en"], newsletters=[DAILY])
    subscribe(publication, (ANN, "en"))
    thursday = datetime(2026, 1, 8, 12, tzinfo=UTC)
    run(publication, thursday, thursday, DAY)
    # On the first sight of a digest, too: its first issue has one week, not all that there is.
    row = next(
        row for row in publication.rows(edition_table) if row["newsletter"] == "weekly.weekly"
    )
    assert row["cut_at"] == datetime(2026, 1, 4, 10, tzinfo=UTC)
    run(publication, thursday, thursday + 7 * DAY, DAY)
    choose(publication, Cadence.WEEKLY)
    with publication.database.reading() as connection:
        assert store.cutoff(connection, "weekly.weekly", "en") == datetime(
            2026, 1, 11, 10, tzinfo=UTC
        )
    run(publication, thursday + 8 * DAY, thursday + 15 * DAY, DAY)
    assert made(publication, "weekly.weekly") == [date(2026, 1, 19)]
    with publication.database.writing() as connection:
        unsubscribe(connection, ANN, None, thursday)
    run(publication, thursday + 16 * DAY, thursday + 30 * DAY, DAY)
    assert made(publication, "weekly.weekly") == [date(2026, 1, 19)]


def test_the_plan_lists_digests_that_somebody_gets(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    publication = new_publication(languages=["en", "ar"], newsletters=[DAILY])
    subscribe(publication, (ANN, "en"))
    now = datetime(2026, 1, 8, 12, tzinfo=UTC)
    run(publication, now, now, DAY)

    def keys() -> set[str]:
        with publication.database.reading() as connection:
            planned = read_planning(connection, publication.settings)
        found = upcoming_issues(publication.settings, planned, now, 60)
        return {f"{one.edition.newsletter} {one.edition.language}" for one in found}

    assert keys() == {"weekly en", "weekly ar"}
    choose(publication, Cadence.MONTHLY)
    assert keys() == {"weekly en", "weekly ar", "weekly.monthly en", "weekly.monthly ar"}
