"""The secret that signs subscribers' links, makes Message-IDs and hashes erased addresses.

It comes from the environment, or is created once and stored beside the database. It must not
change: old links would break, a mail that is sent again would get another Message-ID, and an import
could add people who were erased.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

from publisher.config.console import is_loopback_name
from publisher.errors import ConfigError
from publisher.files import make_private_folder, sync_folder

if TYPE_CHECKING:
    from pathlib import Path

    from publisher.config import Settings

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
    """Return whether there is one already."""
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
