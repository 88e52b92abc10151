"""`publisher feeds`: readers of feeds, counted in a web server's access log."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer

from publisher.cli.common import CURRENT_FOLDER, FolderArgument, count_noun, read_settings
from publisher.cli.terminal_text import echo
from publisher.errors import UsageError

_EXAMPLE = "Example: publisher feeds readers /var/log/nginx/access.log my-publication"
app = typer.Typer(no_args_is_help=True, help="Count the readers of feeds.", epilog=_EXAMPLE)


@app.callback()
def _group() -> None:
    """Count the readers of feeds."""  # keeps `readers` a command of a group


@app.command("readers", epilog=_EXAMPLE)
def followers_command(
    log: Annotated[
        str,
        typer.Argument(
            metavar="ACCESS_LOG",
            help="Of nginx (combined) or Caddy (JSON); - is standard input.",
        ),
    ],
    directory: FolderArgument = CURRENT_FOLDER,
) -> None:
    """Count the readers of each feed and day in an access log. No address is stored.

    Aggregators state how many people they read for; any other client counts once a day. Read each log
    as a whole: of a day in two logs, the larger number counts.
    """
    settings = read_settings(directory)

    from publisher.app.feed_followers import count_feed_followers
    from publisher.app.state import open_state

    with _opened(log) as lines, open_state(settings) as database:
        found = count_feed_followers(database, lines)
    days = f", {found.first} to {found.last}" if found.first else ""
    echo(f"stored: {count_noun(found.stored, 'number', 'numbers')} of a feed and day{days}")
    if found.unread:
        echo(f"{count_noun(found.unread, 'line')} not understood", err=True)


@contextmanager
def _opened(log: str) -> Iterator[TextIO]:
    if log == "-":
        yield sys.stdin
        return
    try:
        opened = Path(log).open(encoding="utf-8", errors="replace")  # noqa: SIM115  # closed below
    except OSError as error:
        raise UsageError(f"{log}: can't be read: {error.strerror}") from None
    with opened:
        yield opened
