"""Sessions of the console. The cookie has a token of 256 bits; its hash is stored.

A session begins before it is known who signs in, and gets another token when the sign-in is complete
and whenever a factor is shown again (OWASP ASVS 5.0, 7.2.4). It ends when it is idle, when it is old,
and when its account is disabled.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, bindparam, delete, insert, select, update

from publisher.accounts.tables import account_table, challenge_table, console_session_table
from publisher.accounts.tokens import new_token, token_digest
from publisher.errors import AccountError

IDLE = timedelta(hours=8)
_LONGEST = timedelta(days=7)
# For what needs a factor shown just now: accounts, keys, exports, cancelling.
FRESH = timedelta(minutes=10)
# For a sign-in from its first step to its last, and for setting up how to sign in.
SIGN_IN = timedelta(minutes=30)
_USER_AGENT = 200


@dataclass(frozen=True, slots=True)
class Browser:
    """Where a session is used: as the owner sees it in a list. `network` is shortened."""

    user_agent: str
    network: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSession:
    """A session that counts now. `proved_at` is None until the sign-in is complete."""

    id: str
    account_id: int | None
    created_at: datetime
    seen_at: datetime
    proved_at: datetime | None
    user_agent: str
    network: str

    @property
    def signed_in_id(self) -> int | None:
        """Whose session it is once the sign-in is complete."""
        return None if self.proved_at is None else self.account_id

    def is_fresh(self, now: datetime) -> bool:
        return self.proved_at is not None and now < self.proved_at + FRESH


_COLUMNS = [console_session_table.c[name] for name in ConsoleSession.__dataclass_fields__]


def begin_session(connection: Connection, browser: Browser, now: datetime) -> str:
    """Begin a session of nobody. Return its token. Sessions that are over are deleted."""
    connection.execute(delete(console_session_table).where(~_COUNTS), _limits(now))
    token = new_token()
    connection.execute(
        insert(console_session_table).values(
            digest=token_digest(token),
            # Not the token's own hash, since others may see the id.
            id=new_token()[:16],
            created_at=now,
            seen_at=now,
            user_agent=browser.user_agent[:_USER_AGENT],
            network=browser.network,
        )
    )
    return token


def name_account(connection: Connection, token: str, account_id: int) -> None:
    """Store who is signing in, after a first factor."""
    connection.execute(
        update(console_session_table)
        .where(_of(token), console_session_table.c.proved_at.is_(None))
        .values(account_id=account_id)
    )


def complete_session(connection: Connection, token: str, account_id: int, now: datetime) -> str:
    """Complete a sign-in, or record that a factor was shown again. Return the new token.

    The old one ends. How long a session lasts counts from its sign-in. Raise AccountError if it is over,
    or of another account: a second factor of one never completes the sign-in of another.
    """
    query = select(console_session_table).where(_of(token), _COUNTS)
    row = connection.execute(query, _limits(now)).one_or_none()
    if row is None or row.account_id not in {None, account_id}:
        raise AccountError.saying("the sign-in is over; begin again")
    new = new_token()
    values = {"digest": token_digest(new), "account_id": account_id, "proved_at": now}
    values |= {"created_at": row.created_at if row.proved_at else now, "seen_at": now}
    _end_challenges(connection, token)
    connection.execute(update(console_session_table).where(_of(token)).values(values))
    return new


def read_console_session(
    connection: Connection, token: str, now: datetime
) -> ConsoleSession | None:
    """Return the session of a cookie, or None if it is over or its account is disabled."""
    values = {"token": token_digest(token), **_limits(now)}
    row = connection.execute(_OF_TOKEN, values).one_or_none()
    return ConsoleSession(**row._mapping) if row else None  # noqa: SLF001  # SQLAlchemy's public name


def touch_session(connection: Connection, token: str, now: datetime) -> None:
    connection.execute(update(console_session_table).where(_of(token)).values(seen_at=now))


def list_sessions(
    connection: Connection, account_id: int, now: datetime
) -> list[ConsoleSession]:
    """Return the sessions of an account in which the sign-in is complete, the latest first."""
    mine = console_session_table.c.account_id == account_id
    is_complete = console_session_table.c.proved_at.is_not(None)
    query = _SESSIONS.where(mine, is_complete, _COUNTS).order_by(
        console_session_table.c.seen_at.desc(), console_session_table.c.id
    )
    rows = connection.execute(query, _limits(now))
    return [ConsoleSession(**row._mapping) for row in rows]  # noqa: SLF001  # as above


def end_console_session(connection: Connection, token: str) -> None:
    """End a session, and what it was asked for. Without one, change nothing."""
    _end_challenges(connection, token)
    connection.execute(delete(console_session_table).where(_of(token)))


def _end_challenges(connection: Connection, token: str) -> None:
    asked = challenge_table.c.session_digest == token_digest(token)
    connection.execute(delete(challenge_table).where(asked))


def end_listed_session(connection: Connection, account_id: int, session_id: str) -> bool:
    here = console_session_table.c.id == session_id
    mine = console_session_table.c.account_id == account_id
    return connection.execute(delete(console_session_table).where(here, mine)).rowcount == 1


def end_sessions(connection: Connection, account_id: int, *, but: str = "") -> None:
    """End all sessions of an account, but for the one with a token: a factor has changed."""
    mine = console_session_table.c.account_id == account_id
    others = console_session_table.c.digest != token_digest(but)
    connection.execute(delete(console_session_table).where(mine, others))


def _of(token: str) -> ColumnElement[bool]:
    return console_session_table.c.digest == token_digest(token)


def _limits(now: datetime) -> dict[str, datetime]:
    return {
        "began_after": now - SIGN_IN,
        "used_after": now - IDLE,
        "signed_in_after": now - _LONGEST,
    }


_one = console_session_table.c
# Sessions that are not over, with the parameters of `_limits`: of a sign-in that goes on, and of one that is complete.
_COUNTS = (_one.proved_at.is_(None) & (_one.created_at > bindparam("began_after"))) | (
    _one.proved_at.is_not(None)
    & (_one.seen_at > bindparam("used_after"))
    & (_one.created_at > bindparam("signed_in_after"))
)
_SESSIONS = (
    select(*_COLUMNS)
    .outerjoin(account_table, account_table.c.id == console_session_table.c.account_id)
    .where(account_table.c.disabled_at.is_(None))
)
# Built once: every request asks.
_OF_TOKEN = _SESSIONS.where(console_session_table.c.digest == bindparam("token"), _COUNTS)
