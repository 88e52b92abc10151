"""The secret of a publication: read or made, compared among machines, used to seal values.

It signs subscribers' links, makes Message-IDs and hashes erased addresses. It comes from the environment, or is created
once and stored beside the database. It must not change: old links would break, a mail that is sent again would get
another Message-ID, and an import could add people who were erased.

A fingerprint of it is in the database, since machines that share a database must have the same
secret. The secret does not follow from the fingerprint. Sealed values can't be read from a copy of
the database alone. cryptography is imported when something is sealed: most commands seal nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, Column, Connection, Integer, Table, Text, select

from publisher.config import Settings
from publisher.config.web import is_loopback_name
from publisher.database.dialect.sql import upsert_by_key
from publisher.database.metadata import metadata
from publisher.errors import ConfigError
from publisher.files import make_private_folder, sync_folder

if TYPE_CHECKING:
    from cryptography.fernet import Fernet


SECRET_FILE = "secret"  # noqa: S105  # a file's name
_SECRET_BYTES = 32
# Public on purpose, so that the demo is the same everywhere: with it, anybody can sign anybody's links.
DEMO_SECRET = "of no use outside the demo, where it is public"  # noqa: S105


def load_secret(settings: Settings) -> str:
    """Return the publication's secret, created on first use.

    Raises ConfigError if it can't be stored, and for the demo's where mail leaves this machine.
    """
    secret = _load(settings)
    if secret == DEMO_SECRET and settings.delivery.sends_mail:
        raise _demo_error(settings, f'delivery.transport is "{settings.delivery.transport}"')
    return secret


def require_own_secret(settings: Settings, host: str) -> None:
    """Raise ConfigError if pages that others reach, at an address to listen on, have the demo's secret."""
    if not is_loopback_name(host.strip("[]")) and _load(settings) == DEMO_SECRET:
        raise _demo_error(settings, f"pages are served at {host}")


def _demo_error(settings: Settings, problem: str) -> ConfigError:
    return ConfigError(
        *secret_place(settings),
        f"is the demo's secret, which is public, and {problem}: anybody could sign subscribers' links",
        "delete the file, and a new secret is made; links in the demo's mails end then",
    )


def _load(settings: Settings) -> str:
    if settings.secret is not None:
        return settings.secret.get_secret_value()
    path = _path(settings)
    try:
        make_private_folder(path.parent)
        if not path.exists():
            _make(path)
        kept = path.read_text("ascii", "replace").strip()
    except OSError as error:
        problem = f"can't be stored: {error.strerror}"
        raise ConfigError(str(path), "", problem, "set PUBLISHER_SECRET") from None
    if len(kept) < _SECRET_BYTES or not kept.isascii():
        remedy = "restore it from a backup or set PUBLISHER_SECRET"
        raise ConfigError(str(path), "", "damaged", remedy)
    return kept


def store_secret(settings: Settings, secret: str) -> None:
    """Store the secret of a backup. Raise ConfigError if the publication has another one."""
    path = _path(settings)
    if settings.secret is None and not path.exists():
        make_private_folder(path.parent)
        _make(path, secret)
    if load_secret(settings) != secret:
        remedy = "move var/secret away, or set PUBLISHER_SECRET to that of the backup"
        raise ConfigError(str(path), "", "is not the secret of the backup", remedy)


def put_secret_aside(settings: Settings, secret: str, name: str) -> None:
    """Rename the stored secret if it is another one than this. One of the environment stays."""
    path = _path(settings)
    if settings.secret is not None or not path.exists():
        return
    if path.read_text("ascii", "replace").strip() != secret:
        path.rename(path.with_name(name))


def has_secret(settings: Settings) -> bool:
    return settings.secret is not None or _path(settings).exists()


def secret_place(settings: Settings) -> tuple[str, str]:
    """Return where the secret is set, as file and key, for messages."""
    if settings.secret is not None:
        return "environment", "PUBLISHER_SECRET"
    return str(_path(settings)), ""


def _path(settings: Settings) -> Path:
    return settings.folders.var / SECRET_FILE


def _make(path: Path, secret: str | None = None) -> None:
    # Created readable for this user only.
    with NamedTemporaryFile("w", dir=path.parent, prefix=".secret.") as file:
        file.write(secret or secrets.token_urlsafe(_SECRET_BYTES))
        file.flush()
        os.fsync(file.fileno())
        # Unlike a rename, a link fails if another process has stored a secret meanwhile.
        with suppress(FileExistsError):
            path.hardlink_to(file.name)
    sync_folder(path.parent)


_ONLY_ROW = 1

secret_fingerprint_table = Table(
    "secret_fingerprint",
    metadata,
    Column(
        "id", Integer, CheckConstraint(f"id = {_ONLY_ROW}", name="only_row"), primary_key=True
    ),
    Column("fingerprint", Text, nullable=False),
)


def fingerprint(secret: str) -> str:
    return hmac.digest(secret.encode(), b"fingerprint of the secret", "sha256").hex()


def stored_fingerprint(connection: Connection) -> str | None:
    return _stored(connection)[0] or None


def secret_adopted_at(connection: Connection) -> datetime | None:
    """Return when the secret took the place of another one; None if it is the first."""
    at = _stored(connection)[1:]
    return datetime.fromisoformat(at[0]) if at else None


def _stored(connection: Connection) -> list[str]:
    stored = connection.scalar(select(secret_fingerprint_table.c.fingerprint)) or ""
    return stored.split(" ")


def store_fingerprint(
    connection: Connection, value: str, adopted_at: datetime | None = None
) -> None:
    """Record one in place of any other, and when, if there was another."""
    at = f" {adopted_at:%Y-%m-%dT%H:%M:%SZ}" if adopted_at else ""
    row = {"id": _ONLY_ROW, "fingerprint": f"{value}{at}"}
    connection.execute(upsert_by_key(connection, secret_fingerprint_table), row)


def seal(secret: str, purpose: str, value: str) -> str:
    """Encrypt a value. What was sealed for one purpose can't be opened for another."""
    return _box(secret, purpose).encrypt(value.encode()).decode()


def unseal(secret: str, purpose: str, sealed: str) -> str | None:
    """Return the value, or None if the publication's secret is another one now."""
    from cryptography.fernet import InvalidToken

    try:
        return _box(secret, purpose).decrypt(sealed.encode()).decode()
    except InvalidToken:
        return None


def _box(secret: str, purpose: str) -> Fernet:
    from cryptography.fernet import Fernet

    key = hashlib.sha256(f"{purpose}\0{secret}".encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
