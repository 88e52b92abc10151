"""A process that is started, asked and ended: pipes, waiting and signals.

It ends by itself when its standard input does, and so with the program, however that ends. Every
wait has an end. Knows no template and nothing of what is asked.
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

# A process that has nothing to do ends in a fraction of that.
_EXIT_TIMEOUT = 5

# Read or written at once; pipes hold less as a rule.
_CHUNK_BYTES = 1 << 20

# Whoever stops the program, by keyboard or as systemd does, means the whole; the child has to
# finish what the program is still waiting for.
_BLOCKED_SIGNALS = {signal.SIGINT, signal.SIGTERM}

# Secrets are for the program alone.
_PRIVATE_PREFIX = "PUBLISHER_"


class SandboxProcess:
    """One process; whoever asks must wait for the answer before asking again.

    Methods raise EOFError when the process has ended or promises more than it may, TimeoutError
    when it takes too long; `deadline` is an instant of the monotonic clock.
    """

    def __init__(self, words: Sequence[str], most: int) -> None:
        """Start it; `most` is the number of bytes that an answer may have. Raises OSError."""
        process = _started(words)
        if process.stdin is None or process.stdout is None:
            raise OSError("no pipes")  # which is only said to type checkers
        self._process = process
        self._most = most
        self._unread = bytearray()
        self._input, self._output = process.stdin.fileno(), process.stdout.fileno()
        self._writable, self._readable = select.poll(), select.poll()
        self._writable.register(self._input, select.POLLOUT)
        self._readable.register(self._output, select.POLLIN)
        # Also when nobody holds it any more, and at the end of the program.
        self.end = weakref.finalize(self, _ended, process)

    @property
    def number(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    def ask(self, request: bytes, deadline: float) -> None:
        """Send a request."""
        message = memoryview(protocol.REQUEST_HEADER.pack(len(request)) + request)
        while message:
            try:
                message = message[os.write(self._input, message[:_CHUNK_BYTES]) :]
            except BlockingIOError:
                _wait(self._writable, deadline)
            except BrokenPipeError:
                raise EOFError from None

    def answer(self, deadline: float) -> tuple[bytes, bytes]:
        """Wait for the next part of the answer: its kind, and what it says."""
        kind, length = protocol.REPLY_HEADER.unpack(
            self._read(protocol.REPLY_HEADER.size, deadline)
        )
        if length > self._most:
            raise EOFError
        return kind, self._read(length, deadline)

    def _read(self, size: int, deadline: float) -> bytes:
        while len(self._unread) < size:
            _wait(self._readable, deadline)
            piece = os.read(self._output, _CHUNK_BYTES)
            if not piece:
                raise EOFError
            self._unread += piece
        found = bytes(self._unread[:size])
        del self._unread[:size]
        return found

    def kill(self) -> int:
        """End it at once; gives how it ended, as `subprocess` writes it."""
        self._process.kill()
        self.end()
        return self._process.returncode

    def outcome(self) -> int:
        """Say how it ended, once it has closed its output; it is killed if it has not."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_EXIT_TIMEOUT)
        return self.kill()


def _started(words: Sequence[str]) -> subprocess.Popen[bytes]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(_PRIVATE_PREFIX)}
    # It finds what we find, but nothing that merely lies in the folder where we are.
    places = (path or str(Path.cwd()) for path in sys.path)
    environment["PYTHONPATH"] = os.pathsep.join(places)
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


def _ended(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(_EXIT_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
