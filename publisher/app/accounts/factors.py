"""Setting up and changing how one signs in: passkeys, password with one-time passwords, recovery codes.

Two may do it: whoever opened an invitation, who is then signed in, and whoever is signed in and has shown a factor just
now, whose other sessions end. Nothing is stored until the new factor is proved, so an account is never half set up.
"""

from dataclasses import dataclass, field

from sqlalchemy import Connection

from publisher.accounts import factors, passkeys, passwords, sessions, tokens
from publisher.accounts.factors import Factors
from publisher.accounts.model import Account, Actor
from publisher.accounts.passkeys import Passkey
from publisher.accounts.passwords import totp_uri
from publisher.accounts.sessions import Browser
from publisher.accounts.store import account_by_id
from publisher.accounts.tokens import token_digest
from publisher.app.accounts.keys import record_access, relying_party, session_owner
from publisher.app.accounts.sign_in import require_step
from publisher.app.editing_state import EditingState
from publisher.errors import AccountError, SignInError
from publisher.secrets import seal, unseal

# Purposes of challenges: the link that a session came by, a passkey to be made, the secret of one-time
# passwords until the first of them is shown.
_INVITATION, _NEW_PASSKEY, _NEW_TOTP = "invitation", "new-passkey", "new-totp"


@dataclass(frozen=True, slots=True)
class Setup:
    """Whose ways to sign in are set up; `is_invited` if nobody is signed in yet. `totp` is empty until `begin_password`."""

    account: Account
    is_invited: bool
    totp: str = field(default="", repr=False)
    totp_uri: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class NewFactor:
    """What is to be shown once after a change: the session's token, and recovery codes if there are new ones."""

    token: str = field(repr=False)
    recovery_codes: tuple[str, ...] = field(default=(), repr=False)


def accept_invitation(state: EditingState, browser: Browser, invitation: str) -> str:
    """Begin a session of whoever has an invitation, which stays good until something is set up. Raise SignInError: `over`, `wait`."""
    require_step(state, browser.network)
    now, digest = state.clock.now(), token_digest(invitation.strip())
    with state.database.writing() as connection:
        if tokens.invited_account_id(connection, digest, now) is not None:
            token = sessions.begin_session(connection, browser, now)
            _keep(state, connection, token, _INVITATION, digest.encode())
            _keep(state, connection, token, _NEW_TOTP, _new_totp(state))
            return token
        record_access(state, connection, None, "invitation-refused", browser.network)
    raise SignInError("over")


def read_setup(state: EditingState, token: str) -> Setup:
    """Return what a session sets up. Raise SignInError: `over` or `prove`."""
    with state.database.reading() as connection:
        owner = _owner(state, connection, token)
        sealed = tokens.read_challenge(connection, token, _NEW_TOTP, state.clock.now())
    shared = unseal(state.secret, _NEW_TOTP, sealed.decode()) if sealed else None
    if shared is None:
        return Setup(owner.account, owner.is_invited)
    issuer = relying_party(state.settings).name
    uri = totp_uri(shared, owner.account.email, issuer)
    return Setup(owner.account, owner.is_invited, shared, uri)


def read_totp_picture(state: EditingState, token: str) -> bytes:
    """Return the QR code of the secret that a session sets up, as SVG. Raise SignInError: `over`, `prove`."""
    setup = read_setup(state, token)
    if not setup.totp:
        raise SignInError("over")
    return passwords.totp_picture(setup.totp_uri)


def begin_password(state: EditingState, token: str) -> None:
    """Make a secret of one-time passwords for somebody who is signed in, which `read_setup` shows."""
    with state.database.writing() as connection:
        _owner(state, connection, token)
        _keep(state, connection, token, _NEW_TOTP, _new_totp(state))


def store_password(
    state: EditingState, token: str, password: str, code: str, network: str
) -> NewFactor:
    """Store a password and the one-time passwords that `code` proves. Raise SignInError: the password's fault, `wrong`, `over`, `prove`."""
    setup, now = read_setup(state, token), state.clock.now()
    if not setup.totp:
        raise SignInError("over")
    _require_good(state, setup.account, password)
    step = passwords.accepted_step(setup.totp, code, None, now)
    if step is None:
        raise SignInError("wrong")
    hashed = passwords.hash_password(password)
    with state.database.writing() as connection:
        owner = _owner(state, connection, token)
        tokens.take_challenge(connection, token, _NEW_TOTP, now)
        factors.set_password(connection, owner.account.id, hashed, now)
        factors.set_totp(connection, state.secret, owner.account.id, setup.totp, step)
        codes = tuple(tokens.new_recovery_codes(connection, owner.account.id))
        token = _finish(state, connection, token, owner, network, "password")
    return NewFactor(token, codes)


def change_password(state: EditingState, token: str, password: str, network: str) -> None:
    """Replace the password; the one-time passwords stay. Raise SignInError."""
    with state.database.reading() as connection:
        account = _owner(state, connection, token).account
        if not factors.read_factors(connection, account.id).has_totp:
            raise SignInError("over")
    _require_good(state, account, password)
    hashed = passwords.hash_password(password)
    with state.database.writing() as connection:
        owner = _signed_in_owner(state, connection, token)
        factors.set_password(connection, owner.account.id, hashed, state.clock.now())
        _finish(state, connection, token, owner, network, "password")


def _require_good(state: EditingState, account: Account, password: str) -> None:
    party = relying_party(state.settings)
    known = (account.email, account.name, party.name, party.id)
    if fault := passwords.password_fault(password, known):
        raise SignInError(fault)


