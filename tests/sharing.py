"""What is made once, however many tests and processes of tests ask for it."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Have a folder made, or give the one that another process of this run has made.

    Nobody may write into it: who has to, copies it.
    """
    base = factory.getbasetemp()
    # pytest-xdist gives each of its processes a folder in the run's.
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"once-{name}"
    place.mkdir(exist_ok=True)
    folder, made, failed = (place / part for part in ("folder", "made", "failed.txt"))
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # What failed once fails for every test, and need not take its time again.
        assert not failed.exists(), failed.read_text("utf-8")
        if not made.exists():
            try:
                make(folder)
            except BaseException as error:
                failed.write_text(f"{name}: {error}", "utf-8")
                raise
            made.touch()
    return folder
