"""What the commands share: how one is declared, what most of them take, settings and output."""

from __future__ import annotations

import gc
import inspect
import json
import re
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from functools import cached_property
from keyword import iskeyword
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, TypeVar

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


CURRENT_FOLDER = Path()

_EARLIEST_YEAR, _LATEST_YEAR = 1970, 2999  # years that schedules can be computed for


def parse_now(now: str | None) -> Clock:
    if now is None:
        return SystemClock()
    try:
        instant = datetime.fromisoformat(now)
    except ValueError:
        raise UsageError(
            f"--now: {now!r} is not an instant; write one like 2026-01-09T12:00:00Z"
        ) from None
    if instant.tzinfo is None:
        raise UsageError(
            f"--now: {now!r} has no time zone; add Z for UTC, or an offset like +08:00"
        )
    if not _EARLIEST_YEAR <= instant.year <= _LATEST_YEAR:
        raise UsageError(f"--now: {now!r} is too far away; write one like 2026-01-09T12:00:00Z")
    return FixedClock(instant)


def read_settings(directory: Path) -> Settings:
    """Return a publication's settings; raise ConfigError. Others lose the right to read its state."""
    from publisher.app.opening import protect_state
    from publisher.config import load_settings

    return protect_state(load_settings(directory))


@dataclass(frozen=True)
class Given:
    """What most commands take: the publication's folder, --as, --now and --json."""

    directory: Annotated[
        Path,
        typer.Argument(
            metavar="[DIR]", help="The publication's folder.", show_default="this folder"
        ),
    ] = CURRENT_FOLDER
    _: KW_ONLY
    account: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="ADDRESS",
            help="Act for this account, with its roles.",
            show_default="the machine's owner",
        ),
    ] = None
    now: Annotated[
        str | None,
        typer.Option(
            "--now",
            metavar="INSTANT",
            help="Take this for the present instant, like 2026-01-09T12:00:00Z.",
        ),
    ] = None
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False

    @cached_property
    def clock(self) -> Clock:
        return parse_now(self.now)

    @cached_property
    def settings(self) -> Settings:
        return read_settings(self.directory)

    @contextmanager
    def editing(self) -> Iterator[tuple[EditingState, Actor]]:
        """Open what the verbs of editors take, and say who acts."""
        clock, settings = self.clock, self.settings
        from publisher.app.editing_state import find_terminal_actor, open_editing_state

        with open_editing_state(settings, clock) as state:
            yield state, find_terminal_actor(state, self.account)


# The parameters that make a `Given`, by what is written on a terminal.
_GIVEN = dict(
    zip(
        ("DIR", "--as", "--now", "--json"),
        inspect.signature(Given, eval_str=True).parameters.values(),
        strict=True,
    )
)

# `--note TEXT: The reason.`, `--from DAY (today): The first day.`, `--web-only: ...`, `FILE: A list.`
_ROW = re.compile(
    r"(?P<flag>--[a-z-]+)?(?:(?:^| )(?P<metavar>\[?[A-Z][^ ]*))?(?: \((?P<default>.+?)\))?: (?P<help>.+)"
)


class Command(NamedTuple):
    """A command: the function that Typer calls, and Typer's options of it."""

    run: Callable[..., int | None]
    options: dict[str, Any]


# By their words, such as `issues skip`. Modules of commands fill it when they are imported.
COMMANDS: dict[str, Command] = {}
_Function = TypeVar("_Function", bound=Callable[..., int | None])


def command(
    name: str, example: str, takes: str = "DIR", **options: Any
) -> Callable[[_Function], _Function]:
    """Declare a command by its words, and an example of what follows them.

    If the function's first parameter is `given`, it takes what `takes` names of DIR, --as, --now and
    --json. What its other parameters are for, the last paragraph of its docstring says: see `_ROW`.
    `options` are those of Typer.
    """

    def declare(function: _Function) -> _Function:
        about, rows = _read_docstring(function)
        own = list(inspect.signature(function, eval_str=True).parameters.values())
        shared = []
        if own[0].name == "given":
            del own[0]
            shared = [_GIVEN[word] for word in takes.split()]
        parameters = [*(_documented(parameter, rows) for parameter in own), *shared]
        if rows:
            raise TypeError(f"{name}: no parameter for {', '.join(rows)}")
        run = _taking(function, shared)
        parameters.sort(key=lambda parameter: parameter.kind)
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        epilog = f"Example: publisher {name} {example}"
        COMMANDS[name] = Command(run, {"help": about, "epilog": epilog, **options})
        return function

    return declare