def ask_for_own_passkey(state: EditingState, token: str) -> str:
    """Return what a browser is asked to make a passkey, as JSON. Raise SignInError."""
    with state.database.writing() as connection:
        account = _owner(state, connection, token).account
        party = relying_party(state.settings)
        asked = passkeys.ask_for_new_passkey(connection, account, party)
        _keep(state, connection, token, _NEW_PASSKEY, asked.challenge)
    return asked.options


def store_passkey(
    state: EditingState, token: str, answer: str, label: str, network: str
) -> NewFactor:
    """Store the passkey that a browser has made. Raise SignInError: `wrong`, `over`, `prove`."""
    now = state.clock.now()
    with state.database.writing() as connection:
        challenge = tokens.take_challenge(connection, token, _NEW_PASSKEY, now)
    with state.database.writing() as connection:
        owner = _owner(state, connection, token)
        if challenge is None:
            raise SignInError("over")
        try:
            passkeys.add_passkey(
                connection,
                owner.account,
                answer,
                challenge=challenge,
                console=relying_party(state.settings),
                label=label,
                now=now,
            )
        except AccountError as error:
            raise SignInError("wrong") from error
        return NewFactor(_finish(state, connection, token, owner, network, "passkey"))


def read_own_factors(state: EditingState, actor: Actor) -> tuple[Factors, list[Passkey]]:
    number = actor.account_id or 0
    with state.database.reading() as connection:
        return (
            factors.read_factors(connection, number),
            passkeys.list_passkeys(connection, number),
        )


def remove_own_passkey(state: EditingState, token: str, number: int, network: str) -> None:
    """Remove a passkey. Raise SignInError (`last`) if nothing would be left to sign in with."""
    with state.database.writing() as connection:
        owner = _signed_in_owner(state, connection, token)
        if not passkeys.remove_passkey(connection, owner.account.id, number):
            raise AccountError.saying("there is no such passkey; it was removed already")
        _finish(state, connection, token, owner, network, "passkey", is_removed=True)


def remove_own_factor(state: EditingState, token: str, kind: str, network: str) -> None:
    """Remove the password with one-time passwords and recovery codes, or end the connection to a provider's account (`openid`).

    Raise SignInError (`last`).
    """
    with state.database.writing() as connection:
        owner = _signed_in_owner(state, connection, token)
        if kind == "openid":
            factors.remove_openid(connection, owner.account.id)
        else:
            factors.remove_password(connection, owner.account.id)
            tokens.remove_recovery_codes(connection, owner.account.id)
        _finish(state, connection, token, owner, network, kind, is_removed=True)


def renew_recovery_codes(state: EditingState, token: str, network: str) -> NewFactor:
    """Replace the recovery codes of an account that has a password. Raise SignInError."""
    with state.database.writing() as connection:
        owner = _signed_in_owner(state, connection, token)
        if not factors.read_factors(connection, owner.account.id).has_totp:
            raise SignInError("over")
        codes = tuple(tokens.new_recovery_codes(connection, owner.account.id))
        return NewFactor(
            _finish(state, connection, token, owner, network, "recovery codes"), codes
        )


@dataclass(frozen=True, slots=True)
class _FactorOwner:
    """Who may change factors in a session: by an invitation's digest, or signed in with a fresh proof."""

    account: Account
    invitation: str = ""

    @property
    def is_invited(self) -> bool:
        return bool(self.invitation)


def _owner(state: EditingState, connection: Connection, token: str) -> _FactorOwner:
    now = state.clock.now()
    digest = tokens.read_challenge(connection, token, _INVITATION, now)
    if digest is None:
        return _signed_in_owner(state, connection, token)
    session = sessions.read_console_session(connection, token, now)
    number = tokens.invited_account_id(connection, digest.decode(), now)
    if session is None or number is None:
        raise SignInError("over")
    return _FactorOwner(account_by_id(connection, number), digest.decode())


def _signed_in_owner(state: EditingState, connection: Connection, token: str) -> _FactorOwner:
    found = session_owner(connection, token, state.clock.now())
    if found is None:
        raise SignInError("over")
    session, account = found
    if not session.is_fresh(state.clock.now()):
        raise SignInError("prove")
    return _FactorOwner(account)


def _finish(  # noqa: PLR0913  # what an entry has
    state: EditingState,
    connection: Connection,
    token: str,
    owner: _FactorOwner,
    network: str,
    factor: str,
    *,
    is_removed: bool = False,
) -> str:
    """Record a change, and end the other sessions. Return the session's token: a new one for somebody invited, whose link is used up."""
    account, now = owner.account, state.clock.now()
    if not factors.read_factors(connection, account.id).is_enough:
        raise SignInError("last")
    verb = "remove-factor" if is_removed else "set-factor"
    record_access(state, connection, account.email, verb, network, factor=factor)
    if owner.is_invited:
        if tokens.use_invitation(connection, owner.invitation, now) is None:
            raise SignInError("over")
        sessions.end_sessions(connection, account.id)
        token = sessions.complete_session(connection, token, account.id, now)
        record_access(state, connection, account.email, "sign-in", network, by="invitation")
    else:
        sessions.end_sessions(connection, account.id, but=token)
    return token


def _keep(
    state: EditingState, connection: Connection, token: str, purpose: str, value: bytes
) -> None:
    lifetime = sessions.SIGN_IN if purpose != _NEW_PASSKEY else tokens.LIFETIME
    tokens.keep_challenge(connection, token, purpose, value, state.clock.now(), lifetime)


def _new_totp(state: EditingState) -> bytes:
    return seal(state.secret, _NEW_TOTP, passwords.new_totp_secret()).encode()
