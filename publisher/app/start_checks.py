"""What is checked and opened before a publication is worked with: its database, its newsletters' names, its transport.

An empty database beside what a former one has published is refused, and a damaged one: it is the only record of
what was sent. Renamed newsletters take over what is stored; one that is lost is refused, since nobody would notice
that its subscribers get no mail.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import Connection, select

from publisher import urls
from publisher.app.same_secret import require_same_secret
from publisher.bucket.upload import fetch_issue_pages, find_former_contents, require_credentials
from publisher.clock import Clock
from publisher.config import SETTINGS_FILE, DigestCadence, DigestKey, Folders, Settings
from publisher.config.delivery import TRANSPORT_KINDS
from publisher.database import Database, open_database
from publisher.database.dialect import damage_of
from publisher.delivery.lease_holder import senders_died_here
from publisher.delivery.ledger.leases import list_leases
from publisher.delivery.lineage import witness
from publisher.delivery.lineage.witness import FILE as WITNESS_FILE
from publisher.delivery.transports import create_transport
from publisher.delivery.transports.base import Transport
from publisher.errors import ConfigError, DatabaseError, LostStateError, ServerAwayError
from publisher.files import lock_scope, storage_errors
from publisher.ingest.tables import source_table
from publisher.issues.recovered_issues import store_former_stories
from publisher.issues.store import has_issues, latest_issues, rename_editions
from publisher.leader.holder import Leadership, hold_leadership, hosts_apart, name_host
from publisher.leader.process_lock import hold_publication_lock
from publisher.log import log
from publisher.mail.dkim import DkimSigner
from publisher.mail.dkim_keys import load_signers
from publisher.rendering import Renderer
from publisher.secrets import load_secret
from subscribers.store import count_subscriptions, rename_newsletter


def refuse_lost_state(settings: Settings, database: Database) -> None:
    """Raise LostStateError if nothing was ever recorded, although something was published or sent.

    A published file shows it, the witness of another database, or a bucket with files.
    Raise BucketError if files go into a bucket that can't be asked.
    """
    with database.reading() as connection:
        if has_state(connection):
            return
        written = witness.read_lineage(connection)
    file = (
        _published_file(settings.folders)
        or _foreign_witness(settings, written)
        or find_former_contents(settings)
    )
    if file is not None:
        raise LostStateError(_name(settings), str(file))


def require_whole(settings: Settings, *, was_killed: bool) -> None:
    """Raise DatabaseError if a file is damaged and a process was killed. Looking takes about a second for each gigabyte."""
    path = settings.database
    if not (isinstance(path, Path) and path.exists()):
        return
    if not (was_killed or senders_died_here(settings)):
        return
    if damage := damage_of(path, may_be_empty=True):
        raise DatabaseError(
            f"{path}: is damaged ({damage}), so nothing is sent from it. Was it replaced while a {path.name}-wal of "
            "another one lay beside it? Put a backup back with `publisher restore`, which keeps this file"
        )


def begin_anew(settings: Settings, database: Database) -> None:
    """Forget the witness of a database that is gone, and end the quarantine, if this one has nothing.

    The stories of the issues that have a page count as an archive. Fetch the pages of issues from the bucket, if there is one: those are not sent again.
    """
    with database.reading() as connection:
        if has_state(connection):
            return
    fetch_issue_pages(settings)
    witness.forget_witness(settings)
    with database.writing() as connection:
        witness.set_lineage(connection, quarantined_at=None, quarantine_reason=None)
        if count := store_former_stories(connection, settings.folders.public):
            log.warning(
                "stories of the issues in public/ count as an archive, which nobody gets by mail again; "
                "`publisher articles announce` mails them all the same",
                stories=count,
            )


def has_state(connection: Connection) -> bool:
    """Return whether a cycle was ever run with this database."""
    source = connection.execute(select(source_table.c.name).limit(1)).first()
    return bool(source or latest_issues(connection, 1))


def _foreign_witness(settings: Settings, written: witness.Lineage | None) -> Path | None:
    for one in witness.read_witnesses(settings):
        is_ours = written is not None and one.is_of(written.incarnation)
        # With the number 0 it says that nothing was sent.
        is_void = one.page is not None and not one.page.number
        if not (is_void or is_ours or one.may_be_foreign):
            return one.folder / WITNESS_FILE
    return None


def _published_file(folders: Folders) -> Path | None:
    """Return a file that only a cycle writes: a message of an issue, or the list of feeds."""
    index = folders.public / urls.opml_path()
    if index.is_file():
        return index
    # Messages of issues, whose folder is a day; and those of a Maildir.
    patterns = ("*/*/[0-9]*/*.eml", "new/*", "cur/*")
    return next((file for one in patterns for file in folders.outbox.glob(one)), None)


def _name(settings: Settings) -> str:
    """Return the database's file; the address of a server may hold a password."""
    address = settings.database
    return str(address) if isinstance(address, Path) else "the database"


