"""Signing in by the provider of OpenID Connect that the settings name, and confirming one's identity by it.

An account is connected to one at the provider the first time: by the address that the provider has verified,
or by whoever is signed in and has shown a factor just now. Nobody gets an account by it. A provider stands
for two factors if it says so, or the settings do; else a one-time password follows.
"""

import importlib.util
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from publisher.accounts import factors, sessions, tokens
from publisher.accounts.model import Account
from publisher.accounts.openid import LEEWAY, OpenidProvider, OpenidQuestion
from publisher.accounts.store import account_by_id, find_account
from publisher.app.accounts import sign_in
from publisher.app.accounts.keys import record_access, session_owner
from publisher.app.editing_state import EditingState
from publisher.config import Settings
from publisher.config.web import OPENID_SECRET
from publisher.errors import AccountError, ConfigError, SignInError
from publisher.fetching.limits import FetchError

_QUESTION = "openid"  # the challenge of a session
RETURN_PATH = "/sign-in/provider/back/"  # where the provider sends people back to


def open_provider(settings: Settings) -> OpenidProvider:
    """Return the provider of the settings. Raise ConfigError if its secret or the library is missing."""
    openid, secret = settings.console.openid, settings.secrets.get(OPENID_SECRET)
    if openid is None or secret is None:
        remedy = "set it to the client's secret, as the provider shows it"
        raise ConfigError("environment", OPENID_SECRET, "missing", remedy)
    if importlib.util.find_spec("authlib") is None:
        problem, remedy = "its library is not installed", "install requirements-extras.txt"
        raise ConfigError("publication.toml", "console.openid", problem, remedy)
    back = f"{settings.console.url}{RETURN_PATH}"
    return OpenidProvider(openid, secret.get_secret_value(), back)


def ask_provider(
    state: EditingState, browser: sessions.Browser, fields: Mapping[str, str], proving: str = ""
) -> sign_in.Asked:
    """Begin a session, or ask for factors anew in one that is signed in, `proving`; return where to go as options. Raise SignInError: `wait`, `over`, `provider`."""
    sign_in.require_step(state, browser.network)
    now, provider = state.clock.now(), open_provider(state.settings)
    with _refusing(state, browser.network):
        url, question = provider.ask(fields, now, again=bool(proving))
    with state.database.writing() as connection:
        if proving and session_owner(connection, proving, now) is None:
            raise SignInError("over")
        token = proving or sessions.begin_session(connection, browser, now)
        kept = json.dumps(question).encode()
        tokens.keep_challenge(connection, token, _QUESTION, kept, now, sessions.SIGN_IN)
    return sign_in.Asked(token, url)


def take_question(state: EditingState, token: str, answered: str) -> OpenidQuestion:
    """Return what a session has asked, by the answer's `state`; it is answered once. Raise SignInError (`over`)."""
    given = (token, _QUESTION, state.clock.now())
    with state.database.writing() as connection:
        # Another tab's answer, or a stranger's, does not end it.
        kept = tokens.read_challenge(connection, *given)
        question = OpenidQuestion(*json.loads(kept)) if kept else None
        if question is None or question.state != answered:
            raise SignInError("over")
        tokens.take_challenge(connection, *given)
    return question


def use_answer(
    state: EditingState,
    token: str,
    question: OpenidQuestion,
    answer: Mapping[str, str],
    network: str,
) -> tuple[str, bool]:
    """Sign in or confirm whom an answer names; return the session's token, and whether a code follows. Raise SignInError: `denied`, `provider`, `no-account`, `one-factor`."""
    now, provider = state.clock.now(), open_provider(state.settings)
    issuer = provider.settings.issuer
    with _refusing(state, network):
        claims = provider.read_answer(question, answer, now)
        is_enough = provider.settings.second_factor or "mfa" in (claims.get("amr") or ())
        with state.database.writing() as connection:
            number = factors.openid_account_id(connection, issuer, claims["sub"])
            signed_in = session_owner(connection, token, now)
            account = _owner(connection, signed_in, number, claims, question, now)
            if not is_enough and not factors.read_factors(connection, account.id).has_totp:
                raise SignInError("one-factor") from AccountError(f"{account.email}: no code")
            if number is None:
                factors.connect_openid(connection, account.id, issuer, claims["sub"])
                entry = (account.email, "set-factor", network)
                record_access(state, connection, *entry, factor="openid")
            if is_enough:
                how = (account, network, "openid")
                return sign_in.complete_sign_in(state, connection, token, *how), False
            sessions.name_account(connection, token, account.id)
            first = f"{account.id} openid".encode()
            tokens.keep_challenge(connection, token, sign_in.CODE_STEP, first, now)
            return token, True


def _owner(
    connection: Connection,
    signed_in: tuple[sessions.ConsoleSession, Account] | None,
    number: int | None,
    claims: Mapping[str, Any],
    question: OpenidQuestion,
    now: datetime,
) -> Account:
    """Return whose account it is. Raise AccountError for somebody else than who is signed in, SignInError (`no-account`)."""
    if signed_in is not None:
        session, account = signed_in
        is_connecting = number is None and session.is_fresh(now)
        is_anew = (claims.get("auth_time") or 0) >= question.asked_at - LEEWAY
        if not (is_connecting or (number == account.id and is_anew)):
            raise AccountError(f"{account.email}: the provider asked another one, or not anew")
        return account
    named = account_by_id(connection, number) if number else None
    named = named or find_account(connection, claims["email"])
    if named is None or named.disabled_at is not None:
        who = claims["email"] or f"{claims['sub']}, without a verified address"
        raise SignInError("no-account") from AccountError(f"{who}: no enabled account")
    return named


@contextmanager
def _refusing(state: EditingState, network: str) -> Iterator[None]:
    """Record why somebody is not signed in, and raise SignInError (`provider` for what has no key)."""
    try:
        yield
    except (AccountError, FetchError) as error:
        # What was written before is undone.
        details = {"by": "openid", "why": str(error.__cause__ or error)}
        with state.database.writing() as connection:
            record_access(state, connection, None, "sign-in-refused", network, **details)
        raise error if isinstance(error, SignInError) else SignInError("provider") from error
