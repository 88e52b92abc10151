"""The sandbox's process: `python -m` this module. `publisher.rendering.sandbox.client` starts it.

It reads requests, each a function and its arguments, calls the function with the publication's templates and replies
with the result, within the limits of `publisher.rendering.sandbox.protocol`. It ends when its standard input closes.
"""

import json
import pickle
import sys
import traceback
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from jinja2 import Template

from publisher.errors import RenderingError
from publisher.processes import limited_process
from publisher.rendering.environment import TemplateLimitError, Templates
from publisher.rendering.sandbox import protocol
from publisher.rendering.sandbox.protocol import MEMORY_LIMIT_REACHED

_SendReply = Callable[[bytes, bytes], None]


class LimitedTemplates(Templates):
    """Templates that announce which one is rendered, and limit the length of its output."""

    def __init__(self, folder: Path, send: _SendReply) -> None:
        super().__init__(folder)
        self._send = send
        self.current = ""

    def _render(self, name: str, given: dict[str, Any]) -> str:
        self.current = name
        self._send(protocol.REPLY_TEMPLATE, name.encode())
        return super()._render(name, given)

    def _output(self, template: Template, given: dict[str, Any]) -> str:
        is_mail = (template.name or "").startswith("email/")
        limit = protocol.MAX_MAIL_CHARACTERS if is_mail else protocol.MAX_PAGE_CHARACTERS
        parts, length = [], 0
        output = cast("Generator[str, None, None]", template.generate(given))
        for part in output:
            length += len(part)
            if length > limit:
                # Raised inside the template, so that its line is known.
                output.throw(TemplateLimitError(f"it makes more than {limit:,} characters"))
            parts.append(part)
        return "".join(parts)

    def _cause(self, error: BaseException) -> str:
        return MEMORY_LIMIT_REACHED if isinstance(error, MemoryError) else super()._cause(error)


class SandboxWorker:
    """Replies to requests until there are no more, or a limit is reached."""

    def __init__(self, folder: Path, pipes: limited_process.RequestPipes) -> None:
        self._templates = LimitedTemplates(folder, pipes.send)
        self._pipes = pipes
        self._timer = protocol.CpuTimer()

    def run(self) -> None:
        self._pipes.send(limited_process.REPLY_READY, b"")
        kind = limited_process.REPLY_READY
        while kind != limited_process.REPLY_LIMIT and (request := self._pipes.receive()):
            kind, body = self._reply(request)
            self._pipes.send(kind, body)

    def _reply(self, request: bytes) -> tuple[bytes, bytes]:
        try:
            try:
                self._timer.start()
                return limited_process.REPLY_RESULT, self._result(request)
            finally:
                self._timer.stop()
        except RenderingError as error:
            return _kind_of(error), _reason(str(error))
        except (TemplateLimitError, MemoryError) as error:
            reason = MEMORY_LIMIT_REACHED if isinstance(error, MemoryError) else str(error)
            where = f"templates/{self._templates.current}"
            return limited_process.REPLY_LIMIT, _reason(f"{where}: {reason}")
        except Exception as error:  # noqa: BLE001  # the program reports it
            # A bug of the program: its owner needs the traceback.
            traceback.print_exc()
            return limited_process.REPLY_ERROR, _reason(f"{type(error).__name__}: {error}")

    def _result(self, request: bytes) -> bytes:
        function, arguments, named = pickle.loads(request)  # noqa: S301  # see protocol
        result = function(self._templates, *arguments, **named)
        try:
            reply = json.dumps(result, default=asdict, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            where = f"templates/{self._templates.current}"
            raise RenderingError(f"{where}: it makes half a surrogate pair") from None
        if len(reply) > protocol.MAX_REPLY_BYTES:
            raise TemplateLimitError(f"it makes more than {protocol.MAX_REPLY_BYTES:,} bytes")
        return reply


def _kind_of(error: BaseException | None) -> bytes:
    """Return whether an error comes from a reached limit, through any other errors."""
    while error is not None:
        if isinstance(error, TemplateLimitError | MemoryError):
            return limited_process.REPLY_LIMIT
        error = error.__cause__ or error.__context__
    return limited_process.REPLY_ERROR


def _reason(text: str) -> bytes:
    return text.encode(errors="replace")[: protocol.MAX_REASON_BYTES]


def main(folder: str) -> None:
    """Read requests from standard input and reply on standard output; templates get neither."""
    pipes = limited_process.RequestPipes()
    limited_process.limit_memory()
    # The program may have ended.
    with suppress(BrokenPipeError):
        SandboxWorker(Path(folder), pipes).run()


if __name__ == "__main__":
    main(sys.argv[1])
