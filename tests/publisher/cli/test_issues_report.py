"""`publisher issues report`: what became of every mail, as tables and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

from tests.publisher.cli.conftest import Run
from tests.publisher.lanterns import Published


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


def test_a_report_of_no_day_is_refused(run: Run, lantern: Path) -> None:
    code, _, err = run("issues", "report", "weekly", "9 January", lantern)
    assert (code, "'9 January' is no date" in err) == (2, True)
