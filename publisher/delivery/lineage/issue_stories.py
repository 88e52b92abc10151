"""The stories of the issues that were sent: kept in files beside the journal.

A line is in `journal/<day>.issues` before anything of its issue is handed out. It names stories by their
keys, which a database that was restored gives them as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from publisher.delivery.lineage.journal import append_values, day_files, read_values
from publisher.delivery.lineage.state import read_lineage
from publisher.delivery.lineage.witness import witness_folders
from publisher.issues.recovered_stories import story_keys

if TYPE_CHECKING:
    from publisher.config import Settings
    from publisher.database import Database
    from publisher.issues.model import Issue

_SUFFIX = "issues"


def record_stories(
    settings: Settings, database: Database, issues: Iterable[Issue], now: datetime
) -> None:
    """Append the stories of issues that are about to be sent. Raise StorageError if that can't be written."""
    if not settings.delivery.journal:
        return
    with database.reading() as connection:
        lineage = read_lineage(connection)
        contents = {issue.name: story_keys(connection, issue) for issue in issues}
    if lineage is None:
        return
    for folder in witness_folders(settings):
        known = _read_folder(folder, lineage.incarnation)
        for name, keys in contents.items():
            if keys and known.get(name) != keys:
                values = [lineage.incarnation, name, sorted(keys)]
                append_values(folder, _SUFFIX, values, now)


def read_recorded_stories(
    folders: Iterable[Path], incarnation: str
) -> dict[str, frozenset[str]]:
    """Return the stories of each issue by its name: those that any of some folders has."""
    found: dict[str, frozenset[str]] = {}
    for folder in folders:
        for name, keys in _read_folder(folder, incarnation).items():
            found[name] = found.get(name, frozenset()) | keys
    return found


def _read_folder(folder: Path, incarnation: str) -> dict[str, frozenset[str]]:
    """Return what the last line of each issue says."""
    return {
        name: frozenset(keys)
        for owner, name, keys in read_values(day_files(folder, _SUFFIX))
        if owner == incarnation
    }
