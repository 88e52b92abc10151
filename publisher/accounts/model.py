"""Accounts, roles, and what each role may do. Pure.

A role is granted for one language or for all. Permissions that are about one language's text count for
the languages of the grant only. That nobody approves what he or she edited is not decided here:
it depends on the issue.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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

    # Calendar, list of translations, issues, previews, plans, reports.
    VIEW = "view"
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
    # Raised when its owner asks for other addresses of private feeds.
    feed_generation: int = 0
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
