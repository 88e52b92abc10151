"""Tokens in the addresses of an account's private feeds, such as its calendar and what is to be translated.

Programs that read feeds sign in nowhere, so the address is the secret. It is signed rather than
stored, so that its owner can see it again. Another generation of an account ends all its addresses.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

from sqlalchemy import Connection, update

from publisher.accounts.model import Account
from publisher.accounts.store import account_by_id
from publisher.accounts.tables import account_table

_FORM = re.compile(r"([0-9]{1,9})-([0-9]{1,9})-([A-Za-z0-9_-]{43})")


def feed_token(connection: Connection, secret: str, purpose: str, account_id: int) -> str:
    """Return the present token of an account's feed; `purpose` says which feed."""
    generation = account_by_id(connection, account_id).feed_generation
    return f"{account_id}-{generation}-{_signature(secret, purpose, account_id, generation)}"


def read_feed_token(
    connection: Connection, secret: str, purpose: str, token: str
) -> Account | None:
    """Return the account of a token; None if it was renewed, or the account is disabled."""
    found = _FORM.fullmatch(token)
    if found is None:
        return None
    number, generation = int(found[1]), int(found[2])
    expected = _signature(secret, purpose, number, generation)
    if not hmac.compare_digest(expected.encode(), found[3].encode()):
        return None
    account = account_by_id(connection, number)
    is_present = account.feed_generation == generation and account.disabled_at is None
    return account if is_present else None


def renew_feed_tokens(connection: Connection, account_id: int) -> None:
    """Give all feeds of an account other addresses. Those of before are not found any more."""
    changed = account_table.c.feed_generation + 1
    here = account_table.c.id == account_id
    connection.execute(update(account_table).where(here).values(feed_generation=changed))


def _signature(secret: str, purpose: str, account_id: int, generation: int) -> str:
    text = f"feed of an account\n{purpose}\n{account_id}\n{generation}"
    digest = hmac.digest(secret.encode(), text.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
