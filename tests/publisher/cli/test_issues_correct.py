"""`publisher issues correct`: whom a correction reaches, and corrections."""

from __future__ import annotations

import json
from pathlib import Path

from tests.publisher.cli.conftest import Run
from tests.publisher.lanterns import Published

LATER = ("--now", "2026-01-09T15:00:00Z")
WORDS = ("issues", "correct", "weekly", "2026-01-09")


def test_a_correction_is_planned_stored_and_made_by_the_next_cycle(
    run: Run, friday: Published, tmp_path: Path
) -> None:
    lantern = friday.copy(tmp_path / "lantern")
    code, out, err = run(*WORDS, lantern, *LATER, "--lang", "en")
    assert (code, err) == (0, "")
    assert out.startswith("weekly-en-2026-01-09: a correction reaches ")
    (plan,) = json.loads(run(*WORDS, lantern, *LATER, "--lang", "en", "--json")[1])
    assert plan["issue"] == "weekly-en-2026-01-09"
    text = tmp_path / "erratum.md"
    text.write_text("The ferry leaves at **nine**.\n", "utf-8")
    said = ("--subject", "The ferry leaves at nine", "--text", text)
    code, out, err = run(*WORDS, lantern, *LATER, "--lang", "en", *said)
    assert (code, err) == (0, "")
    assert out == "weekly-en-2026-01-09-correction: the next cycle makes it\n"
    run("run", "--once", "--now", "2026-01-09T16:00:00Z", lantern)
    mails = [one for one in (lantern / "outbox").rglob("*.eml") if "correction" in one.name]
    assert len(mails) == plan["audience"]["recipient"] > 0


def test_what_is_wrong_with_a_correction_is_said(
    run: Run, friday: Published, tmp_path: Path
) -> None:
    lantern = friday.copy(tmp_path / "lantern")
    missing = tmp_path / "nowhere.md"
    code, _out, err = run(*WORDS, lantern, "--lang", "en", "--subject", "x", "--text", missing)
    assert (code, "nowhere.md can't be read" in err) == (2, True)
    missing.write_text("words", "utf-8")
    code, _out, err = run(*WORDS, lantern, "--subject", "x", "--text", missing)
    assert (code, "name the languages" in err) == (2, True)
