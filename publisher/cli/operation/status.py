"""`publisher status`: the state of a publication, in lines and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from publisher.app.opening import open_state
from publisher.cli import common
from publisher.cli.articles import quarantine_lines, summarise_articles
from publisher.cli.exit_codes import EXIT_QUARANTINED
from publisher.cli.issues import output
from publisher.delivery.states import summarise_counts

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from publisher.app.operation.status import IssueStatus, PublicationStatus
    from publisher.config import Settings
    from publisher.delivery.ledger.leases import SenderStatus


def process_lines(facts: PublicationStatus) -> Iterator[str]:
    """Yield what runs on several machines; nothing with a database file, which is on one."""
    yield from _turn_lines(facts)
    yield from explain_held(facts.senders)
    if not facts.processes:
        return
    leads = ", plans and writes files, epoch {}"
    running = (
        f"{process.host} (process {process.pid}{leads.format(process.epoch) if process.epoch else ''})"
        for process in facts.processes
    )
    yield f"Running: {', '.join(running)}"
    if facts.senders:
        yield f"Sending now: {', '.join(f'{x.host} by {x.transport}' for x in facts.senders)}"


def explain_held(senders: Sequence[SenderStatus]) -> Iterator[str]:
    for sender in senders:
        if sender.held:
            mails = common.count_noun(sender.held, "mail")
            yield (
                f"{sender.host} holds {mails} by {sender.transport} until {sender.until:%H:%M:%S} UTC, or longer while it "
                "works. If it has died, another run sends them then"
            )


def _turn_lines(facts: PublicationStatus) -> Iterator[str]:
    for state, words in (
        ("running", "run"),
        ("waiting", "wait"),
        ("failed", "failed within a day"),
    ):
        turns = [turn for turn in facts.turns if turn.state == state]
        if turns:
            each = (f"{turn.count} {turn.name} (since {turn.seconds:.0f} s)" for turn in turns)
            yield f"Turns that {words}: {', '.join(each)}"


def bucket_lines(facts: PublicationStatus) -> Iterator[str]:
    if facts.bucket and facts.bucket.problem:
        yield f"The bucket lacks files: {facts.bucket.problem}"


def copies_lines(facts: PublicationStatus) -> Iterator[str]:
    for failing in facts.problems:
        yield f"Problem since {common.format_local(failing.since)}: {failing.problem}"
    yield from bucket_lines(facts)
    yield from backup_lines(facts)
    if facts.has_no_second_witness:
        yield (
            "Only files in this folder say what was sent: if a snapshot of it is put back, that is sent again. "
            "Set delivery.witness"
        )


def backup_lines(facts: PublicationStatus) -> Iterator[str]:
    """Yield why the service's last backup failed; nothing if it did not, or there is none."""
    if facts.backup and facts.backup.problem:
        last = facts.backup.made_at
        before = (
            f"the last one is of {last:%Y-%m-%d %H:%M} UTC" if last else "there is none yet"
        )
        yield f"The backup failed, and is tried again the next day ({before}): {facts.backup.problem}"


def status_as_json(settings: Settings, facts: PublicationStatus) -> dict[str, Any]:
    publication = settings.publication
    return {
        "title": publication.title(publication.default_language),
        "url": publication.url,
        "last_cycle": common.rfc3339_or_none(facts.worked_at),
        **common.fields_as_json(facts, "old_database", "clock_problem", "stories"),
        "languages": {
            line.language: {
                "articles": line.articles,
                "converted": line.conversions,
                "held_back": line.held_back,
                "subscribers": line.subscribers,
            }
            for line in facts.languages
        },
        "articles_in_other_languages": facts.elsewhere,
        "subscribers_in_other_languages": facts.unserved,
        "feeds": facts.feeds,
        "joining_stopped": facts.joining_stopped,
        "returned_mail": facts.returned_mail | {"of_nobody": facts.returned_mail_of_nobody},
        **common.fields_as_json(facts, "notices", "notices_rejected", "received_mail"),
        **common.fields_as_json(facts, "stale_translations", "expired_promises"),
        **_machines_as_json(facts),
        **_copies_as_json(facts),
        "quarantine": [{"file": path, "reason": reason} for path, reason in facts.quarantine],
        **_sources_as_json(facts),
        **common.fields_as_json(facts, "article_problems", "held_back"),
        "issues": [_issue_as_json(made) for line in facts.languages for made in line.issues],
    }


def _sources_as_json(facts: PublicationStatus) -> dict[str, Any]:
    return {
        "problems": common.rows_as_json(facts.problems, "turn", "since", "problem"),
        "held_sources": common.rows_as_json(facts.held_sources, "source", "lost", "articles"),
        "unreadable_sources": common.rows_as_json(
            facts.unreadable_sources, "source", "since", "reason"
        ),
    }


