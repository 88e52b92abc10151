"""Run a program that is not ours: without a shell and without our secrets, with a deadline and a bounded output."""

import os
import select
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile

from publisher.clock import uptime
from publisher.errors import CommandError
from publisher.processes.limited_process import minimal_environment

# Bytes of output: twice the longest text of a draft as JSON.
_MOST_OUTPUT, _PIECE = 4_000_000, 1 << 16


def run_program(
    words: Sequence[str],
    folder: Path,
    *,
    seconds: float,
    given: bytes = b"",
    more: Mapping[str, str] | None = None,
    with_errors: bool = False,
) -> bytes:
    """Return what a program writes to its standard output, `with_errors` also to its standard error.

    It runs in a folder, with `more` variables of the environment, and reads what is `given`. Raise CommandError if
    it can't be started, fails, or reaches a limit; then its children are killed, too.
    """
    errors = subprocess.STDOUT if with_errors else None
    try:
        with TemporaryFile() as request:
            request.write(given)
            request.seek(0)
            process = subprocess.Popen(  # noqa: S603  # the owner of the publication names it
                words,
                bufsize=0,
                stdin=request,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=folder,
                env={**minimal_environment(), **(more or {})},
                start_new_session=True,
            )
    except (OSError, ValueError) as error:
        raise CommandError(words[0], getattr(error, "strerror", "") or str(error)) from None
    code, output = _finished(process, words[0], seconds)
    if code:
        last = output.decode(errors="replace").split() if with_errors else ()
        raise CommandError(words[0], " ".join(last)[-300:] or f"exit code {code}")
    return output


def _finished(process: subprocess.Popen[bytes], name: str, seconds: float) -> tuple[int, bytes]:
    """Return exit code and output; kill it at a limit."""
    with process:
        try:
            return _result(process, uptime() + seconds)
        except (TimeoutError, EOFError, subprocess.TimeoutExpired) as error:
            is_late = not isinstance(error, EOFError)
            limit = f"{seconds} seconds" if is_late else f"{_MOST_OUTPUT} bytes"
            raise CommandError(name, f"it took more than {limit}, and was ended") from None
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


def _result(process: subprocess.Popen[bytes], ends: float) -> tuple[int, bytes]:
    """Return exit code and output. Raise EOFError if that is too much, TimeoutError or TimeoutExpired if it does not end."""
    assert process.stdout is not None  # noqa: S101  # for type checkers
    poll, output = select.poll(), bytearray()
    poll.register(process.stdout, select.POLLIN)
    while poll.poll(max(0, ends - uptime()) * 1000):
        piece = os.read(process.stdout.fileno(), _PIECE)
        if not piece:
            return process.wait(max(0, ends - uptime())), bytes(output)
        output += piece
        if len(output) > _MOST_OUTPUT:
            raise EOFError
    raise TimeoutError
