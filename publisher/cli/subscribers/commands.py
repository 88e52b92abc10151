"""`publisher subscribers`: import, export, list and find subscribers, and act for them."""

import csv
import sys
from io import BytesIO, StringIO
from pathlib import Path

import typer

from publisher.app.opening import open_state
from publisher.cli import common
from publisher.cli.exit_codes import echo
from publisher.cli.subscribers import output
from publisher.cli.subscribers.imports import import_lines, print_import
from publisher.errors import UsageError


@common.command(
    "subscribers add", "ann@example.org --consented 2026-01-09T12:00:00Z", takes="DIR --as"
)
def subscribers_add_command(  # noqa: PLR0913  # the columns of a list
    given: common.Given,
    address: str,
    *,
    consented: str,
    network: str = "",
    name: str = "",
    lang: str = "",
    newsletter: list[str] | None = None,
) -> int:
    """Add one subscriber who agreed, as `import` adds those of a list; exit code 1 if it is refused.

    ADDRESS: The subscriber's address, in any spelling.
    --consented INSTANT: When the person agreed, like 2026-01-09T12:00:00Z: the proof of consent.
    --network IP: From where; only its network is stored.
    --name TEXT: For `To:`.
    --lang TAG: The language of the mails.
    --newsletter NAME (all of them): May be repeated.
    """
    columns = {"email": address, "consented": consented, "network": network, "name": name}
    columns |= {"language": lang, "newsletters": " ".join(newsletter or ())}
    filled = {column: value for column, value in columns.items() if value}
    text = StringIO(newline="")
    csv.writer(text).writerows((filled.keys(), filled.values()))
    report = import_lines(given, BytesIO(text.getvalue().encode()))
    return print_import(address, report)


@common.command("subscribers unsubscribe", "ann@example.org --note 'by telephone'")
def subscribers_unsubscribe_command(
    given: common.Given, address: str, *, newsletter: str | None = None, note: str = ""
) -> None:
    """Unsubscribe somebody who asks for it, from one newsletter or from all.

    Mail that waits is not sent any more. Doing it twice is no error. No import undoes it.

    ADDRESS: The subscriber's address, in any spelling.
    --newsletter NAME (all of them): Only this newsletter.
    --note TEXT: How the subscriber asked; `find` shows it.
    """
    from publisher.app.subscribers.actions import unsubscribe_somebody

    with given.editing() as (state, actor):
        change = unsubscribe_somebody(state, actor, address, newsletter, note=note)
    echo(output.unsubscribed_sentence(change, newsletter))


@common.command("subscribers resubscribe", "ann@example.org --newsletter weekly")
def subscribers_resubscribe_command(
    given: common.Given, address: str, *, newsletter: str | None = None, note: str = ""
) -> None:
    """Undo an unsubscription, or a bounce, because the subscriber asks for it.

    Without --newsletter, the newsletters that ended together are subscribed again. It is refused
    after a complaint, which is final, and before the subscriber has confirmed.

    ADDRESS: The subscriber's address, in any spelling.
    --newsletter NAME (all of them): Only this newsletter.
    --note TEXT: How the subscriber asked; `find` shows it.
    """
    from publisher.app.subscribers.actions import resubscribe_somebody

    with given.editing() as (state, actor):
        change = resubscribe_somebody(state, actor, address, newsletter, note=note)
    echo(output.resubscribed_sentence(change))


@common.command("subscribers erase", "ann@example.org my-publication")
def subscribers_erase_command(given: common.Given, address: str, *, yes: bool = False) -> int:
    """Delete all that is stored of a subscriber. It can't be undone.

    A keyed hash of the address stays, so that no import adds it again. The rows of the ledger stay,
    without the address. Not deleted: mails that were sent, files in the outbox, copies and backups
    of the database, and your own lists.

    ADDRESS: The subscriber's address, in any spelling.
    --yes: Erase without a question.
    """
    from publisher.app.subscribers.actions import erase_somebody
    from publisher.app.subscribers.records import find_record

    with given.editing() as (state, actor):
        person = find_record(state.settings, state.database, address).subscriber
        if not yes and not _confirms(f"Erase {person.address}? It can't be undone."):
            echo("nothing was erased")
            return 1
        erase_somebody(state, actor, address)
    echo(
        f"{person.address} is erased. Mails that were sent, the outbox and backups still have it"
    )
    return 0


def _confirms(question: str) -> bool:
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(
            "erase: there is no terminal for the question; add --yes to erase without it"
        )
    try:
        return typer.confirm(question)
    except typer.Abort:  # the end of the input
        return False


@common.command("subscribers form", "--newsletter weekly")
def subscribers_form_command(
    given: common.Given, *, newsletter: str | None = None, lang: str | None = None
) -> None:
    """Print a form to subscribe, as HTML to put into a page elsewhere.

    It leads to the page of `publisher web`, where one more click asks for the confirmation mail.

    --newsletter NAME (all of them): Only this newsletter.
    --lang TAG (the main language): Of the form.
    """
    settings = given.settings
    from publisher.app.subscribers.joining import subscription_form

    echo(subscription_form(settings, newsletter, lang), nl=False)


@common.command("subscribers export", "--out subscribers.csv", takes="DIR --as")
def subscribers_export_command(given: common.Given, *, out: Path | None = None) -> None:
    """Write all subscribers as CSV, in the form that import takes.

    --out FILE: Where to; else standard output.
    """
    with given.editing() as (state, actor):
        from publisher.app.subscribers.lists import export_list, export_list_to

        if out is None:
            export_list(state, actor, sys.stdout)
            return
        with common.writing_file(out):
            count = export_list_to(state, actor, out)
    echo(f"{count} subscribers: {out}")


@common.command("subscribers list", "--json my-publication", takes="DIR --json")
def subscribers_list_command(given: common.Given) -> None:
    """List the subscribers."""
    from publisher.app.subscribers.records import read_subscribers

    with open_state(given.settings) as database:
        subscribers = read_subscribers(database)
    if given.as_json:
        common.print_json([output.subscriber_json(person) for person in subscribers])
    else:
        common.stdout_console().print(output.subscribers_table(subscribers))


@common.command("subscribers numbers", "--json my-publication", takes="DIR --now --json")
def subscribers_numbers_command(given: common.Given) -> None:
    """Show the list in numbers: how many, who joined and left lately, and what became of issues.

    With --json, of a whole year.
    """
    from publisher.app.subscribers.numbers import read_numbers

    with given.editing() as (state, _actor):
        found = read_numbers(state)
    if given.as_json:
        common.print_json(found)
    else:
        common.stdout_console().print(*output.numbers_tables(found), sep="\n")


@common.command("subscribers find", "ann@example.org", takes="DIR --json")
def subscribers_find_command(given: common.Given, address: str) -> None:
    """Show one subscriber: preferences, history, proof of consent, and what was returned.

    With --json, all that is stored, for somebody who asks for it. Exit code 1 if nobody has the
    address, or if the subscriber was erased: the message says which.

    ADDRESS: The subscriber's address, in any spelling.
    """
    from publisher.app.subscribers.actions import read_returned_mail
    from publisher.app.subscribers.records import find_record, read_own_data

    with open_state(given.settings) as database:
        if given.as_json:
            echo(read_own_data(given.settings, database, address), nl=False)
            return
        record = find_record(given.settings, database, address)
        returned = read_returned_mail(database, record, given.clock.now())
    common.stdout_console().print(
        *output.record_tables(record), *output.returned_mail_table(returned), sep="\n"
    )
