from __future__ import annotations

from datetime import date, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from publisher.config import LatePolicy, MissingPolicy, load_settings
from publisher.config.newsletters import default_max_lateness
from publisher.errors import ConfigError
from publisher.recurrence import parse_schedule
from tests.publisher.config.samples import TEXT, write

if TYPE_CHECKING:
    from pathlib import Path

    from publisher.config import Edition, Settings

HEAD = TEXT[: TEXT.index("[[newsletter]]")]


def publication(folder: Path, newsletter: str) -> Settings:
    """Give the settings of a publication with one newsletter."""
    return load_settings(
        write(folder, f'{HEAD}[[newsletter]]\nname = "news"\n{newsletter}'), {}
    )


def editions(folder: Path, newsletter: str) -> dict[str, Edition]:
    made = publication(folder, newsletter)
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
    assert (edition.late, edition.max_lateness) == (LatePolicy.SEND, timedelta(days=3))
    assert (edition.missing, edition.fallback) == (MissingPolicy.SKIP, ())


EVERYTHING = """\
title = "News"
schedule = "FREQ=DAILY"
at = 08:00:00
start = 2026-01-05
skip_dates = [2026-12-25]
timezone = "Europe/Berlin"
max_articles = 3
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
max_age = 8
late = "skip"
max_lateness = 6
missing = "convert"
fallback = []
"""


def test_an_edition_takes_what_its_newsletter_says(tmp_path: Path) -> None:
    made = editions(tmp_path, EVERYTHING)
    assert list(made) == ["zh-Hant", "en"]
    edition = made["en"]
    assert edition.schedule == parse_schedule("FREQ=DAILY", at=time(8), start=date(2026, 1, 5))
    assert edition.timezone == "Europe/Berlin"
    assert edition.skip_dates == {date(2026, 12, 25)}
    assert (edition.max_articles, edition.max_age) == (3, timedelta(days=7))
    assert (edition.late, edition.max_lateness) == (LatePolicy.MERGE, timedelta(hours=5))
    assert (edition.missing, edition.fallback) == (MissingPolicy.FALLBACK, ("en",))


def test_an_edition_may_say_all_of_it_otherwise_even_nothing(tmp_path: Path) -> None:
    edition = editions(tmp_path, EVERYTHING)["zh-Hant"]
    assert edition.title("zh-Hant") == "新聞"
    assert edition.schedule == parse_schedule(
        "FREQ=WEEKLY;BYDAY=MO", at=time(9, 30), start=date(2026, 2, 2)
    )
    assert edition.timezone == "Asia/Taipei"
    assert edition.skip_dates == frozenset()
    assert (edition.max_articles, edition.max_age) == (4, timedelta(days=8))
    assert (edition.late, edition.max_lateness) == (LatePolicy.SKIP, timedelta(hours=6))
    assert (edition.missing, edition.fallback) == (MissingPolicy.CONVERT, ())


def test_an_edition_may_move_only_the_hour_of_a_rule(tmp_path: Path) -> None:
    text = 'title = "News"\nschedule = "FREQ=DAILY"\nat = "08:00"\n'
    made = editions(tmp_path, f'{text}[newsletter.edition.ar]\nat = "21:00"')
    assert made["en"].schedule == parse_schedule("FREQ=DAILY", at=time(8))
    assert made["ar"].schedule == parse_schedule("FREQ=DAILY", at=time(21))


def test_an_edition_with_a_cron_line_leaves_the_newsletters_hour(tmp_path: Path) -> None:
    text = 'title = "News"\nschedule = "FREQ=DAILY"\nat = "08:00"\n'
    made = editions(tmp_path, f'{text}[newsletter.edition.ar]\nschedule = "0 9 * * SUN"')
    assert made["ar"].schedule == parse_schedule("0 9 * * SUN")


def test_an_edition_with_a_rule_of_its_own_says_its_own_hour(tmp_path: Path) -> None:
    text = 'title = "News"\nschedule = "0 8 * * *"\n[newsletter.edition.ar]\n'
    with pytest.raises(ConfigError, match=r"edition\.ar\.schedule: 'FREQ=DAILY' has no time"):
        editions(tmp_path, f'{text}schedule = "FREQ=DAILY"')


@pytest.mark.parametrize(
    ("cron", "lateness"),
    [
        ("0 8 * * *", timedelta(hours=12)),
        ("0 8 * * MON-FRI", timedelta(hours=12)),
        ("0 8 * * MON,WED,FRI", timedelta(hours=12)),
        ("0 8 * * FRI,SAT", timedelta(days=3)),
        ("0 8 * * MON,THU", timedelta(days=3)),
        ("0 8 * * FRI", timedelta(days=3)),
        ("0 8 1 * *", timedelta(days=3)),
    ],
)
def test_the_more_often_a_newsletter_comes_the_sooner_it_is_stale(
    cron: str, lateness: timedelta
) -> None:
    assert default_max_lateness(parse_schedule(cron)) == lateness
