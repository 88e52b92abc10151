"""What each role may do, and where."""

import pytest

from publisher.accounts.model import (
    NOT_BY_KEY,
    OF_ONE_LANGUAGE,
    PERMISSIONS,
    Grant,
    Permission,
    Role,
    permits,
    permitted_languages,
)

LANGUAGES = ("en", "zh-Hant", "ar")


def test_every_role_sees_the_desk_and_the_administrator_may_all() -> None:
    assert PERMISSIONS.keys() == {*Role}
    assert all(Permission.VIEW in each for each in PERMISSIONS.values())
    assert PERMISSIONS[Role.ADMINISTRATOR] == {*Permission}


def test_nobody_who_edits_may_approve_by_the_same_role() -> None:
    both = [
        role
        for role, may in PERMISSIONS.items()
        if {Permission.EDIT_ISSUE, Permission.APPROVE} <= may
    ]
    assert both == [Role.ADMINISTRATOR]


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("permission", Permission)
def test_a_grant_of_a_language_counts_there_only(role: Role, permission: Permission) -> None:
    may = permission in PERMISSIONS[role]
    grants = [Grant(role, "ar")]
    is_local = permission in OF_ONE_LANGUAGE
    assert permits(grants, permission, "ar") is may
    assert permits(grants, permission, "en") is (may and not is_local)
    assert permits(grants, permission) is (may and not is_local)
    assert permits([Grant(role)], permission, "en") is may
    assert permits([Grant(role)], permission) is may


def test_grants_add_up() -> None:
    grants = (Grant(Role.EDITOR, "en"), Grant(Role.APPROVER, "ar"), Grant(Role.APPROVER, "en"))
    assert permitted_languages(grants, Permission.APPROVE, LANGUAGES) == ("en", "ar")
    assert permitted_languages(grants, Permission.EDIT_ISSUE, LANGUAGES) == ("en",)
    assert not permits((), Permission.VIEW)


def test_what_keys_never_do_concerns_the_whole_publication() -> None:
    assert not NOT_BY_KEY & OF_ONE_LANGUAGE
