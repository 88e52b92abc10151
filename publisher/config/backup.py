"""Settings of the backup that the service makes each day."""

from __future__ import annotations

from datetime import time
from typing import TYPE_CHECKING

from pydantic import Field

from publisher.config.delivery import resolve_file
from publisher.config.values import ConfigTable, TimeOfDay

if TYPE_CHECKING:
    from pathlib import Path


class BackupSettings(ConfigTable):
    """The table [backup]. `at` is in the publication's time zone; `keep` is a number of backups."""

    folder: str = Field(min_length=1)
    at: TimeOfDay = time(3)
    keep: int = Field(default=7, ge=1, le=1000)

    def path(self, root: Path) -> Path:
        """Return the folder that backups are made in, of a publication's folder."""
        return resolve_file(root, self.folder)
