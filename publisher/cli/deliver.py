"""`publisher deliver`: sends due mail, with or without a running service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    FolderArgument,
    NowOption,
    count_noun,
    open_state,
    parse_now,
    read_settings,
)
from publisher.issues.model import IssueState

if TYPE_CHECKING:
    from publisher.database import Database
    from publisher.delivery.dispatcher import DeliveryReport


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("deliver", epilog="Example: publisher deliver my-publication")(deliver_command)


def deliver_command(
    directory: FolderArgument = CURRENT_FOLDER, *, now: NowOption = None
) -> int:
    """Send what is due of every issue that is ready, and end.

    May run while the service runs, and any number of times: no mail is sent twice. Deferred mail
    (by a server, or by a rate limit) is sent by a later run.
    """
    clock, settings = parse_now(now), read_settings(directory)

    from publisher.cli.progress import show_progress
    from publisher.delivery.dispatcher import deliver as send
    from publisher.delivery.transports import create_transport
    from publisher.mail.dkim_keys import load_signers
    from publisher.secret_key import load_secret

    signers, transport = load_signers(settings), create_transport(settings)
    with open_state(settings, settings.delivery.durability) as state:
        before = _under_way(state)
        with show_progress() as tell:
            sent = send(
                settings, state, transport, load_secret(settings), clock, tell, signers=signers
            )
        for line in _delivery_lines(state, sent, before):
            typer.echo(line)
    for problem in sent.problems:
        typer.echo(f"publisher: {problem}", err=True)
    return 1 if sent.problems else 0


def _under_way(database: Database) -> set[int]:
    from publisher.issues.store import issues_in_state

    with database.reading() as connection:
        return {
            one.id for one in issues_in_state(connection, IssueState.READY, IssueState.SENDING)
        }


def _delivery_lines(
    database: Database, sent: DeliveryReport, before: set[int]
) -> Iterator[str]:
    """Yield lines on what was sent, what is left of its issues, and which ones are paused."""
    from publisher.app.failure_causes import explain_pause, summarise_unsent
    from publisher.delivery.ledger.counts import count_deliveries
    from publisher.issues import store

    with database.reading() as connection:
        ended = [one for name in sent.issues if (one := store.issue_by_name(connection, name))]
        numbers = before | {one.id for one in ended}
        rest = summarise_unsent(
            sum(count_deliveries(connection, [*numbers]).values(), Counter())
        )
        paused = store.issues_in_state(connection, IssueState.PAUSED)
    done = f"{count_noun(sent.messages, 'mail')} sent, {count_noun(len(sent.issues), 'issue')} done"
    yield f"{done}; {rest}: publisher status shows why" if rest else done
    for issue in paused:
        yield explain_pause(issue)
