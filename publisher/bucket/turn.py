"""Copy the web root into its bucket at the end of a turn, and record how that went.

While the bucket lacks anything, new issues wait for their pages, and hubs for what the turn has changed.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from publisher.bucket import contents
from publisher.bucket.upload import TAG_FILE
from publisher.config import Settings
from publisher.database import Database
from publisher.errors import BucketError, ConfigError
from publisher.issues.model import Issue
from publisher.log import log
from publisher.site.writer import record_issue_pages


def lacks_what_was_copied(settings: Settings, database: Database) -> bool:
    """Return whether the bucket was filled, but not from this web root: a disk that is new or not mounted."""
    if settings.s3 is None or settings.folders.public.is_file():
        return False
    with database.reading() as connection:
        complete_at = contents.read_state(connection).complete_at
    return complete_at is not None and not (settings.folders.public / TAG_FILE).exists()


def fill_bucket(
    settings: Settings,
    database: Database,
    upload: Callable[[], int],
    pages: Sequence[tuple[Issue, str]],
    now: datetime,
) -> list[str]:
    """Copy what has changed, if there is a bucket; return the problems. `pages` of issues count as written once it has them."""
    if settings.s3 is None:
        return []
    try:
        count = upload()
    except (BucketError, ConfigError) as error:
        with database.writing() as connection:
            contents.record_state(connection, problem=str(error))
        return [str(error)]
    record_issue_pages(database, pages)
    with database.writing() as connection:
        contents.record_state(connection, problem=None, complete_at=now)
    if count:
        log.info("the bucket has all files", changed=count)
    return []


def public_since(settings: Settings, database: Database, now: datetime) -> datetime | None:
    """Return when the web last had a turn as a whole: now, without a bucket; None if the bucket never had everything."""
    if settings.s3 is None:
        return now
    with database.reading() as connection:
        complete_at = contents.read_state(connection).complete_at
    return complete_at and min(complete_at, now)
