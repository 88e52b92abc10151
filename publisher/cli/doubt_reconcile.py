"""`publisher doubt reconcile`: decide mail in doubt by the log of the mail server."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    ActorOption,
    FolderArgument,
    NowOption,
    editing,
    parse_now,
)
from publisher.cli.terminal_text import echo
from publisher.errors import UsageError


def doubt_reconcile_command(
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    log: Annotated[
        Path,
        typer.Option("--log", metavar="FILE", help="Postfix's log; - reads standard input."),
    ],
    acting: ActorOption = None,
    now: NowOption = None,
) -> None:
    """Decide what is in doubt by Postfix's log, where it has the Message-ID and a result.

    The rest stays in doubt: look whether the log goes back far enough before you send it again.
    """
    from publisher.app.deliveries import reconcile_doubts

    with editing(directory, acting, parse_now(now)) as (state, actor), _lines_of(log) as lines:
        done = reconcile_doubts(state, actor, lines)
    echo(f"{done.sent} marked as sent, {done.bounced} returned, {done.left} still in doubt")


@contextmanager
def _lines_of(file: Path) -> Iterator[Iterable[str]]:
    if str(file) == "-":
        yield sys.stdin
        return
    try:
        opened = file.open(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"--log: {file}: can't be read: {error.strerror or error}") from None
    with opened as lines:
        yield lines
