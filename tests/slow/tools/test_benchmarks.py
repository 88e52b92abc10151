"""Every benchmark runs; how fast is for `make bench`."""

import subprocess
import sys

import pytest

from tests.processes import ROOT
from tests.sizes import only_at_night
from tools.bench import walk
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


def test_a_story_passes_through_few_modules_and_a_digest_takes_few_calls() -> None:
    found = walk.measured()
    assert found["story to mail"][0] <= 130
    assert found["story to feed"][0] <= 75
    assert found["assemble"][2] <= 25_000
