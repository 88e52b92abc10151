"""Signing in to the console, step by step, without HTTP; and who a request comes from.

A passkey is enough. A password is not: a one-time password or a recovery code follows. (`accounts.openid` has
the provider that may stand for both.) Each step belongs
to a session of nobody, whose token is in a cookie; the last step gives another token. The same steps prove
a factor again to somebody who is signed in. Every try has an entry in the audit log.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from publisher.accounts import factors, passkeys, sessions, tokens
from publisher.accounts.factors import count_password, count_try
from publisher.accounts.model import Account, Actor, account_actor
from publisher.accounts.passwords import LONGEST
from publisher.accounts.sessions import Browser, read_console_session, touch_session
from publisher.accounts.store import account_by_id, find_account
from publisher.accounts.tokens import use_recovery_code
from publisher.app.accounts.keys import record_access, relying_party, session_owner
from publisher.app.editing_state import EditingState
from publisher.errors import AccountError, DatabaseError, SignInError
from publisher.log import log

# How much of a session's use may go unrecorded: pages are read, mostly, and reading writes nothing.
_TOUCH_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Who has signed in; `language` is that of the pages. `is_fresh`: a factor was shown just now, which some routes need."""

    actor: Actor
    name: str
    language: str
    session_id: str
    is_fresh: bool


def read_signed_in(state: EditingState, token: str, network: str) -> SignedIn | None:
    """Return who is signed in with a cookie's token; None if nobody is, or not completely."""
    now = state.clock.now()
    with state.database.reading() as connection:
        session = read_console_session(connection, token, now)
        number = session.signed_in_id if session else None
        account = account_by_id(connection, number) if number is not None else None
    if session is None or account is None:
        return None
    if now - session.seen_at > _TOUCH_AFTER:
        try:
            with state.database.writing() as connection:
                touch_session(connection, token, now)
        except DatabaseError as error:
            # The next request records it; this one may only read.
            log.warning("the use of a session could not be recorded", reason=str(error))
    return SignedIn(
        actor=account_actor(account, network),
        name=account.name,
        language=account.language,
        session_id=session.id,
        is_fresh=session.is_fresh(now),
    )


