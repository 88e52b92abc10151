"""`publisher deliver`: sends what is due, beside the service or without it."""

from __future__ import annotations

import typer

from publisher.cli.common import HERE, Directory, Now, clock_of, counted
from publisher.cli.progress import progress
from publisher.config import load


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("deliver", epilog="Example: publisher deliver my-publication")(deliver)


def deliver(directory: Directory = HERE, *, now: Now = None) -> int:
    """Send what is due of every issue that is ready, and end.

    May run beside the service, and as often as you like: nobody gets a mail twice. What was put
    off (by a server that asked for patience, or by a rate) is sent by a later turn.
    """
    clock = clock_of(now)
    settings = load(directory)

    from contextlib import closing

    from publisher.composing.dkimkeys import load_signers
    from publisher.database import open_database
    from publisher.delivery.choosing import transport_of
    from publisher.delivery.sending import deliver as send
    from publisher.secret import secret_of

    signers, transport = load_signers(settings), transport_of(settings)
    with (
        closing(
            open_database(settings.folders.database, settings.delivery.durability)
        ) as state,
        progress() as tell,
    ):
        sent = send(
            settings, state, transport, secret_of(settings), clock, tell, signers=signers
        )
    typer.echo(
        f"{counted(sent.messages, 'mail')} sent, {counted(len(sent.issues), 'issue')} done"
    )
    for problem in sent.problems:
        typer.echo(f"publisher: {problem}", err=True)
    return 1 if sent.problems else 0
