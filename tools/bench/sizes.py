"""How large a benchmark is, and the memory that it took.

`--smallest` is for the tests, which only see that every benchmark runs; `--full` is for a machine
that has an hour.
"""

import re
import resource
import sys
from pathlib import Path

SMALLEST = "--smallest" in sys.argv
FULL = "--full" in sys.argv


def size(usual: int, *, smallest: int, full: int | None = None) -> int:
    """Return the size that the command line chose."""
    if SMALLEST:
        return smallest
    return full if FULL and full is not None else usual


def peak_megabytes() -> float:
    """Return the most memory that this process has held since its program began, in MB.

    Linux's VmHWM. ru_maxrss is no substitute there: it survives execve(2), so that a step
    started by a large process begins with the memory of that one.
    """
    status = Path("/proc/self/status")
    if not status.is_file():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status.read_text(), re.MULTILINE)
    if found is None:
        raise RuntimeError("/proc/self/status has no VmHWM")
    return int(found[1]) / 1024
