"""`publisher mailbox`: receives the mails that people and mail servers write to the publication."""

import sys

import typer

from publisher.cli import common
from publisher.cli.exit_codes import echo

app = typer.Typer(
    help="Receive mail: commands of subscribers, bounces and complaints.",
    epilog="Example: publisher mailbox poll my-publication",
)

# sysexits.h: the mail server keeps the mail and tries again.
_EX_TEMPFAIL = 75
# Bytes that are read of one mail.
_MAX_MAIL = 10_000_000


@app.command("poll", epilog="Example: publisher mailbox poll my-publication")
def poll_command(
    directory: common.FolderArgument = common.CURRENT_FOLDER, *, now: common.NowOption = None
) -> None:
    """Receive the mails that wait in the mailbox of publication.toml, and say what they were."""
    clock, settings = common.parse_now(now), common.read_settings(directory)

    from publisher.app.opening import open_state
    from publisher.app.subscribers.incoming_mail import poll_mailbox

    with open_state(settings) as database:
        counts = poll_mailbox(settings, database, clock)
    for use, count in sorted(counts.items()):
        echo(f"{use}: {count}")
    echo(f"{counts.total()} mails" if counts.total() != 1 else "1 mail")


@app.command("receive", epilog="Example: publisher mailbox receive my-publication < mail.eml")
def receive_command(
    directory: common.FolderArgument = common.CURRENT_FOLDER, *, now: common.NowOption = None
) -> int:
    """Receive one mail from standard input, for a pipe of a mail server.

    Ends with 0 when the mail is stored, and with 75 (try again later) for any problem.
    """
    try:
        clock, settings = common.parse_now(now), common.read_settings(directory)

        from publisher.app.opening import open_state
        from publisher.app.subscribers.incoming_mail import receive_piped

        raw = sys.stdin.buffer.read(_MAX_MAIL)
        with open_state(settings) as database:
            use = receive_piped(settings, database, raw, clock.now())
    except Exception as error:  # noqa: BLE001  # whatever it is, the mail server must keep the mail
        echo(f"publisher: {' '.join(str(error).split())}", err=True)
        return _EX_TEMPFAIL
    echo(use)
    return 0
