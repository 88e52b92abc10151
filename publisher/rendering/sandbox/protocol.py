"""What the program and the sandbox's process agree on: their messages, and the limits of templates.

A request is a length and a pickle: the process may trust the program. A reply is a kind, a length and
UTF-8; the program does not trust it, and reads it as text only. The kernel enforces time and memory: a template
can use them up in more ways than could be listed.
"""

import signal

from publisher.processes.limited_process import PROCESS_MEMORY_BYTES, limit_cpu
from publisher.rendering.environment import TemplateLimitError

REPLY_TEMPLATE = b"b"  # the name of the template that it begins to render, for error messages

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

# A hundred articles of twelve thousand words on one issue's page.
MAX_PAGE_CHARACTERS = 8_000_000
MAX_MAIL_CHARACTERS = 1_000_000  # thirteen times what Gmail shows; inlining more takes too long
# Bytes of one reply: the largest page in three-byte characters, with escapes.
MAX_REPLY_BYTES = 32_000_000
MAX_REASON_BYTES = 500  # bytes of a reason: people read it, and it may quote a template

CPU_LIMIT_REACHED = f"it takes more than {CPU_SECONDS} seconds"
WALL_LIMIT_REACHED = f"it takes more than {WALL_SECONDS} seconds"
MEMORY_LIMIT_REACHED = f"it takes more than {PROCESS_MEMORY_BYTES // 2**20} MB of memory"


class CpuTimer:
    """Limits the processor time of one request in this process."""

    def __init__(self) -> None:
        self._running = False
        signal.signal(signal.SIGPROF, self._on_signal)

    def start(self) -> None:
        """Raise TemplateLimitError after CPU_SECONDS; the kernel kills the process later."""
        limit_cpu(KILL_CPU_SECONDS)
        self._running = True
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS, _SIGNAL_INTERVAL)

    def stop(self) -> None:
        """Stop the timer; a signal that is already under way is ignored."""
        self._running = False
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _on_signal(self, _number: int, _frame: object) -> None:
        if self._running:
            raise TemplateLimitError(CPU_LIMIT_REACHED)
