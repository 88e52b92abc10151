"""The process in which templates of a publication's own run: `python -m` this module.

It is handed a function and what it is about, and answers with what the function made, within
the limits of `publisher.rendering.sandbox.limits`. It ends when nobody can ask any more, whatever became
of the program. Knows no publication; `publisher.rendering.sandbox.client` starts it.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
import traceback
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, cast

from jinja2 import Template

from publisher.errors import RenderingError
from publisher.rendering.environment import Templates
from publisher.rendering.sandbox import protocol
from publisher.rendering.sandbox.limits import (
    MAX_MAIL_CHARACTERS,
    MAX_PAGE_CHARACTERS,
    MAX_REASON_BYTES,
    MAX_REPLY_BYTES,
    MEMORY_LIMIT_REACHED,
    CpuTimer,
    TemplateLimitError,
    limit_memory,
)

# What is read at once: most requests, whole.
_READ_BUFFER_BYTES = 1 << 16

_SendReply = Callable[[bytes, bytes], None]


class LimitedTemplates(Templates):
    """Templates that tell which one is begun, and make nothing that is too long."""

    def __init__(self, own: Path, tell: _SendReply) -> None:
        super().__init__(own)
        self._tell = tell
        self.begun = ""

    def _render(self, name: str, given: dict[str, Any]) -> str:
        self.begun = name
        self._tell(protocol.REPLY_TEMPLATE, name.encode())
        return super()._render(name, given)

    def _output(self, template: Template, given: dict[str, Any]) -> str:
        most = (
            MAX_MAIL_CHARACTERS
            if (template.name or "").startswith("email/")
            else MAX_PAGE_CHARACTERS
        )
        pieces, length = [], 0
        made = cast("Generator[str, None, None]", template.generate(given))
        for piece in made:
            length += len(piece)
            if length > most:
                # Raised inside the template, so that its line is found.
                made.throw(TemplateLimitError(f"it makes more than {most:,} characters"))
            pieces.append(piece)
        return "".join(pieces)

    def _why(self, error: BaseException) -> str:
        return MEMORY_LIMIT_REACHED if isinstance(error, MemoryError) else super()._why(error)


class SandboxWorker:
    """Answers requests, one after the other, until there are no more or a limit is met."""

    def __init__(self, own: Path, requests: BinaryIO, answers: int) -> None:
        self._templates = LimitedTemplates(own, self._tell)
        self._requests = requests
        self._answers = answers
        self._clock = CpuTimer()

    def run(self) -> None:
        """Answer until the other end is gone."""
        self._tell(protocol.REPLY_READY, b"")
        kind = protocol.REPLY_READY
        while kind != protocol.REPLY_LIMIT and (request := self._next()):
            kind, answer = self._answer(request)
            self._tell(kind, answer)

    def _next(self) -> bytes:
        header = self._requests.read(protocol.REQUEST_HEADER.size)
        if len(header) < protocol.REQUEST_HEADER.size:
            return b""
        return self._requests.read(*protocol.REQUEST_HEADER.unpack(header))

    def _tell(self, kind: bytes, body: bytes) -> None:
        message = memoryview(protocol.REPLY_HEADER.pack(kind, len(body)) + body)
        while message:
            message = message[os.write(self._answers, message) :]

    def _answer(self, request: bytes) -> tuple[bytes, bytes]:
        try:
            try:
                self._clock.start()
                return protocol.REPLY_RESULT, self._made(request)
            finally:
                self._clock.stop()
        except RenderingError as error:
            return _limit_or_fault(error), _reason(str(error))
        except (TemplateLimitError, MemoryError) as error:
            reason = MEMORY_LIMIT_REACHED if isinstance(error, MemoryError) else str(error)
            return protocol.REPLY_LIMIT, _reason(f"templates/{self._templates.begun}: {reason}")
        except Exception as error:  # noqa: BLE001  # it is told, there and here
            # A fault of the program: its owner needs to see where.
            traceback.print_exc()
            return protocol.REPLY_ERROR, _reason(f"{type(error).__name__}: {error}")

    def _made(self, request: bytes) -> bytes:
        function, arguments, named = pickle.loads(request)  # noqa: S301  # see wire
        made = function(self._templates, *arguments, **named)
        try:
            answer = json.dumps(made, default=asdict, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            begun = self._templates.begun
            raise RenderingError(f"templates/{begun}: it makes half a surrogate pair") from None
        if len(answer) > MAX_REPLY_BYTES:
            raise TemplateLimitError(f"it makes more than {MAX_REPLY_BYTES:,} bytes")
        return answer


def _limit_or_fault(error: BaseException | None) -> bytes:
    """Say whether a limit is behind it, whoever passed it on."""
    while error is not None:
        if isinstance(error, TemplateLimitError | MemoryError):
            return protocol.REPLY_LIMIT
        error = error.__cause__ or error.__context__
    return protocol.REPLY_ERROR


def _reason(text: str) -> bytes:
    return text.encode(errors="replace")[:MAX_REASON_BYTES]


def main(own: str) -> None:
    """Take requests from standard input and answer on standard output; neither is for others."""
    requests, answers = os.fdopen(os.dup(0), "rb", _READ_BUFFER_BYTES), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    limit_memory()
    # The program may be gone, and with it whoever wanted to know.
    with suppress(BrokenPipeError):
        SandboxWorker(Path(own), requests, answers).run()


if __name__ == "__main__":
    main(sys.argv[1])
