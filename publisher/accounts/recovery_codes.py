"""Recovery codes: ten for each account, each good once, for whoever has lost a passkey or telephone."""

from __future__ import annotations

import base64
import secrets
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from publisher.accounts.tables import recovery_code_table
from publisher.accounts.tokens import token_digest

CODES = 10
# 80 bits can't be guessed, so they need no slow hash. They make 16 letters.
_CODE_BYTES = 10
_GROUP = 4


def new_recovery_codes(connection: Connection, account_id: int) -> list[str]:
    """Replace the codes of an account. Return the new ones, which nobody can read again."""
    remove_recovery_codes(connection, account_id)
    codes = [_new_code() for _ in range(CODES)]
    rows = [{"account_id": account_id, "digest": _digest(code)} for code in codes]
    connection.execute(insert(recovery_code_table), rows)
    return codes


def remove_recovery_codes(connection: Connection, account_id: int) -> None:
    """Remove the codes of an account."""
    mine = recovery_code_table.c.account_id == account_id
    connection.execute(delete(recovery_code_table).where(mine))


def use_recovery_code(
    connection: Connection, account_id: int, code: str, now: datetime
) -> bool:
    """Use a code, written in any way. Return whether it was good; of several at a time, one is."""
    used = (
        update(recovery_code_table)
        .where(
            recovery_code_table.c.account_id == account_id,
            recovery_code_table.c.digest == _digest(code),
            recovery_code_table.c.used_at.is_(None),
        )
        .values(used_at=now)
    )
    return connection.execute(used).rowcount == 1


def count_recovery_codes(connection: Connection, account_id: int) -> int:
    """Return how many codes of an account are still good."""
    query = select(func.count()).where(
        recovery_code_table.c.account_id == account_id,
        recovery_code_table.c.used_at.is_(None),
    )
    return int(connection.execute(query).scalar_one())


def _new_code() -> str:
    letters = base64.b32encode(secrets.token_bytes(_CODE_BYTES)).decode().lower()
    return "-".join(letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP))


def _digest(code: str) -> str:
    return token_digest("".join(code.split()).replace("-", "").lower())
