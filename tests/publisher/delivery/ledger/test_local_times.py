"""Issues at each subscriber's local time: when each row is due, and for whom there is one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from structlog.testing import capture_logs

from publisher.app.operation.status import take_snapshot
from publisher.config import Edition, Newsletter
from publisher.delivery.ledger.opening import local_instant, spread_rows
from publisher.delivery.tables import delivery
from publisher.issues import store as issues
from publisher.issues.model import IssueState
from publisher.testing import SAMPLE_NEWSLETTER
from subscribers.preferences import load_preferences, pause_subscriber, store_preferences
from subscribers.tables import subscriber
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery import mailing

HOUR = timedelta(hours=1)
# When the issue of DAY, 2026-01-09, is due: when that date begins in UTC+14.
EARLY = datetime(2026, 1, 8, 10, tzinfo=UTC)
NEW_YORK, LONDON, LORD_HOWE, TAIPEI, CAIRO, KIRITIMATI = ZONES = (
    "America/New_York",
    "Europe/London",
    "Australia/Lord_Howe",
    "Asia/Taipei",
    "Africa/Cairo",
    "Pacific/Kiritimati",
)
Make = Callable[..., PublicationFolder]


def edition(at: str = "08:00") -> Edition:
    hour, minute = at.split(":")
    terms = {"schedule": f"{minute} {hour} * * *", "local_time": True}
    return Newsletter(**{**SAMPLE_NEWSLETTER, **terms}).in_language("en", "UTC")


@pytest.mark.parametrize(
    ("zone", "day", "at", "expected"),
    [
        # No change of the clocks.
        (TAIPEI, date(2026, 3, 8), "08:00", "2026-03-08T00:00"),
        (KIRITIMATI, date(2026, 3, 8), "00:00", "2026-03-07T10:00"),
        # 02:30 does not exist on the day, and is 03:30.
        (NEW_YORK, date(2026, 3, 8), "02:30", "2026-03-08T07:30"),
        (NEW_YORK, date(2026, 3, 8), "08:00", "2026-03-08T12:00"),
        (LONDON, date(2026, 3, 29), "01:30", "2026-03-29T01:30"),
        # By half an hour: 02:15 is 02:45.
        (LORD_HOWE, date(2026, 10, 4), "02:15", "2026-10-03T15:45"),
        # Midnight does not exist.
        (CAIRO, date(2026, 4, 24), "00:00", "2026-04-23T22:00"),
        # The hour is there twice, and the first one counts.
        (NEW_YORK, date(2026, 11, 1), "01:30", "2026-11-01T05:30"),
        (LONDON, date(2026, 10, 25), "01:30", "2026-10-25T00:30"),
        (LORD_HOWE, date(2026, 4, 5), "01:45", "2026-04-04T14:45"),
        (CAIRO, date(2026, 10, 29), "23:30", "2026-10-29T20:30"),
    ],
)
def test_the_clocks_of_a_zone_change(zone: str, day: date, at: str, expected: str) -> None:
    found = local_instant(edition(at), day, ZoneInfo(zone), None)
    assert found == datetime.fromisoformat(f"{expected}+00:00")


@given(
    zone=st.sampled_from(ZONES),
    day=st.dates(date(2020, 1, 1), date(2035, 12, 31)),
    hour=st.none() | st.integers(0, 23),
)
def test_no_row_is_due_before_its_issue_or_on_another_date(
    zone: str, day: date, hour: int | None
) -> None:
    found = local_instant(edition(), day, ZoneInfo(zone), hour)
    due = datetime.combine(day, time(), tzinfo=ZoneInfo("Etc/GMT-14"))
    assert due <= found < due + 51 * HOUR
    assert found.astimezone(ZoneInfo(zone)).date() == day


# --- opening


def local(
    publication: PublicationFolder, email: str, zone: str | None, hour: int | None
) -> int:
    """Subscribe somebody with a time zone and an hour."""
    mailing.subscribe(publication, (email, "en"))
    number = mailing.number_of(publication.database, email)
    with publication.database.writing() as connection:
        chosen = replace(load_preferences(connection, number), timezone=zone, hour=hour)
        store_preferences(connection, number, chosen, EARLY)
    return number


def due(publication: PublicationFolder) -> dict[str, str]:
    """Return when each address's row is due, in UTC."""
    query = select(subscriber.c.email, delivery.c.due_at, delivery.c.next_at).join(
        delivery, delivery.c.subscriber_id == subscriber.c.id
    )
    with publication.database.reading() as connection:
        rows = connection.execute(query).all()
    assert all(row.due_at == row.next_at for row in rows)
    return {row.email.partition("@")[0]: f"{row.due_at:%dT%H:%M}" for row in rows}


