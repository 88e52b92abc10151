"""Where a publication's own templates are rendered: in a process apart, within limits.

What they can't do to it they can't do to the program: it loses a page, and says why. The
process is started when it is first needed, and anew when the templates change. Knows neither
what is made nor what the limits are good for.
"""

from __future__ import annotations

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

from publisher.errors import RenderingError
from publisher.rendering.custom_templates import EMPTY_FOLDER, FolderState
from publisher.rendering.environment import Templates
from publisher.rendering.plaintext import to_one_line
from publisher.rendering.sandbox import protocol
from publisher.rendering.sandbox.limits import (
    CPU_LIMIT_REACHED,
    MAX_REASON_BYTES,
    MAX_REPLY_BYTES,
    WALL_LIMIT_REACHED,
    WALL_SECONDS,
)
from publisher.rendering.sandbox.process import SandboxProcess

# Loading takes a fifth of a second on an idle machine.
START_TIMEOUT = 60

# A template that loops would do so for each of ten thousand articles. Once it has met a limit so
# often in a row it rests so long, and then may try once more.
MAX_FAILURES = 3
PAUSE_SECONDS = 60.0

# Names are paths of ours; a process that was taken over may say otherwise.
_MAX_NAME_BYTES = 200

_WORKER_MODULE = "publisher.rendering.sandbox.worker"

_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(slots=True)
class _Failures:
    """How often in a row a limit was met, when last, and what was said."""

    number: int
    last: float
    reason: str


class SandboxClient:
    """Makes things with a publication's own templates; may be called from any thread."""

    def __init__(self, own: Path) -> None:
        self._own = own
        self._look = EMPTY_FOLDER
        self._child: SandboxProcess | None = None
        self._failures: dict[str, _Failures] = {}
        self._one_at_a_time = threading.Lock()

    def make(
        self,
        look: FolderState,
        function: Callable[Concatenate[Templates, _P], _T],
        *arguments: _P.args,
        **named: _P.kwargs,
    ) -> _T:
        """Call a module's function in the process apart, with the templates before the arguments.

        `look` is how the publication's own folder looks now. Arguments are pickled; what comes
        back is read as JSON and must be what the function says that it returns. Raises
        RenderingError, also where a limit was met.
        """
        name = f"{function.__module__}.{function.__name__}"
        request = pickle.dumps((function, arguments, named), pickle.HIGHEST_PROTOCOL)
        with self._one_at_a_time:
            self._notice(look)
            self._refuse_while_resting(name)
            answer = self._asked(name, request)
            self._failures.pop(name, None)
            return self._read(function, answer)

    def close(self) -> None:
        """End the process; whatever is made later starts another."""
        with self._one_at_a_time:
            self._end()

    def _end(self) -> None:
        if self._child is not None:
            self._child.end()
        self._child = None

    def _notice(self, look: FolderState) -> None:
        """Let go of a process that has read other templates than these, and of what they did."""
        if look != self._look:
            self._end()
            self._look, self._failures = look, {}

    def _running(self) -> SandboxProcess:
        if self._child is None or not self._child.is_alive:
            self._end()
            self._child = self._started()
        return self._child

    def _started(self) -> SandboxProcess:
        try:
            child = SandboxProcess(["-m", _WORKER_MODULE, str(self._own)], MAX_REPLY_BYTES)
        except OSError as error:
            how = f"their process can't be started: {error.strerror or error}"
            raise RenderingError(f"templates/: {how}") from None
        try:
            child.answer(time.monotonic() + START_TIMEOUT)
        except (EOFError, TimeoutError):
            raise RenderingError(f"templates/: {_told(child.outcome())}") from None
        return child

    def _refuse_while_resting(self, name: str) -> None:
        failures = self._failures.get(name)
        if failures is None or failures.number < MAX_FAILURES:
            return
        if time.monotonic() - failures.last < PAUSE_SECONDS:
            raise RenderingError(f"{failures.reason}; it is left alone for a while")

    def _asked(self, name: str, request: bytes) -> bytes:
        kind, answer = _exchange(self._running(), request)
        if kind == protocol.REPLY_RESULT:
            return answer
        reason = to_one_line(answer[:MAX_REASON_BYTES].decode(errors="replace"))
        if kind == protocol.REPLY_LIMIT:
            self._end()
            before = self._failures.get(name)
            number = before.number + 1 if before else 1
            self._failures[name] = _Failures(number, time.monotonic(), reason)
        raise RenderingError(reason)

    def _read(self, function: Callable[..., _T], answer: bytes) -> _T:
        try:
            made: _T = _adapter(function).validate_json(answer, strict=True)
        except ValidationError:
            self._end()
            raise RenderingError("templates/: their process gave no such answer") from None
        return made


def _exchange(child: SandboxProcess, request: bytes) -> tuple[bytes, bytes]:
    """Ask, and give the last part of the answer; a process that gives none is a limit met."""
    begun = b""
    deadline = time.monotonic() + WALL_SECONDS
    try:
        child.ask(request, deadline)
        while True:
            kind, body = child.answer(deadline)
            if kind != protocol.REPLY_TEMPLATE:
                return kind, body
            begun = body[:_MAX_NAME_BYTES]
    except TimeoutError:
        child.kill()
        return protocol.REPLY_LIMIT, b"templates/%b: %b" % (begun, WALL_LIMIT_REACHED.encode())
    except EOFError:
        return protocol.REPLY_LIMIT, b"templates/%b: %b" % (
            begun,
            _told(child.outcome()).encode(),
        )
    except BaseException:
        # Whoever interrupts leaves an answer in the pipe that nobody waits for.
        child.kill()
        raise


@lru_cache(maxsize=64)
def _adapter(function: Callable[..., Any]) -> TypeAdapter[Any]:
    return TypeAdapter(get_type_hints(function)["return"])


def _told(outcome: int) -> str:
    """Say how a process ended."""
    if outcome == -signal.SIGXCPU:
        return CPU_LIMIT_REACHED
    if outcome < 0:
        names = {one.value: one.name for one in signal.Signals}
        return f"their process was ended by {names.get(-outcome, -outcome)}"
    return f"their process ended with exit code {outcome}"
