"""`publisher status`: the state of a publication."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from publisher.app.state import open_state
from publisher.cli.common import (
    CURRENT_FOLDER,
    FolderArgument,
    JsonOption,
    NowOption,
    count_noun,
    format_local,
    make_table,
    parse_now,
    print_json,
    read_settings,
    stdout_console,
)
from publisher.cli.exit_codes import EXIT_QUARANTINED
from publisher.cli.issue_lines import (
    explain_failures,
    explain_mail,
    explain_state,
    issues_table,
)
from publisher.cli.occurrence_output import explain_overdue
from publisher.cli.problem_lines import quarantine_lines, summarise_articles
from publisher.cli.process_lines import copies_lines, process_lines
from publisher.cli.status_json import status_as_json
from publisher.cli.translation_output import translation_lines

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from publisher.app.status import PublicationStatus
    from publisher.config import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status", epilog="Example: publisher status --json my-publication")(
        status_command
    )


def status_command(
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    as_json: JsonOption = False,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", help="Print nothing; the exit code says it, for monitoring."),
    ] = False,
    now: NowOption = None,
) -> int:
    """Show articles, subscribers, issues and deliveries, and what is wrong.

    Exit code 1: something is paused, held, overdue or failing; 4: the database may be an old copy.
    """
    at = parse_now(now).now()
    settings = read_settings(directory)

    from publisher.app.attention import is_in_trouble
    from publisher.app.status import take_snapshot

    with open_state(settings) as database:
        snapshot = take_snapshot(settings, database, at)
    if quiet:
        pass
    elif as_json:
        print_json(status_as_json(settings, snapshot))
    else:
        _show(stdout_console(), settings, snapshot)
    return EXIT_QUARANTINED if snapshot.old_database else int(is_in_trouble(snapshot, at))


def _show(console: Console, settings: Settings, facts: PublicationStatus) -> None:
    publication = settings.publication
    title = publication.title(publication.default_language)
    worked = (
        f"the service last worked {format_local(last)}"
        if (last := facts.worked_at)
        else "the service has never run here"
    )
    console.print(
        f"{title}: {count_noun(facts.stories, 'story', 'stories')}, "
        f"{count_noun(facts.feeds, 'feed')}; {worked}"
    )
    for problem in filter(None, (facts.old_database, facts.clock_problem, facts.full_disk)):
        console.print(problem, style="red")
    for line in explain_overdue(facts):
        console.print(line, style="yellow")
    console.print(_languages(facts))
    if facts.latest:
        console.print(issues_table(facts.latest))
    for made in facts.latest:
        for line in (*explain_state(made.issue), *explain_failures(made)):
            console.print(line)
        if made.until:
            until = format_local(made.until)
            console.print(f"{made.issue.name}: goes out at local times until {until}")
    _show_the_rest(console, facts)


def _show_the_rest(console: Console, facts: PublicationStatus) -> None:
    for tag, count in facts.unserved.items():
        subscribers = count_noun(count, "subscriber")
        console.print(f"{subscribers} of {tag}, which is not one of the languages")
    if facts.pings_waiting:
        console.print(f"{count_noun(facts.pings_waiting, 'ping')} to hubs waiting")
    for hub, topic, answer in facts.pings_failed:
        console.print(f"Not notified: {hub} of {topic}: {answer}", style="yellow")
    if facts.joining_stopped:
        console.print(
            "Nobody can subscribe: too many mails that ask for a confirmation bounced. Look into it, "
            "then set bounces_count_from in [joining]",
            style="yellow",
        )
    if facts.returned_mail:
        kinds = ", ".join(f"{count} {kind}" for kind, count in facts.returned_mail.items())
        nobody = facts.returned_mail_of_nobody
        of_nobody = f"; {nobody} of no known subscriber" if nobody else ""
        console.print(f"Reports about mail within 7 days: {kinds}{of_nobody}")
    for line in explain_mail(facts.notices, facts.notices_rejected, facts.received_mail):
        console.print(line)
    for line in (*process_lines(facts), *translation_lines(facts), *summarise_articles(facts)):
        console.print(line)
    for line in (*copies_lines(facts), *quarantine_lines(facts)):
        console.print(line, style="yellow")


def _languages(facts: PublicationStatus) -> Table:
    table = make_table("Language")
    for heading in ("Articles", "of them converted", "Held back", "Subscribers"):
        table.add_column(heading, justify="right")
    for line in facts.languages:
        numbers = (line.articles, line.conversions, line.held_back, line.subscribers)
        table.add_row(line.language, *map(str, numbers))
    return table
