"""What an error becomes: one line on standard error, and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from typer.exceptions import TyperException

from publisher.cli.terminal_text import escape_controls
from publisher.errors import IssueError, PublisherError

# Of `run --once`, `deliver` and `status`: the database may be older than what was sent, so nothing is.
EXIT_QUARANTINED = 4
# What is said of an issue that can't be what somebody wants.
_SHOWN_BY = "`publisher status` shows each issue and why it waits"


def exit_code(error: Exception, words: Sequence[str] = ()) -> int:
    """Write an error's one line, and return the exit code for it. `words` are those of the command."""
    from feeds import FeedsError
    from publisher.disk_errors import explain_failed_write, is_storage_failure
    from subscribers import BadAddressError, SubscribersError

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
    """Write a message as one line to standard error, and return the exit code."""
    line = escape_controls(" ".join(message.split()))
    sys.stderr.write(f"publisher: {line}\n")
    return code