# Purposes of challenges: a passkey is asked for, and a code after the right password. The latter names the account, and
# what came before if it was no password.
_PASSKEY, CODE_STEP = "passkey", "code"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a browser is asked for, as JSON, and the token of the session that is asked."""

    token: str = field(repr=False)
    options: str


def ask_for_sign_in(state: EditingState, browser: Browser) -> Asked:
    """Begin a session of nobody, and ask it for a passkey. Raise SignInError (`wait`)."""
    require_step(state, browser.network)
    with state.database.writing() as connection:
        token = sessions.begin_session(connection, browser, state.clock.now())
        return _ask(state, connection, token, None)


def ask_for_proof(state: EditingState, token: str) -> Asked:
    """Ask somebody who is signed in for a passkey of the account. Raise SignInError (`over`)."""
    with state.database.writing() as connection:
        found = session_owner(connection, token, state.clock.now())
        if found is None:
            raise SignInError("over")
        return _ask(state, connection, token, found[1].id)


def _ask(
    state: EditingState, connection: Connection, token: str, account_id: int | None
) -> Asked:
    asked = passkeys.ask_for_passkey(connection, relying_party(state.settings), account_id)
    tokens.keep_challenge(connection, token, _PASSKEY, asked.challenge, state.clock.now())
    return Asked(token, asked.options)


def use_passkey(state: EditingState, token: str, answer: dict[str, Any], network: str) -> str:
    """Complete a sign-in, or prove a factor again. Return the new token. Raise SignInError: a wrong answer, too, uses up the question."""
    now = state.clock.now()
    with state.database.writing() as connection:
        challenge = tokens.take_challenge(connection, token, _PASSKEY, now)
        account: Account | None = None
        try:
            account = _shown_passkey(state, connection, challenge, answer)
            new = complete_sign_in(state, connection, token, account, network, "passkey")
        except AccountError as error:
            new, why = "", str(error)
            name = account.email if account else None
            record_access(
                state, connection, name, "sign-in-refused", network, by="passkey", why=why
            )
    # After the commit: neither the challenge nor the entry is undone.
    if not new:
        raise SignInError("wrong" if challenge else "over")
    return new


def _shown_passkey(
    state: EditingState, connection: Connection, challenge: bytes | None, answer: dict[str, Any]
) -> Account:
    """Return whose passkey an answer shows; raise AccountError if it is not right."""
    if challenge is None:
        raise AccountError.saying("it was asked for nothing, or too long ago")
    number = passkeys.check_passkey(
        connection,
        answer,
        challenge=challenge,
        console=relying_party(state.settings),
        now=state.clock.now(),
    )
    return account_by_id(connection, number)


def complete_sign_in(
    state: EditingState,
    connection: Connection,
    token: str,
    account: Account,
    network: str,
    by: str,
) -> str:
    """Complete the session, record it, and return the new token; raise AccountError."""
    now = state.clock.now()
    if account.disabled_at is not None:
        raise AccountError.saying("the account is disabled")
    verb = "sign-in" if session_owner(connection, token, now) is None else "prove"
    new = sessions.complete_session(connection, token, account.id, now)
    record_access(state, connection, account.email, verb, network, by=by)
    return new


def begin_by_password(state: EditingState, browser: Browser, email: str, password: str) -> str:
    """Begin a session; return its token, for `use_code`. Raise SignInError: `wait`, or `wrong`, which never says of what."""
    require_step(state, browser.network)
    account = _owner_of_password(state, email, password, browser.network)
    now = state.clock.now()
    with state.database.reading() as connection:
        renewed = factors.renewed_hash(connection, account.id, password)
    with state.database.writing() as connection:
        if renewed is not None:
            factors.set_password(connection, account.id, renewed, now)
        token = sessions.begin_session(connection, browser, now)
        sessions.name_account(connection, token, account.id)
        tokens.keep_challenge(connection, token, CODE_STEP, str(account.id).encode(), now)
    return token


def _owner_of_password(state: EditingState, email: str, password: str, network: str) -> Account:
    """Return whose password it is; raise SignInError. Hashed outside of transactions that write: it takes a tenth of a second."""
    now = state.clock.now()
    with state.database.writing() as connection:
        seconds = count_password(connection, state.secret, email, network, now)
    _require_time(state, seconds, email, network)
    with state.database.reading() as connection:
        named = find_account(connection, email)
        is_right = len(password) <= LONGEST and (
            factors.check_password(connection, email, password) is not None
        )
        if named is not None and is_right:
            # Half set up, it signs nobody in.
            is_right = factors.read_factors(connection, named.id).has_totp
    if named is None or not is_right:
        with state.database.writing() as connection:
            name = named.email if named else None
            record_access(state, connection, name, "sign-in-refused", network, by="password")
        raise SignInError("wrong")
    return named


def use_code(state: EditingState, token: str, code: str, network: str) -> str:
    """Complete a sign-in by a one-time password or a recovery code. Raise SignInError: `over` (no right password before), `wrong`, `wait`."""
    now = state.clock.now()
    with state.database.writing() as connection:
        named = tokens.read_challenge(connection, token, CODE_STEP, now)
        session = sessions.read_console_session(connection, token, now)
        if named is None or session is None:
            raise SignInError("over")
        number, _, first = named.decode().partition(" ")
        account = account_by_id(connection, int(number))
        seconds = count_try(
            connection, state.secret, "sign-in code by account", str(account.id), now
        )
        by = None if seconds else _used_code(state, connection, account, code)
        try:
            by = by and f"{first or 'password'} and {by}"
            new = complete_sign_in(state, connection, token, account, network, by) if by else ""
        except AccountError as error:
            raise SignInError("over") from error
        if not new and not seconds:
            record_access(
                state, connection, account.email, "sign-in-refused", network, by="code"
            )
    _require_time(state, seconds, account.email, network)
    if not new:
        raise SignInError("wrong")
    return new


def prove_by_password(
    state: EditingState, token: str, password: str, code: str, network: str
) -> str:
    """Prove password and code again; return the session's new token. Raise SignInError: `over`, `wrong` or `wait`."""
    now = state.clock.now()
    with state.database.reading() as connection:
        found = session_owner(connection, token, now)
    if found is None:
        raise SignInError("over")
    account = _owner_of_password(state, found[1].email, password, network)
    with state.database.writing() as connection:
        tokens.keep_challenge(connection, token, CODE_STEP, str(account.id).encode(), now)
    return use_code(state, token, code, network)


def _used_code(
    state: EditingState, connection: Connection, account: Account, code: str
) -> str | None:
    """Use a code. Return which kind it was, or None if it is wrong."""
    now = state.clock.now()
    if factors.use_totp_code(connection, state.secret, account.id, code, now):
        return "one-time password"
    if use_recovery_code(connection, account.id, code, now):
        return "recovery code"
    return None


def require_step(state: EditingState, network: str) -> None:
    """Count the beginning of a sign-in of a network; raise SignInError (`wait`)."""
    with state.database.writing() as connection:
        seconds = count_try(
            connection, state.secret, "sign in by network", network, state.clock.now()
        )
    _require_time(state, seconds, "", network)


def _require_time(state: EditingState, seconds: int | None, email: str, network: str) -> None:
    if seconds is None:
        return
    now = state.clock.now()
    with state.database.writing() as connection:
        who = email.strip().lower() or network
        if count_try(connection, state.secret, "recorded limit", who, now) is None:
            named = find_account(connection, email) if email else None
            name = named.email if named else None
            record_access(state, connection, name, "sign-in-limited", network)
    raise SignInError("wait", seconds)
