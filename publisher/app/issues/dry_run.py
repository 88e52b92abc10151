"""Preview issues by the pipeline on a temporary copy of what issues are made from.

The copy has no subscriber but the one who is asked for, no deliveries of others, no mails and no
secrets of accounts, so that it takes as long as there are articles. Making it locks nothing.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy import delete

from publisher.app.editing_state import EditingState
from publisher.app.operation.cycle import Pipeline, open_pipeline
from publisher.app.same_secret import require_same_secret
from publisher.app.subscribers.personal_tables import OTHER_TABLES, PERSONAL_TABLES, own_numbers
from publisher.assembly import preview
from publisher.clock import Clock
from publisher.config import DeliverySettings, Edition, Settings
from publisher.database import Database, open_database
from publisher.database.copy import back_up, copy_database
from publisher.errors import DatabaseError
from publisher.rendering import Renderer
from publisher.secrets import secret_fingerprint_table
from publisher.site.writer import write_logo
from subscribers.errors import BadAddressError
from subscribers.store import find_subscriber

# Tables that previews don't read: they grow with issues, mails and requests, or hold secrets of accounts.
_LEFT_OUT = (
    *("digest", "digest_revision", "revised_page", "received_mail"),
    *("queue_item", "audit_entry", "erased_address", "rate_limit", "api_answer", "api_key"),
    *("console_session", "challenge", "invitation", "passkey", "password", "recovery_code"),
)
_NO_ROWS = "1 = 0"


@contextmanager
def open_dry_run(
    settings: Settings, clock: Clock, subscriber: str | None = None
) -> Iterator[Pipeline]:
    """Open a pipeline on a copy in which new articles are picked up. Of subscribers it has the one with this address only."""
    with (
        tempfile.TemporaryDirectory() as name,
        open_pipeline(
            _copy(settings, Path(name), subscriber), clock, _forget_fingerprint
        ) as pipeline,
    ):
        pipeline.pick_up(clock.now())
        write_logo(pipeline.settings)
        yield pipeline


@contextmanager
def open_preview(
    state: EditingState, *, picks_up: bool, subscriber: str | None = None
) -> Iterator[tuple[EditingState, Renderer]]:
    """Open what `preview_mail` takes: the publication, or a copy, as `open_dry_run`."""
    if picks_up:
        with open_dry_run(state.settings, state.clock, subscriber) as pipeline:
            copy = replace(state, settings=pipeline.settings, database=pipeline.database)
            yield copy, pipeline.renderer
    else:
        with closing(Renderer(state.settings.folders.templates)) as renderer:
            yield state, renderer


def preview_next(pipeline: Pipeline, edition: Edition) -> preview.IssuePreview:
    """Render an edition's next issue as of now, or its newest articles; see `publisher.assembly.preview`."""
    with pipeline.database.reading() as connection:
        return preview.preview_issue(
            connection, pipeline.settings, pipeline.renderer, edition, pipeline.clock.now()
        )


def preview_held(pipeline: Pipeline, edition: Edition) -> Iterator[preview.IssuePreview]:
    """Yield the edition's due issues that an error holds back, rendered again."""
    with pipeline.database.reading() as connection:
        for issue in preview.held_issues(connection, edition):
            found = preview.preview_held_issue(
                connection, pipeline.settings, pipeline.renderer, edition, issue
            )
            if found:
                yield found


def _copy(settings: Settings, folder: Path, subscriber: str | None) -> Settings:
    """Return the settings of the copy, after its database and templates are in place."""
    folders = replace(settings.folders, root=folder)
    copy = replace(settings, folders=folders, database_address=None)
    folders.var.mkdir()
    _copy_database(settings, folders.database, subscriber)
    # Templates and sources stay where they are.
    if settings.folders.templates.exists():
        folders.templates.symlink_to(settings.folders.templates)
    sources = [one.seen_from_elsewhere(settings.folders.root) for one in settings.sources]
    # A copy sends nothing and needs neither password nor key: default settings are enough.
    return replace(copy, sources=tuple(sources), delivery=DeliverySettings())


def _forget_fingerprint(_settings: Settings, copy: Database) -> None:
    """Let a copy have a secret of its own: no link of it may work."""
    with copy.writing() as connection:
        connection.execute(delete(secret_fingerprint_table))


def _copy_database(settings: Settings, target: Path, subscriber: str | None) -> None:
    address = settings.database
    if isinstance(address, Path) and not address.exists():
        return
    try:
        database = open_database(address, upgrade=False)
    except DatabaseError:
        if isinstance(address, str):
            raise
        # Of an older version: its copy is upgraded. What else is wrong is said when that is opened.
        back_up(address, target)
        return
    with closing(database):
        require_same_secret(settings, database, record=False)
        numbers = _numbers(database, subscriber) if subscriber else []
        copy_database(database, target, _conditions(numbers))


def _numbers(database: Database, address: str) -> list[int]:
    """Return the ids of a subscriber; none if nobody has the address, which whoever asked finds out."""
    with database.reading() as connection:
        try:
            found = find_subscriber(connection, address)
        except BadAddressError:
            return []
        return own_numbers(connection, found.id) if found else []


def _conditions(numbers: Sequence[int]) -> dict[str, str]:
    """Return which rows the copy has, in SQL by table; all of other tables. Pure."""
    personal = [one.name for one in (*(one.table for one in PERSONAL_TABLES), *OTHER_TABLES)]
    variants = ("issue_variant", "issue_variant_article")
    if not numbers:
        names = ("subscriber", *personal, *variants, *_LEFT_OUT)
        return dict.fromkeys(names, _NO_ROWS)
    own = f"subscriber_id IN ({', '.join(map(str, numbers))})"
    # Found by the primary key, which begins with the issue.
    deliveries = f"issue_id IN (SELECT id FROM issue) AND {own}"  # noqa: S608  # numbers
    got = f"IN (SELECT variant_id FROM delivery WHERE {deliveries})"  # noqa: S608  # numbers
    return {
        "subscriber": own.replace("subscriber_id", "id"),
        **dict.fromkeys(personal, own),
        "delivery": deliveries,
        "issue_variant": f"id {got}",
        "issue_variant_article": f"variant_id {got}",
        **dict.fromkeys(_LEFT_OUT, _NO_ROWS),
    }
