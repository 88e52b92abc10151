from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from publisher.config import load_settings
from publisher.errors import ConfigError
from tests.publisher.config.samples import TEXT, write


def warmup(folder: Path, lines: str) -> str:
    """Load a publication with a warm-up that is wrong; gives the error, less the file."""
    with pytest.raises(ConfigError) as caught:
        load_settings(write(folder, f"{TEXT}[delivery.warmup]\n{lines}\n"), {})
    return str(caught.value).partition("publication.toml: ")[2]


@pytest.mark.parametrize("day", ["2026-01-31", '"2026-01-31"'])
def test_a_warm_up_begins_on_a_day_written_either_way(tmp_path: Path, day: str) -> None:
    made = load_settings(write(tmp_path, f"{TEXT}[delivery.warmup]\nstart = {day}\n"), {})
    assert made.delivery.warmup is not None
    assert made.delivery.warmup.start == date(2026, 1, 31)
    assert (made.delivery.warmup.first, made.delivery.warmup.until) == (200, 100_000)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ('"2026-02-30"', "2026-02-30"),
        ('"tomorrow"', "tomorrow"),
        ('"20260131"', "20260131"),
        ("2026-01-31T08:00:00", "2026-01-31 08:00:00"),
        ("20260131", "20260131"),
        ("true", "True"),
        ('""', ""),
    ],
)
def test_what_is_no_day_says_how_one_is_written(
    tmp_path: Path, written: str, shown: str
) -> None:
    assert warmup(tmp_path, f"start = {written}") == (
        f"delivery.warmup.start: {shown!r} is not a day; write one like 2026-01-31"
    )


def test_a_warm_up_has_a_first_day(tmp_path: Path) -> None:
    assert warmup(tmp_path, "first = 100") == "delivery.warmup.start: missing; add start = ..."


def test_a_warm_up_begins_below_its_end(tmp_path: Path) -> None:
    assert warmup(tmp_path, "start = 2026-01-31\nfirst = 5000\nuntil = 1000") == (
        "delivery.warmup.first: 5,000 is more than `until`; begin with less"
    )


def test_a_warm_up_that_does_not_grow_never_ends_and_is_refused(tmp_path: Path) -> None:
    assert warmup(tmp_path, "start = 2026-01-31\ngrowth = 1") == (
        "delivery.warmup.growth: 1 won't do; input should be greater than 1"
    )
