"""Subscribers, what they chose, the proof of consent and reports about their mail: tables, JSON and sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from publisher.cli.common import fields_as_json, format_local, make_table

if TYPE_CHECKING:
    from rich.table import Table

    from publisher.app.subscribers.actions import ReturnedMail
    from publisher.app.subscribers.records import ConsentChange, SubscriberRecord
    from subscribers.consent_records import ConsentRecord
    from subscribers.lists.import_export import ImportReport
    from subscribers.model import Subscriber
    from subscribers.preferences import Preferences


_CHOICES = ("languages", "cadences", "topics", "authors", "hour", "length")


def preferences_table(chosen: Preferences) -> Table:
    """Return what differs from the defaults of a subscriber who chose nothing."""
    values = fields_as_json(chosen, *_CHOICES, "machine_translations", "paused_until")
    rows = (
        (name.replace("_", " "), _shown(value))
        for name, value in values.items()
        if value not in ((), {}, None)
    )
    return make_table(("Preference", "Value"), rows)


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {cadence}" for name, cadence in value.items())
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


_CONSENT = ("When", "Event", "By", "Newsletters", "Wording", "Page", "From", "Mail")


def consent_table(records: Sequence[ConsentRecord]) -> Table:
    rows = (
        (
            *(format_local(record.at), record.event, record.source),
            " ".join(record.wish.newsletters),
            (record.wording_digest or "")[:12],
            *(record.page, record.network, record.message_id),
        )
        for record in records
    )
    return make_table(_CONSENT, rows)


_BAD_ROWS_SHOWN = 50  # how many bad rows are printed, and how many notes


def import_remarks(report: ImportReport) -> Iterator[str]:
    """Yield a line for each row that was left out, or of which something was not applied."""
    for row in (*report.bad[:_BAD_ROWS_SHOWN], *report.notes[:_BAD_ROWS_SHOWN]):
        yield str(row)
    if report.refused > _BAD_ROWS_SHOWN:
        yield f"and {report.refused - _BAD_ROWS_SHOWN} more bad rows"


def import_sentence(report: ImportReport) -> str:
    return (
        f"{report.added} added, {report.updated} updated, {report.unchanged} unchanged, "
        f"{report.kept} kept as they were, {report.refused} bad"
    )


def subscriber_json(person: Subscriber) -> dict[str, object]:
    return {
        "email": person.address,
        **fields_as_json(person, "name", "language", "timezone", "newsletters", "status"),
    }


def subscribers_table(people: list[Subscriber]) -> Table:
    rows = (
        (
            *(person.address, person.name, person.language, person.timezone or ""),
            *(" ".join(person.newsletters), person.status),
        )
        for person in people
    )
    headings = ("Address", "Name", "Language", "Time zone", "Newsletters", "Status")
    return make_table(headings, rows)


_NUMBERS_SHOWN = 24  # rows of weeks that are shown, and issues: the latest


def numbers_tables(found: Mapping[str, Any]) -> Iterator[Table]:
    """Yield the numbers of the list, and of its latest weeks and issues."""
    records = {**found["statuses"], **{one: found[one] for one in ("paused", "erased")}}
    weeks, issues = found["weeks"][-_NUMBERS_SHOWN:], found["issues"][:_NUMBERS_SHOWN]
    for rows in filter(None, ([records], found["subscriptions"], weeks, issues)):
        numeric = {name for name, value in rows[0].items() if not isinstance(value, str)}
        cells = (["-" if one is None else str(one) for one in row.values()] for row in rows)
        yield make_table(rows[0], cells, right=numeric)


def record_tables(record: SubscriberRecord) -> list[Table]:
    history = record.history
    subscriber = subscribers_table([record.subscriber])
    subscriber.caption = f"stored on {format_local(history.created_at)}"
    subscriptions = (
        (
            *(held.newsletter, held.status),
            format_local(held.consented_at) if held.consented_at else "not known",
            held.source,
        )
        for held in history.subscriptions
    )
    events = (
        (
            format_local(event.at),
            "all" if event.newsletter is None else event.newsletter,
            *(event.before or "none", event.after or "none", event.source.subject, event.note),
        )
        for event in history.events
    )
    others = (
        make_table(("Newsletter", "Status", "Consent since", "Source"), subscriptions),
        preferences_table(record.preferences),
        make_table(("When", "Newsletter", "Before", "After", "By", "Note"), events),
        consent_table(record.consent),
    )
    return [subscriber, *(table for table in others if table.rows)]


def unsubscribed_sentence(change: ConsentChange, newsletter: str | None) -> str:
    person, what = change.after, newsletter or "everything"
    address = person.address
    if not change.changed:
        return f"{address} was unsubscribed from {what} before; nothing changed"
    if change.ended:
        rest = f"; it still gets {', '.join(person.newsletters)}" if person.newsletters else ""
        return f"{address} is unsubscribed from {', '.join(change.ended)}{rest}"
    return f"{address} is unsubscribed from {what} now, and got none of it before"


def resubscribed_sentence(change: ConsentChange) -> str:
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


_REPORTS_SHOWN = 10  # how many reports are shown, the latest


def returned_mail_table(returned: ReturnedMail) -> Iterator[Table]:
    """Yield the latest reports about a subscriber's mail, if there are any."""
    rows = (
        (
            *(format_local(event.at), event.kind, event.cause or "", event.status),
            *(event.diagnostic, event.evidence or ""),
        )
        for event in returned.events[-_REPORTS_SHOWN:]
    )
    table = make_table(("Report", "Kind", "Cause", "Status", "Words", "Found by"), rows)
    if table.rows:
        table.caption = f"score {returned.score.points}"
        yield table
