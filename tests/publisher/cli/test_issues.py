"""`publisher issues`: an issue is planned, read, changed, approved, sent now, undone, reported and corrected."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.publisher.app.approving import person
from tests.publisher.cli.conftest import Run, done, refuses
from tests.publisher.lanterns import Published
from tests.publisher.starting_points import Point, StartingPoint

BEFORE = ("--now", "2026-01-08T10:00:00Z")
ISSUE = ("weekly", "2026-01-09")
NAME = "issue=weekly-en-2026-01-09"
NOON = ("--now", "2026-01-09T12:00:00Z")
LATER = ("--now", "2026-01-09T15:00:00Z")


@pytest.fixture
def root(starting_point: StartingPoint) -> Path:
    """A publication in two languages whose issues wait for an approval."""
    made = starting_point(Point.WAITING, "en", "ar")
    person(made, "ann")
    return made.settings.folders.root


def issues(run: Run, *arguments: object) -> Any:
    out = done(run, "issues", *arguments, *BEFORE, "--json")
    return json.loads(out)


def api(run: Run, *arguments: object) -> Any:
    out = done(run, "api", *arguments, *BEFORE)
    return json.loads(out)


def refused(run: Run, *arguments: object) -> str:
    code, _out, err = run("issues", *arguments, *BEFORE)
    assert code != 0
    return err


def test_an_issue_is_changed_approved_sent_now_and_undone(run: Run, root: Path) -> None:
    (shown,) = issues(run, "show", *ISSUE, root, "--lang", "en")
    assert issues(run, "show", "weekly", "next", root, "--lang", "en") == [shown]
    assert shown["issue"]["state"] == "awaiting_approval"
    assert shown["approvals"]["reason"] == "0 of 1 approvals"
    assert {one["story"] for one in shown["contents"]["stories"]} == {"tides", "gales"}
    edit = ("editIssue", NAME)
    api(run, *edit, "kind=leave-out", "value=not ours", "story=gales", root)
    edited = api(run, *edit, "kind=opening", "value=Dear *readers*.", root)
    assert (edited["revision"], edited["problem"]) == (2, None)
    changed = api(run, "compareRevisions", NAME, "old=0", root)
    assert len(changed["removed"]) == 1
    assert "+Dear readers." in changed["text"]
    assert "terminal has edited it" in refused(run, "approve", *ISSUE, root, "--lang", "en")
    ann = ("--as", "ann@example.org")
    stale = ("--manifest", shown["approvals"]["manifest"])
    assert "changed meanwhile" in refused(
        run, "approve", *ISSUE, root, "--lang", "en", *ann, *stale
    )
    other = ("--plan", "0" * 64)
    assert "the plan is another by now (recipients: 1)" in refused(
        run, "approve", *ISSUE, root, "--lang", "en", *ann, *other
    )
    assert (shown["plan"]["recipients"], shown["plan"]["moved"]) == (1, [])
    seen = ("--plan", shown["plan"]["hash"])
    (ready,) = issues(run, "approve", *ISSUE, root, "--lang", "en", *ann, *seen)
    assert ready["state"] == "ready"
    (sent,) = issues(run, "send-now", *ISSUE, root, "--lang", "en")
    assert sent["send_at"] == "2026-01-08T10:05:00Z"
    undone = api(run, "undoSending", NAME, root)
    assert undone["send_at"] == "2026-01-09T00:00:00Z"
    (left,) = issues(run, "show", *ISSUE, root, "--lang", "en")[0]["contents"]["left_out"]
    assert (left["story"], left["reason"]) == ("gales", "not ours")
    listed = issues(run, "list", "weekly", root)
    assert {one["name"] for one in listed["issues"]} == {
        "weekly-en-2026-01-09",
        "weekly-ar-2026-01-09",
    }
    (out,) = listed["left_out"]
    assert out == {"issue": "weekly-en-2026-01-09", **left, "is_carried": False}
    text = run("issues", "show", *ISSUE, root, *BEFORE)[1]
    assert "left out by terminal: Gales" in text
    assert "approve by ann@example.org" in text


def test_several_languages_are_decided_at_once(run: Run, root: Path) -> None:
    ann = ("--as", "ann@example.org")
    done = issues(run, "approve", *ISSUE, root, "--lang", "en", "--lang", "ar", *ann)
    assert [one["state"] for one in done] == ["ready", "ready"]
    held = issues(run, "hold", *ISSUE, root)
    assert [one["send_at"] for one in held] == [None, None]
    when = "send_at=2026-01-10T09:00:00Z"
    planned = api(run, "scheduleIssue", "issue=weekly-ar-2026-01-09", when, root)
    assert planned["send_at"] == "2026-01-10T09:00:00Z"
    (skipped,) = issues(run, "skip", *ISSUE, root, "--lang", "en", "--note", "a holiday")
    assert skipped == {
        "issue": "weekly-en-2026-01-09",
        "state": "skipped",
        "reason": "a holiday",
        "was_made": True,
    }
    arabic = "issue=weekly-ar-2026-01-09"
    manifest = api(run, "readApprovals", arabic, root)["manifest"]
    words = ("note=the title", f"manifest={manifest}", *ann)
    asked = api(run, "requestChanges", arabic, *words, root)
    assert asked["reason"] == "changes requested: ann@example.org: the title"


@pytest.mark.parametrize("verb", [("hold",), ("approve", "--as", "ann@example.org")])
def test_a_verb_changes_all_languages_or_none_and_says_so(
    run: Run, root: Path, verb: tuple[str, ...]
) -> None:
    # The last in order, so that the other one would have been changed before it refuses.
    issues(run, "skip", *ISSUE, root, "--lang", "ar", "--note", "a holiday")
    before = issues(run, "show", *ISSUE, root)
    name, *rest = verb
    said = refused(run, name, *ISSUE, *rest, root)
    assert issues(run, "show", *ISSUE, root) == before
    assert "weekly-ar-2026-01-09: is skipped" in said
    assert "Nothing was changed in weekly-en" in said or "none of the others" in said
    assert len(issues(run, name, *ISSUE, *rest, root, "--lang", "en")) == 1


def test_a_correction_is_shown_approved_and_held_by_the_end_of_its_name(
    run: Run, root: Path, tmp_path: Path
) -> None:
    issues(run, "approve", *ISSUE, root, "--lang", "en", "--as", "ann@example.org")
    assert run("run", "--once", "--now", "2026-01-09T01:00:00Z", root)[0] == 0
    text = tmp_path / "erratum.md"
    text.write_text("Four boats.", "utf-8")
    words = ("--subject", "Boats", "--text", text, "--lang", "en")
    later = ("--now", "2026-01-09T02:00:00Z")
    assert run("issues", "correct", *ISSUE, root, *words, *later)[0] == 0
    run("run", "--once", *later, root)
    correction = ("weekly", "2026-01-09-correction", root, "--lang", "en", *later, "--json")
    (shown,) = json.loads(run("issues", "show", *correction)[1])
    assert (shown["issue"]["name"], shown["issue"]["state"]) == (
        "weekly-en-2026-01-09-correction",
        "awaiting_approval",
    )
    approved = run("issues", "approve", *correction, "--as", "ann@example.org")[1]
    assert json.loads(approved)[0]["state"] == "ready"
    (held,) = json.loads(run("issues", "hold", *correction)[1])
    assert held["send_at"] is None
    assert (
        "held: nothing is sent until `publisher" in run("issues", "show", *correction[:-1])[1]
    )
    for day in ("2026-01-09-correction-2", "2026-01-09-correct", "2026-01-09-"):
        told = refuses(run, "issues", "approve", "weekly", day, root, "--lang", "en")
        assert "no such issue" in told or "is no date" in told


def test_an_announcement_is_counted_and_made_of_a_file_for_each_language(
    run: Run, root: Path, tmp_path: Path
) -> None:
    file, bad = tmp_path / "closed.md", tmp_path / "bad.md"
    file.write_text("Subject: Closed\nFirst line: Until Monday\n\nUntil *Monday*.\n", "utf-8")
    bad.write_text("Until Monday.\n\nSubject: Closed\n", "utf-8")
    counted = issues(run, "announce", "weekly", root, "--text", f"en={file}", "--dry-run")
    assert (counted["issues"], counted["plan"]["recipients"]) == ([], 1)
    at = (
        "--at",
        "2026-01-09 18:00",
        "--text",
        f"en={file}",
        "--text",
        f"ar={file}",
        "--unlisted",
    )
    made = issues(run, "announce", "weekly", root, *at)
    assert made["issues"] == [
        "weekly-en-2026-01-09-announcement",
        "weekly-ar-2026-01-09-announcement",
    ]
    (shown,) = issues(run, "show", "weekly", "2026-01-09-announcement", root, "--lang", "ar")
    assert shown["issue"]["subject"] == "Closed"
    assert shown["plan"]["recipients"] == 1
    report = done(run, "issues", "report", "weekly", "2026-01-09-announcement", root, "--json")
    assert [one["issue"] for one in json.loads(report)["issues"]] == made["issues"]
    for text, why in ((file, "names no language"), (f"en={bad}", 'begins with "Subject')):
        told = refuses(run, "issues", "announce", "weekly", root, "--text", text)
        assert why in told
    told = refuses(run, "issues", "announce", "weekly", root, "--at", "soon")
    assert "--at: 'soon' is no local time" in told


def test_a_report_is_printed_as_tables_of_80_columns_and_as_json(
    run: Run, friday: Published
) -> None:
    report = ("issues", "report", "weekly", "2026-01-09", friday.folder)
    code, out, _ = run(*report)
    assert code == 0
    assert max(len(line) for line in out.splitlines()) <= 80
    found = json.loads(run(*report, "--json")[1])
    assert f"{found['planned']:,} mails planned" in out
    assert found["planned"] == sum(one["planned"] for one in found["issues"]) > 0
    assert found["sent"] == sum(one["sent"] for one in found["issues"]) > 0
    (one, *_others) = found["issues"]
    assert one["planned"] == sum(sum(line.values()) for line in one["providers"].values())


def test_a_correction_is_planned_stored_and_made_by_the_next_cycle(
    run: Run, friday: Published, tmp_path: Path
) -> None:
    lantern = friday.copy(tmp_path / "lantern")
    words = ("issues", "correct", *ISSUE, lantern)
    out = done(run, *words, *LATER, "--lang", "en")
    assert out.startswith("weekly-en-2026-01-09: a correction reaches ")
    (plan,) = json.loads(run(*words, *LATER, "--lang", "en", "--json")[1])
    assert plan["issue"] == "weekly-en-2026-01-09"
    text = tmp_path / "erratum.md"
    for lacking, problem in (
        (("--lang", "en"), "erratum.md can't be read"),
        ((), "name the languages"),
    ):
        assert problem in refuses(run, *words, *lacking, "--subject", "x", "--text", text)
        text.touch()
    text.write_text("The ferry leaves at **nine**.\n", "utf-8")
    said = ("--subject", "The ferry leaves at nine", "--text", text)
    out = done(run, *words, *LATER, "--lang", "en", *said)
    assert out == "weekly-en-2026-01-09-correction: the next cycle makes it\n"
    assert "`publisher status` shows" in run(*words, "--lang", "en", *said)[2]
    run("run", "--once", "--now", "2026-01-09T16:00:00Z", lantern)
    mails = [one for one in (lantern / "outbox").rglob("*.eml") if "correction" in one.name]
    assert len(mails) == plan["audience"]["recipient"] > 0
