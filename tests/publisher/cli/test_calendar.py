"""`publisher calendar`, and moving and skipping issues from the command line."""

import json
from pathlib import Path

from tests.publisher.cli.conftest import Run, refuses
from tests.publisher.conftest import PublicationFolder

NOW = ("--now", "2026-03-20T12:00:00Z")


def _zone(lantern: Path) -> None:
    file = lantern / "publication.toml"
    text = file.read_text("utf-8").replace('"0 8 * * FRI"', '"30 2 * * SUN"')
    file.write_text(text.replace('"Asia/Dubai"', '"Europe/Berlin"'), "utf-8")


def test_the_calendar_shows_times_states_and_changes_of_clocks(run: Run, lantern: Path) -> None:
    _zone(lantern)
    code, out, _err = run("calendar", lantern, *NOW, "--until", "2026-04-05")
    assert code == 0
    assert "the clocks skip this time" in out
    assert "2026-03-29: the clocks of Europe/Berlin change, UTC+01:00 to UTC+02:00" in out
    found = json.loads(run("calendar", "--json", lantern, *NOW, "--until", "2026-04-05")[1])
    shifted = next(one for one in found["entries"] if one["name"] == "weekly-ar-2026-03-29")
    assert shifted == {
        "name": "weekly-ar-2026-03-29",
        "newsletter": "weekly",
        "language": "ar",
        "day": "2026-03-29",
        "timezone": "Europe/Berlin",
        "local": "2026-03-29T03:30:00+02:00",
        "due_at": "2026-03-29T01:30:00Z",
        "state": "planned",
        "reason": None,
        "scheduled_at": None,
        "conflicts_with": [],
    }


def test_days_times_and_files_that_cannot_be_are_refused(run: Run, folder: Path) -> None:
    for arguments, said in (
        (("--from", "9999-12-31"), "9999-12-31: choose a year from 1971 to 2036"),
        (("--until", "0001-01-01"), "--until: 0001-01-01 is before the first day, 2026-03-20"),
        (("--from", "monday"), "--from: 'monday' is no date"),
        (("--ics", folder), f"{folder}: can't be written: Is a directory"),
        (("--ics", folder / ("x" * 300)), "x: can't be written: File name too long"),
    ):
        assert said in refuses(run, "calendar", folder, *NOW, *arguments)
    move = ("issues", "move", "weekly")
    for day in ("0001-01-01", "9999-12-31"):
        err = refuses(run, *move, day, folder, *NOW, "--to", f"{day} 09:00")
        assert f"its schedule has no {day}" in err
    schedule = ("issues", "schedule", "weekly", "2026-03-27", folder, "--at")
    for at in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        assert "is no instant" in refuses(run, *schedule, at)
    words = (*move, "2026-03-27", folder, *NOW, "--to")
    for to in ("2026-03-28", "tomorrow", "2026-03-28T09:00:00Z"):
        assert "is no local time" in refuses(run, *words, to)
    nobody = ("--as", "nobody@example.org")
    assert "no account" in refuses(run, *words, "2026-03-28 09:00", *nobody)


def test_issues_are_moved_skipped_and_restored(run: Run, lantern: Path) -> None:
    _zone(lantern)
    code, out, err = run(
        *("issues", "move", "weekly", "2026-03-29", lantern, *NOW, "--lang", "ar"),
        *("--to", "2026-03-30 09:00"),
    )
    assert (code, err) == (0, "")
    assert out == (
        "weekly-ar-2026-03-29 is due Mon 2026-03-30 09:00 CEST, Mon 2026-03-30 07:00 UTC\n"
    )
    code, out, _err = run(
        *("issues", "skip", "weekly", "2026-03-29", lantern, *NOW, "--lang", "en"),
        *("--note", "a holiday"),
    )
    assert (code, out) == (0, "weekly-en-2026-03-29 is skipped: a holiday\n")
    _code, out, _err = run("calendar", lantern, *NOW)
    words = " ".join(out.replace("│", " ").split())
    assert "moved from 2026-03-29 01:30 UTC by terminal" in words
    assert "a holiday" in words
    again = ("issues", "restore", "weekly", "2026-03-29", lantern, *NOW, "--json")
    code, out, _err = run(*again, "--lang", "ar")
    assert json.loads(out) == [
        {
            "newsletter": "weekly",
            "language": "ar",
            "day": "2026-03-29",
            "due_at": "2026-03-29T01:30:00Z",
            "skip_reason": None,
        }
    ]


def test_the_calendar_is_written_as_a_file_and_lists_drafts(
    run: Run, publication: PublicationFolder, folder: Path, tmp_path: Path
) -> None:
    publication.write("en/half.md", "Words.", title="Half a thought", draft="true")
    publication.pick_up()
    assert "draft: articles: en/half.md: Half a thought" in run("calendar", folder, *NOW)[1]
    file = tmp_path / "calendar.ics"
    code, out, _err = run("calendar", folder, *NOW, "--ics", file)
    assert (code, out) == (0, "")
    text = file.read_bytes()
    assert text.startswith(b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n")
    assert text.count(b"\r\nUID:weekly-en-2026-0") > 3
