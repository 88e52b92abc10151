"""Keys of the API: each belongs to an account, and may at most what that account may.

A key is written `pub_<number>_<token>`, which scanners for leaked secrets recognise. It is shown once.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select, update

from publisher.accounts.model import NOT_BY_KEY, OF_ONE_LANGUAGE, Account, Permission, permits
from publisher.accounts.store import account_by_id
from publisher.accounts.tables import api_key_table
from publisher.accounts.tokens import new_token, token_digest
from publisher.errors import AccountError
from publisher.messages import counted, message

_LONGEST = timedelta(days=366)
_KEY = re.compile(r"pub_(\d{1,18})_([\w-]{43})")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key. `languages` is None for all of its account's."""

    id: int
    account_id: int
    label: str
    scopes: frozenset[Permission]
    languages: tuple[str, ...] | None
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """A key that counts now, and its account."""

    key: ApiKey
    account: Account

    def permits(self, permission: Permission, language: str | None = None) -> bool:
        """Return whether the key gives a permission: its scopes and the roles of its account do."""
        key = self.key
        if permission not in key.scopes or permission in NOT_BY_KEY:
            return False
        # Without a language, what is about one would be permitted in all of them.
        is_bound = language is not None or permission in OF_ONE_LANGUAGE
        if key.languages is not None and is_bound and language not in key.languages:
            return False
        return permits(self.account.grants, permission, language)


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """What a new key is to be good for."""

    label: str
    scopes: frozenset[Permission]
    languages: tuple[str, ...] | None
    lifetime: timedelta


def add_api_key(
    connection: Connection, account_id: int, wanted: KeyRequest, now: datetime
) -> str:
    """Add a key. Return it, which nobody can read again.

    Raise AccountError if it has no label or scope, would last too long, or may have such a scope not at all.
    """
    _check(wanted)
    token = new_token()
    done = connection.execute(
        insert(api_key_table).values(
            account_id=account_id,
            label=wanted.label.strip(),
            digest=token_digest(token),
            scopes=sorted(wanted.scopes),
            languages=None if wanted.languages is None else list(wanted.languages),
            created_at=now,
            expires_at=now + wanted.lifetime,
        )
    )
    assert done.inserted_primary_key is not None  # noqa: S101  # every database returns it
    return f"pub_{done.inserted_primary_key[0]}_{token}"


def _check(wanted: KeyRequest) -> None:
    if not wanted.label.strip():
        raise AccountError(message("a key needs a label, by which to know it later"))
    if not wanted.scopes:
        raise AccountError(message("a key needs a scope"))
    if refused := sorted(wanted.scopes & NOT_BY_KEY):
        raise AccountError(
            message("no key has the scope %(refused)s", refused=", ".join(refused))
        )
    if not timedelta(0) < wanted.lifetime <= _LONGEST:
        raise AccountError(
            counted(
                "a key lasts %(count)s day at most",
                "a key lasts %(count)s days at most",
                _LONGEST.days,
            )
        )


def read_api_key(connection: Connection, written: str, now: datetime) -> KeyHolder | None:
    """Return who uses a key, or None: a wrong, old or revoked one, or a disabled account."""
    found = _KEY.fullmatch(written)
    if found is None:
        return None
    row = connection.execute(
        select(api_key_table).where(
            api_key_table.c.id == int(found[1]),
            api_key_table.c.digest == token_digest(found[2]),
            api_key_table.c.revoked_at.is_(None),
            api_key_table.c.expires_at > now,
        )
    ).one_or_none()
    if row is None:
        return None
    account = account_by_id(connection, row.account_id)
    return None if account.disabled_at else KeyHolder(_key(row), account)


def record_key_use(connection: Connection, key_id: int, now: datetime) -> None:
    """Record when a key was last used."""
    connection.execute(
        update(api_key_table).where(api_key_table.c.id == key_id).values(used_at=now)
    )


def list_api_keys(connection: Connection, owners: Collection[int]) -> list[ApiKey]:
    """Return the keys of some accounts, also revoked ones, the latest first."""
    query = select(api_key_table).where(api_key_table.c.account_id.in_(owners))
    rows = connection.execute(query.order_by(api_key_table.c.id.desc()))
    return [_key(row) for row in rows]


def revoke_api_key(connection: Connection, key_id: int, now: datetime) -> bool:
    """End a key. Return whether it counted until now."""
    here = (api_key_table.c.id == key_id) & api_key_table.c.revoked_at.is_(None)
    done = connection.execute(update(api_key_table).where(here).values(revoked_at=now))
    return done.rowcount == 1


def _key(row: Any) -> ApiKey:
    values = {name: getattr(row, name) for name in ApiKey.__dataclass_fields__}
    # A scope that a later version has dropped gives nothing.
    known = {*Permission}
    values["scopes"] = frozenset(Permission(one) for one in row.scopes if one in known)
    values["languages"] = None if row.languages is None else tuple(row.languages)
    return ApiKey(**values)
