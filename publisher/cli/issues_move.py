"""`publisher issues move` and `restore`: change when one issue goes out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    ActorOption,
    FolderArgument,
    JsonOption,
    NowOption,
    editing,
    parse_now,
    print_json,
)
from publisher.cli.issue_arguments import (
    DayArgument,
    LanguagesOption,
    NewsletterArgument,
    parse_day,
    parse_local_time,
)
from publisher.cli.occurrence_output import occurrence_as_json, occurrence_line
from publisher.cli.terminal_text import echo

if TYPE_CHECKING:
    from publisher.app.editing_state import Actor, EditingState
    from publisher.app.occurrences import ChangedOccurrence, OccurrenceKey

    _Verb = Callable[[EditingState, Actor, OccurrenceKey], list[ChangedOccurrence]]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    example = "Example: publisher issues"
    app.command("move", epilog=f'{example} move weekly 2026-01-09 --to "2026-01-10 09:00"')(
        issues_move_command
    )
    app.command("restore", epilog=f"{example} restore weekly 2026-01-09 --lang ar")(
        issues_restore_command
    )


def issues_move_command(  # noqa: PLR0913  # options
    newsletter: NewsletterArgument,
    day: DayArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="TIME",
            help="The new local date and time, in the time zone of each edition.",
        ),
    ],
    lang: LanguagesOption = None,
    acting: ActorOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move one issue that is still to come. It keeps its date in names and addresses."""
    local = parse_local_time(to)

    from publisher.app.occurrences import move_occurrence

    done = _changed(
        directory,
        (newsletter, day, lang),
        acting,
        now,
        lambda state, actor, key: move_occurrence(state, actor, key, local),
    )
    _print(done, as_json=as_json)


def issues_restore_command(  # noqa: PLR0913  # options
    newsletter: NewsletterArgument,
    day: DayArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    lang: LanguagesOption = None,
    acting: ActorOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Undo `move`, or `skip` of an issue that was not made: it goes out when its schedule says so."""
    from publisher.app.occurrences import restore_occurrence

    done = _changed(directory, (newsletter, day, lang), acting, now, restore_occurrence)
    _print(done, as_json=as_json)


def _changed(
    directory: Path,
    which: tuple[str, str, list[str] | None],
    acting: str | None,
    now: str | None,
    verb: _Verb,
) -> list[ChangedOccurrence]:
    newsletter, day, languages = which

    from publisher.app.occurrences import OccurrenceKey

    key = OccurrenceKey(
        newsletter=newsletter, day=parse_day(day), languages=tuple(languages or ())
    )
    with editing(directory, acting, parse_now(now)) as (state, actor):
        return verb(state, actor, key)


def _print(done: list[ChangedOccurrence], *, as_json: bool) -> None:
    if as_json:
        print_json([occurrence_as_json(one) for one in done])
    else:
        echo("\n".join(map(occurrence_line, done)))
