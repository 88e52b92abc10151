from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from publisher.ingest.parsers.fields import date_in_name, date_in_permalink, parse_date

DAY = date(2017, 4, 10)


@pytest.mark.parametrize(
    "text",
    [
        *("Apr 10 , 2017", "April 10, 2017", "10 April 2017", "2017-04-10", "2017/4/10"),
        *("2017.04.10", "2017年4月10日", "2017 年 4 月 10 日 星期一", "2017年4月10日（月）"),
        *("2017년 4월 10일", "Monday, April 10, 2017", "Mon, 10 Apr 2017", "April 10th, 2017"),
        *("10 avril 2017", "10 de abril de 2017", "10. April 2017", "10 أبريل 2017"),
        *("10 апреля 2017 г.", "٢٠١٧-٠٤-١٠", "  Apr. 10,  2017 "),
    ],
)
def test_a_date_is_read_in_all_its_notations(text: str) -> None:
    assert parse_date(text) == DAY


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-09 08:00", datetime(2026, 1, 9, 8)),  # noqa: DTZ001  # naive is the fact
        ("2026-01-09T08:00:30.5Z", datetime(2026, 1, 9, 8, 0, 30, tzinfo=UTC)),
        (
            "2026-01-09 08:00:00 +0530",
            datetime(2026, 1, 9, 8, tzinfo=timezone(timedelta(hours=5, minutes=30))),
        ),
        (
            "2026-01-09T08:00:00-05:00",
            datetime(2026, 1, 9, 8, tzinfo=timezone(timedelta(hours=-5))),
        ),
        ("Fri, 09 Jan 2026 08:00:00 GMT", datetime(2026, 1, 9, 8, tzinfo=UTC)),
    ],
)
def test_times_keep_their_offset(text: str, expected: datetime) -> None:
    found = parse_date(text)

    assert found == expected
    assert isinstance(found, datetime)
    assert found.utcoffset() == expected.utcoffset()


@pytest.mark.parametrize(
    "text",
    [
        *("soon", "", "10/04/2017", "2026-13-01", "2026-02-30", "May 2017", "2026-01-09 25:00"),
        *("9999-12-31", "0001-01-01", "2026-01-09 08:00 +9900", "Foo 10, 2017", "10 " * 100),
    ],
)
def test_other_texts_are_no_dates(text: str) -> None:
    assert parse_date(text) is None


def test_sept_is_september() -> None:
    assert parse_date("Sept. 19, 2005") == date(2005, 9, 19)


def test_dates_in_addresses_and_file_names() -> None:
    assert date_in_permalink("/cs/newsletters/2025/01/03/") == date(2025, 1, 3)
    assert date_in_permalink("/2025/13/03/") is None
    assert date_in_permalink("/about/") is None
    assert date_in_name("2025-01-03-a.md") == date(2025, 1, 3)
    assert date_in_name("2025-01.md") is None
