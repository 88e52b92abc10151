"""What an import of subscribers would do, in lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from subscribers import ImportReport

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

# How many bad rows are printed.
_BAD_ROWS_SHOWN = 50


def preview_lines(preview: ImportReport) -> Iterator[str]:
    """Yield what an import would do: columns, rows by status and language, changes, and bad rows."""
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
