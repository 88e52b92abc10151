"""Accounts, roles, keys of the API, and what each of them may do; who acts. Pure.

A role is granted for one language or for all. Permissions that are about one language's text count for
the languages of the grant only. That nobody approves what he or she edited is not decided here:
it depends on the issue. Every verb of editors takes an actor, asks it for a permission, and names it in the audit log.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from publisher.errors import ForbiddenError


class Role(StrEnum):
    """What an account is for."""

    ADMINISTRATOR = "administrator"
    EDITOR = "editor"
    APPROVER = "approver"
    TRANSLATOR = "translator"
    SUBSCRIBER_DESK = "subscriber-desk"
    VIEWER = "viewer"


class Permission(StrEnum):
    """What a route, a command or a key of the API may need."""

    VIEW = "view"  # Calendar, list of translations, issues, previews, plans, reports
    # Of one language.
    EDIT_ISSUE = "edit-issue"
    MOVE_ISSUE = "move-issue"
    SEND_TEST = "send-test"
    TRANSLATE = "translate"
    REQUEST_APPROVAL = "request-approval"
    APPROVE = "approve"
    PAUSE_SENDING = "pause-sending"
    CONTROL_SENDING = "control-sending"
    CORRECT = "correct"
    # Of the whole publication.
    DECIDE_DOUBTS = "decide-doubts"
    SEE_SUBSCRIBERS = "see-subscribers"
    MANAGE_SUBSCRIBERS = "manage-subscribers"
    MANAGE_SOURCES = "manage-sources"
    MANAGE_PEOPLE = "manage-people"
    CHANGE_SETTINGS = "change-settings"
    MANAGE_ACCOUNTS = "manage-accounts"
    MANAGE_WEBHOOKS = "manage-webhooks"
    SEE_AUDIT_LOG = "see-audit-log"


def _permissions(words: str) -> frozenset[Permission]:
    return frozenset(map(Permission, words.split()))


OF_ONE_LANGUAGE = _permissions(
    "edit-issue move-issue send-test translate request-approval approve pause-sending"
    " control-sending correct"
)

# No API key gives these: a stolen one would make others.
NOT_BY_KEY = frozenset({Permission.MANAGE_ACCOUNTS, Permission.MANAGE_WEBHOOKS})

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.ADMINISTRATOR: frozenset(Permission),
    Role.EDITOR: _permissions(
        "view edit-issue move-issue send-test translate request-approval pause-sending"
        " manage-people"
    ),
    Role.APPROVER: _permissions(
        "view send-test translate approve pause-sending control-sending correct"
    ),
    Role.TRANSLATOR: _permissions("view translate"),
    Role.SUBSCRIBER_DESK: _permissions("view see-subscribers manage-subscribers"),
    Role.VIEWER: _permissions("view"),
}


@dataclass(frozen=True, slots=True)
class Grant:
    """A role, for a language (BCP 47) or for all (None)."""

    role: Role
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody who may sign in. `language` is that of the pages; times are UTC."""

    id: int
    email: str
    name: str
    language: str
    created_at: datetime
    disabled_at: datetime | None = None
    feed_generation: int = 0  # raised when its owner asks for other addresses of private feeds
    # What its owner chose of mails: `MailTime` by `StaffMailKind` (`accounts.mails`).
    mails: Mapping[str, str] = field(default_factory=dict, hash=False)
    grants: tuple[Grant, ...] = ()


def permits(
    grants: Iterable[Grant], permission: Permission, language: str | None = None
) -> bool:
    """Return whether grants give a permission. Without a language, one that is about languages needs a grant for all."""
    return any(
        permission in PERMISSIONS[one.role]
        and (permission not in OF_ONE_LANGUAGE or one.language in {None, language})
        for one in grants
    )


def permitted_languages(
    grants: Collection[Grant], permission: Permission, languages: Iterable[str]
) -> tuple[str, ...]:
    """Return the languages, of some, in which grants give a permission; in the same order."""
    return tuple(one for one in languages if permits(grants, permission, one))


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


PROGRAM = "publisher"  # who takes a translation into an issue by itself
_TERMINAL = "terminal"  # whoever has the terminal has the database and the secret, too


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts. `name` is the account's address, or "terminal"; `network` is shortened.

    `via` is how an account acts: "console", "api" or "terminal". With a `key`, only what it allows is permitted.
    """

    name: str
    via: str
    account_id: int | None = None
    grants: tuple[Grant, ...] = ()
    key: KeyHolder | None = None
    network: str = ""

    def permits(self, permission: Permission, language: str | None = None) -> bool:
        """Return whether the actor has a permission, for a language if it is about one."""
        if self.key is not None:
            return self.key.permits(permission, language)
        return permits(self.grants, permission, language)

    def require(self, permission: Permission, language: str | None = None) -> None:
        """Raise ForbiddenError unless the actor has a permission."""
        if not self.permits(permission, language):
            raise ForbiddenError(self.name, permission, language)


def terminal_actor(account: Account | None = None) -> Actor:
    """Return whoever uses the terminal; with an account, acting for its owner and with its roles."""
    if account is None:
        return Actor(name=_TERMINAL, via=_TERMINAL, grants=(Grant(Role.ADMINISTRATOR),))
    return _actor_of(account, _TERMINAL)


def program_actor() -> Actor:
    return Actor(name=PROGRAM, via=PROGRAM, grants=(Grant(Role.ADMINISTRATOR),))


def account_actor(account: Account, network: str) -> Actor:
    """Return somebody who is signed in to the console."""
    return _actor_of(account, "console", network=network)


def key_actor(holder: KeyHolder, network: str) -> Actor:
    """Return the owner of an API key, with what the key allows."""
    return _actor_of(holder.account, "api", key=holder, network=network)


def _actor_of(account: Account, via: str, **more: Any) -> Actor:
    return Actor(
        name=account.email, via=via, account_id=account.id, grants=account.grants, **more
    )