def _machines_as_json(facts: PublicationStatus) -> dict[str, Any]:
    return {
        "processes": common.rows_as_json(facts.processes, "host", "pid", "epoch"),
        "turns": [
            {"turn": x.name, **common.fields_as_json(x, "state", "seconds", "count")}
            for x in facts.turns
        ],
        "senders": common.rows_as_json(facts.senders, "host", "transport", "held", "until"),
        "full_disk": facts.full_disk,
        "overdue": [output.overdue_as_json(late) for late in facts.overdue],
    }


def _copies_as_json(facts: PublicationStatus) -> dict[str, Any]:
    failed = [{"hub": hub, "feed": topic, "answer": x} for hub, topic, x in facts.pings_failed]
    bucket, backup = facts.bucket, facts.backup
    return {
        "pings": {"waiting": facts.pings_waiting, "failed": failed},
        "bucket": bucket and common.fields_as_json(bucket, "problem", "complete_at"),
        "backup": backup and common.fields_as_json(backup, "problem", "tried_at", "made_at"),
        "has_no_second_witness": facts.has_no_second_witness,
    }


def _issue_as_json(made: IssueStatus) -> dict[str, Any]:
    count = made.deliveries
    return {
        **common.fields_as_json(made.issue, "name", "newsletter", "language", "day"),
        "due": common.rfc3339_or_none(made.issue.due_at),
        **common.fields_as_json(made.issue, "state", "reason", "reason_key"),
        **common.fields_as_json(made, "articles", "warnings"),
        "deliveries": {"planned": count.total(), **summarise_counts(count)},
        "causes": output.causes_as_json(made.causes),
    }


def translation_lines(facts: PublicationStatus) -> Iterator[str]:
    show = "publisher api listTranslations"
    for tag, count in facts.expired_promises.items():
        number = common.count_noun(count, "promised translation")
        yield f"{number} into {tag} did not come in time: {show} language={tag} state=missing"
    for tag, count in facts.stale_translations.items():
        number = common.count_noun(count, "translation")
        yield f"{number} into {tag} whose original has changed: {show} language={tag} state=stale"


@common.command("status", "--json my-publication", takes="DIR --json --now")
def status_command(given: common.Given, *, quiet: bool = False) -> int:
    """Show articles, subscribers, issues and deliveries, and what is wrong.

    Exit code 1: something is paused, held, overdue or failing; 4: the database may be an old copy.

    --quiet: Print nothing; the exit code says it, for monitoring.
    """
    now, settings = given.clock.now(), given.settings
    from publisher.app.operation.attention import is_in_trouble
    from publisher.app.operation.status import take_snapshot

    with open_state(given.settings) as database:
        snapshot = take_snapshot(settings, database, now)
    if quiet:
        pass
    elif given.as_json:
        common.print_json(status_as_json(settings, snapshot))
    else:
        _show(common.stdout_console(), settings, snapshot)
    return EXIT_QUARANTINED if snapshot.old_database else int(is_in_trouble(snapshot, now))


def _show(console: Console, settings: Settings, facts: PublicationStatus) -> None:
    publication = settings.publication
    title = publication.title(publication.default_language)
    worked = (
        f"the service last worked {common.format_local(last)}"
        if (last := facts.worked_at)
        else "the service has never run here"
    )
    console.print(
        f"{title}: {common.count_noun(facts.stories, 'story', 'stories')}, "
        f"{common.count_noun(facts.feeds, 'feed')}; {worked}"
    )
    for problem in filter(None, (facts.old_database, facts.clock_problem, facts.full_disk)):
        console.print(problem, style="red")
    for line in output.explain_overdue(facts):
        console.print(line, style="yellow")
    console.print(_languages(facts))
    if facts.latest:
        console.print(output.issues_table(facts.latest))
    for made in facts.latest:
        for line in (*output.explain_state(made.issue), *output.explain_failures(made)):
            console.print(line)
        if made.until:
            until = common.format_local(made.until)
            console.print(f"{made.issue.name}: goes out at local times until {until}")
    _show_the_rest(console, facts)


def _show_the_rest(console: Console, facts: PublicationStatus) -> None:
    for tag, count in facts.unserved.items():
        subscribers = common.count_noun(count, "subscriber")
        console.print(f"{subscribers} of {tag}, which is not one of the languages")
    if facts.pings_waiting:
        console.print(
            f"{common.count_noun(facts.pings_waiting, 'ping')} to hubs and search engines waiting"
        )
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
    for line in output.explain_mail(facts.notices, facts.notices_rejected, facts.received_mail):
        console.print(line)
    for line in (*process_lines(facts), *translation_lines(facts), *summarise_articles(facts)):
        console.print(line)
    for line in (*copies_lines(facts), *quarantine_lines(facts)):
        console.print(line, style="yellow")


_NUMBERS = ("Articles", "of them converted", "Held back", "Subscribers")


def _languages(facts: PublicationStatus) -> Table:
    rows = (
        (
            line.language,
            *map(str, (line.articles, line.conversions, line.held_back, line.subscribers)),
        )
        for line in facts.languages
    )
    return common.make_table(("Language", *_NUMBERS), rows, right=_NUMBERS)
