"""`publisher issues`: an issue is read, changed, approved, sent now and undone on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.publisher.app.approving import DAY, DUE, cycle, fill, newsletter, person
from tests.publisher.cli.conftest import Run
from tests.publisher.conftest import PublicationFolder

BEFORE = ("--now", "2026-01-08T10:00:00Z")
ISSUE = ("weekly", "2026-01-09")


@pytest.fixture
def root(
    new_publication: Callable[..., PublicationFolder], capsys: pytest.CaptureFixture[str]
) -> Path:
    """A publication in two languages whose issues wait for an approval."""
    publication = new_publication(languages=["en", "ar"], newsletters=[newsletter()])
    fill(publication, "en", "ar")
    person(publication, "ann")
    cycle(publication, DUE - DAY)
    # What was logged.
    capsys.readouterr()
    return publication.settings.folders.root


def issues(run: Run, *arguments: object) -> Any:
    code, out, err = run("issues", *arguments, *BEFORE, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


def refused(run: Run, *arguments: object) -> str:
    code, _out, err = run("issues", *arguments, *BEFORE)
    assert code != 0
    return err


def test_an_issue_is_changed_approved_sent_now_and_undone(
    run: Run, root: Path, tmp_path: Path
) -> None:
    (shown,) = issues(run, "show", *ISSUE, root, "--lang", "en")
    assert (shown["state"], shown["missing"]) == ("awaiting_approval", "0 of 1 approvals")
    assert {one["story"] for one in shown["stories"]} == {"tides", "gales"}
    opening = tmp_path / "opening.md"
    opening.write_text("Dear *readers*.", "utf-8")
    place = ("edit", *ISSUE)
    issues(run, *place, "leave-out", "not ours", root, "--story", "gales", "--lang", "en")
    (edited,) = issues(run, *place, "opening", root, "--file", opening, "--lang", "en")
    assert (edited["revision"], edited["problem"]) == (2, None)
    (changed,) = issues(run, "diff", *ISSUE, root, "--lang", "en", "--from", 0)
    assert len(changed["removed"]) == 1
    assert "+Dear readers." in changed["text"]
    assert "terminal has edited it" in refused(run, "approve", *ISSUE, root, "--lang", "en")
    ann = ("--as", "ann@example.org")
    stale = ("--manifest", shown["manifest"])
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
    (undone,) = issues(run, "undo", *ISSUE, root, "--lang", "en")
    assert undone["send_at"] == "2026-01-09T00:00:00Z"
    (left,) = issues(run, "list", "weekly", root)["left_out"]
    assert (left["story"], left["reason"]) == ("gales", "not ours")
    text = run("issues", "show", *ISSUE, root, *BEFORE)[1]
    assert "left out by terminal: Gales" in text
    assert "approve by ann@example.org" in text


def test_several_languages_are_decided_at_once(run: Run, root: Path) -> None:
    ann = ("--as", "ann@example.org")
    done = issues(run, "approve", *ISSUE, root, "--lang", "en", "--lang", "ar", *ann)
    assert [one["state"] for one in done] == ["ready", "ready"]
    held = issues(run, "hold", *ISSUE, root)
    assert [one["send_at"] for one in held] == [None, None]
    when = ("--at", "2026-01-10T09:00:00Z")
    (planned,) = issues(run, "schedule", *ISSUE, root, "--lang", "ar", *when)
    assert planned["send_at"] == "2026-01-10T09:00:00Z"
    (skipped,) = issues(run, "skip", *ISSUE, root, "--lang", "en", "--why", "a holiday")
    assert skipped == {
        "issue": "weekly-en-2026-01-09",
        "state": "skipped",
        "reason": "a holiday",
        "was_made": True,
    }
    note = ("--note", "the title", *ann)
    (asked,) = issues(run, "request-changes", *ISSUE, root, "--lang", "ar", *note)
    assert asked["reason"] == "changes requested: ann@example.org: the title"


def test_what_is_wrong_is_said(run: Run, root: Path) -> None:
    assert "no such issue" in refused(run, "show", "weekly", "2026-01-10", root)
    assert "no such story" in refused(
        run, "edit", *ISSUE, "pin", "1", root, "--story", "nowhere", "--lang", "en"
    )
    assert "name one language" in refused(run, "undo-edit", *ISSUE, 1, root)
    assert "is no instant" in refused(run, "schedule", *ISSUE, root, "--at", "tomorrow")
    assert "is awaiting approval" in refused(run, "send-now", *ISSUE, root, "--lang", "en")


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
    assert (shown["issue"], shown["state"]) == (
        "weekly-en-2026-01-09-correction",
        "awaiting_approval",
    )
    approved = run("issues", "approve", *correction, "--as", "ann@example.org")[1]
    assert json.loads(approved)[0]["state"] == "ready"
    (held,) = json.loads(run("issues", "hold", *correction)[1])
    assert held["send_at"] is None
    for day in ("2026-01-09-correction-2", "2026-01-09-correct", "2026-01-09-"):
        code, _out, err = run("issues", "approve", "weekly", day, root, "--lang", "en")
        assert code == 2
        assert "no such issue" in err or "is no date" in err
