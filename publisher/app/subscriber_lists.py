"""Many subscribers at once, as editors see them: search, import, export. Counts are in the audit log."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from publisher.app.editing_state import Permission
from publisher.app.subscribers import export_subscribers, import_subscribers, preview_import
from publisher.errors import UsageError
from publisher.messages import message
from subscribers import (
    BadAddressError,
    BadFileError,
    find_subscriber,
    search_subscribers,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from publisher.app.editing_state import Actor, EditingState
    from subscribers import ImportPreview, ImportReport, Subscriber

# Characters that a beginning needs, so that no search lists everybody.
_SHORTEST = 3
_MOST_FOUND = 50


def search_by_address(state: EditingState, actor: Actor, text: str) -> list[Subscriber]:
    """Return the subscriber of an address in any spelling, or those whose address begins so.

    50 at most, by address. Raise UsageError for less than three characters.
    """
    actor.require(Permission.SEE_SUBSCRIBERS)
    wanted = text.strip()
    if len(wanted) < _SHORTEST:
        raise UsageError(
            message(
                "%(wanted)s: write three characters of an address, or more", wanted=repr(wanted)
            )
        )
    with state.database.reading() as connection:
        try:
            exact = find_subscriber(connection, wanted)
        except BadAddressError:
            exact = None
        found = [exact] if exact else search_subscribers(connection, wanted, _MOST_FOUND)
    # A key may be for some languages only.
    return [one for one in found if actor.permits(Permission.SEE_SUBSCRIBERS, one.language)]


def preview_list(state: EditingState, actor: Actor, file: Iterable[bytes]) -> ImportPreview:
    """Return what an import would find in a file; raise UsageError if it is not CSV."""
    actor.require(Permission.MANAGE_SUBSCRIBERS)
    try:
        return preview_import(state.settings, file)
    except BadFileError as error:
        raise UsageError(str(error)) from error


def import_list(state: EditingState, actor: Actor, file: Iterable[bytes]) -> ImportReport:
    """Add and correct subscribers from CSV. Bad rows are reported, and the others are stored.

    Its many transactions may be cut off: the audit log has its beginning before a row is stored, and its
    end with the counts. Raise UsageError, before anything is stored, if it is not CSV.
    """
    _require_all(state, actor)

    def begun(connection: Connection) -> None:
        state.record(connection, actor, "begin-import", "subscribers", {})

    now = state.clock.now()
    try:
        report = import_subscribers(state.settings, state.database, file, now, begun=begun)
    except BadFileError as error:
        raise UsageError(str(error)) from error
    counts = {
        name: getattr(report, name)
        for name in ("added", "updated", "unchanged", "kept", "refused")
    }
    with state.changing(actor, "import-subscribers", "subscribers", counts):
        return report


def export_list(state: EditingState, actor: Actor) -> str:
    """Return all subscribers as CSV, which an import reads."""
    _require_all(state, actor)
    out = io.StringIO()
    count = export_subscribers(state.database, out)
    with state.changing(actor, "export-subscribers", "subscribers", {"count": count}):
        return out.getvalue()


def _require_all(state: EditingState, actor: Actor) -> None:
    """Raise ForbiddenError for a key of some languages: a list has subscribers of any."""
    for language in state.settings.publication.languages:
        actor.require(Permission.MANAGE_SUBSCRIBERS, language)
