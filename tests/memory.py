"""Bounds of memory that no machine's speed or size changes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PROCESS = Path("/proc/self")


@contextmanager
def memory_grows_at_most(megabytes: int) -> Iterator[None]:
    """Fail if this process needs more memory at any moment in the block than at its beginning."""
    # Linux then measures the peak anew (proc_pid_clear_refs(5)).
    (_PROCESS / "clear_refs").write_text("5")
    before = _kilobytes("VmRSS")
    yield
    grown = (_kilobytes("VmHWM") - before) // 1024
    assert grown <= megabytes, f"{grown} MB more than before"


def _kilobytes(name: str) -> int:
    lines = (_PROCESS / "status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
