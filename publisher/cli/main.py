"""The command line as a whole: collects the commands, and turns errors into one line each.

Knows what the errors are called, but not what the commands do.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

import publisher
from feeds import FeedsError
from publisher.cli import (
    articles,
    check,
    deliver,
    deliveries,
    demo,
    dkim,
    doubt,
    issue_control,
    log_setup,
    new,
    plan,
    preview,
    run,
    send,
    serve,
    status,
    subscribers,
)
from publisher.disk_errors import explain_failed_write, is_storage_failure
from publisher.errors import PublisherError
from subscribers import SubscribersError

# In the order in which a publication's life goes.
_COMMANDS = (
    *(new, run, deliver, status, deliveries, plan, preview, check, send),
    *(issue_control, articles, serve, dkim, demo),
)

app = typer.Typer(
    name="publisher",
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Turns articles into e-mail digests and feeds, in every language, on time, once each.",
    epilog="Example: publisher new my-publication && publisher run --once my-publication",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in _COMMANDS:
    module.register(app)
app.add_typer(doubt.app, name="doubt")
app.add_typer(subscribers.app, name="subscribers")


def _version(value: bool) -> None:
    if value:
        typer.echo(f"publisher {publisher.__version__}")
        raise typer.Exit


@app.callback()
def global_options(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Say the version."),
    ] = False,
    debug: Annotated[
        bool,
        typer.Option("--debug", help="Show the whole traceback of an error; works anywhere."),
    ] = False,
) -> None:
    """Take the options that stand before any command; `--debug` is taken out in main()."""
    del version, debug


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code: 0 done, 1 not done, 2 not understood."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    log_setup.set_up_logging()
    words = words or ["--help"]
    try:
        outcome = app([word for word in words if word != "--debug"], standalone_mode=False)
    except TyperException as error:
        # A group without a command has printed its help, and has nothing to complain of.
        message, code = error.format_message(), getattr(error, "exit_code", 2)
        return _complain(message, code) if message else code
    except typer.Abort:
        return _complain("stopped", 130)
    except BrokenPipeError:
        # Whoever read our output has had enough; Python would complain again at its exit.
        sys.stdout = None
        return 0
    except (PublisherError, FeedsError, SubscribersError) as error:
        if debug:
            raise
        return _complain(str(error), getattr(error, "exit_code", 1))
    except Exception as error:
        if debug:
            raise
        if isinstance(error, OSError) and is_storage_failure(error):
            return _complain(explain_failed_write(error, Path.cwd()), 1)
        kind = type(error).__name__
        return _complain(f"a fault of the program: {kind}: {error} (--debug shows where)", 70)
    return outcome if isinstance(outcome, int) else 0


def _complain(message: str, code: int) -> int:
    line = " ".join(message.split())
    sys.stderr.write(f"publisher: {line}\n")
    return code
