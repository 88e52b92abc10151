import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from publisher.config import Folders
from publisher.errors import BusyError
from publisher.leader.process_lock import hold_publication_lock

HOLDER = """
import pathlib, sys
from publisher.config import Folders
from publisher.leader.process_lock import hold_publication_lock
with hold_publication_lock(Folders(pathlib.Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(root: Path) -> subprocess.Popen[str]:
    """Start a process that holds the lock until it is killed or its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_refused_by_name_and_let_in_after_kill_9(tmp_path: Path) -> None:
    with holder(tmp_path) as first:
        with pytest.raises(BusyError) as caught, hold_publication_lock(Folders(tmp_path)):
            pytest.fail("two held the lock")
        assert caught.value.process == str(first.pid)
        assert str(caught.value) == (
            f"{tmp_path}: process {first.pid} is running this publication already"
        )
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        with hold_publication_lock(Folders(tmp_path)):
            assert (tmp_path / "var" / "lock").read_text() == f"{os.getpid()}\n"
