"""A publication with any number of recipients and an issue that is ready, made in a moment."""

from contextlib import closing
from pathlib import Path

from sqlalchemy import text

from publisher.clock import FixedClock
from publisher.config import SETTINGS_FILE, Settings, load_settings
from publisher.database import Database, open_database
from publisher.rendering.placeholders import (
    ADDRESS_PLACEHOLDER,
    PREFERENCES_PLACEHOLDER,
    UNSUBSCRIBE_PLACEHOLDER,
)
from publisher.testing import SECRET, make_publication
from tests.databases import at_database
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import ready

RECIPIENTS = """
    INSERT INTO subscriber (id, email, address, name, language, status, created_at, updated_at)
    WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < :many)
    SELECT n, 'reader' || n || '@example.com', 'reader' || n || '@example.com',
           'Reader ' || n, 'en', 'active', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z'
    FROM number
"""
WISHES = """
    INSERT INTO subscription (subscriber_id, newsletter, status, source)
    SELECT id, 'weekly', 'active', 'import' FROM subscriber
"""
PARAGRAPH = (
    "<p>The harbour was calm, and nobody in it had anything to say about the tide.</p>\n"
)
LINKS = (
    f'<p><a href="{UNSUBSCRIBE_PLACEHOLDER}">Unsubscribe</a> <a href="{PREFERENCES_PLACEHOLDER}">Change</a> '
    f"{ADDRESS_PLACEHOLDER}</p>\n"
)


def make_audience(
    folder: Path, recipients: int, size: int, delivery: str = "", address: str | None = None
) -> Settings:
    """Make a publication whose issue of `size` bytes waits for so many recipients.

    `delivery` is TOML that is added to publication.toml; `address` that of a database of its own.
    """
    make_publication(folder)
    with (folder / SETTINGS_FILE).open("a", encoding="utf-8") as file:
        file.write(delivery)
    environment = {"PUBLISHER_SECRET": SECRET}
    if address:
        settings = load_settings(folder, environment | {"PUBLISHER_DATABASE": address})
    else:
        settings = at_database(load_settings(folder, environment))
    with closing(open_database(settings.database)) as database:
        _subscribe(database, recipients)
        publication = PublicationFolder(
            settings=settings, database=database, clock=FixedClock(NOW)
        )
        html = f"<!DOCTYPE html><html lang='en'>{PARAGRAPH * (size // len(PARAGRAPH))}{LINKS}</html>"
        ready(
            publication, html=html, text=f"The harbour was calm.\n\n{UNSUBSCRIBE_PLACEHOLDER}\n"
        )
    return settings


def _subscribe(database: Database, recipients: int) -> None:
    with database.writing() as connection:
        connection.execute(text(RECIPIENTS), {"many": recipients})
        connection.execute(text(WISHES))
