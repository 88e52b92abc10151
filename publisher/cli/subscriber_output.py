"""Subscribers as tables, JSON and sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.cli.common import format_local, make_table, rfc3339_or_none
from publisher.cli.consent_output import consent_json, consent_table, request_json
from publisher.cli.preference_output import preferences_json, preferences_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from publisher.app.subscribers import ConsentChange, SubscriberRecord
    from subscribers import ImportReport, Subscriber, SubscriberEvent

# How many bad rows are printed, and how many notes.
_BAD_ROWS_SHOWN = 50


def import_remarks(report: ImportReport) -> Iterator[str]:
    """Yield a line for each row that was left out, or of which something was not applied."""
    for row in (*report.bad[:_BAD_ROWS_SHOWN], *report.notes[:_BAD_ROWS_SHOWN]):
        yield str(row)
    if report.refused > _BAD_ROWS_SHOWN:
        yield f"and {report.refused - _BAD_ROWS_SHOWN} more bad rows"


def import_sentence(report: ImportReport) -> str:
    """Return the counts of an import."""
    return (
        f"{report.added} added, {report.updated} updated, {report.unchanged} unchanged, "
        f"{report.kept} kept as they were, {report.refused} bad"
    )


def subscriber_json(person: Subscriber) -> dict[str, object]:
    """Return a subscriber as `list --json` prints it."""
    return {
        "email": person.address,
        "name": person.name,
        "language": person.language,
        "timezone": person.timezone,
        "newsletters": list(person.newsletters),
        "status": person.status.value,
    }


def subscribers_table(found: list[Subscriber]) -> Table:
    """Return the list of all subscribers."""
    table = make_table("Address", "Name", "Language", "Time zone", "Newsletters", "Status")
    for one in found:
        newsletters = " ".join(one.newsletters)
        zone = one.timezone or ""
        table.add_row(one.address, one.name, one.language, zone, newsletters, one.status)
    return table


def record_json(record: SubscriberRecord) -> dict[str, object]:
    """Return a subscriber with subscriptions and history, as `find --json` prints it."""
    history = record.history
    return subscriber_json(record.subscriber) | {
        "number": record.subscriber.id,
        "created_at": rfc3339_or_none(history.created_at),
        "subscriptions": [
            {
                "newsletter": one.newsletter,
                "status": one.status.value,
                "source": one.source.value,
                "consented_at": rfc3339_or_none(one.consented_at),
            }
            for one in history.subscriptions
        ],
        "preferences": preferences_json(record.preferences),
        "history": [_event_json(event) for event in history.events],
        "requests": [request_json(one) for one in record.requests],
        "consent": [consent_json(one) for one in record.consent],
    }


def _event_json(event: SubscriberEvent) -> dict[str, object]:
    return {
        "at": rfc3339_or_none(event.at),
        "newsletter": event.newsletter,
        "before": event.before,
        "after": event.after,
        "source": event.source.value,
        "note": event.note,
    }


def record_tables(record: SubscriberRecord) -> list[Table]:
    """Return a subscriber, subscriptions, preferences, history and the proof of consent, if any."""
    history = record.history
    subscriptions = make_table("Newsletter", "Status", "Consent since", "Source")
    for held in history.subscriptions:
        since = format_local(held.consented_at) if held.consented_at else "not known"
        subscriptions.add_row(held.newsletter, held.status, since, held.source)
    events = make_table("When", "Newsletter", "Before", "After", "By", "Note")
    for event in history.events:
        newsletter = "all" if event.newsletter is None else event.newsletter
        was, becomes = event.before or "none", event.after or "none"
        at = format_local(event.at)
        events.add_row(at, newsletter, was, becomes, event.source.subject, event.note)
    subscriber = subscribers_table([record.subscriber])
    subscriber.caption = f"stored on {format_local(history.created_at)}"
    others = (
        subscriptions,
        preferences_table(record.preferences),
        events,
        consent_table(record.consent),
    )
    return [subscriber, *(table for table in others if table.rows)]


def unsubscribed_sentence(change: ConsentChange, newsletter: str | None) -> str:
    """Return what an unsubscription has changed."""
    address, what = change.after.address, newsletter or "everything"
    if not change.changed:
        return f"{address} was unsubscribed from {what} before; nothing changed"
    if change.ended:
        what = ", ".join(change.ended)
        return f"{address} is unsubscribed from {what}{_still_gets(change.after)}"
    return f"{address} is unsubscribed from {what} now, and got none of it before"


def resubscribed_sentence(change: ConsentChange) -> str:
    """Return what a resubscription has changed."""
    person = change.after
    if change.started:
        return f"{person.address} gets {', '.join(change.started)} again"
    if change.changed and person.pending:
        waiting = ", ".join(person.pending)
        return f"{person.address} has to confirm {waiting}, as before"
    if change.changed:
        return f"{person.address} may get mail again, and has no newsletter"
    sentence = f"{person.address} is not unsubscribed; nothing changed"
    if not person.declined:
        return sentence
    left = ", ".join(person.declined)
    return f"{sentence}. It had left {left} before: to subscribe that again, use --newsletter"


def _still_gets(person: Subscriber) -> str:
    return f"; it still gets {', '.join(person.newsletters)}" if person.newsletters else ""
