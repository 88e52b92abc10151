"""Newsletters, their editions, and their digests."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from publisher.config import (
    DigestCadence,
    DigestKey,
    Edition,
    InDoubtPolicy,
    LatePolicy,
    MissingPolicy,
    Newsletter,
    Settings,
    load_settings,
)
from publisher.config.newsletters import default_max_lateness
from publisher.errors import ConfigError
from publisher.recurrence import parse_schedule
from publisher.testing import SAMPLE_NEWSLETTER
from subscribers.preferences import Cadence
from tests.publisher.config.samples import TEXT, write
from tests.publisher.conftest import PublicationFolder

HEAD = TEXT[: TEXT.index("[[newsletter]]")]


def with_newsletter(folder: Path, newsletter: str) -> Settings:
    return load_settings(
        write(folder, f'{HEAD}[[newsletter]]\nname = "news"\n{newsletter}'), {}
    )


def editions(folder: Path, newsletter: str) -> dict[str, Edition]:
    made = with_newsletter(folder, newsletter)
    return {edition.language: edition for edition in made.editions(made.newsletters[0])}


def test_settings_that_are_not_given_have_defaults(tmp_path: Path) -> None:
    made = editions(tmp_path, 'title = "News"\nschedule = "0 8 * * FRI"')
    assert list(made) == ["en", "zh-Hans", "zh-Hant", "ar"]
    edition = made["ar"]
    assert (edition.newsletter, edition.language, edition.title("ar")) == ("news", "ar", "News")
    assert edition.schedule == parse_schedule("0 8 * * FRI")
    assert (edition.timezone, edition.zone) == ("Asia/Hong_Kong", ZoneInfo("Asia/Hong_Kong"))
    assert edition.skip_dates == frozenset()
    assert (edition.max_articles, edition.max_age) == (12, timedelta(days=60))
    assert edition.min_articles == 1
    assert (edition.late, edition.max_lateness) == (LatePolicy.SEND, timedelta(days=3))
    assert (edition.missing, edition.fallback) == (MissingPolicy.SKIP, ())
    assert (edition.in_doubt, edition.give_up_after.days) == (InDoubtPolicy.HOLD, 2)


EVERYTHING = """\
title = "News"
schedule = "FREQ=DAILY"
at = 08:00:00
start = 2026-01-05
skip_dates = [2026-12-25]
timezone = "Europe/Berlin"
max_articles = 3
min_articles = 2
max_age = 7
late = "merge"
max_lateness = 5
missing = "fallback"
fallback = ["en"]
languages = ["zh_TW", "en"]
[newsletter.edition.zh-TW]
title = { zh-Hant = "新聞" }
schedule = "FREQ=WEEKLY;BYDAY=MO"
at = "09:30"
start = 2026-02-02
skip_dates = []
timezone = "Asia/Taipei"
max_articles = 4
min_articles = 3
max_age = 8
late = "skip"
max_lateness = 6
missing = "convert"
fallback = []
"""


def test_an_edition_takes_what_its_newsletter_says_or_says_all_of_it_otherwise(
    tmp_path: Path,
) -> None:
    made = editions(tmp_path, EVERYTHING)
    assert list(made) == ["zh-Hant", "en"]
    edition = made["en"]
    assert edition.schedule == parse_schedule("FREQ=DAILY", at=time(8), start=date(2026, 1, 5))
    assert edition.timezone == "Europe/Berlin"
    assert edition.skip_dates == {date(2026, 12, 25)}
    assert (edition.max_articles, edition.max_age) == (3, timedelta(days=7))
    assert edition.min_articles == 2
    assert (edition.late, edition.max_lateness) == (LatePolicy.MERGE, timedelta(hours=5))
    assert (edition.missing, edition.fallback) == (MissingPolicy.FALLBACK, ("en",))
    edition = editions(tmp_path, EVERYTHING)["zh-Hant"]
    assert edition.title("zh-Hant") == "新聞"
    assert edition.schedule == parse_schedule(
        "FREQ=WEEKLY;BYDAY=MO", at=time(9, 30), start=date(2026, 2, 2)
    )
    assert edition.timezone == "Asia/Taipei"
    assert edition.skip_dates == frozenset()
    assert (edition.max_articles, edition.max_age) == (4, timedelta(days=8))
    assert edition.min_articles == 3
    assert (edition.late, edition.max_lateness) == (LatePolicy.SKIP, timedelta(hours=6))
    assert (edition.missing, edition.fallback) == (MissingPolicy.CONVERT, ())


def test_an_edition_may_move_the_hour_or_have_a_schedule_of_its_own(tmp_path: Path) -> None:
    text = 'title = "News"\nschedule = "FREQ=DAILY"\nat = "08:00"\n'
    made = editions(tmp_path, f'{text}[newsletter.edition.ar]\nat = "21:00"')
    assert made["en"].schedule == parse_schedule("FREQ=DAILY", at=time(8))
    assert made["ar"].schedule == parse_schedule("FREQ=DAILY", at=time(21))
    made = editions(tmp_path, f'{text}[newsletter.edition.ar]\nschedule = "0 9 * * SUN"')
    assert made["ar"].schedule == parse_schedule("0 9 * * SUN")
    text = 'title = "News"\nschedule = "0 8 * * *"\n[newsletter.edition.ar]\n'
    with pytest.raises(ConfigError, match=r"edition\.ar\.schedule: 'FREQ=DAILY' has no time"):
        editions(tmp_path, f'{text}schedule = "FREQ=DAILY"')


@pytest.mark.parametrize(
    ("cron", "lateness"),
    [
        *(("0 8 * * *", timedelta(hours=12)), ("0 8 * * MON-FRI", timedelta(hours=12))),
        *(("0 8 * * MON,WED,FRI", timedelta(hours=12)), ("0 8 * * FRI,SAT", timedelta(days=3))),
        *(("0 8 * * MON,THU", timedelta(days=3)), ("0 8 * * FRI", timedelta(days=3))),
        ("0 8 1 * *", timedelta(days=3)),
    ],
)
def test_the_more_often_a_newsletter_comes_the_sooner_it_is_stale(
    cron: str, lateness: timedelta
) -> None:
    assert default_max_lateness(parse_schedule(cron)) == lateness


# Digests of newsletters: their keys, which are offered, and their editions.


DAY = timedelta(days=1)


def newsletter(**terms: Any) -> Newsletter:
    return Newsletter(**{**SAMPLE_NEWSLETTER, "name": "news", **terms})


def test_a_key_is_a_newsletter_and_one_of_the_cadences_that_subscribers_choose() -> None:
    for text, parts in {
        "news": ("news", None),
        "news.weekly": ("news", DigestCadence.WEEKLY),
        "news.hourly": ("news.hourly", None),
        "": ("", None),
    }.items():
        key = DigestKey.parse(text)
        assert (key.newsletter, key.cadence, str(key)) == (*parts, text)
    with pytest.raises(ValidationError, match="can't be part of a URL"):
        newsletter(name="news.weekly")
    assert {*DigestCadence} == {*Cadence} - {Cadence.ISSUE}


@pytest.mark.parametrize(
    ("schedule", "offered"),
    [
        *(("0 8 * * *", "weekly monthly"), ("0 8 * * MON-FRI", "weekly monthly")),
        *(("0 8 * * FRI", "monthly"), ("0 8 1,15 * *", "monthly"), ("0 8 1 * *", "")),
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
    assert (found.day, found.due_at) == (date(2026, 1, 9), datetime(2026, 1, 8, 10, tzinfo=UTC))
    assert edition.instant_of(found.day, found.due_at) == datetime(2026, 1, 9, 13, tzinfo=UTC)


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
