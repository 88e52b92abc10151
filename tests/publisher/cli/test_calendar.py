"""The calendar, and moving and skipping issues from the command line."""

import json
from pathlib import Path

from tests.publisher.cli.conftest import Run, done, refuses

NOW = ("--now", "2026-03-20T12:00:00Z")


def _zone(lantern: Path) -> None:
    file = lantern / "publication.toml"
    text = file.read_text("utf-8").replace('"0 8 * * FRI"', '"30 2 * * SUN"')
    file.write_text(text.replace('"Asia/Dubai"', '"Europe/Berlin"'), "utf-8")


def test_the_calendar_shows_times_states_and_changes_of_clocks(run: Run, lantern: Path) -> None:
    _zone(lantern)
    code, out, _err = run("api", "readCalendar", lantern, *NOW)
    assert code == 0
    calendar = json.loads(out)
    assert calendar["clock_changes"] == [
        {"timezone": "Europe/Berlin", "day": "2026-03-29", "before": "PT1H", "after": "PT2H"}
    ]
    days = [entry["day"] for entry in calendar["entries"]]
    assert (days[0], days[-1]) == ("2026-03-20", "2026-04-24")
    (shifted,) = (x for x in calendar["entries"] if x["name"] == "weekly-ar-2026-03-29")
    shown = [shifted[name] for name in ("local", "due_at", "shifted", "state")]
    assert shown == ["2026-03-29T03:30:00+02:00", "2026-03-29T01:30:00Z", "gap", "planned"]


def test_days_times_and_files_that_cannot_be_are_refused(run: Run, folder: Path) -> None:
    for arguments, said in (
        (("first=9999-12-31",), "9999-12-31: choose a year from 1971 to 2036"),
        (("first=2026-03-20", "last=0001-01-01"), "last: is 0 to 365 days after first"),
        (("first=monday",), "first: Input should be a valid date"),
    ):
        assert said in refuses(run, "api", "readCalendar", *arguments, folder, *NOW)
    for file, said in (
        (folder, f"{folder}: can't be written: Is a directory"),
        (folder / ("x" * 300), "x: can't be written: File name too long"),
    ):
        assert said in refuses(run, "plan", folder, *NOW, "--ics", file)
    move = ("issues", "move", "weekly")
    for day in ("0001-01-01", "9999-12-31"):
        err = refuses(run, *move, day, folder, *NOW, "--to", f"{day} 09:00")
        assert f"its schedule has no {day}" in err
    words = (*move, "2026-03-27", folder, *NOW, "--to")
    for to in ("2026-03-28", "tomorrow", "2026-03-28T09:00:00Z"):
        assert "is no local time" in refuses(run, *words, to)
    nobody = ("--as", "nobody@example.org")
    assert "no account" in refuses(run, *words, "2026-03-28 09:00", *nobody)


def test_issues_are_moved_and_skipped(run: Run, lantern: Path) -> None:
    _zone(lantern)
    out = done(
        run,
        *("issues", "move", "weekly", "2026-03-29", lantern, *NOW, "--lang", "ar"),
        *("--to", "2026-03-30 09:00"),
    )
    assert out == (
        "weekly-ar-2026-03-29 is due Mon 2026-03-30 09:00 CEST, Mon 2026-03-30 07:00 UTC\n"
    )
    code, out, _err = run(
        *("issues", "skip", "weekly", "2026-03-29", lantern, *NOW, "--lang", "en"),
        *("--note", "a holiday"),
    )
    assert (code, out) == (0, "weekly-en-2026-03-29 is skipped: a holiday\n")
    entries = json.loads(run("api", "readCalendar", lantern, *NOW)[1])["entries"]
    by_name = {entry["name"]: entry for entry in entries}
    moved, skipped = by_name["weekly-ar-2026-03-29"], by_name["weekly-en-2026-03-29"]
    assert (moved["scheduled_at"], moved["changed_by"]) == ("2026-03-29T01:30:00Z", "terminal")
    assert (skipped["state"], skipped["reason"]) == ("skipped", "a holiday")


def test_the_calendar_is_written_as_a_file(run: Run, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "calendar.ics"
    code, out, _err = run("plan", folder, *NOW, "--ics", file)
    assert (code, out) == (0, "")
    text = file.read_bytes()
    assert text.startswith(b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n")
    assert text.count(b"\r\nUID:weekly-en-2026-0") > 3
