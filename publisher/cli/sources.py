"""`publisher sources`: what there is to know of each source, and what one would bring now."""

from __future__ import annotations

from typing import Annotated

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
from publisher.cli.default_command import DEFAULT_COMMAND, ListByDefault
from publisher.cli.source_output import (
    source_as_json,
    source_lines,
    survey_as_json,
    survey_lines,
)
from publisher.cli.terminal_text import echo

app = typer.Typer(
    cls=ListByDefault,
    help="Show the sources and what is to be said of them, or test one.",
    epilog="Example: publisher sources my-publication",
)


@app.command(DEFAULT_COMMAND, epilog="Example: publisher sources my-publication")
def sources_list_command(
    directory: FolderArgument = CURRENT_FOLDER, *, as_json: JsonOption = False
) -> None:
    """List the sources, each with its notices: what is wrong or left out, and what to do."""
    from publisher.app.source_status import read_sources

    with editing(directory, None) as (state, _actor):
        found = read_sources(state)
    if as_json:
        print_json([source_as_json(one) for one in found.sources])
        return
    for one in found.sources:
        echo("\n".join(source_lines(one)))


@app.command("test", epilog="Example: publisher sources test articles my-publication")
def sources_test_command(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The name of a source.")],
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    acting: ActorOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at what a source would bring now. Nothing of it is stored.

    At most 500 new or changed files are read, for at most 20 seconds.
    """
    from publisher.app.source_tests import run_source_test

    with editing(directory, acting, parse_now(now)) as (state, actor):
        survey = run_source_test(state, actor, source)
    if as_json:
        print_json(survey_as_json(survey))
    else:
        echo("\n".join(survey_lines(survey)))
