"""`publisher translations`: stories by languages, and who translates what by when."""

from __future__ import annotations

from typing import Annotated

import typer

from publisher.cli import translation_claims, translation_statistics, translator_choices
from publisher.cli.common import (
    CURRENT_FOLDER,
    FolderArgument,
    JsonOption,
    editing,
    print_json,
    stdout_console,
)
from publisher.cli.default_command import DEFAULT_COMMAND, ListByDefault
from publisher.cli.terminal_text import echo
from publisher.cli.translation_claims import LanguageOption, StoryArgument
from publisher.cli.translation_output import story_as_json, translation_table
from publisher.errors import UsageError

app = typer.Typer(
    cls=ListByDefault,
    help="List stories by languages; claim translations, and give them up.",
    epilog="Example: publisher translations --lang ar --state missing my-publication",
)


@app.command(DEFAULT_COMMAND, epilog="Example: publisher translations --state missing")
def list_command(  # noqa: PLR0913  # options
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    language: Annotated[
        str | None, typer.Option("--lang", metavar="TAG", help="Only this language.")
    ] = None,
    states: Annotated[
        list[str] | None,
        typer.Option(
            "--state",
            metavar="STATE",
            help="Only stories with this state in a language, like missing. Can be repeated.",
        ),
    ] = None,
    days: Annotated[
        int, typer.Option("--days", min=1, max=36500, help="How far back stories are listed.")
    ] = 60,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=1000, help="How many stories to list.")
    ] = 50,
    cursor: Annotated[
        str | None,
        typer.Option("--after", metavar="PLACE", help="Continue where the list before ended."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List stories, the newest first, with the state of each in each language."""
    with editing(directory, None) as (state, actor):
        from publisher.app.translations import CellState, list_translations

        known = [one.value for one in CellState]
        for one in states or []:
            if one not in known:
                raise UsageError(f"--state: {one!r} is none; choose from {', '.join(known)}")
        page = list_translations(
            state,
            actor,
            language=language,
            states=[CellState(one) for one in states or []],
            days=days,
            cursor=cursor,
            limit=limit,
        )
    if as_json:
        stories = [story_as_json(line) for line in page.stories]
        print_json({"stories": stories, "next": page.next_cursor})
        return
    stdout_console().print(translation_table(page))
    if page.next_cursor:
        echo(f"There are more: --after {page.next_cursor}")


@app.command("changes", epilog="Example: publisher translations changes ferry --lang ar")
def changes_command(
    story: StoryArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    language: LanguageOption,
) -> None:
    """Show what changed in the original since this translation was made."""
    with editing(directory, None) as (state, actor):
        from publisher.app.translations import original_changes

        found = original_changes(state, actor, story, language)
    marks = {"same": " ", "removed": "-", "added": "+"}
    for one in found:
        echo(f"{marks[one.kind]} {one.text}")


translation_claims.register(app)
translation_statistics.register(app)
translator_choices.register(app)
