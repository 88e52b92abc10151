"""What `publisher issues diff` prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from publisher.app.issue_overview import RevisionDiff


def diff_json(name: str, one: RevisionDiff) -> dict[str, Any]:
    """Return a comparison for `--json`."""
    return {
        "issue": name,
        "from": one.old.revision,
        "to": one.new.revision,
        "subject": [one.old.subject, one.new.subject],
        "preheader": [one.old.preheader, one.new.preheader],
        "added": list(one.added),
        "removed": list(one.removed),
        "moved": one.is_moved,
        "text": list(one.text),
        "changed": list(one.parts),
    }


def diff_lines(name: str, one: RevisionDiff) -> Iterator[str]:
    """Yield what is shown of a comparison."""
    yield f"{name}: revision {one.old.revision} and {one.new.revision}"
    if one.parts:
        yield f"changed: {', '.join(one.parts)}"
    for what in ("subject", "preheader"):
        old, new = getattr(one.old, what), getattr(one.new, what)
        if old != new:
            yield from (f"-{what}: {old}", f"+{what}: {new}")
    yield from one.text
