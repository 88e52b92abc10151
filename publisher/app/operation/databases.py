"""Databases that are old, and databases that move.

An old one is recovered: see what is sent, not sent and in doubt, decide, and send again. A publication moves from one
database to another: all of it, compared, or nothing. Nobody can write to the source meanwhile, and a process that sends
keeps it from starting. Afterwards the source is quarantined: if a machine still uses it, nothing is sent twice.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from publisher.app.editing_state import Actor, EditingState, Permission
from publisher.app.subscribers.departures import Departures
from publisher.clock import Clock
from publisher.config import Settings
from publisher.database import Database, copy, open_database
from publisher.database.dialect.backend import is_address, parse_address, printable
from publisher.database.engine import create_database
from publisher.delivery.ledger.leases import list_leases
from publisher.delivery.lineage import witness as witnesses
from publisher.delivery.lineage.evidence import RecoveryEvidence, read_evidence
from publisher.delivery.lineage.quarantine import find_quarantine, find_sign, without_remedy
from publisher.delivery.lineage.recovery import Choices, RecoveredIssue, decide
from publisher.delivery.tables import lineage_table
from publisher.errors import DatabaseError, UsageError
from publisher.leader.store import running_processes
from publisher.log import log
from publisher.secrets import SECRET_FILE, fingerprint, store_fingerprint, stored_fingerprint


@dataclass(frozen=True, slots=True)
class Recovery:
    """Why nothing was sent, what is known, and what becomes of each issue.

    `is_complete` says that witnesses and journals have everything since the copy; `missing_pages` of
    the sender's are in none. `has_own_witness` says whether this machine has a witness of its own.
    """

    reason: str
    copied_at: datetime | None
    is_complete: bool
    missing_pages: int
    has_own_witness: bool
    issues: Sequence[RecoveredIssue]
    left: int  # subscribers who left since, or whose mail was returned, and get no mail again


class _PreviewError(Exception):
    """Undoes a transaction whose result was to be seen."""


def preview_recovery(
    state: EditingState, actor: Actor, choices: Choices, journals: Sequence[Path] = ()
) -> Recovery:
    """Return what `recover_database` would do. Change nothing."""
    _require_folders(journals)
    with (
        suppress(_PreviewError),
        _recovering(state, actor, choices, journals) as (found, _page),
    ):
        raise _PreviewError
    return found


def recover_database(
    state: EditingState, actor: Actor, choices: Choices, journals: Sequence[Path] = ()
) -> Recovery:
    """Decide about every issue that may have been sent, and let mail go again. `journals` are `var` folders of other machines."""
    _require_folders(journals)
    with _recovering(state, actor, choices, journals) as (recovery, page):
        pass
    witnesses.open_witness(state.settings).record(page, state.clock.now())
    return replace(recovery, reason=without_remedy(recovery.reason))


def _require_folders(folders: Sequence[Path]) -> None:
    """Refuse a mistyped one: a folder without a witness counts as that of a machine that has lost it."""
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(
                f"--journal: {folder}: is no folder; give the var/ of a machine that sends, or a copy of it"
            )


@contextmanager
def _recovering(
    state: EditingState, actor: Actor, choices: Choices, journals: Sequence[Path]
) -> Iterator[tuple[Recovery, witnesses.JournalPage]]:
    """Decide, and yield what was decided and the page to be recorded; commit it when the block ends."""
    actor.require(Permission.CONTROL_SENDING)
    settings, now = state.settings, state.clock.now()
    reason = find_quarantine(settings, state.database, now)
    if reason is None:
        raise DatabaseError(
            f"{state.database.name}: is not quarantined; there is nothing to recover"
        )
    with state.changing(actor, "recover", "database") as change:
        # Journals of a month may take minutes to read.
        state.database.allow_pause(change.connection, seconds=1200)
        server = state.database.server_id(change.connection)
        evidence = _read_evidence(change.connection, state, journals, server)
        _require_later(evidence.found.copied_at, now)
        folders = [*witnesses.witness_folders(settings), *journals]
        departures = Departures()
        departures.read(change.connection, folders, _in_files(evidence))
        left = departures.apply(change.connection, settings, now)
        issues, page = decide(change.connection, settings, evidence, choices, now, server)
        chosen = {verb: sorted(names) for verb, names in asdict(choices).items()}
        change.details.update(complete=evidence.is_complete, left=left, **chosen)
        known = (evidence.found.copied_at, evidence.is_complete, evidence.missing_pages)
        has_own = _has_witness(settings, evidence.found)
        yield Recovery(reason, *known, has_own, tuple(issues), left), page


def _require_later(copied_at: datetime | None, now: datetime) -> None:
    """Refuse a wrong clock: what is late, or may have been sent, is decided by it."""
    if copied_at and now < copied_at:
        raise DatabaseError(
            f"the clock ({now:%Y-%m-%d %H:%M:%S} UTC) is before the backup was made "
            f"({copied_at:%Y-%m-%d %H:%M:%S} UTC): set it right"
        )


def _has_witness(settings: Settings, found: witnesses.Lineage) -> bool:
    known = (one for one in witnesses.read_witnesses(settings) if one.page)
    return any(not one.may_be_foreign or one.is_of(found.incarnation) for one in known)


def _in_files(evidence: RecoveryEvidence) -> witnesses.Lineage:
    """Return the database as the files name it: a dump that was restored by hand has no name of its own."""
    found, witness = evidence.found, evidence.witness
    if found.incarnation != witnesses.UNKNOWN or witness is None:
        return found
    return replace(found, incarnation=witness.incarnation)


def _read_evidence(
    connection: Connection, state: EditingState, journals: Sequence[Path], server: str
) -> RecoveryEvidence:
    found = witnesses.read_lineage(connection)
    if found is None:
        raise DatabaseError(f"{state.database.name}: has no record of where it comes from")
    # Others may have sent from a database on a server; whoever names journals has named all. A machine
    # that has lost its folder may have written the last pages, which nobody else knows: this one, too.
    # A backup knows which hosts there were: with fewer folders, one is missing.
    hosts = {one.host for one in running_processes(connection, 0)}
    named = {folder.resolve() for folder in (state.settings.folders.var, *journals)}
    all_named = not server or (
        bool(journals) and _has_witness(state.settings, found) and len(named) >= len(hosts)
    )
    all_given = all_named and all(map(witnesses.read_witness, journals))
    folders = [*witnesses.witness_folders(state.settings), *journals]
    return read_evidence(found, folders, all_given=all_given)


_UNFINISHED = ".unfinished"  # what follows the name of a file while it is written


def copy_publication(
    source: str, target: str, clock: Clock, secret: str | None = None
) -> list[tuple[str, copy.TableContent]]:
    """Copy all rows from one address to another, each a file or on a server; return them by table, or raise with nothing copied.

    `secret` is that of the environment; otherwise it lies beside the source, if that is a file.
    Machines with another one do not start with the copy.
    """
    place, destination = _find_address(source), _find_address(target)
    if isinstance(place, Path) and not place.is_file():
        raise DatabaseError(
            f"{place}: is no file; name the publication's, such as var/publisher.db"
        )
    with closing(open_database(place, upgrade=False)) as old:
        with old.reading() as reading:
            _refuse_senders(reading, old, old.timer.time())
            _refuse_old(reading, old)
        old.require_alone()
        with old.writing() as reading:
            # It waits while the rows that were copied are compared.
            old.allow_pause(reading, seconds=1200)
            _refuse_senders(reading, old, old.timer.time())
            _refuse_old(reading, old)
            read = _copy_into(destination, reading, secret or _secret_beside(place))
            # Last: a kill before it leaves both, and the command has not said that it is done.
            witnesses.set_lineage(
                reading,
                quarantined_at=clock.now(),
                quarantine_reason=f"it was moved to {_named(destination)}",
            )
    return sorted(read.items())


def _secret_beside(place: Path | str) -> str | None:
    file = place.parent / SECRET_FILE if isinstance(place, Path) else None
    return file.read_text("ascii", "replace").strip() if file and file.is_file() else None


def _copy_into(
    destination: Path | str, reading: Connection, secret: str | None
) -> dict[str, copy.TableContent]:
    """Copy all rows into a new database, which is complete or not there."""
    if left_out := copy.engine_tables(reading):
        log.warning(
            "the task engine's tables are left out: turns are made anew", tables=left_out
        )
    with _new_database(destination) as new, new.writing() as writing:
        if copy.filled_tables(writing) - {lineage_table.name}:
            raise DatabaseError(f"{new.name}: is not empty; copy into another one")
        read = copy.copy_rows(reading, writing)
        written = copy.read_all_tables(writing)
        if unlike := sorted(name for name in read if written.get(name) != read[name]):
            raise DatabaseError(f"the copy differs in {', '.join(unlike)}; nothing was kept")
        witnesses.set_lineage(writing, server=new.server_id(writing))
        if secret and stored_fingerprint(writing) is None:
            store_fingerprint(writing, fingerprint(secret))
    return read


def _named(address: Path | str) -> str:
    return printable(parse_address(address)) if isinstance(address, str) else str(address)


def _find_address(text: str) -> Path | str:
    if not is_address(text):
        return Path(text).resolve()
    try:
        parse_address(text)
    except ValueError as error:
        raise UsageError(f"the address {error}") from None
    return text


@contextmanager
def _new_database(address: Path | str) -> Iterator[Database]:
    """Open a database with empty tables. A file gets its name when all is done."""
    if isinstance(address, str):
        with closing(create_database(address)) as database:
            yield database
        return
    if address.exists():
        raise DatabaseError(f"{address}: is there already; copy into another file")
    if not address.parent.is_dir():
        raise DatabaseError(
            f"{address.parent}: is no folder; make it, or copy into another one"
        )
    unfinished = address.with_name(address.name + _UNFINISHED)
    _remove(unfinished)
    try:
        with closing(create_database(unfinished)) as database:
            yield database
        unfinished.rename(address)
    finally:
        _remove(unfinished)


def _remove(unfinished: Path) -> None:
    """Remove what a copy has left that was killed or refused, with the logs of the database."""
    for path in unfinished.parent.glob(f"{unfinished.name}*"):
        path.unlink()


def _refuse_senders(connection: Connection, source: Database, now: float) -> None:
    living = [lease for lease in list_leases(connection) if lease.expires_at > now]
    if living:
        seconds = max(lease.expires_at for lease in living) - now
        raise DatabaseError(
            f"{source.name}: mail is being sent ({len(living)} leases), or was until a kill just now; stop `publisher run` and "
            f"`publisher deliver` on all machines, and try again in {seconds:.0f} seconds"
        )


def _refuse_old(connection: Connection, source: Database) -> None:
    """Refuse a database from which nothing may be sent: the copy would send nothing either."""
    found = witnesses.read_lineage(connection)
    server = source.server_id(connection)
    if sign := (found and found.quarantine_reason) or find_sign(found, server, ()):
        raise DatabaseError(
            f"{source.name}: may not know what was sent: {sign}. Copy the database that sends, or decide "
            "about this one first, with `publisher recover --release`"
        )
