"""`publisher subscribers import`: add subscribers from lists, or say what a list holds."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from publisher.cli import common
from publisher.cli.exit_codes import echo
from publisher.cli.subscribers.output import import_remarks, import_sentence

if TYPE_CHECKING:
    from subscribers.lists.import_export import ImportReport


# What columns of other programs are read as.
_ROLES = {
    "first": "first name",
    "last": "last name",
    "consented": "time of consent",
    "network": "network of consent",
    "off": "no mail if it is filled or true",
    "on": "no mail if it is false",
    "sections": "no mail if it is empty or false",
    "lists": "status of each list",
    "attributes": "language",
}

_BAD_ROWS_SHOWN = 50  # how many bad rows are printed


def preview_lines(preview: ImportReport) -> Iterator[str]:
    columns = preview.columns
    read = (
        name if name.casefold() == role else f"{name} as {_ROLES.get(role, role)}"
        for name, role in columns.understood.items()
    )
    yield f"Columns that are read: {', '.join(read)}"
    if columns.ignored:
        yield f"Columns that are ignored: {', '.join(columns.ignored)}"
    for what, counts in (("status", preview.statuses), ("language", preview.languages)):
        parts = (f"{number:,} {name}" for name, number in counts.most_common())
        yield f"Rows by {what}: {', '.join(parts) or 'none'}"
    if preview.without_mail:
        ended = preview.without_mail.most_common()
        parts = (f"{count:,} {status} by {column}" for (status, column), count in ended)
        yield f"Rows that get no mail: {', '.join(parts)}"
    yield f"Rows that say when somebody agreed: {preview.consented:,}"
    yield (
        f"Would be: {preview.added:,} added, {preview.updated:,} updated, "
        f"{preview.unchanged:,} unchanged, {preview.suppressed:,} suppressed"
    )
    yield f"Bad rows: {preview.refused:,}"
    yield from (f"  {row}" for row in preview.bad[:_BAD_ROWS_SHOWN])
    if preview.refused > _BAD_ROWS_SHOWN:
        yield f"  and {preview.refused - _BAD_ROWS_SHOWN:,} more"
    yield "Nothing was changed. Import it without --dry-run"


@common.command("subscribers import", "subscribers.csv my-publication", takes="DIR --as")
def subscribers_import_command(
    given: common.Given,
    file: Path,
    *,
    returned: list[str] | None = None,
    dry_run: bool = False,
    rejects: Path | None = None,
) -> int:
    """Add subscribers from CSV: email,name,language,timezone,newsletters,status.

    Lists of Excel and exports of Mailchimp, Substack, Ghost, listmonk, Buttondown and Mailman are
    read as they are.

    Newsletters are separated by spaces. A bad row is reported with its line; the others are
    added, and the exit code is 1. An import never resubscribes somebody who has left, who was erased, or whose address does
    not exist.

    FILE: A CSV file.
    --returned ADDRESS: An erased address whose subscriber asked to come back; may be repeated.
    --dry-run: Print what the file says and would change, and change nothing.
    --rejects FILE: Write the rows that are left out to a CSV file, with line and reason.
    """
    with common.reading_file(file):
        lines = file.open("rb")
    with lines:
        report = import_lines(
            given, lines, dry_run=dry_run, returned=returned or (), rejects=rejects
        )
    if not dry_run:
        return print_import(str(file), report)
    echo("\n".join(preview_lines(report)))
    return 0


def import_lines(
    given: common.Given, lines: BinaryIO, *, dry_run: bool = False, **options: Any
) -> ImportReport:
    """Import the lines of a list, and return what became of them. `options` are those of `import_list`."""
    from publisher.app.subscribers.lists import import_list, preview_list
    from publisher.cli.progress import show_progress

    with given.editing() as (state, actor), show_progress() as show:
        run = preview_list if dry_run else import_list
        return run(state, actor, lines, progress=partial(show, "rows"), **options)


def print_import(file: str, report: ImportReport) -> int:
    if report.columns.ignored:
        ignored = ", ".join(report.columns.ignored)
        echo(f"{file}: columns that are ignored: {ignored}", err=True)
    for line in import_remarks(report):
        echo(f"{file}: {line}", err=True)
    echo(import_sentence(report))
    return 1 if report.refused else 0
