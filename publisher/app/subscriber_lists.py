"""Many subscribers at once, as editors see them: search, import, export. Counts are in the audit log."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, TextIO, TypedDict, Unpack

from publisher.app.editing_state import Permission
from publisher.app.subscribers import ImportOptions, export_subscribers, import_subscribers
from publisher.errors import LimitError, UsageError
from publisher.files import open_private
from publisher.messages import message
from publisher.reason_sentences import reason_sentence
from publisher.uploaded_lists import writing_rejects
from subscribers import (
    BadAddressError,
    BadFileError,
    count_all_subscribers,
    find_subscriber,
    search_subscribers,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from publisher.app.editing_state import Actor, EditingState
    from subscribers import ImportReport, Subscriber

# One at a time in a process: each costs up to half a minute, and its list in memory.
_PREVIEW = Lock()
# Characters that a beginning needs, so that no search lists everybody.
_SHORTEST = 3
_MOST_FOUND = 50
# What an import counts. A row is in one of them; `erased` is a part of `refused`.
COUNTS = ("added", "updated", "unchanged", "kept", "refused", "erased")


class ListOptions(TypedDict, total=False):
    """What an import may be asked.

    `returned` are erased addresses whose subscribers asked to come back, `rejects` is a file for the rows that are
    left out; the list is then a file that is open. `written` is how that file has a reason, English by default.
    `progress` is called with the rows done, and all.
    """

    returned: Sequence[str]
    rejects: Path | None
    written: Callable[[str], str]
    progress: Callable[[int, int], None]


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


def preview_list(
    state: EditingState, actor: Actor, file: Iterable[bytes], **options: Unpack[ListOptions]
) -> ImportReport:
    """Return what an import of a file would do, and store nothing.

    Raise UsageError if it is not CSV, and LimitError while another one is previewed.
    """
    actor.require(Permission.MANAGE_SUBSCRIBERS)
    if not _PREVIEW.acquire(blocking=False):
        raise LimitError(message("another list is being previewed"), 60)
    try:
        return _import(state, file, options, dry_run=True)
    finally:
        _PREVIEW.release()


def import_list(
    state: EditingState, actor: Actor, file: Iterable[bytes], **options: Unpack[ListOptions]
) -> ImportReport:
    """Add and correct subscribers from CSV. Bad rows are reported, and the others are stored.

    Its many transactions may be cut off: the audit log has its beginning before a row is stored, and its
    end with the counts. Raise UsageError, before anything is stored, if it is not CSV.
    """
    require_all_subscribers(state, actor)

    def begun(connection: Connection) -> None:
        state.record(connection, actor, "begin-import", "subscribers", {})

    report = _import(state, file, options, begun=begun)
    counts = {name: getattr(report, name) for name in COUNTS}
    with state.changing(actor, "import-subscribers", "subscribers", counts):
        return report


def _import(
    state: EditingState,
    file: Iterable[bytes],
    options: ListOptions,
    **others: Unpack[ImportOptions],
) -> ImportReport:
    settings, now = state.settings, state.clock.now()
    if "progress" in options:
        others["progress"] = options["progress"]
    try:
        rejects, written = options.get("rejects"), options.get("written", str)
        with writing_rejects(rejects, file, written) as others["rejected"]:
            return import_subscribers(
                settings,
                state.database,
                file,
                now,
                returned=options.get("returned", ()),
                **others,
            )
    except BadFileError as error:
        raise UsageError(reason_sentence(str(error))) from error


def export_list(state: EditingState, actor: Actor, out: TextIO) -> int:
    """Write all subscribers as CSV, which an import reads. Return how many.

    It is on record before the first of them leaves.
    """
    require_all_subscribers(state, actor)
    with state.changing(actor, "export-subscribers", "subscribers") as change:
        change.details["count"] = count_all_subscribers(change.connection)
    return export_subscribers(state.database, out)


def require_all_subscribers(state: EditingState, actor: Actor) -> None:
    """Raise ForbiddenError for a key of some languages: a list has subscribers of any."""
    for language in state.settings.publication.languages:
        actor.require(Permission.MANAGE_SUBSCRIBERS, language)


def export_list_to(state: EditingState, actor: Actor, path: Path) -> int:
    """Write them into a file that only its owner reads. Return how many. Raise OSError."""
    with open(
        path, "w", encoding="utf-8", newline="", opener=open_private
    ) as file:  # Path.open has no opener
        return export_list(state, actor, file)
