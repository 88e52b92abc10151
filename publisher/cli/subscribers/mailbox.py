"""`publisher mailbox`: receives the mails that people and mail servers write to the publication."""

import sys

from publisher.app.opening import open_state
from publisher.cli import common
from publisher.cli.exit_codes import echo

_EX_TEMPFAIL = 75  # sysexits.h: the mail server keeps the mail and tries again
_MAX_MAIL = 10_000_000  # bytes that are read of one mail


@common.command("mailbox poll", "my-publication", takes="DIR --now")
def poll_command(given: common.Given) -> None:
    """Receive the mails that wait in the mailbox of publication.toml, and say what they were."""
    clock, settings = given.clock, given.settings
    from publisher.app.subscribers.incoming_mail import poll_mailbox

    with open_state(given.settings) as database:
        counts = poll_mailbox(settings, database, clock)
    for use, count in sorted(counts.items()):
        echo(f"{use}: {count}")
    echo(common.count_noun(counts.total(), "mail"))


@common.command("mailbox receive", "my-publication < mail.eml", takes="DIR --now")
def receive_command(given: common.Given) -> int:
    """Receive one mail from standard input, for a pipe of a mail server.

    Ends with 0 when the mail is stored, and with 75 (try again later) for any problem.
    """
    try:
        clock, settings = given.clock, given.settings
        from publisher.app.subscribers.incoming_mail import receive_piped

        raw = sys.stdin.buffer.read(_MAX_MAIL)
        with open_state(given.settings) as database:
            use = receive_piped(settings, database, raw, clock.now())
    except Exception as error:  # noqa: BLE001  # whatever it is, the mail server must keep the mail
        echo(f"publisher: {' '.join(str(error).split())}", err=True)
        return _EX_TEMPFAIL
    echo(use)
    return 0
