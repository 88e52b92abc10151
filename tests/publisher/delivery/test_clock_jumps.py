"""A clock that is far from the last cycle: nothing is lost by it, and what was is planned again."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from publisher.app.operation.cycle import Pipeline
from publisher.clock import FixedClock, SystemClock, is_confirmed
from publisher.delivery.lineage.quarantine import PATIENCE_SECONDS, ClockWatch, find_jump
from publisher.issues.planner import plan_issues
from publisher.issues.schedule import LATE_REASONS
from publisher.issues.tables import edition_table, issue_table
from publisher.testing import SAMPLE_NEWSLETTER
from tests.publisher.app.approving import cycle
from tests.publisher.conftest import Make, PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import pipeline_of

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
# Later than the machine's clock, so that nothing confirms it.
START = datetime(2090, 12, 1, 8, 1, tzinfo=UTC)
# How far a clock is ahead; each day of it has an occurrence.
DAYS = 60


def daily(make: Make, **terms: Any) -> PublicationFolder:
    """Give a daily newsletter whose first issue was sent."""
    newsletter = {**SAMPLE_NEWSLETTER, "schedule": "0 8 * * *", **terms}
    made = make(timezone="UTC", languages=["en"], newsletters=[newsletter])
    write(made, "gales", START - DAY)
    subscribe(made, ("ann@example.com", "en"))
    assert cycle(made, START).taken
    return made


def write(made: PublicationFolder, key: str, at: datetime) -> None:
    made.write(f"en/{key}.md", f"{key}.", title=key, date=f"{at:%Y-%m-%d}")


def unconfirmed(made: PublicationFolder) -> Pipeline:
    return replace(pipeline_of(made), watch=ClockWatch())


def states(made: PublicationFolder) -> Counter[str]:
    return Counter(row["state"] for row in made.rows(issue_table))


@pytest.mark.parametrize("terms", [{"lead": 30}, {"late": "merge"}])
def test_a_clock_that_is_ahead_uses_up_no_occurrence(
    new_publication: Make, terms: dict[str, Any]
) -> None:
    made = daily(new_publication, **terms)
    before = made.rows(issue_table), made.rows(edition_table)
    write(made, "eels", START + DAY)
    ahead = unconfirmed(made.at(START + DAYS * DAY)).run()
    assert ahead.problems, "exit code 1"
    assert (
        "The clock says 2091-01-30 08:01 UTC, 60 days after the last cycle" in ahead.problems[0]
    )
    assert "--confirm-clock" in ahead.problems[0]
    assert (made.rows(issue_table), made.rows(edition_table)) == before
    sent = cycle(
        made, START + DAY
    ).taken  # with a lead the issue was made before, and had no article
    assert sent or "lead" in terms, "back at the right time"


def test_a_person_confirms_a_clock_and_a_short_break_needs_nobody(
    new_publication: Make,
) -> None:
    made = daily(new_publication)
    assert not unconfirmed(made.at(START + 35 * HOUR)).run().problems
    later = unconfirmed(made.at(START + 40 * DAY))
    assert later.run().problems
    later.watch.is_confirmed = True
    assert not later.run().problems
    assert unconfirmed(made.at(START + 40 * DAY + HOUR)).run().problems == []


def test_a_break_that_loses_nothing_needs_nobody(new_publication: Make) -> None:
    made = daily(new_publication, schedule="0 8 * * FRI")
    write(made, "eels", START + DAY)
    assert cycle(made, START + 7 * DAY).taken, "as by a weekly job of cron"


def test_a_service_goes_on_by_itself_once_its_clock_is_synchronised_or_has_stayed_an_hour(
    new_publication: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = daily(new_publication)
    settings, database = made.settings, made.database
    passed = [5.0]
    watch = ClockWatch(uptime=lambda: passed[0])
    late = FixedClock(START + 14 * DAY)
    assert watch.find_problem(settings, database, late)
    passed[0] += PATIENCE_SECONDS - 1
    assert watch.find_problem(settings, database, late)
    assert not watch.find_problem(settings, database, FixedClock(START + HOUR)), "it was wrong"
    assert watch.find_problem(settings, database, late), "the hour begins anew"
    passed[0] += PATIENCE_SECONDS
    assert not watch.find_problem(settings, database, late)
    monkeypatch.setattr("publisher.clock.is_synchronised", lambda: True)
    assert is_confirmed(SystemClock())
    monkeypatch.setattr("publisher.clock.is_synchronised", lambda: False)
    assert not is_confirmed(SystemClock())
    assert is_confirmed(FixedClock(datetime(2026, 1, 9, tzinfo=UTC))), (
        "it has passed by either clock"
    )


def test_deferred_mail_is_not_given_up_by_a_clock_that_jumped(starting_point: Make) -> None:
    made = starting_point()
    assert find_jump(made.settings, made.database, made.clock.now() + 3 * DAY)
    assert not find_jump(made.settings, made.database, made.clock.now() + DAY)


@pytest.mark.parametrize("late", ["send", "merge"])
def test_what_a_clock_ahead_had_skipped_is_planned_again(
    new_publication: Make, late: str
) -> None:
    made = daily(new_publication, late=late)
    plan_issues(made.settings, made.database, START + DAYS * DAY)  # as a confirmed clock would
    sent_early = states(made)["scheduled"]
    assert states(made)["skipped"] == DAYS - sent_early
    back = unconfirmed(made.at(START + HOUR))
    (problem,) = back.run().problems
    assert "weekly-en-2090-12-02" in problem
    assert "and 56 more" in problem or late != "merge"
    assert (
        "are still to come, and were skipped as too late by a clock that was ahead" in problem
    )
    back.watch.is_confirmed = True
    with capture_logs() as logs:
        assert not back.run().problems
    (said,) = [one for one in logs if "clock was ahead" in one["event"]]
    assert said["count"] == DAYS - sent_early
    assert not any(row["reason_key"] in LATE_REASONS for row in made.rows(issue_table))
    assert find_jump(made.settings, made.database, made.clock.now()) is None
    write(made, "eels", START)
    assert cycle(made, START + DAY).taken
