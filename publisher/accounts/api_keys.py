"""What programs act with for an account: keys of the API and tokens of private feeds.

A key of the API may at most what its account may. It is written `pub_<number>_<token>`, which
scanners for leaked secrets recognise, and is shown once. Programs that read feeds sign in nowhere,
so the address of a private feed is the secret. It is signed rather than stored, so that its owner
can see it again. Another generation of an account ends all its addresses.

Answers to requests of the API that had an Idempotency-Key are kept for a day. A key of the API and the client's own key
name a request. The row is inserted before the request is carried out, marked in the transaction of its change, and gets
the answer at the end. So a request that is repeated is never carried out twice, also after a kill.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from publisher.accounts.model import NOT_BY_KEY, Account, ApiKey, KeyHolder, Permission
from publisher.accounts.store import account_by_id
from publisher.accounts.tables import account_table, api_key_table
from publisher.accounts.tables import api_answer_table as table
from publisher.accounts.tokens import new_token, token_digest
from publisher.errors import AccountError
from publisher.i18n.messages import counted

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


_LONGEST = timedelta(days=366)
_KEY = re.compile(r"pub_(\d{1,18})_([\w-]{43})")


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
    """Add a key and return it: nobody can read it again.

    Raise AccountError if it has no label or scope, would last too long, or the account may not have a scope.
    """
    _check(wanted)
    token = new_token()
    row = insert(api_key_table).values(
        account_id=account_id,
        label=wanted.label.strip(),
        digest=token_digest(token),
        scopes=sorted(wanted.scopes),
        languages=None if wanted.languages is None else list(wanted.languages),
        created_at=now,
        expires_at=now + wanted.lifetime,
    )
    number = connection.execute(row.returning(api_key_table.c.id)).scalar_one()
    return f"pub_{number}_{token}"


def _check(wanted: KeyRequest) -> None:
    if not wanted.label.strip():
        raise AccountError.saying("a key needs a label, by which to know it later")
    if not wanted.scopes:
        raise AccountError.saying("a key needs a scope")
    if refused := sorted(wanted.scopes & NOT_BY_KEY):
        raise AccountError.saying(
            "no key has the scope %(refused)s", refused=", ".join(refused)
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


KEPT_ANSWERS = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class RequestKey:
    """Names a request: the id of the API key, and the client's Idempotency-Key."""

    api_key_id: int
    client_key: str


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """A request on record. `status` is None until it is answered; `changed_at` when it changed something."""

    request_hash: str
    begun_at: datetime
    changed_at: datetime | None
    status: int | None
    body: str | None
    etag: str | None


def load_answer(connection: Connection, key: RequestKey) -> StoredAnswer | None:
    columns = [table.c[name] for name in StoredAnswer.__dataclass_fields__]
    row = connection.execute(select(*columns).where(_is(key))).one_or_none()
    return None if row is None else StoredAnswer(*row)


def insert_api_request(
    connection: Connection, key: RequestKey, request_hash: str, now: datetime
) -> None:
    """Record that a request is carried out from now on; an earlier row of the key is replaced."""
    forget_api_request(connection, key)
    connection.execute(
        insert(table).values(**asdict(key), request_hash=request_hash, begun_at=now)
    )


def mark_changed(connection: Connection, key: RequestKey, now: datetime) -> None:
    """Record, in the transaction of a change, that a request has made it."""
    connection.execute(update(table).where(_is(key)).values(changed_at=now))


def store_answer(
    connection: Connection, key: RequestKey, status: int, body: str, etag: str | None
) -> None:
    values = {"status": status, "body": body, "etag": etag}
    connection.execute(update(table).where(_is(key)).values(values))


def forget_api_request(connection: Connection, key: RequestKey) -> None:
    """Delete what is on record of a request, so that it may be carried out anew."""
    connection.execute(delete(table).where(_is(key)))


def forget_old_answers(connection: Connection, now: datetime) -> None:
    connection.execute(delete(table).where(table.c.begun_at < now - KEPT_ANSWERS))


def _is(key: RequestKey) -> ColumnElement[bool]:
    return (table.c.api_key_id == key.api_key_id) & (table.c.client_key == key.client_key)
