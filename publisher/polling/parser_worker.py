"""The process that parses foreign bytes: `python -m` this module. `publisher.polling.parser_process` starts it.

It imports what its functions need, and nothing else: memory is what it costs.
"""

import json
import pickle
import traceback
from contextlib import suppress
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from typing import Any

from publisher.polling.model import AnswerError
from publisher.processes import limited_process

_CPU_SECONDS = 10  # Seconds of processor time for one document. A feed of 4 MB takes two.
_MAX_REASON = 500  # what a sentence may quote of a document, in bytes


def _reply(request: bytes) -> tuple[bytes, bytes]:
    try:
        limited_process.limit_cpu(_CPU_SECONDS)
        function, arguments, named = pickle.loads(request)  # noqa: S301  # the program has written it
        # What the function imports is not counted.
        limited_process.limit_memory()
        result = json.dumps(function(*arguments, **named), default=_plain, ensure_ascii=False)
        return limited_process.REPLY_RESULT, result.encode()
    except AnswerError as error:
        return limited_process.REPLY_ERROR, str(error).encode(errors="replace")[:_MAX_REASON]
    except (MemoryError, RecursionError):
        return limited_process.REPLY_LIMIT, b""
    except Exception as error:  # noqa: BLE001  # the program reports it
        # A fault of the program, or of a library: whoever mends it needs the traceback.
        traceback.print_exc()
        reason = f"this can't be read: {type(error).__name__}: {error}"
        return limited_process.REPLY_ERROR, reason.encode(errors="replace")[:_MAX_REASON]


def _plain(value: Any) -> Any:
    """Return a value as JSON has it and pydantic reads it."""
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"PT{value.total_seconds():.0f}S"
    raise TypeError(f"{type(value).__name__} can't be handed back")


def main() -> None:
    pipes = limited_process.RequestPipes()
    # The program may have ended.
    with suppress(BrokenPipeError):
        pipes.send(limited_process.REPLY_READY, b"")
        kind = limited_process.REPLY_READY
        while kind != limited_process.REPLY_LIMIT and (request := pipes.receive()):
            kind, body = _reply(request)
            pipes.send(kind, body)


if __name__ == "__main__":
    main()
