"""Many subscribers at once, as editors see them: search, import, export. Counts are in the audit log.

A list is uploaded, looked at in a dry run, and imported, both in the background. What is known of each is in
files (`publisher.uploaded_lists`). `run_waiting_imports` does the work, in the process that has the files. It
may be killed anywhere: the next run begins the list again, which changes nothing of the rows that are stored.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import IO, Any, TextIO, TypedDict, Unpack

import structlog
from sqlalchemy import Connection

from publisher import uploaded_lists
from publisher.accounts.actor import terminal_actor
from publisher.app.editing_state import Actor, EditingState, Permission, find_terminal_actor
from publisher.app.subscribers.records import export_subscribers, import_subscribers
from publisher.errors import LimitError, PublisherError, UsageError
from publisher.files import open_private
from publisher.i18n.messages import message
from publisher.uploaded_lists import ImportState, KeptImport
from subscribers.errors import BadAddressError, BadFileError
from subscribers.lists.import_export import ImportReport
from subscribers.model import Subscriber
from subscribers.store import count_all_subscribers, find_subscriber, search_subscribers

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
        raise UsageError.saying(
            "%(wanted)s: write three characters of an address, or more", wanted=repr(wanted)
        )
    with state.database.reading() as connection:
        try:
            exact = find_subscriber(connection, wanted)
        except BadAddressError:
            exact = None
        people = [exact] if exact else search_subscribers(connection, wanted, _MOST_FOUND)
    # A key may be for some languages only.
    return [
        person
        for person in people
        if actor.permits(Permission.SEE_SUBSCRIBERS, person.language)
    ]


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
    **others: Any,
) -> ImportReport:
    rejects, written = options.pop("rejects", None), options.pop("written", str)
    settings, now = state.settings, state.clock.now()
    try:
        with uploaded_lists.writing_rejects(rejects, file, written) as rejected:
            asked = {**options, **others, "rejected": rejected}
            return import_subscribers(settings, state.database, file, now, **asked)
    except BadFileError as error:
        raise UsageError(uploaded_lists.reason_sentence(str(error))) from error


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


log = structlog.get_logger()

MAX_LIST_BYTES = 200 * 1024 * 1024
"""Of an uploaded list: more than a million rows with all columns."""

# Seconds between two notes of how far an import is.
_NOTE_SECONDS = 1.0
# Bad rows that a page shows; the file of rejects has all.
_SHOWN = 20

# The list is of no use any more.
_ENDED = frozenset({ImportState.DONE, ImportState.FAILED})
_Stopped = Callable[[], bool]


class _StoppedError(Exception):
    """The process ends; the import begins again with the next one."""


def keep_list(state: EditingState, actor: Actor, key: str, file: IO[bytes]) -> KeptImport:
    """Store an uploaded list, of which a dry run is made next. The same key twice stores it once.

    Raise UsageError for what is no key.
    """
    require_all_subscribers(state, actor)
    folders, now = state.settings.folders, state.clock.now()
    if uploaded_lists.import_folder(folders, key).exists():
        return uploaded_lists.read_import(folders, key)
    kept = KeptImport(
        key=key,
        state=ImportState.CHECKING,
        actor=actor.name,
        via=actor.via,
        network=actor.network,
        uploaded_at=now,
        changed_at=now,
    )
    kept = uploaded_lists.store_list(folders, kept, file)
    with state.changing(actor, "upload-list", f"import {key}", {"bytes": kept.size}):
        return kept


def list_imports(state: EditingState, actor: Actor) -> list[KeptImport]:
    """Return the imports of the last days, the latest first."""
    actor.require(Permission.MANAGE_SUBSCRIBERS)
    return uploaded_lists.read_imports(state.settings.folders)


def find_import(state: EditingState, actor: Actor, key: str) -> KeptImport:
    """Return one of them. Raise UsageError if there is none."""
    actor.require(Permission.MANAGE_SUBSCRIBERS)
    return uploaded_lists.read_import(state.settings.folders, key)


def read_rejects(
    state: EditingState, actor: Actor, key: str, said: Callable[[str], str]
) -> Iterator[bytes]:
    """Return a file of the rows that were left out, piece by piece, with each reason as `said` says it.

    Raise UsageError if there is none, or not yet.
    """
    require_all_subscribers(state, actor)
    kept = find_import(state, actor, key)
    path = uploaded_lists.import_folder(state.settings.folders, key) / uploaded_lists.REJECTS
    if kept.state in uploaded_lists.RUNNING or not path.exists():
        raise UsageError.saying("the rows that were left out are not known yet")
    return uploaded_lists.translated_rejects(path, said)


def begin_import(state: EditingState, actor: Actor, key: str) -> None:
    """Let a list be imported that was looked at. Twice is once. Raise UsageError if there is none."""
    require_all_subscribers(state, actor)
    folders = state.settings.folders
    with state.changing(actor, "start-import", f"import {key}") as change:
        kept = find_import(state, actor, key)
        change.is_repeated = kept.state is not ImportState.CHECKED
        if not change.is_repeated:
            by = {"actor": actor.name, "via": actor.via, "network": actor.network}
            uploaded_lists.write_import(
                folders,
                kept.moved(ImportState.IMPORTING, state.clock.now(), **by),
            )


def discard_import(state: EditingState, actor: Actor, key: str) -> None:
    """Delete the files of an import that does not run. Twice is once."""
    require_all_subscribers(state, actor)
    with state.changing(actor, "discard-import", f"import {key}") as change:
        try:
            change.is_repeated = find_import(state, actor, key).is_running
        except UsageError:
            change.is_repeated = True
        if not change.is_repeated:
            uploaded_lists.delete_import(state.settings.folders, key)


def run_waiting_imports(state: EditingState, stopped: _Stopped = lambda: False) -> int:
    """Look at lists that were uploaded, import those that somebody began, and delete old files.

    Return how many were worked on. Only one process at a time does so. `stopped` is asked between
    transactions.
    """
    folders = state.settings.folders
    with uploaded_lists.alone(folders) as is_alone:
        if not is_alone:
            return 0
        imports = uploaded_lists.read_imports(folders)
        waiting = [kept for kept in reversed(imports) if kept.is_running]
        for kept in waiting:
            _work(state, kept, stopped)
        for kept in imports:
            # A kill may have come before it.
            if kept.state in _ENDED:
                uploaded_lists.delete_list(folders, kept.key)
        uploaded_lists.delete_expired_imports(state.settings, state.clock.now())
    return len(waiting)


def _work(state: EditingState, kept: KeptImport, stopped: _Stopped) -> None:
    folders = state.settings.folders
    if kept.state is ImportState.IMPORTING:
        kept = replace(kept, runs=kept.runs + 1)
        uploaded_lists.write_import(folders, kept)
    try:
        end = _worked(state, kept, stopped)
    except _StoppedError:
        return
    uploaded_lists.write_import(folders, end)
    if end.state in _ENDED:
        uploaded_lists.delete_list(folders, kept.key)


def _worked(state: EditingState, kept: KeptImport, stopped: _Stopped) -> KeptImport:
    is_import = kept.state is ImportState.IMPORTING
    try:
        report = _run(state, kept, stopped)
    except UsageError as error:
        return kept.moved(ImportState.FAILED, state.clock.now(), problem=str(error))
    except PublisherError as error:
        problem = str(error)
    except _StoppedError:
        raise
    except Exception:
        log.exception("a list of subscribers could not be imported", key=kept.key)
        problem = message("a fault of the program; its log says more")
    else:
        after = ImportState.DONE if is_import else ImportState.CHECKED
        rows = report.taken + report.refused
        return kept.moved(after, state.clock.now(), report=_values(report), of=rows)
    # What was stored stays, and the button of the page goes on.
    after = ImportState.CHECKED if is_import else ImportState.FAILED
    return kept.moved(after, state.clock.now(), problem=problem)


def _run(state: EditingState, kept: KeptImport, stopped: _Stopped) -> ImportReport:
    folder = uploaded_lists.import_folder(state.settings.folders, kept.key)
    run = import_list if kept.state is ImportState.IMPORTING else preview_list
    with (folder / uploaded_lists.LIST).open("rb") as file:
        return run(
            state,
            _actor(state, kept),
            file,
            rejects=folder / uploaded_lists.REJECTS,
            written=uploaded_lists.packed_reason,
            progress=_noting(state, kept, stopped),
        )


def _actor(state: EditingState, kept: KeptImport) -> Actor:
    """Return who uploaded or began it, with the roles of now. Raise UsageError if the account is disabled."""
    is_terminal = kept.actor == terminal_actor().name
    actor = find_terminal_actor(state, None if is_terminal else kept.actor)
    return replace(actor, via=kept.via, network=kept.network)


def _noting(
    state: EditingState, kept: KeptImport, stopped: _Stopped
) -> Callable[[int, int], None]:
    """Return a function that stores how far an import is, and ends it if the process ends."""
    noted = float("-inf")

    def note(done: int, of: int) -> None:
        nonlocal noted
        if stopped():
            raise _StoppedError
        if time.monotonic() >= noted + _NOTE_SECONDS:
            noted = time.monotonic()
            uploaded_lists.write_import(state.settings.folders, replace(kept, done=done, of=of))

    return note


def _values(report: ImportReport) -> dict[str, Any]:
    columns = report.columns
    return {
        **{name: getattr(report, name) for name in COUNTS},
        "suppressed": report.suppressed,
        "consented": report.consented,
        "columns": list(zip(columns.header, columns.roles, strict=True)),
        "statuses": report.statuses.most_common(),
        "languages": report.languages.most_common(),
        "without_mail": [(*key, count) for key, count in report.without_mail.most_common()],
        "reasons": [
            (uploaded_lists.reason_sentence(one), n) for one, n in report.reasons.most_common()
        ],
        "bad": [uploaded_lists.reason_sentence(str(one)) for one in report.bad[:_SHOWN]],
    }
