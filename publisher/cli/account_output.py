"""Accounts as a row of a table, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from publisher.app.console_accounts import written_grant
from publisher.cli.common import count_noun, format_local, rfc3339_or_none

if TYPE_CHECKING:
    from publisher.app.console_accounts import AccountRecord


def account_row(one: AccountRecord) -> tuple[str, ...]:
    """Return the cells of an account: address, name, roles, ways to sign in, sessions, state."""
    account = one.account
    return (
        account.email,
        account.name,
        "\n".join(map(written_grant, account.grants)),
        ", ".join(_ways(one)) or "nothing yet",
        str(one.sessions),
        _state(one),
    )


def _ways(one: AccountRecord) -> list[str]:
    factors = one.factors
    codes = factors.recovery_codes
    ways = [
        (factors.has_passkey, "passkey"),
        (factors.has_password and factors.has_totp, "password and one-time password"),
        (codes > 0, count_noun(codes, "recovery code")),
    ]
    return [way for is_there, way in ways if is_there]


def _state(one: AccountRecord) -> str:
    if one.account.disabled_at:
        return f"disabled {format_local(one.account.disabled_at)}"
    if one.invited_until:
        return f"invited until {format_local(one.invited_until)}"
    return "active" if one.factors.is_enough else "its link has expired: recover it"


def account_json(one: AccountRecord) -> dict[str, Any]:
    """Return an account as JSON."""
    account, factors = one.account, one.factors
    return {
        "id": account.id,
        "address": account.email,
        "name": account.name,
        "language": account.language,
        "roles": [written_grant(grant) for grant in account.grants],
        "passkey": factors.has_passkey,
        "password": factors.has_password and factors.has_totp,
        "recovery_codes": factors.recovery_codes,
        "sessions": one.sessions,
        "created_at": rfc3339_or_none(account.created_at),
        "disabled_at": rfc3339_or_none(account.disabled_at),
        "invited_until": rfc3339_or_none(one.invited_until),
    }
