"""The audit log for those who may see it: its entries, and whether somebody has changed them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from publisher.accounts import audit
from publisher.accounts.audit import AuditEntry, AuditFault
from publisher.accounts.model import Permission

if TYPE_CHECKING:
    from publisher.accounts.actor import Actor
    from publisher.app.editing_state import EditingState

__all__ = ["AuditEntry", "AuditFault"]


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """What a check has found: the first fault, or None, and the number of the last entry."""

    fault: AuditFault | None
    last: int


def read_audit_log(
    state: EditingState, actor: Actor, *, before: int | None = None, limit: int = 100
) -> list[tuple[int, AuditEntry]]:
    """Return entries with their numbers, the latest first; those before a number, if one is given."""
    actor.require(Permission.SEE_AUDIT_LOG)
    with state.database.reading() as connection:
        return audit.read_log(connection, before=before, limit=limit)


def verify_audit_log(state: EditingState, actor: Actor) -> AuditCheck:
    """Check the chain of hashes from the first entry to the last."""
    actor.require(Permission.SEE_AUDIT_LOG)
    with state.database.reading() as connection:
        latest = audit.read_log(connection, limit=1)
        fault = audit.find_fault(connection, state.secret)
        return AuditCheck(fault, latest[0][0] if latest else 0)
