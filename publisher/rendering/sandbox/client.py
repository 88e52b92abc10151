"""Call functions with a publication's own templates, in a process of its own with limits.

A template that uses too much, or breaks the process, costs one page or mail: the caller gets
RenderingError. The process starts at the first call, and anew when templates change. It ends when its standard
input closes, and so with the program, however that ends.
"""

import pickle
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar, get_type_hints

from pydantic import TypeAdapter, ValidationError

from publisher.errors import RenderingError, SandboxError
from publisher.processes import limited_process
from publisher.rendering.environment import Templates
from publisher.rendering.plaintext import to_one_line
from publisher.rendering.sandbox import protocol
from publisher.rendering.template_files import EMPTY_FOLDER, FolderState

START_TIMEOUT = 60  # Seconds for a process to start. On an idle machine it takes 0.2.

# A template that loops would do so for each of ten thousand articles. After so many failures in a
# row it is not called for so many seconds, and then once more.
MAX_FAILURES = 3
PAUSE_SECONDS = 60.0

# Bytes of a template's name. Names are short, but a hostile process may reply anything.
_MAX_NAME_BYTES = 200

_WORKER_MODULE = "publisher.rendering.sandbox.worker"

_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(slots=True)
class _Failures:
    """How often in a row a limit was reached, when last, and the reason."""

    number: int
    last: float
    reason: str


class SandboxClient:
    """Calls functions in the sandbox; may be used from any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._state = EMPTY_FOLDER
        self._process: limited_process.LimitedProcess | None = None
        self._failures: dict[str, _Failures] = {}
        self._lock = threading.Lock()

    def call(
        self,
        state: FolderState,
        function: Callable[Concatenate[Templates, _P], _T],
        *arguments: _P.args,
        **named: _P.kwargs,
    ) -> _T:
        """Call a module's function, or a method of Templates, with the publication's templates.

        `state` is the current state of the templates' folder. Arguments are pickled. The reply is JSON and must fit the
        function's return type. Raises RenderingError, also if a limit is reached.
        """
        # Limits are counted by function, and by template if its name is the first argument.
        names = [name for name in arguments[:1] if isinstance(name, str)]
        key = " ".join([function.__qualname__, *names])
        request = pickle.dumps((function, arguments, named), pickle.HIGHEST_PROTOCOL)
        with self._lock:
            self._use_state(state)
            self._refuse_while_paused(key)
            reply = self._reply(key, request)
            self._failures.pop(key, None)
            return self._result(function, reply)

    def close(self) -> None:
        """End the process; a later call starts another."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._process is not None:
            self._process.end()
        self._process = None

    def _use_state(self, state: FolderState) -> None:
        """End a process that has read other templates, and forget their failures."""
        if state != self._state:
            self._end()
            self._state, self._failures = state, {}

    def _running(self) -> limited_process.LimitedProcess:
        if self._process is None or not self._process.is_alive:
            self._end()
            self._process = self._started()
        return self._process

    def _started(self) -> limited_process.LimitedProcess:
        try:
            process = limited_process.LimitedProcess(
                ["-m", _WORKER_MODULE, str(self._folder)], protocol.MAX_REPLY_BYTES
            )
        except OSError as error:
            reason = f"their process can't be started: {error.strerror or error}"
            raise SandboxError(f"templates/: {reason}") from None
        try:
            process.receive(time.monotonic() + START_TIMEOUT)
        except (EOFError, TimeoutError):
            raise SandboxError(f"templates/: {_exit_reason(process.wait())}") from None
        return process

    def _refuse_while_paused(self, key: str) -> None:
        failures = self._failures.get(key)
        if failures is None or failures.number < MAX_FAILURES:
            return
        if time.monotonic() - failures.last < PAUSE_SECONDS:
            raise SandboxError(
                f"{failures.reason}; it is tried again in {PAUSE_SECONDS:.0f} seconds"
            )

    def _reply(self, key: str, request: bytes) -> bytes:
        kind, body = _exchange(self._running(), request)
        if kind == limited_process.REPLY_RESULT:
            return body
        reason = to_one_line(body[: protocol.MAX_REASON_BYTES].decode(errors="replace"))
        if kind == limited_process.REPLY_LIMIT:
            self._end()
            before = self._failures.get(key)
            number = before.number + 1 if before else 1
            self._failures[key] = _Failures(number, time.monotonic(), reason)
            raise SandboxError(reason)
        raise RenderingError(reason)

    def _result(self, function: Callable[..., _T], reply: bytes) -> _T:
        try:
            result: _T = _adapter(function).validate_json(reply, strict=True)
        except ValidationError:
            self._end()
            raise RenderingError("templates/: their process replied something else") from None
        return result


def _exchange(process: limited_process.LimitedProcess, request: bytes) -> tuple[bytes, bytes]:
    """Send a request and return the last part of the reply; no reply counts as a limit."""
    template = b""
    deadline = time.monotonic() + protocol.WALL_SECONDS
    try:
        process.send(request, deadline)
        while True:
            kind, body = process.receive(deadline)
            if kind != protocol.REPLY_TEMPLATE:
                return kind, body
            template = body[:_MAX_NAME_BYTES]
    except TimeoutError:
        process.kill()
        return limited_process.REPLY_LIMIT, b"templates/%b: %b" % (
            template,
            protocol.WALL_LIMIT_REACHED.encode(),
        )
    except EOFError:
        reason = _exit_reason(process.wait()).encode()
        return limited_process.REPLY_LIMIT, b"templates/%b: %b" % (template, reason)
    except BaseException:
        # After an interrupt the pipe holds a reply that nothing reads.
        process.kill()
        raise


@lru_cache(maxsize=64)
def _adapter(function: Callable[..., Any]) -> TypeAdapter[Any]:
    return TypeAdapter(get_type_hints(function)["return"])


def _exit_reason(code: int) -> str:
    if code == -signal.SIGXCPU:
        return protocol.CPU_LIMIT_REACHED
    if code < 0:
        names = {one.value: one.name for one in signal.Signals}
        return f"their process was ended by {names.get(-code, -code)}"
    return f"their process ended with exit code {code}"
