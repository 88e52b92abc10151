"""`publisher deliver`: sends due mail, with or without a running service."""

from __future__ import annotations

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    FolderArgument,
    NowOption,
    count_noun,
    parse_now,
    read_settings,
)
from publisher.cli.exit_codes import EXIT_QUARANTINED
from publisher.cli.issue_lines import explain_pause, summarise_unsent
from publisher.cli.process_lines import explain_held
from publisher.cli.terminal_text import echo


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("deliver", epilog="Example: publisher deliver my-publication")(deliver_command)


def deliver_command(
    directory: FolderArgument = CURRENT_FOLDER, *, now: NowOption = None
) -> int:
    """Send due mails about subscriptions, then what is due of every issue that is ready.

    May run while the service runs, and any number of times: no mail is sent twice. Deferred mail
    (by a server, or by a rate limit) is sent by a later run.
    """
    clock, settings = parse_now(now), read_settings(directory)

    from publisher.app.deliver import deliver_due
    from publisher.cli.progress import show_progress

    with show_progress() as progress:
        run = deliver_due(settings, clock, progress)
    sent, rest = run.sent, summarise_unsent(run.deliveries)
    done = f"{count_noun(sent.messages, 'mail')} sent, {count_noun(len(sent.issues), 'issue')} done"
    echo(f"{done}; {rest}: publisher status shows why" if rest else done)
    if run.notices.sent:
        echo(f"{count_noun(run.notices.sent, 'notice')} to subscribers sent")
    for line in explain_held(run.senders):
        echo(line)
    for issue in run.paused:
        echo(explain_pause(issue))
    problems = list(dict.fromkeys([*run.notices.problems, *sent.problems]))
    for problem in problems:
        echo(f"publisher: {problem}", err=True)
    if run.is_quarantined:
        return EXIT_QUARANTINED
    return 1 if problems else 0
