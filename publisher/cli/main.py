"""The command line: registers the commands, and writes each error as one line.

Modules of commands import heavy packages (settings, database, tables) inside functions, so that
`--help` starts fast; a test lists what may be loaded.
"""

import atexit
import gc
import signal
import sys
from collections.abc import Sequence
from functools import cache, partial
from typing import Annotated, NamedTuple

import typer.main
from typer._click.core import Context
from typer._click.formatting import HelpFormatter
from typer.core import TyperGroup
from typer.exceptions import TyperException

import publisher
from publisher.cli import accounts, api, articles, sources
from publisher.cli.common import COMMANDS, ListByDefault
from publisher.cli.exit_codes import Interrupted, complain, echo, exit_code, interruptible
from publisher.cli.issues import corrections, deliveries, plan, preview, reports, sending
from publisher.cli.operation import backup, check, new, run, servers, status
from publisher.cli.subscribers import commands, imports, mailbox

# They declare their commands when they are imported.
MODULES = (
    *(accounts, api, articles, sources, corrections, deliveries, plan, preview, reports),
    *(sending, backup, check, new, run, servers, status, commands, imports, mailbox),
)


class _Group(NamedTuple):
    """Commands that begin with the same word: Typer's options of them. Of a `ListByDefault`, the second word may lack."""

    help: str
    epilog: str
    cls: type[TyperGroup] = TyperGroup
    no_args_is_help: bool = True


_GROUPS = {
    "accounts": _Group(
        "Add and recover accounts of the editors' console.",
        "Example: publisher accounts add ann@example.org --role administrator",
    ),
    "articles": _Group(
        "List the articles, and what is wrong with them.",
        "Example: publisher articles my-publication",
        cls=ListByDefault,
        no_args_is_help=False,
    ),
    "database": _Group(
        "Look after the database.", "Example: publisher database copy var/publisher.db ADDRESS"
    ),
    "deliveries": _Group(
        "List the subscribers who did not get an issue, and try them again.",
        "Example: publisher deliveries weekly-en-2026-01-09 --state bounced",
        cls=ListByDefault,
    ),
    "doubt": _Group(
        "List deliveries that are in doubt, and decide about them.",
        "Example: publisher doubt list my-publication",
    ),
    "issues": _Group(
        "See and change single issues.",
        'Example: publisher issues move weekly 2026-01-09 --to "2026-01-10 09:00"',
    ),
    "keys": _Group(
        "Make keys of the API.",
        "Example: publisher keys add ann@example.org --label ci --scope view",
    ),
    "mailbox": _Group(
        "Receive mail: commands of subscribers, bounces and complaints.",
        "Example: publisher mailbox poll my-publication",
    ),
    "sources": _Group(
        "Show the sources and what is to be said of them, or test one.",
        "Example: publisher sources my-publication",
        cls=ListByDefault,
        no_args_is_help=False,
    ),
    "subscribers": _Group(
        "Import, export, list and find subscribers; unsubscribe, resubscribe and erase them.",
        "Example: publisher subscribers import subscribers.csv my-publication",
    ),
}

# These print and end; what the log imports would take most of their time.
_WITHOUT_LOG = frozenset({"--help", "-h", "--version"})

# New objects after which Python looks for unused ones that refer to each other; 700 by itself. Loading the
# modules of a command makes up to 230,000, all of them in use, so it looks for the first time after that.
_OBJECTS_LOADED = 400_000
OBJECTS_PER_COLLECTION = 10_000

# Commands by what people do with them, as `--help` lists them.
_PANELS = {
    "Begin and look": ("new", "demo", "preview", "check", "send"),
    "Run": ("up", "run", "deliver", "web", "console", "serve", "status", "health"),
    "Issues": ("plan", "issues", "pause", "resume", "cancel", "deliveries", "doubt"),
    "Articles": ("articles", "sources", "import", "feeds"),
    "Subscribers": ("subscribers", "mailbox"),
    "People and programs": ("accounts", "keys", "api"),
    "The machine": ("webserver", "dkim", "backup", "restore", "recover", "database"),
}
_LONGEST_LINE = 200  # characters of a command's line of help; all that there are


class CommandsByPanel(TyperGroup):
    """All commands, each in its panel with the first sentence of its help."""

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:  # noqa: ARG002  # of click
        """Write the panels; a command that none names comes last."""
        named = [name for names in _PANELS.values() for name in names]
        others = tuple(name for name in self.commands if name not in named)
        for panel, names in (*_PANELS.items(), ("Others", others)):
            commands = {name: self.commands[name] for name in names if name in self.commands}
            if commands:
                with formatter.section(panel):
                    lines = [
                        (n, c.get_short_help_str(_LONGEST_LINE)) for n, c in commands.items()
                    ]
                    formatter.write_dl(lines)


app = typer.Typer(
    name="publisher",
    cls=CommandsByPanel,
    add_completion=False,
    pretty_exceptions_enable=False,
    # Rich's help takes a third of the time of a short command.
    rich_markup_mode=None,
    help="Turns articles into e-mail digests and feeds, in every language, on time, once each.",
    epilog="Example: publisher new my-publication && publisher run --once my-publication",
    context_settings={"help_option_names": ["-h", "--help"]},
)
_TYPERS = {"": app}
for _name, _group in _GROUPS.items():
    _TYPERS[_name] = typer.Typer(**_group._asdict())
    # With a callback, a group of one command stays a group.
    _TYPERS[_name].callback()(lambda: None)
    app.add_typer(_TYPERS[_name], name=_name)
for _words, _made in COMMANDS.items():
    _name, _, _command_name = _words.rpartition(" ")
    _TYPERS[_name].command(_command_name, **_made.options)(_made.run)


def _version(value: bool) -> None:
    if value:
        echo(f"publisher {publisher.__version__}")
        raise typer.Exit


@app.callback()
def global_options(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
    debug: Annotated[
        bool,
        typer.Option("--debug", help="Show the whole traceback of an error; works anywhere."),
    ] = False,
) -> None:
    """Handle the options before the command; `main` has taken `--debug` out."""
    del version, debug


# Reading the types of all commands takes 30 ms.
_command = cache(partial(typer.main.get_command, app))

# At its end Python looks for unused objects once more, in all that was loaded: a quarter of a short command's time.
atexit.register(gc.freeze)


def _collect_from_now_on(phase: str, _facts: object) -> None:
    if phase == "stop":
        gc.callbacks.remove(_collect_from_now_on)
        gc.set_threshold(OBJECTS_PER_COLLECTION)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 not done, 2 not understood.

    3 is `run --once` when files were held back; 4 says that the database may be an old copy; 70 is a fault of the program; 130 and 143 say that SIGINT or SIGTERM left work undone.
    """
    gc.set_threshold(_OBJECTS_LOADED)
    gc.callbacks.append(_collect_from_now_on)
    words = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if not _WITHOUT_LOG.intersection(words):
        from publisher.cli.log_setup import set_up_logging

        set_up_logging()
    words_of_command = [word for word in words if word != "--debug"]
    try:
        with interruptible():
            outcome = _command()(words_of_command, standalone_mode=False)
    except Interrupted as stop:
        name = signal.Signals(stop.number).name
        return complain(f"stopped by {name}; run it again to continue", 128 + stop.number)
    except Exception as error:
        if "--debug" in words and not isinstance(error, TyperException | BrokenPipeError):
            raise
        return exit_code(error, words)
    return outcome if isinstance(outcome, int) else 0
