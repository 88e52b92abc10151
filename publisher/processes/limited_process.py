"""A process of our own with limits: requests to its standard input, replies from its standard output.

A request is a length and bytes, a reply a kind, a length and bytes. What a request says, and who may trust whom, is
decided by those who use it: `publisher.rendering.sandbox`, `publisher.polling.parser_process`. The process ends when
its standard input closes, and so with the program, however that ends.
"""

import math
import os
import resource
import select
import signal
import struct
import subprocess
import sys
import time
import weakref
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

REQUEST_HEADER = struct.Struct("!Q")
REPLY_HEADER = struct.Struct("!cI")

REPLY_READY = b"r"  # the process has started and waits for requests
REPLY_RESULT = b"d"  # the result, as JSON
REPLY_ERROR = b"f"  # the reason of a fault; the process waits for the next request
# The reason of a reached limit; the process ends, since it stopped at an arbitrary place.
REPLY_LIMIT = b"l"

# Bytes on top of what the process has when it is ready. The largest page takes some 100 MB, a feed of 10 MB 300.
PROCESS_MEMORY_BYTES = 512 * 2**20

_READ_BUFFER_BYTES = 1 << 16  # bytes read at once: most requests, whole

# Seconds to end after standard input closes. An idle process takes a fraction of one.
_EXIT_TIMEOUT = 5

_CHUNK_BYTES = 1 << 20  # bytes written or read at once; pipes usually hold less

# A signal from the keyboard or systemd is for the program; the process has to finish its request.
_BLOCKED_SIGNALS = {signal.SIGINT, signal.SIGTERM}

# Environment variables that Python needs. Others may be secrets: of a bucket, of a database.
_ENVIRONMENT = frozenset(
    "PATH HOME TMPDIR TZ LANG LC_ALL LC_CTYPE LD_LIBRARY_PATH PYTHONHOME PYTHONUTF8 PYTHONHASHSEED "  # noqa: SIM905  # one a line would fill the page
    "PYTHONDONTWRITEBYTECODE PYTHONPYCACHEPREFIX".split()
)


class LimitedProcess:
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
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def send(self, request: bytes, deadline: float) -> None:
        message = memoryview(REQUEST_HEADER.pack(len(request)) + request)
        while message:
            try:
                message = message[os.write(self._input, message[:_CHUNK_BYTES]) :]
            except BlockingIOError:
                _wait(self._writable, deadline)
            except BrokenPipeError:
                raise EOFError from None

    def receive(self, deadline: float) -> tuple[bytes, bytes]:
        """Return the next part of the reply: its kind and its body."""
        kind, length = REPLY_HEADER.unpack(self._read(REPLY_HEADER.size, deadline))
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


def minimal_environment() -> dict[str, str]:
    """Return the variables of our environment that programs need, and none that may be a secret."""
    return {k: v for k, v in os.environ.items() if k in _ENVIRONMENT}


def _started(words: Sequence[str]) -> subprocess.Popen[bytes]:
    environment = minimal_environment()
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


class RequestPipes:
    """The process's side: standard input and output, which what it runs no longer has."""

    def __init__(self) -> None:
        self._requests = os.fdopen(os.dup(0), "rb", _READ_BUFFER_BYTES)
        self._replies = os.dup(1)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(2, 1)

    def receive(self) -> bytes:
        """Return the next request; empty if there are no more."""
        header = self._requests.read(REQUEST_HEADER.size)
        if len(header) < REQUEST_HEADER.size:
            return b""
        return self._requests.read(*REQUEST_HEADER.unpack(header))

    def send(self, kind: bytes, body: bytes) -> None:
        message = memoryview(REPLY_HEADER.pack(kind, len(body)) + body)
        while message:
            message = message[os.write(self._replies, message) :]


def limit_memory() -> None:
    """Limit this process's memory to what it has and PROCESS_MEMORY_BYTES more, without core dumps."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    limit = _memory_in_use() + PROCESS_MEMORY_BYTES
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


def limit_cpu(seconds: int) -> None:
    """Have the kernel kill this process when it has used so many seconds of processor time more."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    end = math.ceil(used.ru_utime + used.ru_stime) + seconds
    _soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    if hard != resource.RLIM_INFINITY:
        end = min(end, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (end, hard))
