"""Accounts of the console, as administrators manage them, and the audit log. The first one comes from the terminal only."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection

from publisher.accounts import audit, model, sessions, store, tokens
from publisher.accounts.audit import AuditEntry, AuditFault
from publisher.accounts.factors import Factors, read_factors, remove_factors
from publisher.accounts.mails import INVITATION_MAIL, enqueue_staff_mail
from publisher.accounts.model import Actor, Role
from publisher.accounts.store import NewAccount, require_account
from publisher.app.editing_state import Change, EditingState
from publisher.config.publication import Publication
from publisher.errors import AccountError, LanguageError
from publisher.languages import normalise
from publisher.rendering.console import CONSOLE_LANGUAGES
from publisher.secrets import seal

# Roles that give something which is about one language. An administrator's accounts and keys are not.
_BY_LANGUAGE = frozenset(
    role for role in Role if model.PERMISSIONS[role] & model.OF_ONE_LANGUAGE
) - {Role.ADMINISTRATOR}


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """An account as a list shows it. `invited_until` is None if no link of it can be used."""

    account: model.Account
    factors: Factors
    sessions: int
    invited_until: datetime | None


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link that lets somebody set up how to sign in. Show it once; nobody can read it again."""

    account: model.Account
    token: str = field(repr=False)
    expires_at: datetime
    is_mailed: bool = False  # whether it is also mailed to its owner

    def link(self, console_url: str) -> str:
        """Return the link. Its token is in the fragment, which no server sees and no log keeps."""
        return f"{console_url.rstrip('/')}/invite/#{self.token}"


def parse_roles(publication: Publication, written: Iterable[str]) -> tuple[model.Grant, ...]:
    """Return the roles that are written as `role` or `role:language`; raise AccountError."""
    return tuple(dict.fromkeys(_parse_role(publication, one) for one in written))


def _parse_role(publication: Publication, written: str) -> model.Grant:
    name, colon, tag = written.strip().partition(":")
    if name not in {*Role}:
        raise AccountError.saying(
            "%(name)s: is no role; there are %(known)s", name=repr(name), known=", ".join(Role)
        )
    role = Role(name)
    if not colon:
        return model.Grant(role)
    return model.Grant(role, _language_of_role(publication, role, written, tag))


def _language_of_role(publication: Publication, role: Role, written: str, tag: str) -> str:
    if role not in _BY_LANGUAGE:
        raise AccountError.saying(
            "%(written)s: the role %(role)s is for all languages; leave %(tag)s out",
            written=written,
            role=role,
            tag=repr(tag),
        )
    try:
        language = normalise(tag)
    except LanguageError as error:
        raise AccountError.saying(
            "%(where)s: %(problem)s", where=written, problem=str(error)
        ) from error
    if language not in publication.languages:
        known = ", ".join(publication.languages)
        raise AccountError.saying(
            "%(written)s: the publication has no such language; it has %(known)s",
            written=written,
            known=known,
        )
    return language


def role_choices(publication: Publication) -> list[tuple[Role, tuple[str, ...]]]:
    """Return all roles, each with the languages that it can be granted for besides all of them."""
    return [(one, publication.languages if one in _BY_LANGUAGE else ()) for one in Role]


def create_account(state: EditingState, actor: Actor, new: NewAccount) -> Invitation:
    """Add an account, and return its invitation. The first is an administrator's: its link lasts half an hour, others a day."""
    actor.require(model.Permission.MANAGE_ACCOUNTS)
    roles = [written_grant(grant) for grant in new.grants]
    now, email = state.clock.now(), new.email.strip().lower()
    with state.changing(actor, "add-account", email, {"roles": roles}) as change:
        is_first = not store.list_accounts(change.connection)
        if is_first and model.Grant(Role.ADMINISTRATOR) not in new.grants:
            raise AccountError.saying("the first account has to be an administrator's")
        account = store.add_account(change.connection, new, now)
        return _invited(state, change.connection, account, is_first=is_first)


def _invited(
    state: EditingState, connection: Connection, account: model.Account, *, is_first: bool
) -> Invitation:
    """Make an invitation, and queue the mail with it if mail leaves the machine. The first one stays at the terminal."""
    now, settings = state.clock.now(), state.settings
    lifetime = tokens.INVITATION_LIFETIME if is_first else tokens.INVITATION_LIFETIME_BY_MAIL
    token = tokens.invite(connection, account.id, now, lifetime)
    made = Invitation(account, token, now + lifetime)
    if is_first or not (settings.console.enabled and settings.delivery.sends_mail):
        return made
    link = seal(state.secret, INVITATION_MAIL, made.link(settings.console.url))
    content = {INVITATION_MAIL: link, "until": made.expires_at.isoformat()}
    enqueue_staff_mail(connection, account.id, content, now)
    return replace(made, is_mailed=True)


