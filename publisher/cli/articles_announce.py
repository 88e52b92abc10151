"""`publisher articles announce`: have issues carry an archive."""

from __future__ import annotations

from typing import Annotated

import typer

from publisher.app.state import open_state
from publisher.cli.common import (
    CURRENT_FOLDER,
    FolderArgument,
    NowOption,
    count_noun,
    parse_now,
    read_settings,
)


def announce_articles_command(
    name: Annotated[
        str, typer.Argument(metavar="SOURCE|STORY", help="A source's name, or a story's.")
    ],
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    now: NowOption = None,
) -> None:
    """Have the next issues carry an archive: what a source had at its first import, or one story.

    Newest first, as many as an issue holds. Nobody gets an article twice, and repeating this changes
    nothing.
    """
    settings = read_settings(directory)

    from publisher.app.articles import announce_articles

    with open_state(settings) as database:
        count = announce_articles(database, name, parse_now(now).now())
    done = f"{count_noun(count, 'article')} announced: the next issues carry them"
    typer.echo(f"{name}: {done if count else 'nothing of it is an archive'}")
