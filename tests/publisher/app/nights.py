"""A publication whose service makes a backup each night, with a clock that tests set."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from publisher.app.operation.backup import make_due_backup
from publisher.app.operation.status import PublicationStatus, take_snapshot
from publisher.config import SETTINGS_FILE, load_settings
from publisher.testing import SECRET
from tests.databases import at_database
from tests.publisher.conftest import NOW, PublicationFolder

# At the hour of the backup: the publication's zone is UTC here.
NIGHT = datetime(2026, 1, 9, 3, tzinfo=UTC)
DAY = timedelta(days=1)


def silent(_step: str, _done: int, _of: int, _note: str = "") -> None:
    """Do nothing."""


class HeldClock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.instant = NOW

    def now(self) -> datetime:
        return self.instant


class Nights:
    """A publication with backups, and the clock of its service."""

    def __init__(self, publication: PublicationFolder, keep: int = 7) -> None:
        root = publication.settings.folders.root
        self.folder = root / "backups"
        publication.reload(timezone="UTC")
        with (root / SETTINGS_FILE).open("a", encoding="utf-8") as file:
            file.write(f'backup = {{ folder = "backups", keep = {keep} }}\n')
        settings = load_settings(root, {"PUBLISHER_SECRET": SECRET})
        publication.settings = at_database(settings)
        self.publication = publication
        self.clock = HeldClock()

    def turn(self, at: datetime, progress: Callable[..., None] = silent) -> list[str]:
        """Run the turn at an instant; return the names of all backups."""
        self.clock.instant = at
        one = self.publication
        make_due_backup(one.settings, one.database, self.clock, progress)
        return self.names()

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("publisher-*"))

    def status(self) -> PublicationStatus:
        one = self.publication
        return take_snapshot(one.settings, one.database, self.clock.now())
