"""Passkeys (Web Authentication Level 3): what a browser is asked, and what its answers are worth.

The library checks signatures, origin and challenge. That a challenge is used once, whose passkey it is
and that its counter grows is checked here. The person has always to be verified, by a PIN or a finger.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from publisher.accounts.model import Account
from publisher.accounts.tables import passkey_table
from publisher.errors import AccountError
from publisher.i18n.messages import untranslated

_LABEL = 60


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """The console: its host name, its name for people, and its origin, such as https://desk.example.org."""

    id: str
    name: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """A passkey of an account, as its owner sees it."""

    id: int
    label: str
    created_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Question:
    """What a browser is asked: options as JSON, and the challenge to keep until the answer."""

    options: str
    challenge: bytes


def ask_for_new_passkey(
    connection: Connection, account: Account, console: RelyingParty
) -> Question:
    """Return what a browser is asked to make a passkey; a device that has one makes no other."""
    import webauthn
    from webauthn.helpers import structs

    options = webauthn.generate_registration_options(
        rp_id=console.id,
        rp_name=console.name,
        user_id=_handle(account.id),
        user_name=account.email,
        user_display_name=account.name,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=_descriptors(connection, account.id),
    )
    return Question(webauthn.options_to_json(options), options.challenge)


def add_passkey(  # noqa: PLR0913  # what the answer is checked against
    connection: Connection,
    account: Account,
    answer: str,
    *,
    challenge: bytes,
    console: RelyingParty,
    label: str,
    now: datetime,
) -> None:
    """Store the passkey that a browser has made. Raise AccountError if the answer is not right."""
    import webauthn

    with _refusing_wrong_answers():
        made = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=console.id,
            expected_origin=console.origin,
            require_user_verification=True,
        )
    known = select(passkey_table.c.id).where(
        passkey_table.c.credential_id == made.credential_id
    )
    if connection.execute(known).first() is not None:
        raise AccountError.saying("the passkey is in use already")
    connection.execute(
        insert(passkey_table).values(
            account_id=account.id,
            label=label.strip()[:_LABEL] or "passkey",
            credential_id=made.credential_id,
            public_key=made.credential_public_key,
            sign_count=made.sign_count,
            created_at=now,
        )
    )


def ask_for_passkey(
    connection: Connection, console: RelyingParty, account_id: int | None = None
) -> Question:
    """Return what a browser is asked to show a passkey: any, or one of an account."""
    import webauthn
    from webauthn.helpers.structs import UserVerificationRequirement

    allowed = [] if account_id is None else _descriptors(connection, account_id)
    options = webauthn.generate_authentication_options(
        rp_id=console.id,
        allow_credentials=allowed,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return Question(webauthn.options_to_json(options), options.challenge)


def check_passkey(
    connection: Connection,
    answer: dict[str, Any],
    *,
    challenge: bytes,
    console: RelyingParty,
    now: datetime,
) -> int:
    """Return whose passkey was shown, and record its use. Raise AccountError if it is not right."""
    import webauthn

    credential_id, handle = _named(answer)
    row = connection.execute(
        select(passkey_table).where(passkey_table.c.credential_id == credential_id)
    ).one_or_none()
    if row is None or handle not in {b"", _handle(row.account_id)}:
        raise AccountError.saying("the passkey is not known here")
    with _refusing_wrong_answers():
        shown = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=console.id,
            expected_origin=console.origin,
            credential_public_key=row.public_key,
            credential_current_sign_count=row.sign_count,
            require_user_verification=True,
        )
    connection.execute(
        update(passkey_table)
        .where(passkey_table.c.id == row.id)
        .values(sign_count=shown.new_sign_count, used_at=now)
    )
    return int(row.account_id)


def list_passkeys(connection: Connection, account_id: int) -> list[Passkey]:
    """Return the passkeys of an account, the oldest first."""
    columns = [passkey_table.c[name] for name in Passkey.__dataclass_fields__]
    query = select(*columns).where(passkey_table.c.account_id == account_id)
    rows = connection.execute(query.order_by(passkey_table.c.id))
    return [Passkey(**row._mapping) for row in rows]  # noqa: SLF001  # SQLAlchemy's public name


def remove_passkey(connection: Connection, account_id: int, number: int) -> bool:
    here = (passkey_table.c.id == number) & (passkey_table.c.account_id == account_id)
    return connection.execute(delete(passkey_table).where(here)).rowcount == 1


@contextmanager
def _refusing_wrong_answers() -> Iterator[None]:
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        yield
    except (WebAuthnException, ValueError) as error:
        raise AccountError.saying(
            "the passkey can't be used: %(error)s", error=untranslated(str(error))
        ) from error


def _named(answer: dict[str, Any]) -> tuple[bytes, bytes]:
    """Return the credential that a browser names, and the handle of whose it is."""
    from webauthn.helpers import base64url_to_bytes

    response = answer.get("response")
    handle = response.get("userHandle") if isinstance(response, dict) else None
    try:
        name, owner = (str(one or "") for one in (answer.get("rawId"), handle))
        return base64url_to_bytes(name), base64url_to_bytes(owner)
    except ValueError as error:
        raise AccountError.saying("the answer of the browser can't be read") from error


def _handle(account_id: int) -> bytes:
    return f"account {account_id}".encode()


def _descriptors(connection: Connection, account_id: int) -> list[Any]:
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

    query = select(passkey_table.c.credential_id).where(
        passkey_table.c.account_id == account_id
    )
    return [
        PublicKeyCredentialDescriptor(id=one) for one in connection.execute(query).scalars()
    ]
