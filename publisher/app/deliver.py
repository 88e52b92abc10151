"""Send due mail, with or without a running service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from publisher.app.departures import DepartureRecorder
from publisher.app.lost_state import require_whole
from publisher.app.secret_check import require_same_secret
from publisher.assembly import render_variant
from publisher.clock import Clock
from publisher.config import Settings
from publisher.database import Database, open_database
from publisher.delivery.dispatcher import DeliveryReport, deliver
from publisher.delivery.ledger.counts import count_deliveries
from publisher.delivery.ledger.leases import SenderStatus, list_senders
from publisher.delivery.lineage.clock_jumps import ClockWatch
from publisher.delivery.lineage.quarantine import find_quarantine
from publisher.delivery.progress import Progress
from publisher.delivery.transports import create_transport
from publisher.issues import store
from publisher.issues.model import Issue, IssueState
from publisher.mail.dkim_keys import load_signers
from publisher.notices.sender import NoticeReport, send_notices
from publisher.process_lock import publication_was_killed
from publisher.rendering import Renderer
from publisher.secret_key import load_secret


@dataclass(frozen=True, slots=True)
class DeliveryRun:
    """What was sent, the deliveries of its issues by state, and the issues that are paused."""

    sent: DeliveryReport
    notices: NoticeReport
    deliveries: Counter[str]
    paused: list[Issue]
    # Other processes that have mails which nobody else may send now.
    senders: Sequence[SenderStatus] = ()
    # Nothing was sent: the database may be older than what was sent.
    is_quarantined: bool = False


def deliver_due(
    settings: Settings, clock: Clock, progress: Progress | None = None
) -> DeliveryRun:
    """Send due notices, then what is due of every issue that is ready or being sent, and end.

    May run while the service runs, and any number of times. Raise ConfigError for a DKIM key
    that can't be read, and DatabaseError for a file that a kill has left damaged.
    """
    require_whole(settings, was_killed=publication_was_killed(settings.folders))
    signers, transport = load_signers(settings), create_transport(settings)
    with (
        closing(open_database(settings.database, settings.delivery.durability)) as database,
        closing(Renderer(settings.folders.templates)) as renderer,
    ):
        require_same_secret(settings, database)
        parts = (settings, database, transport, load_secret(settings), clock)
        notices, quarantine = NoticeReport(), find_quarantine(settings, database, clock.now())
        clock_problem = ClockWatch().find_problem(settings, database, clock)
        if clock_problem and not quarantine:
            refused = DeliveryReport(problems=[clock_problem])
            return DeliveryRun(refused, notices, Counter(), [])
        if not quarantine:
            notices = send_notices(*parts, renderer, signers=signers, progress=progress)
        before = _issue_ids_under_way(database)
        render = partial(render_variant, settings, database, renderer)
        record = DepartureRecorder(settings, database, clock)
        sent = deliver(
            *parts,
            progress,
            signers=signers,
            render_variant=render,
            record_departures=record,
            # On a server, that is for the leader.
            cancels_removed=database.path is not None,
        )
        counted = _counted(database, before, sent)
        is_quarantined = quarantine is not None
        return DeliveryRun(sent, notices, *counted, is_quarantined=is_quarantined)


def _counted(
    database: Database, before: set[int], sent: DeliveryReport
) -> tuple[Counter[str], list[Issue], list[SenderStatus]]:
    """Return the deliveries of the issues that were under way or were sent, the paused issues, and other senders."""
    with database.reading() as connection:
        ended = [store.issue_by_name(connection, name) for name in sent.issues]
        ids = before | {issue.id for issue in ended if issue}
        counts = sum(count_deliveries(connection, [*ids]).values(), Counter())
        paused = store.issues_in_state(connection, IssueState.PAUSED)
        return counts, paused, list_senders(connection, database.timer.time())


def _issue_ids_under_way(database: Database) -> set[int]:
    with database.reading() as connection:
        states = (IssueState.READY, IssueState.SENDING)
        return {issue.id for issue in store.issues_in_state(connection, *states)}
