"""Every benchmark runs; how fast is for `make bench`."""

import subprocess
import sys

import pytest

from tests.processes import ROOT
from tests.sizes import only_at_night
from tools.bench import __main__ as bench
from tools.bench import ledger, walk
from tools.bench.__main__ import MEASURED


@only_at_night
@pytest.mark.parametrize("name", MEASURED)
def test_a_benchmark_runs_in_its_smallest_size(name: str) -> None:
    command = [sys.executable, "-m", "tools.bench", name, "--smallest"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "│" in done.stdout


def test_an_aim_of_the_ledger_can_be_missed() -> None:
    good = dict(zip(ledger.AIMS, ("30.0 s", "50.0 ms", "5,000", "1,000"), strict=True))
    bad = dict(zip(ledger.AIMS, ("30.1 s", "50.1 ms", "4,999", "999"), strict=True))
    assert ledger.missed_aims(good) == []
    for name, figure in bad.items():
        (missed,) = ledger.missed_aims(good | {name: figure})
        assert missed == f"{name}: {figure}, the aim is {ledger.AIMS[name]}"
    assert len(ledger.missed_aims({})) == len(ledger.AIMS)


def test_a_benchmark_that_missed_an_aim_ends_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["bench", "ledger"])
    monkeypatch.setattr(ledger, "measure", lambda _table: ["rows/s: 4,999"])
    with pytest.raises(SystemExit, match="rows/s: 4,999"):
        bench.main()


def test_a_story_passes_through_few_modules_and_a_digest_takes_few_calls() -> None:
    found = walk.measured()
    assert found["story to mail"][0] <= 130
    assert found["story to feed"][0] <= 75
    assert found["assemble"][2] <= 25_000
