"""How changed occurrences are printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.cli.common import format_local, rfc3339_or_none

if TYPE_CHECKING:
    from publisher.app.occurrences import ChangedOccurrence


def occurrence_line(one: ChangedOccurrence) -> str:
    """Return what was changed, in a line."""
    edition, change = one.edition, one.change
    name = f"{edition.newsletter}-{edition.language}-{change.day}"
    if change.skip_reason is not None:
        return f"{name} is skipped: {change.skip_reason}"
    local = one.occurrence.due_at.astimezone(edition.zone)
    return f"{name} is due {format_local(local)}, {one.occurrence.due_at:%a %Y-%m-%d %H:%M} UTC"


def occurrence_as_json(one: ChangedOccurrence) -> dict[str, object]:
    """Return what was changed as JSON."""
    return {
        "newsletter": one.edition.newsletter,
        "language": one.edition.language,
        "day": one.change.day.isoformat(),
        "utc": rfc3339_or_none(one.occurrence.due_at),
        "skipped": one.change.skip_reason,
        "revision": one.change.revision,
    }