@pytest.fixture
def publication(new_publication: Make) -> PublicationFolder:
    """An issue of 2026-01-09 at 08:00 local time, ready, for subscribers around the world."""
    made = new_publication(
        newsletters=[{"local_time": True}], timezone="Europe/London", languages=["en"]
    )
    made.at(EARLY)
    local(made, "plain@example.org", None, None)
    local(made, "ny@example.org", NEW_YORK, None)
    local(made, "ny-noon@example.org", NEW_YORK, 12)
    local(made, "line@example.org", KIRITIMATI, 0)
    local(made, "gone@example.org", "Mars/Olympus", 9)
    mailing.ready(made)
    return made


LATE = datetime(2026, 1, 9, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "passed"),
    [
        (EARLY, {"plain": "09T08:00", "line": "08T10:00", "gone": "09T09:00"}),
        # A late service makes them due at once.
        (LATE, dict.fromkeys(("plain", "line", "gone"), "09T12:00")),
    ],
)
def test_each_row_is_due_at_its_subscriber_s_hour_and_zone_or_else_at_once(
    publication: PublicationFolder, now: datetime, passed: dict[str, str]
) -> None:
    with capture_logs() as logged:
        mailing.a_dispatcher(publication.at(now)).open_ready_issues()
    assert due(publication) == {"ny": "09T13:00", "ny-noon": "09T17:00"} | passed
    (warning,) = [line for line in logged if line["log_level"] == "warning"]
    assert (warning["zone"], warning["instead"]) == ("Mars/Olympus", "Europe/London")


def test_an_issue_is_sent_hour_by_hour_and_ends_with_the_last_zone(
    publication: PublicationFolder,
) -> None:
    def sent(instant: datetime) -> int:
        return mailing.send(publication.at(instant)).messages

    assert sent(EARLY) == 1
    assert sent(datetime(2026, 1, 9, 9, tzinfo=UTC)) == 2
    # The clock is set back.
    assert sent(EARLY) == 0
    assert mailing.state_of(publication) == IssueState.SENDING
    assert sent(datetime(2026, 1, 9, 13, tzinfo=UTC)) == 1
    assert mailing.state_of(publication) == IssueState.SENDING
    assert sent(datetime(2026, 1, 9, 17, tzinfo=UTC)) == 1
    assert mailing.state_of(publication) == IssueState.SENT


def test_the_status_says_until_when_an_issue_goes_out(publication: PublicationFolder) -> None:
    mailing.a_dispatcher(publication).open_ready_issues()

    def until(now: datetime) -> datetime | None:
        snapshot = take_snapshot(publication.settings, publication.database, now)
        return snapshot.latest[0].until

    last = datetime(2026, 1, 9, 17, tzinfo=UTC)
    assert (until(EARLY), until(last - HOUR), until(last)) == (last, last, None)


def test_who_moves_keeps_the_row_s_time_and_who_comes_later_gets_no_row(
    publication: PublicationFolder,
) -> None:
    paused = local(publication, "paused@example.org", NEW_YORK, None)
    with publication.database.writing() as connection:
        pause_subscriber(connection, paused, EARLY + HOUR, EARLY)
    mailing.a_dispatcher(publication).open_ready_issues()
    before = due(publication)
    with publication.database.writing() as connection:
        connection.execute(update(subscriber).values(timezone=TAIPEI))
    local(publication, "late@example.org", NEW_YORK, 20)
    mailing.a_dispatcher(publication.at(EARLY + 2 * HOUR)).open_ready_issues()
    assert due(publication) == before
    assert not {"late", "paused"} & {*before}


def test_a_kill_before_the_commit_leaves_neither_rows_nor_times(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("publisher.delivery.issue_opening.spread_rows", killed)
        with pytest.raises(Killed):
            mailing.a_dispatcher(publication).open_ready_issues()
    assert (due(publication), mailing.state_of(publication)) == ({}, IssueState.READY)
    mailing.a_dispatcher(publication).open_ready_issues()
    assert len(due(publication)) == 5


def test_rows_of_an_edition_without_local_time_stay_due_at_once(
    publication: PublicationFolder,
) -> None:
    publication.reload(newsletters=[{}], timezone="Europe/London", languages=["en"])
    mailing.a_dispatcher(publication).open_ready_issues()
    assert {*due(publication).values()} == {"08T10:00"}
    with publication.database.writing() as connection:
        found = issues.issue_by_name(connection, f"weekly-en-{mailing.DAY}")
        edition = publication.settings.edition("weekly", "en")
        assert found is not None
        assert edition is not None
        spread_rows(connection, found, edition, EARLY + HOUR)
    assert {*due(publication).values()} == {"08T10:00"}
