"""`publisher issues plan`: who gets the next issue, as tables and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

from tests.publisher.cli.conftest import Run

NOW = ("--now", "2026-01-09T12:00:00Z")


def test_a_plan_is_printed_as_tables_of_80_columns_and_as_json(run: Run, lantern: Path) -> None:
    run("subscribers", "import", lantern / "subscribers.csv", lantern)
    code, out, _ = run("issues", "plan", "weekly", "next", lantern, *NOW)
    assert code == 0
    assert max(len(line) for line in out.splitlines()) <= 80
    assert "subscribers on record" in out
    found = json.loads(run("issues", "plan", "weekly", "next", lantern, "--json", *NOW)[1])
    assert found["hash"] in out
    withheld = sum(sum(one["withheld"].values()) for one in found["editions"])
    excluded = sum(found["excluded"].values())
    assert found["recipients"] + withheld + excluded == found["subscribers"] > 0
    assert found["recipients"] == sum(one["recipients"] for one in found["editions"]) > 0


def test_a_plan_of_an_unknown_day_or_newsletter_is_refused(run: Run, lantern: Path) -> None:
    code, _, err = run("issues", "plan", "weekly", "soon", lantern)
    assert (code, "'soon' is no date" in err) == (2, True)
    code, _, err = run("issues", "plan", "yearly", "next", lantern)
    assert (code, "no such newsletter" in err) == (2, True)
    code, _, err = run("issues", "plan", "weekly", "2026-01-10", lantern, *NOW)
    assert (code, "has no issue on 2026-01-10" in err) == (1, True)
