"""Compare the database with what is known outside it; if it is older, nothing is planned or sent until `publisher recover`.

Each sign alone is enough; its sentence is stored, so that all processes give the same reason. A clock that is far
ahead of the last cycle is looked at, too: it would have each occurrence until then skipped for its lateness.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from math import inf
from time import monotonic

from sqlalchemy import Connection

from publisher.clock import Clock, is_confirmed, uptime
from publisher.config import Settings
from publisher.database import Database
from publisher.database.dialect.sql import skip_lost_ids
from publisher.delivery.lineage import witness
from publisher.delivery.lineage.witness import Lineage, WitnessedPage
from publisher.errors import StorageError
from publisher.issues import planner, schedule, store
from publisher.issues.model import SELECTED_STATES, Issue, IssueState
from publisher.log import log
from subscribers.tables import subscriber

# Seconds between two looks at the witnesses of a database in a file, by one sender: what it may hold in advance.
FILE_CHECK_INTERVAL = 0.1
_REMEDY = "Nothing is planned or sent until `publisher recover --release`"


def find_quarantine(
    settings: Settings, database: Database, now: datetime, *, records: bool = True
) -> str | None:
    """Return why nothing may be sent, None if it may. Record what is new, unless the database is opened for reading."""
    # First: a sender may write a page at any time, and its witness after it.
    witnesses = witness.read_witnesses(settings)
    with database.reading() as connection:
        found, server = witness.read_lineage(connection), database.server_id(connection)
    if found and found.quarantine_reason:
        return explain_quarantine(found.quarantine_reason)
    sign = find_sign(found, server, witnesses)
    if sign:
        if records:
            _quarantine(database, found, sign, now)
            _tell_all(settings, found, witnesses)
        return explain_quarantine(sign)
    if found and records:
        if server != found.server:
            with database.writing() as connection:
                witness.set_lineage(connection, server=server)
        # Of other machines, too: after a restore in place, theirs may be the only pages that are missing.
        _follow(settings, witness.LedgerPage(found.incarnation, found.page))
    return None


def _tell_all(
    settings: Settings, found: Lineage | None, witnesses: Sequence[WitnessedPage]
) -> None:
    """Have each witness know what one knows: `recover` must not take the others for complete where that one is missing."""
    pages = [
        witnessed.page
        for witnessed in witnesses
        if witnessed.page and found and witnessed.is_of(found.incarnation)
    ]
    if pages:
        _follow(settings, max(pages, key=lambda page: page.number))


def _follow(settings: Settings, page: witness.LedgerPage) -> None:
    """Record a page in this machine's witness. A full disk stops senders only, when they record theirs."""
    try:
        witness.open_witness(settings).follow(page)
    except StorageError as error:
        log.warning("what other machines have sent can't be noted", reason=str(error))


@dataclass(slots=True)
class AgeCheck:
    """Whether nothing may be sent, asked in each transaction of one sender."""

    settings: Settings
    database: Database
    _checked_at: float = -inf

    def __call__(self, connection: Connection) -> bool:
        # A process keeps the file that it has opened, and `turn_page` compares its own last page. A server
        # may be another one in any transaction.
        if self.database.path is not None:
            now = monotonic()
            if now - self._checked_at < FILE_CHECK_INTERVAL:
                return False
            self._checked_at = now
        return bool(why_old(self.settings, self.database, connection))


def why_old(settings: Settings, database: Database, connection: Connection) -> str:
    """Return why nothing may be sent, for each transaction that reserves mails: a server may have taken over since the last one."""
    # First, as in `find_quarantine`.
    witnesses = witness.read_witnesses(settings)
    found, server = witness.read_lineage(connection), database.server_id(connection)
    reason = found.quarantine_reason if found else None
    reason = reason or find_sign(found, server, witnesses)
    return explain_quarantine(reason) if reason else ""


def explain_quarantine(reason: str) -> str:
    return f"This database may not know what was sent: {reason}. {_REMEDY}"


def without_remedy(explained: str) -> str:
    return explained.removesuffix(f" {_REMEDY}")


def find_sign(found: Lineage | None, server: str, witnesses: Sequence[WitnessedPage]) -> str:
    if found is None:
        return "it was made from a dump of `publisher backup`"
    if found.copied_at:
        return f"it is a backup, made at {found.copied_at:%Y-%m-%d %H:%M:%S} UTC"
    if sign := _sign_of_witnesses(found, witnesses):
        return sign
    if found.server and server != found.server:
        return (
            f"it is on another server, or on one that took over ({server}, was {found.server})"
        )
    return ""


def _sign_of_witnesses(found: Lineage, witnesses: Sequence[WitnessedPage]) -> str:
    is_vouched_for = any(witnessed.is_of(found.incarnation) for witnessed in witnesses)
    for witnessed in witnesses:
        folder, page = witnessed.folder, witnessed.page
        if page is None:
            if is_vouched_for:
                continue
            return f"{folder}/witness is damaged, and does not say which transaction sent last"
        if page.incarnation != found.incarnation:
            if witnessed.may_be_foreign or not page.number:
                continue
            return f"{folder}/witness was written with another one"
        if page.number > found.page:
            return (
                f"it is older than {folder}/witness (its last transaction that sent has the number "
                f"{found.page}, and there was one with {page.number})"
            )
    return ""


