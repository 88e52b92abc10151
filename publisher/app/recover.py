"""Recover from an old database: see what is sent, not sent and in doubt, decide, and send again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from publisher.app.departures import Departures
from publisher.app.editing_state import Permission
from publisher.delivery.lineage.evidence import RecoveryEvidence, read_evidence
from publisher.delivery.lineage.quarantine import find_quarantine, without_remedy
from publisher.delivery.lineage.recovery import (
    Choices,
    RecoveredIssue,
    decide,
)
from publisher.delivery.lineage.state import UNKNOWN, Lineage, read_lineage
from publisher.delivery.lineage.witness import (
    open_witness,
    read_witness,
    read_witnesses,
    witness_folders,
)
from publisher.errors import DatabaseError, UsageError
from publisher.leader.store import running_processes

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from publisher.app.editing_state import Actor, EditingState
    from publisher.config import Settings
    from publisher.delivery.lineage.journal import JournalPage

# What callers import, with the values of other packages that they get.
__all__ = ["Choices", "RecoveredIssue", "Recovery", "preview_recovery", "recover_database"]


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
    # Subscribers who left since, or whose mail was returned, and get no mail again.
    left: int


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
    """Decide about every issue that may have been sent, and let mail go again.

    `journals` are `var` folders of other machines. Raise UsageError if one is no folder, DatabaseError if the
    database is not quarantined, and IssueError for a choice that is not possible.
    """
    _require_folders(journals)
    with _recovering(state, actor, choices, journals) as (recovery, page):
        pass
    open_witness(state.settings).record(page, state.clock.now())
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
) -> Iterator[tuple[Recovery, JournalPage]]:
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
        folders = [*witness_folders(settings), *journals]
        departures = Departures()
        departures.read(change.connection, folders, _in_files(evidence))
        left = departures.apply(change.connection, settings, now)
        issues, page = decide(change.connection, settings, evidence, choices, now, server)
        chosen = {verb: sorted(names) for verb, names in asdict(choices).items()}
        change.details.update(complete=evidence.is_complete, left=left, **chosen)
        recovery = Recovery(
            reason=reason,
            copied_at=evidence.found.copied_at,
            is_complete=evidence.is_complete,
            missing_pages=evidence.missing_pages,
            has_own_witness=_has_witness(settings, evidence.found),
            issues=tuple(issues),
            left=left,
        )
        yield recovery, page


def _require_later(copied_at: datetime | None, now: datetime) -> None:
    """Refuse a wrong clock: what is late, or may have been sent, is decided by it."""
    if copied_at and now < copied_at:
        raise DatabaseError(
            f"the clock ({now:%Y-%m-%d %H:%M:%S} UTC) is before the backup was made "
            f"({copied_at:%Y-%m-%d %H:%M:%S} UTC): set it right"
        )


def _has_witness(settings: Settings, found: Lineage) -> bool:
    known = (one for one in read_witnesses(settings) if one.page)
    return any(not one.may_be_foreign or one.is_of(found.incarnation) for one in known)


def _in_files(evidence: RecoveryEvidence) -> Lineage:
    """Return the database as the files name it: a dump that was restored by hand has no name of its own."""
    found, witness = evidence.found, evidence.witness
    if found.incarnation != UNKNOWN or witness is None:
        return found
    return replace(found, incarnation=witness.incarnation)


def _read_evidence(
    connection: Connection, state: EditingState, journals: Sequence[Path], server: str
) -> RecoveryEvidence:
    found = read_lineage(connection)
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
    all_given = all_named and all(map(read_witness, journals))
    folders = [*witness_folders(state.settings), *journals]
    return read_evidence(found, folders, all_given=all_given)
