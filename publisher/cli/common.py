"""What the commands share: arguments and options, settings, output; groups with a command that may be left out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from publisher.cli.exit_codes import echo
from publisher.clock import Clock, FixedClock, SystemClock
from publisher.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from typer._click.core import Context

    from publisher.app.editing_state import Actor, EditingState
    from publisher.config import Settings


FolderArgument = Annotated[
    Path,
    typer.Argument(
        metavar="[DIR]", help="The publication's folder.", show_default="this folder"
    ),
]
CURRENT_FOLDER = Path()
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
ActorOption = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="ADDRESS",
        help="Act for this account, with its roles.",
        show_default="the machine's owner",
    ),
]
NowOption = Annotated[
    str | None,
    typer.Option(
        "--now",
        metavar="INSTANT",
        help="Take this for the present instant, like 2026-01-09T12:00:00Z.",
    ),
]

# Years that schedules can be computed for.
_EARLIEST_YEAR, _LATEST_YEAR = 1970, 2999


def parse_now(now: str | None, option: str = "--now") -> Clock:
    """Return the clock for an option, or the machine's; raise UsageError for a malformed instant."""
    if now is None:
        return SystemClock()
    try:
        instant = datetime.fromisoformat(now)
    except ValueError:
        raise UsageError(
            f"{option}: {now!r} is not an instant; write one like 2026-01-09T12:00:00Z"
        ) from None
    if instant.tzinfo is None:
        raise UsageError(
            f"{option}: {now!r} has no time zone; add Z for UTC, or an offset like +08:00"
        )
    if not _EARLIEST_YEAR <= instant.year <= _LATEST_YEAR:
        raise UsageError(
            f"{option}: {now!r} is too far away; write one like 2026-01-09T12:00:00Z"
        )
    return FixedClock(instant)


def read_settings(directory: Path) -> Settings:
    """Return a publication's settings; raise ConfigError. Others lose the right to read its state."""
    from publisher.app.opening import protect_state
    from publisher.config import load_settings

    return protect_state(load_settings(directory))


@contextmanager
def editing(
    directory: Path, account: str | None, clock: Clock | None = None
) -> Iterator[tuple[EditingState, Actor]]:
    """Open what the verbs of editors take, and say who acts."""
    settings = read_settings(directory)

    from publisher.app.editing_state import find_terminal_actor, open_editing_state

    with open_editing_state(settings, clock or SystemClock()) as state:
        yield state, find_terminal_actor(state, account)


@contextmanager
def writing_file(path: Path) -> Iterator[None]:
    """Raise UsageError if what the block writes to a path can't be written there."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"{path}: can't be written: {error.strerror or error}") from None


def make_table(*headings: str) -> Table:
    """Return a table with these columns; long words are broken to fit."""
    from rich.table import Table

    table = Table()
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def stdout_console() -> Console:
    """Return a console for standard output."""
    from publisher.cli.terminal import PlainConsole

    return PlainConsole()


def print_json(value: Any) -> None:
    """Print a value as JSON, keys in the order given."""
    echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def print_json_list(values: Iterable[Any]) -> None:
    """Print a list as JSON, value by value: it may not fit into memory."""
    before = "["
    for value in values:
        text = json.dumps(value, ensure_ascii=False, default=str)
        echo(f"{before}\n  {text}", nl=False)
        before = ","
    echo("[]" if before == "[" else "\n]")


def rfc3339_or_none(value: datetime | None) -> str | None:
    """Return an instant as RFC 3339 text."""
    return value.isoformat().replace("+00:00", "Z") if value else None


def fields_as_json(value: object, *names: str) -> dict[str, Any]:
    """Return fields of a value as JSON values, instants as RFC 3339."""
    found = {name: getattr(value, name) for name in names}
    return {
        name: rfc3339_or_none(field) if isinstance(field, datetime) else field
        for name, field in found.items()
    }


def format_local(value: datetime) -> str:
    """Return a local time, like `Fri 2026-01-09 08:00 HKT`."""
    return f"{value:%a %Y-%m-%d %H:%M} {value.tzname()}"


def count_noun(number: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun, like `1 story`, `2 stories`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


# The command that may be left out.
DEFAULT_COMMAND = "list"


class ListByDefault(TyperGroup):
    """A group where `deliveries ISSUE` is `deliveries list ISSUE`, for example."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Put the command in that was left out."""
        is_left_out = (
            args[0] not in {*self.commands, "--help"} if args else not self.no_args_is_help
        )
        if is_left_out:
            args = [DEFAULT_COMMAND, *args]
        return super().parse_args(ctx, args)
