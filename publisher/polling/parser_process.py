"""Parse foreign bytes in a process of its own with limits: some feeds and pages keep a parser busy for minutes.

The process is not trusted, since its parsers are written in C: it has no secrets, and its replies are JSON, which
must fit the type that is expected.
"""

import pickle
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar, get_type_hints

from pydantic import TypeAdapter, ValidationError

from publisher.errors import SourceError
from publisher.polling.model import AnswerError
from publisher.processes import limited_process

_START_TIMEOUT = 60  # Seconds for the process to start. On an idle machine it takes 0.2.
_WALL_SECONDS = 60  # seconds for one document, on a machine that is six times too busy
# Bytes of a request after which the process ends: parsers give back little of the memory that they took.
_LARGE_REQUEST = 1_000_000
_MAX_REPLY = 50_000_000  # bytes of a reply: a document of 10 MB of characters that HTML escapes

_P = ParamSpec("_P")
_T = TypeVar("_T")


class ParserProcess:
    """Runs functions in the process, one at a time; may be used from any thread.

    The process starts with the first function, and anew after a large document or a reached limit. It
    ends with the block (`with`), or with the program.
    """

    def __init__(self) -> None:
        self._process: limited_process.LimitedProcess | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._end()

    def run(self, function: Callable[_P, _T], *arguments: _P.args, **named: _P.kwargs) -> _T:
        """Call a function of a module. Its result is of texts, numbers, times and dataclasses, as its hints say.

        Raises AnswerError, also if a limit is reached, and SourceError if no process can be started.
        """
        request = pickle.dumps((function, arguments, named), pickle.HIGHEST_PROTOCOL)
        with self._lock:
            kind, body = self._exchange(request)
            if kind == limited_process.REPLY_RESULT:
                with suppress(ValidationError):
                    result: _T = _adapter(function).validate_json(body, strict=True)
                    return result
                self._end()
                raise AnswerError("this can't be read: the process replied something else")
        if kind == limited_process.REPLY_ERROR:
            raise AnswerError(body.decode(errors="replace"))
        raise AnswerError("this takes too long or too much memory to read")

    def _exchange(self, request: bytes) -> tuple[bytes, bytes]:
        """Return the reply; its kind is empty if the process has ended or is late."""
        process = self._running()
        deadline = time.monotonic() + _WALL_SECONDS
        try:
            process.send(request, deadline)
            reply = process.receive(deadline)
        except (EOFError, TimeoutError):
            process.kill()
            return b"", b""
        except BaseException:
            # After an interrupt the pipe holds a reply that nothing reads.
            process.kill()
            raise
        if reply[0] == limited_process.REPLY_LIMIT or len(request) > _LARGE_REQUEST:
            self._end()
        return reply

    def _running(self) -> limited_process.LimitedProcess:
        if self._process is None or not self._process.is_alive:
            self._end()
            self._process = _started()
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            self._process.end()
        self._process = None


def _started() -> limited_process.LimitedProcess:
    try:
        process = limited_process.LimitedProcess(
            ["-m", "publisher.polling.parser_worker"], _MAX_REPLY
        )
        process.receive(time.monotonic() + _START_TIMEOUT)
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or "it ends at once"
        raise SourceError(
            f"the process that reads answers can't be started: {reason}"
        ) from None
    return process


@lru_cache(maxsize=64)
def _adapter(function: Callable[..., Any]) -> TypeAdapter[Any]:
    return TypeAdapter(get_type_hints(function)["return"])
