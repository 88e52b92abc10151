"""What the program and the sandbox's process agree on: their messages, and the limits of templates.

A request is a length and a pickle: the process may trust the program. A reply is a kind, a length and
UTF-8; the program does not trust it, and reads it as text only. The kernel enforces time and memory: a template
can use them up in more ways than could be listed.
"""

import math
import resource
import signal
import struct
from contextlib import suppress
from pathlib import Path

from publisher.rendering.environment import TemplateLimitError

REQUEST_HEADER = struct.Struct("!Q")
REPLY_HEADER = struct.Struct("!cI")

# The process has started and waits for requests.
REPLY_READY = b"r"
# The name of the template that it begins to render, for error messages.
REPLY_TEMPLATE = b"b"
# The result, as JSON.
REPLY_RESULT = b"d"
# The reason of a fault; the process waits for the next request.
REPLY_ERROR = b"f"
# The reason of a reached limit; the process ends, since it stopped at an arbitrary place.
REPLY_LIMIT = b"l"

# Processor time for one mail or page, in seconds. Our largest page takes 0.1, a digest with
# inlining 0.5; a busy machine does not change that.
CPU_SECONDS = 5
# When the kernel kills the process, if a single step of Python lasts that long. Such a step can't
# be interrupted, so no line can be named.
KILL_CPU_SECONDS = CPU_SECONDS + 3
# Wall time in seconds: for a machine that is ten times too busy, or a process that sleeps.
WALL_SECONDS = 60
# Python loses an exception of a signal handler in a few places, so the signal is repeated.
_SIGNAL_INTERVAL = 0.5

# Bytes on top of what the process has when it is ready. The largest page takes some 100 MB.
_MEMORY_BYTES = 512 * 2**20

# A hundred articles of twelve thousand words on one issue's page.
MAX_PAGE_CHARACTERS = 8_000_000
# Thirteen times what Gmail shows; inlining more takes too long.
MAX_MAIL_CHARACTERS = 1_000_000
# Bytes of one reply: the largest page in three-byte characters, with escapes.
MAX_REPLY_BYTES = 32_000_000
# Bytes of a reason: people read it, and it may quote a template.
MAX_REASON_BYTES = 500

CPU_LIMIT_REACHED = f"it takes more than {CPU_SECONDS} seconds"
WALL_LIMIT_REACHED = f"it takes more than {WALL_SECONDS} seconds"
MEMORY_LIMIT_REACHED = f"it takes more than {_MEMORY_BYTES // 2**20} MB of memory"


def limit_memory() -> None:
    """Limit this process's memory to what it has and _MEMORY_BYTES more, without core dumps."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    limit = _memory_in_use() + _MEMORY_BYTES
    soft, _hard = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        limit = min(limit, soft)
    # Darwin has no such limit; the other limits work there.
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _memory_in_use() -> int:
    pages = Path("/proc/self/statm")
    if pages.exists():
        return int(pages.read_text("ascii").split()[0]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class CpuTimer:
    """Limits the processor time of one request in this process."""

    def __init__(self) -> None:
        self._running = False
        signal.signal(signal.SIGPROF, self._on_signal)

    def start(self) -> None:
        """Raise TemplateLimitError after CPU_SECONDS; the kernel kills the process later."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        end = math.ceil(used.ru_utime + used.ru_stime) + KILL_CPU_SECONDS
        _soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
        if hard != resource.RLIM_INFINITY:
            end = min(end, hard)
        resource.setrlimit(resource.RLIMIT_CPU, (end, hard))
        self._running = True
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS, _SIGNAL_INTERVAL)

    def stop(self) -> None:
        """Stop the timer; a signal that is already under way is ignored."""
        self._running = False
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _on_signal(self, _number: int, _frame: object) -> None:
        if self._running:
            raise TemplateLimitError(CPU_LIMIT_REACHED)
