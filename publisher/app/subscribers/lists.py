"""Many subscribers at once, as editors see them: search, import, export. Counts are in the audit log.

A list is uploaded and looked at in a dry run, then imported. What is known of each is in files
(`publisher.app.subscribers.uploaded_lists`). An import may be killed anywhere: begun again, it changes nothing of the rows that are stored.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import IO, Any, TextIO, TypedDict, Unpack

from sqlalchemy import Connection

from publisher.app.editing_state import Actor, EditingState, Permission
from publisher.app.subscribers import uploaded_lists
from publisher.app.subscribers.records import export_subscribers, import_subscribers
from publisher.app.subscribers.uploaded_lists import ImportState, KeptImport
from publisher.errors import LimitError, UsageError
from publisher.files import open_private
from publisher.i18n.messages import message
from subscribers.errors import BadAddressError, BadFileError
from subscribers.lists.import_export import ImportReport
from subscribers.model import Subscriber
from subscribers.store import count_all_subscribers, find_subscriber, search_subscribers

_PREVIEW, _IMPORT = Lock(), Lock()  # one at a time in a process: each costs up to half a minute
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
    """Return the subscriber of an address, or at most 50 whose address begins so. Raise UsageError for fewer than three characters."""
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
    """Return what an import would do; store nothing. Raise UsageError if it is not CSV, LimitError during another preview."""
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
    """Add and correct subscribers from CSV; bad rows are reported. The audit log has its beginning before a row is stored, then its end."""
    require_all_subscribers(state, actor)

    def begun(connection: Connection) -> None:
        state.record(connection, actor, "begin-import", "subscribers", {})

    report = _import(state, file, options, begun=begun)
    counts = {name: getattr(report, name) for name in COUNTS}
    with state.changing(actor, "import-subscribers", "subscribers", counts):
        return report


def _import(
    state: EditingState, file: Iterable[bytes], options: ListOptions, **others: Any
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
    """Write all subscribers as CSV for an import; return how many. The export is on record before the first row leaves."""
    require_all_subscribers(state, actor)
    with state.changing(actor, "export-subscribers", "subscribers") as change:
        change.details["count"] = count_all_subscribers(change.connection)
    return export_subscribers(state.settings, state.database, out)


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


# A dry run takes some ten seconds, and the import as long again: a browser waits for them.
MAX_LIST_ROWS = 50_000

_SHOWN = 20  # bad rows that a page shows; the file of rejects has all


def keep_list(state: EditingState, actor: Actor, key: str, file: IO[bytes]) -> KeptImport:
    """Store an uploaded list, only once for a key, and make a dry run of it. Raise UsageError for a malformed key."""
    require_all_subscribers(state, actor)
    folders, now = state.settings.folders, state.clock.now()
    if not uploaded_lists.import_folder(folders, key).exists():
        kept = KeptImport(key=key, actor=actor.name, uploaded_at=now, changed_at=now)
        size = uploaded_lists.store_list(folders, kept, file)
        with state.changing(actor, "upload-list", f"import {key}", {"bytes": size}):
            pass
    kept = uploaded_lists.read_import(folders, key)
    if kept.state is not ImportState.CHECKED or kept.report:
        return kept
    return _work(state, actor, kept, preview_list, ImportState.CHECKED)


def list_imports(state: EditingState, actor: Actor) -> list[KeptImport]:
    """Return the imports of the last days, the latest first."""
    actor.require(Permission.MANAGE_SUBSCRIBERS)
    return uploaded_lists.read_imports(state.settings.folders)


def find_import(state: EditingState, actor: Actor, key: str) -> KeptImport:
    actor.require(Permission.MANAGE_SUBSCRIBERS)
    return uploaded_lists.read_import(state.settings.folders, key)


def read_rejects(
    state: EditingState, actor: Actor, key: str, said: Callable[[str], str]
) -> Iterator[bytes]:
    """Yield the file of rows that were left out, each reason as `said` says it. Raise UsageError if there is none, or not yet."""
    require_all_subscribers(state, actor)
    find_import(state, actor, key)
    path = uploaded_lists.import_folder(state.settings.folders, key) / uploaded_lists.REJECTS
    if not path.exists():
        raise UsageError.saying("the rows that were left out are not known yet")
    return uploaded_lists.translated_rejects(path, said)


def begin_import(state: EditingState, actor: Actor, key: str) -> None:
    """Import a list that was looked at; twice is once, and one that was cut off goes on. Raise UsageError if there is none."""
    require_all_subscribers(state, actor)
    with _IMPORT:
        kept = find_import(state, actor, key)
        if kept.state is ImportState.CHECKED:
            # If it is cut off, what the dry run said is not true any more.
            kept = replace(kept, report={})
            uploaded_lists.write_import(state.settings.folders, kept)
            _work(state, actor, kept, import_list, ImportState.DONE)


def discard_import(state: EditingState, actor: Actor, key: str) -> None:
    """Delete the files of an import. Twice is once."""
    require_all_subscribers(state, actor)
    with state.changing(actor, "discard-import", f"import {key}") as change:
        try:
            find_import(state, actor, key)
        except UsageError:
            change.is_repeated = True
        else:
            uploaded_lists.delete_import(state.settings.folders, key)


def _work(
    state: EditingState,
    actor: Actor,
    kept: KeptImport,
    run: Callable[..., ImportReport],
    after: ImportState,
) -> KeptImport:
    """Make a dry run of a list or import it, and store how it ended."""
    folders = state.settings.folders
    folder = uploaded_lists.import_folder(folders, kept.key)
    rejects, written = folder / uploaded_lists.REJECTS, uploaded_lists.packed_reason
    options: ListOptions = {"rejects": rejects, "written": written, "progress": _bound_rows}
    try:
        with (folder / uploaded_lists.LIST).open("rb") as file:
            report = _values(run(state, actor, file, **options))
    except UsageError as error:
        after, report, problem = ImportState.FAILED, kept.report, str(error)
    else:
        problem = ""
    now = state.clock.now()
    kept = replace(kept, state=after, changed_at=now, problem=problem, report=report)
    uploaded_lists.write_import(folders, kept)
    if after is not ImportState.CHECKED:
        uploaded_lists.delete_list(folders, kept.key)
    return kept


def _bound_rows(_done: int, of: int) -> None:
    if of > MAX_LIST_ROWS:
        raise UsageError.saying(
            "the list has %(rows)s rows, and the console imports %(most)s at most: divide it, or import it on the "
            "machine by publisher subscribers import",
            rows=of,
            most=MAX_LIST_ROWS,
        )


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
