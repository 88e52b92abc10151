"""The sandbox's process, seen from the program: its start, pipes, timeouts and end.

It ends when its standard input closes, and so with the program, however that ends.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from publisher.rendering.sandbox import protocol

# Seconds to end after standard input closes. An idle process takes a fraction of one.
_EXIT_TIMEOUT = 5

# Bytes written or read at once; pipes usually hold less.
_CHUNK_BYTES = 1 << 20

# A signal from the keyboard or systemd is for the program; the process has to finish its request.
_BLOCKED_SIGNALS = {signal.SIGINT, signal.SIGTERM}

# Environment variables that Python needs. Others may be secrets: of a bucket, of a database.
_ENVIRONMENT = frozenset(
    "PATH HOME TMPDIR TZ LANG LC_ALL LC_CTYPE LD_LIBRARY_PATH PYTHONHOME PYTHONUTF8 PYTHONHASHSEED "  # noqa: SIM905  # one a line would fill the page
    "PYTHONDONTWRITEBYTECODE PYTHONPYCACHEPREFIX".split()
)


class SandboxProcess:
    """One process. Receive the reply to a request before sending the next.

    Methods raise EOFError if the process has ended or announces too large a reply, and TimeoutError
    after `deadline`, an instant of the monotonic clock.
    """

    def __init__(self, words: Sequence[str], max_reply: int) -> None:
        """Start it; `max_reply` is in bytes. Raises OSError."""
        process = _started(words)
        if process.stdin is None or process.stdout is None:
            raise OSError("no pipes")  # can't happen; for type checkers
        self._process = process
        self._max_reply = max_reply
        self._unread = bytearray()
        self._input, self._output = process.stdin.fileno(), process.stdout.fileno()
        self._writable, self._readable = select.poll(), select.poll()
        self._writable.register(self._input, select.POLLOUT)
        self._readable.register(self._output, select.POLLIN)
        # Also called when the object is deleted, and when the program ends.
        self.end = weakref.finalize(self, _end, process)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it takes requests."""
        return self._process.poll() is None

    def send(self, request: bytes, deadline: float) -> None:
        """Send a request."""
        message = memoryview(protocol.REQUEST_HEADER.pack(len(request)) + request)
        while message:
            try:
                message = message[os.write(self._input, message[:_CHUNK_BYTES]) :]
            except BlockingIOError:
                _wait(self._writable, deadline)
            except BrokenPipeError:
                raise EOFError from None

    def receive(self, deadline: float) -> tuple[bytes, bytes]:
        """Return the next part of the reply: its kind and its body."""
        kind, length = protocol.REPLY_HEADER.unpack(
            self._read(protocol.REPLY_HEADER.size, deadline)
        )
        if length > self._max_reply:
            raise EOFError
        return kind, self._read(length, deadline)

    def _read(self, size: int, deadline: float) -> bytes:
        while len(self._unread) < size:
            _wait(self._readable, deadline)
            chunk = os.read(self._output, _CHUNK_BYTES)
            if not chunk:
                raise EOFError
            self._unread += chunk
        found = bytes(self._unread[:size])
        del self._unread[:size]
        return found

    def kill(self) -> int:
        """Kill it, and return its exit code as `subprocess` gives it."""
        self._process.kill()
        self.end()
        return self._process.returncode

    def wait(self) -> int:
        """Return the exit code after it has closed its output; kill it if it does not end."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_EXIT_TIMEOUT)
        return self.kill()


def _started(words: Sequence[str]) -> subprocess.Popen[bytes]:
    environment = {k: v for k, v in os.environ.items() if k in _ENVIRONMENT}
    # It imports from where we import, but not from its own working directory.
    paths = (path or str(Path.cwd()) for path in sys.path)
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _BLOCKED_SIGNALS)
    try:
        process = subprocess.Popen(  # noqa: S603  # this interpreter and a module of ours
            [sys.executable, "-P", *words],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            os.set_blocking(pipe.fileno(), False)
    return process


def _wait(poll: select.poll, deadline: float) -> None:
    left = deadline - time.monotonic()
    if left <= 0 or not poll.poll(left * 1000):
        raise TimeoutError


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(_EXIT_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
