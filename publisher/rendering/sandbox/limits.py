"""What templates of a publication's own may use up, and how their process is held to it.

The kernel holds it: templates can ask for what takes long, or much, in more ways than could be
listed. Only the process apart (`publisher.rendering.sandbox.worker`) calls what is here; knows no
template.
"""

from __future__ import annotations

import math
import resource
import signal
from contextlib import suppress
from pathlib import Path

# Of the processor's time, for one mail or page. Our largest page takes a tenth of a second, a
# digest with its inlining one; a busy machine makes neither take more of it.
CPU_SECONDS = 5
# When the kernel ends the process, should a single step of Python's not come to its end: such a
# step can't be interrupted, and no line can be named.
KILL_CPU_SECONDS = CPU_SECONDS + 3
# By the clock: on a machine that is ten times too busy, or for a process that stands still.
WALL_SECONDS = 60
# An exception that a signal raises is lost within a few corners of Python; so there are more.
_SIGNAL_INTERVAL = 0.5

# On top of what the process has when it is ready. A page as large as one may be takes some 100 MB
# while it is made; small machines have 1 GB for everything.
_MEMORY_BYTES = 512 * 2**20

# A hundred articles of twelve thousand words in one issue's page.
MAX_PAGE_CHARACTERS = 8_000_000
# Gmail shows a ninth of that; and inlining takes far longer than rendering.
MAX_MAIL_CHARACTERS = 1_000_000
# What may come back in one answer, in bytes: a page of three-byte characters and its quoting.
MAX_REPLY_BYTES = 32_000_000
# A reason, in bytes: it is read by a person, and may quote what a template holds.
MAX_REASON_BYTES = 500

CPU_LIMIT_REACHED = f"it takes more than {CPU_SECONDS} seconds"
WALL_LIMIT_REACHED = f"it takes more than {WALL_SECONDS} seconds"
MEMORY_LIMIT_REACHED = f"it takes more than {_MEMORY_BYTES // 2**20} MB of memory"


class TemplateLimitError(BaseException):
    """A limit was met; what it says is a reason.

    No Exception: those are caught by some who only try whether something works.
    """


def limit_memory() -> None:
    """Let this process have so much more memory, and leave none of it behind on disk."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    limit = _memory_in_use() + _MEMORY_BYTES
    soft, _hard = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        limit = min(limit, soft)
    # Darwin takes no such limit; the others hold there too.
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _memory_in_use() -> int:
    pages = Path("/proc/self/statm")
    if pages.exists():
        return int(pages.read_text("ascii").split()[0]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class CpuTimer:
    """Measures what this process takes for one thing that it makes."""

    def __init__(self) -> None:
        self._running = False
        signal.signal(signal.SIGPROF, self._time_is_up)

    def start(self) -> None:
        """Raise LimitMet after SECONDS, and have the kernel end the process after some more."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        end = math.ceil(used.ru_utime + used.ru_stime) + KILL_CPU_SECONDS
        _soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
        if hard != resource.RLIM_INFINITY:
            end = min(end, hard)
        resource.setrlimit(resource.RLIMIT_CPU, (end, hard))
        self._running = True
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS, _SIGNAL_INTERVAL)

    def stop(self) -> None:
        """Say that it is made; a signal that is under way comes too late."""
        self._running = False
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _time_is_up(self, _number: int, _frame: object) -> None:
        if self._running:
            raise TemplateLimitError(CPU_LIMIT_REACHED)
