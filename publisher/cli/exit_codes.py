"""How a command ends: errors as a line on standard error and an exit code, and signals.

A command that gets a signal ends at its next safe place, or at once if the signal comes twice. Control
characters in what commands print become escapes: a title, a file's name or an error could otherwise move the
cursor, hide lines, or reverse what follows. The escapes are those of JSON, so that JSON means what it did.
"""

from __future__ import annotations

import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import typer
from typer.exceptions import TyperException

from publisher.errors import IssueError, PublisherError

if TYPE_CHECKING:
    from publisher.delivery.dispatcher import Progress


# C0 without tab and line feed, DEL, C1, separators of lines, embeddings and overrides of the
# direction, and what stands for bytes of a file's name that are no UTF-8: no stream can write those.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\ud800-\udfff]")


def escape_controls(text: str) -> str:
    """Return a text of one or more lines without characters that control a terminal."""
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def escape_line(text: str) -> str:
    """Return what belongs into one line of several, such as the name of a file."""
    return escape_controls(text).replace("\n", "\\n")


def echo(message: object = "", *, nl: bool = True, err: bool = False) -> None:
    typer.echo(escape_controls(str(message)), nl=nl, err=err)  # noqa: TID251  # the one place


# Of `run --once`, `deliver` and `status`: the database may be older than what was sent, so nothing is.
EXIT_QUARANTINED = 4
# What is said of an issue that can't be what somebody wants.
_SHOWN_BY = "`publisher status` shows each issue and why it waits"


def exit_code(error: Exception, words: Sequence[str] = ()) -> int:
    """Write an error's one line, and return the exit code for it. `words` are those of the command."""
    from feeds import FeedsError
    from publisher.files import explain_failed_write, is_storage_failure
    from subscribers.errors import BadAddressError, SubscribersError

    match error:
        case TyperException():
            # A group without a command has printed its help, and its error has no message.
            message, code = error.format_message(), getattr(error, "exit_code", 2)
            return complain(message, code) if message else code
        case UnicodeEncodeError() if any(error.object in one for one in words):
            return complain(f"{error.object!r}: is not UTF-8", 2)
        case BrokenPipeError():
            # Whoever read our output closed it; Python would complain again at its exit.
            sys.stdout = None
            return 0
        case PublisherError() | FeedsError() | SubscribersError():
            usual = 2 if isinstance(error, BadAddressError) else 1
            is_bare = isinstance(error, IssueError) and "`" not in str(error)
            told = f"{error}. {_SHOWN_BY}" if is_bare else str(error)
            return complain(told, getattr(error, "exit_code", usual))
        case OSError() if is_storage_failure(error):
            return complain(explain_failed_write(error, Path.cwd()), 1)
    kind = type(error).__name__
    return complain(f"a fault of the program: {kind}: {error} (--debug shows where)", 70)


def complain(message: str, code: int) -> int:
    line = escape_controls(" ".join(message.split()))
    sys.stderr.write(f"publisher: {line}\n")
    return code


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(BaseException):
    """A signal ended the command; `number` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise Interrupted when SIGINT or SIGTERM comes. Outside the main thread, change nothing."""
    if threading.current_thread() is threading.main_thread():
        with _handling(_interrupt):
            yield
    else:
        yield


@contextmanager
def stoppable(progress: Progress) -> Iterator[Progress]:
    """Yield a progress callback that raises Interrupted after a signal, at safe places; a second signal interrupts at once."""
    received: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        if received:
            raise Interrupted(number)
        received.append(number)
        sys.stderr.write("publisher: stopping after the work that has begun\n")

    def checked(step: str, done: int, of: int, note: str = "", /) -> None:
        if received:
            raise Interrupted(received[0])
        progress(step, done, of, note)

    with _handling(handle):
        yield checked


def _interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    raise Interrupted(number)


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    before = {one: signal.signal(one, handler) for one in _SIGNALS}
    try:
        yield
    finally:
        for one, previous in before.items():
            signal.signal(one, previous)