def check_newsletter_names(settings: Settings, database: Database) -> None:
    """Raise ConfigError for a newsletter with subscribers that is gone, or not renamed yet, in a program that runs already."""
    with database.reading() as connection:
        _refuse_lost_newsletters(connection, settings)
        for former, name in _pending_renames(connection, settings):
            problem = f"{former} is {name} from now on, which takes effect at a new start"
            raise _error(
                settings, "newsletter", problem, "stop the service, and start it again"
            )


def take_over_newsletters(settings: Settings, database: Database, now: float) -> None:
    """Move what is stored under former names. Raise ConfigError for a newsletter that is gone, or while its mail is being sent."""
    with database.writing() as connection:
        _refuse_lost_newsletters(connection, settings)
        for former, name in [*_pending_renames(connection, settings)]:
            _refuse_conflict(connection, settings, former, name, now)
            log.info("newsletter renamed", former=former, name=name)
            rename_newsletter(connection, former, name)
            rename_editions(connection, former, name)


def _refuse_lost_newsletters(connection: Connection, settings: Settings) -> None:
    ended = settings.publication.ended_newsletters
    for name, number in count_subscriptions(connection).items():
        if settings.newsletter(name) is None and name not in ended:
            remedy = (
                f'bring it back; or, if it has a new name, write formerly = ["{name}"] in the table'
                f' of that newsletter; or, if it ended, ended_newsletters = ["{name}"] in [publication]'
            )
            problem = f"{name} is gone, and has {number:,} subscriptions"
            raise _error(settings, "newsletter", problem, remedy)