def _quarantine(database: Database, found: Lineage | None, sign: str, now: datetime) -> None:
    with database.writing() as connection:
        if found is None:
            witness.add_lineage(connection, Lineage(witness.UNKNOWN, 0))
        # Who joins from now on is nobody whom a journal knows by number.
        skip_lost_ids(connection, subscriber)
        witness.set_lineage(connection, quarantined_at=now, quarantine_reason=sign)
    log.error("nothing is sent: the database may be old", reason=sign)


# A machine that is off for a night and the day after it is usual. A day is the usual lateness, too.
PLAUSIBLE = timedelta(hours=36)
# Seconds that a service waits with a clock that nothing confirms. NTP corrects one within minutes of a start.
PATIENCE_SECONDS = 3600.0

_UNDER_WAY = (IssueState.SCHEDULED, IssueState.SENDING, *sorted(SELECTED_STATES))
_CLOCK_REMEDY = (
    "No article was read, and no issue planned or sent. If the clock is right, run `publisher run --once --confirm-clock`; "
    "if not, set it. A service goes on by itself when the clock is synchronised (NTP), or after an hour"
)


@dataclass(slots=True)
class ClockWatch:
    """What a process knows of its clock: whether a person confirmed it, and since when it looks wrong."""

    is_confirmed: bool = False
    uptime: Callable[[], float] = uptime
    _since: float | None = None

    def find_problem(self, settings: Settings, database: Database, clock: Clock) -> str | None:
        """Return why nothing may be planned or sent by a clock, as sentences for people; None if it may."""
        problem = find_jump(settings, database, clock.now())
        if problem is None:
            self._since = None
            return None
        if self.is_confirmed or is_confirmed(clock):
            return None
        if self._since is None:
            self._since = self.uptime()
        if self.uptime() - self._since >= PATIENCE_SECONDS:
            return None
        return f"{problem}. {_CLOCK_REMEDY}"


def find_jump(settings: Settings, database: Database, now: datetime) -> str | None:
    """Return what speaks against a clock: what a cycle now would lose, or had skipped in the future."""
    with database.reading() as connection:
        last, found = _last_cycle(connection, settings), witness.read_lineage(connection)
        if last is None:
            return None
        says = f"The clock says {now:%Y-%m-%d %H:%M} UTC"
        # The last cycle may have had a time of `--now`: the machine's clock made the database.
        made_at = found.made_at if found else None
        last = max(last, made_at) if made_at and made_at <= now else last
        if now - last > PLAUSIBLE and (lost := _would_be_lost(connection, settings, now)):
            return (
                f"{says}, {schedule.format_span(now - last)} after the last cycle: {_listed(lost)} "
                "are too late and would never go out"
            )
        if last - now > PLAUSIBLE and (early := _early_skips(connection, settings, now)):
            return (
                f"{says}: {_listed([one.name for one in early])} are still to come, and were skipped "
                "as too late by a clock that was ahead. The next cycle plans them again"
            )
    return None


def _last_cycle(connection: Connection, settings: Settings) -> datetime | None:
    """Return when the last cycle planned, or a little earlier if editions have different leads."""
    planned = schedule.latest_planning(connection)
    lead = max((one.lead for one in planner.all_editions(settings)), default=timedelta())
    return planned - lead if planned else None


def _would_be_lost(connection: Connection, settings: Settings, now: datetime) -> list[str]:
    """Return the names of what is under way, and of occurrences that a cycle now would skip as late."""
    under_way = store.issues_in_state(connection, *_UNDER_WAY)
    names = [one.name for one in under_way if one.send_at is not None]
    record = planner.read_planning(connection, settings)
    for edition in planner.editions_to_plan(connection, settings):
        names += (
            one.name
            for one in planner.plan_occurrences(record, edition, now, now)
            if one.reason_key in schedule.LATE_REASONS
        )
    return names


def _listed(names: Sequence[str]) -> str:
    some = ", ".join(names[:3])
    return some if len(names) <= 3 else f"{some} and {len(names) - 3} more"  # noqa: PLR2004


def _early_skips(connection: Connection, settings: Settings, now: datetime) -> list[Issue]:
    def is_early(one: Issue) -> bool:
        edition = settings.edition(one.newsletter, one.language)
        return edition is not None and schedule.may_come_back(edition, one, now)

    found = schedule.issues_due_between(
        connection, now - PLAUSIBLE, datetime.max.replace(tzinfo=UTC)
    )
    early = [one for one in found if one.reason_key in schedule.LATE_REASONS and is_early(one)]
    return sorted(early, key=_by_edition)


def _by_edition(one: Issue) -> tuple[str, str]:
    return one.newsletter, one.language


def take_back_early_skips(settings: Settings, database: Database, now: datetime) -> None:
    """Forget what was skipped as too late by a clock that was ahead, and plan it again from now."""
    with database.reading() as connection:
        last = _last_cycle(connection, settings)
        if last is None or last - now <= PLAUSIBLE:
            return
    with database.writing() as connection:
        for edition, found in groupby(_early_skips(connection, settings, now), _by_edition):
            skipped = [*found]
            since = min(now, skipped[0].due_at - timedelta(seconds=1))
            schedule.plan_again(connection, skipped, since)
            log.warning(
                "the clock was ahead: occurrences that were skipped as late are planned again",
                newsletter=edition[0],
                language=edition[1],
                since=str(skipped[0].day),
                until=str(skipped[-1].day),
                count=len(skipped),
            )