def read_accounts(state: EditingState, actor: Actor) -> list[AccountRecord]:
    actor.require(model.Permission.MANAGE_ACCOUNTS)
    now = state.clock.now()
    with state.database.reading() as connection:
        return [
            AccountRecord(
                account,
                read_factors(connection, account.id),
                len(sessions.list_sessions(connection, account.id, now)),
                tokens.invitation_expiry(connection, account.id, now),
            )
            for account in store.list_accounts(connection)
        ]


def read_account_names(state: EditingState) -> dict[str, str]:
    """Return the names of all who have an account, by address: what pages call those who did something."""
    with state.database.reading() as connection:
        return store.read_names(connection)


def change_roles(
    state: EditingState, actor: Actor, email: str, grants: tuple[model.Grant, ...]
) -> model.Account:
    """Replace the roles of an account. Raise AccountError if none or no administrator is left."""
    actor.require(model.Permission.MANAGE_ACCOUNTS)
    if not grants:
        raise AccountError.saying(
            "%(email)s: needs a role; disable the account instead", email=email
        )
    with _changing(state, actor, "set-roles", email) as (change, account):
        change.details["before"] = [written_grant(grant) for grant in account.grants]
        change.details["after"] = [written_grant(grant) for grant in grants]
        store.set_grants(change.connection, account.id, grants)
        return store.account_by_id(change.connection, account.id)


def choose_language(state: EditingState, actor: Actor, language: str) -> None:
    """Let whoever is signed in read the pages in another language. Raise AccountError."""
    if actor.account_id is None or language not in CONSOLE_LANGUAGES:
        raise AccountError.saying(
            "%(language)s: the console has no such language", language=repr(language)
        )
    with state.changing(actor, "set-language", actor.name, {"language": language}) as change:
        store.set_language(change.connection, actor.account_id, language)


def close_account(state: EditingState, actor: Actor, email: str) -> None:
    """Disable an account: its sessions end, its keys and its invitation count no more."""
    with _changing(state, actor, "disable-account", email) as (change, account):
        store.disable_account(change.connection, account.id, state.clock.now())
        sessions.end_sessions(change.connection, account.id)


def reopen_account(state: EditingState, actor: Actor, email: str) -> None:
    with _changing(state, actor, "enable-account", email) as (change, account):
        store.enable_account(change.connection, account.id)


def recover_account(state: EditingState, actor: Actor, email: str) -> Invitation:
    """Delete all that lets an account's owner in but API keys, and return a new invitation."""
    with _changing(state, actor, "recover-account", email) as (change, account):
        if account.disabled_at is not None:
            raise AccountError.saying(
                "%(email)s: is disabled; enable it first", email=account.email
            )
        sessions.end_sessions(change.connection, account.id)
        remove_factors(change.connection, account.id)
        return _invited(state, change.connection, account, is_first=False)


def end_account_sessions(state: EditingState, actor: Actor, email: str) -> None:
    with _changing(state, actor, "end-sessions", email) as (change, account):
        sessions.end_sessions(change.connection, account.id)


@contextmanager
def _changing(
    state: EditingState, actor: Actor, verb: str, email: str
) -> Iterator[tuple[Change, model.Account]]:
    actor.require(model.Permission.MANAGE_ACCOUNTS)
    with state.changing(actor, verb, email.strip().lower()) as change:
        yield change, require_account(change.connection, email)


def written_grant(grant: model.Grant) -> str:
    """Return a role as it is written: `editor`, or `editor:ar` for one language."""
    return f"{grant.role}:{grant.language}" if grant.language else str(grant.role)


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """What a check has found: the first fault, or None, and the number of the last entry."""

    fault: AuditFault | None
    last: int


def read_audit_log(
    state: EditingState, actor: Actor, *, before: int | None = None, limit: int = 100
) -> list[tuple[int, AuditEntry]]:
    """Return entries with their numbers, the latest first; those before a number, if one is given."""
    actor.require(model.Permission.SEE_AUDIT_LOG)
    with state.database.reading() as connection:
        return audit.read_log(connection, before=before, limit=limit)


def verify_audit_log(state: EditingState, actor: Actor) -> AuditCheck:
    """Check the chain of hashes from the first entry to the last."""
    actor.require(model.Permission.SEE_AUDIT_LOG)
    with state.database.reading() as connection:
        latest = audit.read_log(connection, limit=1)
        fault = audit.find_fault(connection, state.secret)
        return AuditCheck(fault, latest[0][0] if latest else 0)
