"""Accounts and their roles in the database."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from publisher.accounts.model import Account, Grant, Role
from publisher.accounts.tables import account_role_table, account_table, put_aside_table
from publisher.errors import AccountError

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")


@dataclass(frozen=True, slots=True)
class NewAccount:
    """Who is to get an account: `language` is that of the pages."""

    email: str
    name: str
    language: str
    grants: tuple[Grant, ...]


def add_account(connection: sa.Connection, new: NewAccount, now: datetime) -> Account:
    """Add an account that nobody can sign in to yet. Raise AccountError for a malformed or known address, or no role."""
    email = new.email.strip().lower()
    if not _EMAIL.fullmatch(email):
        raise AccountError.saying("%(email)s: is no e-mail address", email=repr(new.email))
    if not new.grants:
        raise AccountError.saying("%(email)s: needs a role", email=email)
    if find_account(connection, email) is not None:
        raise AccountError.saying("%(email)s: has an account already", email=email)
    values = {"email": email, "name": new.name.strip() or email, "language": new.language}
    row = sa.insert(account_table).values(**values, created_at=now)
    number = int(connection.execute(row.returning(account_table.c.id)).scalar_one())
    _add_grants(connection, number, new.grants)
    return account_by_id(connection, number)


def account_by_id(connection: sa.Connection, number: int) -> Account:
    """Return an account. Raise AccountError if there is none."""
    row = connection.execute(_BY_ID, {"number": number}).one_or_none()
    if row is None:
        raise AccountError.saying("account %(number)s: there is none", number=number)
    rows = connection.execute(_GRANTS, {"accounts": [number]})
    return _account(row, tuple(_grant(role) for role in rows))


def find_account(connection: sa.Connection, email: str) -> Account | None:
    """Return the account of an address, in any letter case, or None."""
    accounts = _load(connection, account_table.c.email == email.strip().lower())
    return accounts[0] if accounts else None


def require_account(connection: sa.Connection, email: str) -> Account:
    """Return the account of an address. Raise AccountError if there is none."""
    account = find_account(connection, email)
    if account is None:
        raise AccountError.saying("%(email)s: no account", email=email)
    return account


def list_accounts(connection: sa.Connection) -> list[Account]:
    """Return all accounts, by address; also disabled ones."""
    return _load(connection)


def read_names(connection: sa.Connection) -> dict[str, str]:
    """Return the names of all accounts, by address."""
    query = sa.select(account_table.c.email, account_table.c.name)
    return {row.email: row.name for row in connection.execute(query)}


def read_aside(connection: sa.Connection, number: int | None) -> frozenset[str]:
    """Return the fingerprints of what an account has put aside; of the terminal, none."""
    table = put_aside_table
    query = sa.select(table.c.fingerprint).where(table.c.account_id == number)
    return frozenset(connection.execute(query).scalars())


def store_aside(connection: sa.Connection, number: int, fingerprints: Iterable[str]) -> None:
    """Replace what an account has put aside."""
    table = put_aside_table
    connection.execute(sa.delete(table).where(table.c.account_id == number))
    rows = [{"account_id": number, "fingerprint": one} for one in sorted(fingerprints)]
    if rows:
        connection.execute(sa.insert(table), rows)


def set_grants(connection: sa.Connection, number: int, grants: Collection[Grant]) -> None:
    """Replace the roles of an account. Raise AccountError if no administrator would be left."""
    of_account = account_role_table.c.account_id == number
    connection.execute(sa.delete(account_role_table).where(of_account))
    _add_grants(connection, number, grants)
    _require_administrator(connection)


def set_language(connection: sa.Connection, number: int, language: str) -> None:
    account = account_table.c.id == number
    connection.execute(sa.update(account_table).where(account).values(language=language))


def set_mails(connection: sa.Connection, number: int, chosen: Mapping[str, str]) -> None:
    account = account_table.c.id == number
    connection.execute(sa.update(account_table).where(account).values(mails=dict(chosen)))


def disable_account(connection: sa.Connection, number: int, now: datetime) -> None:
    """Let nobody sign in to an account. Raise AccountError if no administrator would be left.

    Its sessions and keys end by themselves: each use looks at the account.
    """
    account = (account_table.c.id == number) & account_table.c.disabled_at.is_(None)
    connection.execute(sa.update(account_table).where(account).values(disabled_at=now))
    _require_administrator(connection)


def enable_account(connection: sa.Connection, number: int) -> None:
    account = account_table.c.id == number
    connection.execute(sa.update(account_table).where(account).values(disabled_at=None))


def _require_administrator(connection: sa.Connection) -> None:
    is_administrator = sa.exists().where(
        account_role_table.c.account_id == account_table.c.id,
        account_role_table.c.role == Role.ADMINISTRATOR,
    )
    here = account_table.c.disabled_at.is_(None) & is_administrator
    if connection.execute(sa.select(account_table.c.id).where(here).limit(1)).first() is None:
        raise AccountError.saying(
            "one administrator has to be left; give somebody else the role first"
        )


def _add_grants(connection: sa.Connection, number: int, grants: Iterable[Grant]) -> None:
    rows = [
        {"account_id": number, "role": grant.role, "language": grant.language or ""}
        for grant in dict.fromkeys(grants)
    ]
    if rows:
        connection.execute(sa.insert(account_role_table), rows)


def _load(connection: sa.Connection, *where: sa.ColumnElement[bool]) -> list[Account]:
    query = sa.select(account_table).where(*where).order_by(account_table.c.email)
    rows = connection.execute(query).all()
    grants = _grants(connection, [row.id for row in rows])
    return [_account(row, grants.get(row.id, ())) for row in rows]


# Built once: every request to the console asks.
_BY_ID = sa.select(account_table).where(account_table.c.id == sa.bindparam("number"))
_GRANTS = (
    sa.select(account_role_table)
    .where(account_role_table.c.account_id.in_(sa.bindparam("accounts", expanding=True)))
    .order_by(account_role_table.c.role, account_role_table.c.language)
)


def _grants(connection: sa.Connection, numbers: Sequence[int]) -> dict[int, tuple[Grant, ...]]:
    grants: dict[int, tuple[Grant, ...]] = {}
    for row in connection.execute(_GRANTS, {"accounts": numbers}):
        grants[row.account_id] = (*grants.get(row.account_id, ()), _grant(row))
    return grants


def _grant(row: Any) -> Grant:
    return Grant(Role(row.role), row.language or None)


def _account(row: Any, grants: tuple[Grant, ...]) -> Account:
    return Account(**row._mapping, grants=grants)  # noqa: SLF001  # SQLAlchemy's public name for it
