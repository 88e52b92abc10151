from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from publisher.config.delivery import OutboxLayoutKind
from tests.publisher.delivery.transports.messages import LAYOUTS

RECIPIENTS, KILLS = 300, 30


@pytest.mark.parametrize("layout", LAYOUTS)
def test_killed_at_any_moment_while_mail_is_taken_away_every_message_is_there_once(
    tmp_path: Path, layout: OutboxLayoutKind
) -> None:
    module = "tests.slow.publisher.delivery.transports.killing"
    command = [sys.executable, "-m", module, str(tmp_path), layout, str(RECIPIENTS), str(KILLS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["counts"] == [1] * RECIPIENTS
    assert (told["others"], told["left"]) == (0, [])
    assert told["killed"] >= KILLS / 2