def _pending_renames(connection: Connection, settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield former and present names, of newsletters and digests, with something to move."""
    wanted = count_subscriptions(connection)
    for newsletter in settings.newsletters:
        for former in newsletter.formerly:
            for cadence in (None, *DigestCadence):
                old = str(DigestKey(former, cadence))
                if old in wanted or has_issues(connection, old):
                    yield old, str(DigestKey(newsletter.name, cadence))


def _refuse_conflict(
    connection: Connection, settings: Settings, former: str, name: str, now: float
) -> None:
    if has_issues(connection, former) and has_issues(connection, name):
        problem = f"{former} and {name} both have issues; they can't become one"
        remedy = f"leave {former} out of formerly"
        raise _error(settings, "newsletter.formerly", problem, remedy)
    if any(lease.expires_at > now for lease in list_leases(connection)):
        problem = f"{former} can't become {name} while mail is being sent"
        raise _error(
            settings,
            "newsletter.formerly",
            problem,
            "try again in two minutes, when it has ended",
        )


def _error(settings: Settings, key: str, problem: str, remedy: str) -> ConfigError:
    return ConfigError(str(settings.folders.root / SETTINGS_FILE), key, problem, remedy)


_SECONDS_BETWEEN_TRIES = 2.0  # of a service that starts while the database's server does


@dataclass(frozen=True, slots=True)
class PipelineParts:
    """What a cycle works with, as it was opened."""

    settings: Settings
    database: Database
    renderer: Renderer
    transport: Transport
    clock: Clock
    secret: str = field(repr=False)
    signers: tuple[DkimSigner, ...] = ()
    # With a database on a server: whether this process plans and writes files, or only sends.
    leadership: Leadership | None = None


@contextmanager
def open_parts(
    settings: Settings, clock: Clock, check: Callable[[Settings, Database], object]
) -> Iterator[PipelineParts]:
    """Open what a pipeline works with, after `check`: if that raises, the publication gets no new secret."""
    with (
        closing(open_database(settings.database, settings.delivery.durability)) as database,
        closing(Renderer(settings.folders.templates)) as renderer,
    ):
        check(settings, database)
        require_same_secret(settings, database)
        yield PipelineParts(
            settings=settings,
            database=database,
            renderer=renderer,
            transport=create_transport(settings),
            clock=clock,
            secret=load_secret(settings),
            signers=load_signers(settings),
        )


def wait_for_database(
    settings: Settings, wait: Callable[[float], object] = time.sleep, patience: float = 120.0
) -> None:
    """Return once the database's server answers: it may be restarting with this machine.

    `wait` takes seconds. Raise ServerAwayError after `patience` seconds. Changes nothing: what else is wrong,
    whoever opens the database says.
    """
    waited = 0.0
    while settings.database_address is not None:
        try:
            open_database(settings.database, upgrade=False).close()
        except ServerAwayError as error:
            if waited >= patience:
                raise
            log.warning(
                "the database's server does not answer; trying again", reason=str(error)
            )
            wait(_SECONDS_BETWEEN_TRIES)
            waited += _SECONDS_BETWEEN_TRIES
        except DatabaseError:
            return  # the server answers, as it will to whoever opens the database and says what is wrong
        else:
            return


@contextmanager
def open_locked_parts(
    settings: Settings, clock: Clock, *, new_start: bool = False
) -> Iterator[PipelineParts]:
    """Open the parts of the pipeline, alone in this folder. An empty database beside published files is refused, but for a `new_start`."""
    require_credentials(settings)
    if settings.editable_sources:
        # It loads all parsers, and few publications need it.
        from publisher.app.drafts import require_written_sites

        require_written_sites(settings)
    # A lost database has its secret in a backup: a new one must not be in its way.
    check = begin_anew if new_start else refuse_lost_state
    with ExitStack() as stack:
        stack.enter_context(storage_errors(settings.folders.root))
        was_killed = stack.enter_context(hold_publication_lock(settings.folders))
        require_whole(settings, was_killed=was_killed)
        parts = stack.enter_context(open_parts(settings, clock, check))
        database, folder = parts.database, _staging_folder(settings, parts.database)
        if folder:
            # Other machines find out by it whether they stage mails in the same folder.
            name_host(folder, settings.host)
        scope = lock_scope(settings.folders.var, settings.host)
        leadership = stack.enter_context(hold_leadership(database, settings.host, scope))
        take_over_newsletters(settings, database, database.timer.time())
        _warn_of_surroundings(database, folder)
        yield replace(parts, leadership=leadership)


def _staging_folder(settings: Settings, database: Database) -> Path | None:
    """Return the folder in which the transport stages mails, if other machines may have another one."""
    staged = TRANSPORT_KINDS[settings.delivery.transport].leftovers
    if database.path is not None or staged is None:
        return None
    return (settings.folders.root / staged).parent


def _warn_of_surroundings(database: Database, folder: Path | None) -> None:
    """Say that a machine may take staged mails with it, or the server commits; one of tests is so on purpose."""
    if folder and (apart := hosts_apart(database, folder)):
        log.warning(
            "other machines stage mails in a folder of their own, which are lost if one does not come "
            "back; put it on a disk that all share, or use SMTP",
            folder=str(folder),
            hosts=apart,
        )

    if database.unsafe_settings:
        log.warning(
            "a power cut may spoil the database on its server, or lose what was sent, which is sent "
            "again; set these to on there",
            settings=[*database.unsafe_settings],
        )
