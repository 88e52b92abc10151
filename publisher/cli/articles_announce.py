"""`publisher articles announce`: have issues carry an archive."""

from __future__ import annotations

from collections.abc import Mapping
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
from publisher.cli.terminal_text import echo


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

    from publisher.app.articles import announce_articles, count_mailed_articles

    with open_state(settings) as database:
        count = announce_articles(settings, database, name, parse_now(now).now())
        mailed = count_mailed_articles(database, name)
    done = f"{count_noun(count, 'article')} announced: the next issues carry them"
    echo(f"{name}: {done if count else _nothing_announced(mailed)}")


def _nothing_announced(mailed: Mapping[str, int]) -> str:
    """Say why nothing was announced: what is there is news, or was announced before."""
    news, before = mailed.get("news", 0), mailed.get("announced", 0)
    parts = ["nothing of it is an archive"]
    if news:
        verb = "is" if news == 1 else "are"
        parts.append(
            f"{count_noun(news, 'article')} {verb} news, which issues carry without this command,"
            " if max_age allows it"
        )
    if before:
        verb = "was" if before == 1 else "were"
        parts.append(f"{count_noun(before, 'article')} {verb} announced before")
    if not mailed:
        parts.append("nothing of it is published yet; `publisher run --once` picks articles up")
    return "; ".join(parts)
