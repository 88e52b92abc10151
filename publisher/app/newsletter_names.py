"""Renamed newsletters take over what is stored under their former names; lost ones are refused.

A subscription belongs to a name. A name that is not in publication.toml any more would leave its
subscribers without mail, and nobody would notice.
"""

from __future__ import annotations

from collections.abc import Iterator

import structlog
from sqlalchemy import Connection

from publisher.config import SETTINGS_FILE, DigestCadence, DigestKey, Settings
from publisher.database import Database
from publisher.delivery.ledger.leases import list_leases
from publisher.errors import ConfigError
from publisher.issues.renaming import has_issues, rename_editions
from subscribers import count_subscriptions, rename_newsletter

log = structlog.get_logger()


def check_newsletter_names(settings: Settings, database: Database) -> None:
    """Raise ConfigError for a newsletter with subscribers that is gone, or not renamed yet.

    For programs that run already: what they are sending has the former name.
    """
    with database.reading() as connection:
        _refuse_lost_newsletters(connection, settings)
        for former, name in _pending_renames(connection, settings):
            problem = f"{former} is {name} from now on, which takes effect at a new start"
            raise _error(
                settings, "newsletter", problem, "stop the service, and start it again"
            )


def take_over_newsletters(settings: Settings, database: Database, now: float) -> None:
    """Move what is stored under former names; `now` is in seconds since 1970, as in leases.

    Raise ConfigError for a newsletter that is gone, or while a process sends mail of the former
    name.
    """
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