def _taking(
    function: Callable[..., int | None], shared: list[inspect.Parameter]
) -> Callable[..., int | None]:
    """Return what is called with all parameters by name, and gives the function the shared ones as one value."""

    def run(**values: Any) -> int | None:
        if not shared:
            return function(**values)
        return function(
            Given(**{parameter.name: values.pop(parameter.name) for parameter in shared}),
            **values,
        )

    return run


def _read_docstring(function: Callable[..., object]) -> tuple[str, dict[str, re.Match[str]]]:
    text = inspect.getdoc(function) or ""
    about, _, last = text.rpartition("\n\n")
    lines = re.sub(r"\n +", " ", last).splitlines()
    rows = [row for row in map(_ROW.fullmatch, lines) if row]
    if not rows:
        return text, {}
    if len(rows) != len(lines):
        raise TypeError(f"{lines}: are not all about a parameter")
    return about, {_parameter_name(row): row for row in rows}


def _parameter_name(row: re.Match[str]) -> str:
    word = re.sub(r"\W+", "_", (row["flag"] or row["metavar"]).strip("-[]")).lower()
    return f"{word}_" if iskeyword(word) else word


def _documented(
    parameter: inspect.Parameter, rows: dict[str, re.Match[str]]
) -> inspect.Parameter:
    """Return a parameter with what its row says; one without a row says it itself."""
    row = rows.pop(parameter.name, None)
    if row is None:
        return parameter
    about: dict[str, Any] = {
        "metavar": row["metavar"],
        "help": row["help"],
        "show_default": row["default"] or True,
    }
    info = typer.Option(row["flag"], **about) if row["flag"] else typer.Argument(**about)
    return parameter.replace(annotation=Annotated[parameter.annotation, info])


@contextmanager
def writing_file(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"{path}: can't be written: {error.strerror or error}") from None


@contextmanager
def reading_file(path: Path, option: str = "") -> Iterator[None]:
    """Raise UsageError if what the block reads of a path can't be read. `option` is what names the file."""
    try:
        yield
    except OSError as error:
        where = f"{option}: {path}" if option else path
        raise UsageError(f"{where}: can't be read: {error.strerror or error}") from None


def make_table(
    headings: Iterable[str], rows: Iterable[Iterable[str]] = (), right: Container[str] = ()
) -> Table:
    """Return a table of these columns, those named in `right` aligned to it; long words are broken to fit."""
    from rich.table import Table

    table = Table()
    for heading in headings:
        justify: Literal["left", "right"] = "right" if heading in right else "left"
        table.add_column(heading, overflow="fold", justify=justify)
    for row in rows:
        table.add_row(*row)
    return table


def stdout_console() -> Console:
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
    return value.isoformat().replace("+00:00", "Z") if value else None


def fields_as_json(value: object, *names: str) -> dict[str, Any]:
    """Return fields of a value as JSON values, instants as RFC 3339."""
    fields = {name: getattr(value, name) for name in names}
    return {
        name: rfc3339_or_none(field) if isinstance(field, datetime) else field
        for name, field in fields.items()
    }


def rows_as_json(values: Iterable[object], *names: str) -> list[dict[str, Any]]:
    return [fields_as_json(value, *names) for value in values]


def format_local(value: datetime) -> str:
    """Return a local time, like `Fri 2026-01-09 08:00 HKT`."""
    return f"{value:%a %Y-%m-%d %H:%M} {value.tzname()}"


def end_loading() -> None:
    """Never look for unused objects among those that were made until now, and more often among others."""
    gc.freeze()
    gc.collect(0)  # `main` changes the threshold then


def count_noun(number: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun, like `1 story`, `2 stories`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


DEFAULT_COMMAND = "list"  # the command of a group that may be left out


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
