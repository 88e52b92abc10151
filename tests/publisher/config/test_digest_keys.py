"""Digests of newsletters: their keys, which are offered, and their editions."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from publisher.config import DigestCadence, DigestKey, Newsletter
from publisher.testing import SAMPLE_NEWSLETTER
from subscribers import Cadence
from tests.publisher.conftest import PublicationFolder

DAY = timedelta(days=1)


def newsletter(**terms: Any) -> Newsletter:
    return Newsletter(**{**SAMPLE_NEWSLETTER, "name": "news", **terms})


def test_a_key_is_a_newsletter_and_a_cadence() -> None:
    for text, parts in {
        "news": ("news", None),
        "news.weekly": ("news", DigestCadence.WEEKLY),
        "news.hourly": ("news.hourly", None),
        "": ("", None),
    }.items():
        key = DigestKey.parse(text)
        assert (key.newsletter, key.cadence, str(key)) == (*parts, text)


def test_a_configured_newsletter_can_not_have_the_key_of_a_digest() -> None:
    with pytest.raises(ValidationError, match="can't be part of a URL"):
        newsletter(name="news.weekly")


def test_subscribers_choose_among_the_same_cadences() -> None:
    assert {*DigestCadence} == {*Cadence} - {Cadence.ISSUE}


@pytest.mark.parametrize(
    ("schedule", "offered"),
    [
        ("0 8 * * *", "weekly monthly"),
        ("0 8 * * MON-FRI", "weekly monthly"),
        ("0 8 * * FRI", "monthly"),
        ("0 8 1,15 * *", "monthly"),
        ("0 8 1 * *", ""),
    ],
)
def test_cadences_slower_than_the_schedule_are_offered(schedule: str, offered: str) -> None:
    assert newsletter(schedule=schedule).offered_digests == tuple(offered.split())
    assert newsletter(schedule=schedule, digests=["daily"]).offered_digests == ("daily",)
    assert newsletter(schedule=schedule, digests=[]).offered_digests == ()


def test_a_digest_has_the_newsletter_s_hour_and_room_for_twice_the_articles() -> None:
    made = newsletter(
        schedule="30 7 * * *", max_articles=60, max_age=3, digest_weekday="sunday"
    )
    base = made.in_language("en", "Asia/Taipei")
    found = {cadence: made.digest_edition(base, cadence) for cadence in DigestCadence}
    assert {str(one.newsletter) for one in found.values()} == {
        "news.daily",
        "news.weekly",
        "news.monthly",
    }
    assert {one.schedule.at for one in found.values()} == {base.schedule.at}
    assert {(one.local_time, one.max_articles) for one in found.values()} == {(True, 100)}
    assert [one.max_age for one in found.values()] == [4 * DAY, 10 * DAY, 34 * DAY]
    days = {c: [*_days(one.schedule.dates(date(2026, 1, 1)))] for c, one in found.items()}
    assert days[DigestCadence.DAILY] == [date(2026, 1, 1), date(2026, 1, 2)]
    assert days[DigestCadence.WEEKLY] == [date(2026, 1, 4), date(2026, 1, 11)]
    assert days[DigestCadence.MONTHLY] == [date(2026, 1, 1), date(2026, 2, 1)]
    assert base.max_lateness == timedelta(hours=12)
    assert found[DigestCadence.WEEKLY].max_lateness == timedelta(days=3)


def _days(dates: Any) -> list[date]:
    return [next(dates), next(dates)]


def test_an_issue_at_local_time_is_due_when_its_date_begins_first() -> None:
    edition = newsletter(local_time=True).in_language("en", "America/New_York")
    (found,) = edition.occurrences(
        datetime(2026, 1, 8, tzinfo=UTC), datetime(2026, 1, 9, tzinfo=UTC)
    )
    assert (found.day, found.due_at) == (
        date(2026, 1, 9),
        datetime(2026, 1, 8, 10, tzinfo=UTC),
    )
    assert edition.instant_of(found) == datetime(2026, 1, 9, 13, tzinfo=UTC)


def test_settings_find_a_digest_by_its_key(publication: PublicationFolder) -> None:
    settings = publication.settings
    found = settings.edition("weekly.monthly", "ar")
    assert found is not None
    assert (found.newsletter, found.language, found.cadence) == (
        "weekly.monthly",
        "ar",
        DigestCadence.MONTHLY,
    )
    assert settings.newsletter("weekly.monthly") == settings.newsletter("weekly")
    assert settings.edition("hourly.monthly", "ar") is None
    assert settings.edition("weekly.hourly", "ar") is None
