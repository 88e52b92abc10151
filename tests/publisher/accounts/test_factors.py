"""Passwords, one-time passwords, recovery codes and invitations."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from itertools import islice
from pathlib import Path

import pyotp
import pytest
from argon2 import PasswordHasher
from sqlalchemy import Connection, select
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from publisher.accounts import factors, passwords, tokens
from publisher.accounts.model import Account, Grant, Role
from publisher.accounts.store import disable_account
from publisher.accounts.tables import password_table, recovery_code_table
from publisher.database import Database, open_database
from publisher.errors import AccountError
from publisher.testing import SECRET
from tests.databases import database_address
from tests.publisher.accounts.conftest import make_account
from tests.publisher.conftest import NOW

PASSWORD = "four tall ships at anchor"
STEP = timedelta(seconds=30)


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        (PASSWORD, None),
        (" blanks at both ends ", None),
        ("港口裡有四艘高大的船正在拋錨等待", None),
        ("short and sweet", None),
        ("fourteen chars", "too-short"),
        ("x" * (passwords.LONGEST + 1), "too-long"),
        ("abcabcabcabcabcabc", "repetitive"),
        ("ann@example.org 2026", "guessable"),
        ("ANN.Example.Lantern!", "guessable"),
        ("lantern lantern lantern and ships", None),
        ("correcthorsebatterystaple", "common"),
        ("Correct horse battery staple 1!", "common"),
        ("correct horse battery staple and thirteen sheep", None),
        ("May the Force be with you", "common"),
        ("1qaz2wsx3edc4rfv", "common"),
        ("qwertyuiopasdfghj", "common"),
        ("iloveyou1234567", "common"),
        ("P@ssw0rdP@ssw0rd", "common"),
        ("summer2026summer2026", "common"),
    ],
)
def test_what_a_password_must_be_like(password: str, fault: str | None) -> None:
    assert passwords.password_fault(password, ["ann@example.org", "The Lantern"]) == fault


def common_passwords(most: int) -> list[str]:
    """Give the most common passwords that are long enough, or as people make them long enough."""
    found = islice(FREQUENCY_LISTS["passwords"], most)
    return [one * -(-passwords.SHORTEST // len(one)) for one in found]


def test_common_passwords_are_refused_and_programs_get_the_account() -> None:
    refused = {passwords.password_fault(one, []) for one in common_passwords(150)}
    # Repeated, many have few characters.
    assert refused <= {"common", "repetitive"}
    assert passwords.password_fault(f"{'qwertyuiop' * 7} tall ships at anchor", []) == "common"
    uri = passwords.totp_uri(
        "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "ann@example.org", "The Lantern"
    )
    assert uri.startswith(
        "otpauth://totp/The%20Lantern:ann%40example.org?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    )


def test_only_the_right_password_of_an_enabled_account_counts(
    connection: Connection, account: Account
) -> None:
    bob = make_account(connection, "bob@example.org", Grant(Role.VIEWER))
    for one in (account, bob):
        factors.set_password(
            connection, one.id, passwords.hash_password("a former password"), NOW
        )
        factors.set_password(connection, one.id, passwords.hash_password(PASSWORD), NOW)
    assert factors.check_password(connection, "ANN@example.org", PASSWORD) == account.id
    assert factors.check_password(connection, "ann@example.org", PASSWORD + " ") is None
    assert factors.check_password(connection, "ann@example.org", "a former password") is None
    assert factors.check_password(connection, "cyd@example.org", PASSWORD) is None
    disable_account(connection, bob.id, NOW)
    assert factors.check_password(connection, "bob@example.org", PASSWORD) is None
    stored = connection.execute(select(password_table)).all()
    assert PASSWORD not in str(stored)
    factors.remove_password(connection, account.id)
    assert factors.check_password(connection, "ann@example.org", PASSWORD) is None


def test_a_weaker_hash_is_renewed(connection: Connection, account: Account) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    factors.set_password(connection, account.id, weak, NOW)
    renewed = factors.renewed_hash(connection, account.id, PASSWORD)
    assert renewed is not None
    factors.set_password(connection, account.id, renewed, NOW)
    assert factors.check_password(connection, account.email, PASSWORD) == account.id
    assert factors.renewed_hash(connection, account.id, PASSWORD) is None


def test_a_one_time_password_is_good_once_and_for_a_minute_and_a_half(
    connection: Connection, account: Account
) -> None:
    shared = passwords.new_totp_secret()
    generator = pyotp.TOTP(shared)

    def use(code: str, secret: str = SECRET) -> bool:
        return factors.use_totp_code(connection, secret, account.id, code, NOW)

    assert not use(generator.at(NOW))
    factors.set_password(connection, account.id, passwords.hash_password(PASSWORD), NOW)
    assert not factors.read_factors(connection, account.id).is_enough
    factors.set_totp(connection, SECRET, account.id, shared)
    assert factors.read_factors(connection, account.id).is_enough
    assert not use(generator.at(NOW - 2 * STEP))
    assert not use(generator.at(NOW + 2 * STEP))
    assert not use(generator.at(NOW), "another secret of the publication")
    code = generator.at(NOW)
    assert use(f"{code[:3]} {code[3:]}")
    assert not use(code)
    # The clock of the telephone goes wrong; a later step ends the earlier ones.
    assert use(generator.at(NOW + STEP))
    assert not use(generator.at(NOW - STEP))
    assert shared not in str(connection.execute(select(password_table)).all())


def test_of_many_who_use_a_code_at_once_one_succeeds(
    tmp_path: Path, database: Database
) -> None:
    with database.writing() as connection:
        account = make_account(connection)
        code = tokens.new_recovery_codes(connection, account.id)[0]

    def use(_number: int) -> bool:
        address = database_address(tmp_path / "publisher.db")
        with closing(open_database(address)) as other, other.writing() as connection:
            return tokens.use_recovery_code(connection, account.id, code, NOW)

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(use, range(4))) == [False, False, False, True]


def test_each_recovery_code_is_good_once_however_it_is_written(
    connection: Connection, account: Account
) -> None:
    bob = make_account(connection, "bob@example.org", Grant(Role.VIEWER))
    old = tokens.new_recovery_codes(connection, account.id)
    codes = tokens.new_recovery_codes(connection, account.id)
    assert len({*codes}) == tokens.CODES
    assert not tokens.use_recovery_code(connection, account.id, old[0], NOW)
    assert not tokens.use_recovery_code(connection, bob.id, codes[0], NOW)
    assert tokens.use_recovery_code(connection, account.id, codes[0], NOW)
    assert not tokens.use_recovery_code(connection, account.id, codes[0], NOW)
    assert tokens.use_recovery_code(
        connection, account.id, codes[1].upper().replace("-", " "), NOW
    )
    assert tokens.count_recovery_codes(connection, account.id) == tokens.CODES - 2
    rows = str(connection.execute(select(recovery_code_table)).all())
    assert not any(one.replace("-", "") in rows for one in codes)


@pytest.mark.usefixtures("account")
def test_a_disabled_account_has_no_invitation(connection: Connection) -> None:
    bob = make_account(connection, "bob@example.org", Grant(Role.VIEWER))
    token = tokens.invite(connection, bob.id, NOW)
    disable_account(connection, bob.id, NOW)
    assert tokens.use_invitation(connection, tokens.token_digest(token), NOW) is None


def test_an_account_is_connected_to_one_of_a_provider_s_and_to_one_provider(
    connection: Connection, account: Account
) -> None:
    tokens.invite(connection, account.id, NOW)
    factors.connect_openid(connection, account.id, "https://a.example", "ann")
    assert tokens.invitation_expiry(connection, account.id, NOW) is None
    assert factors.openid_account_id(connection, "https://a.example", "ann") == account.id
    with pytest.raises(AccountError):
        factors.connect_openid(connection, account.id, "https://a.example", "another")
    factors.connect_openid(connection, account.id, "https://b.example", "ann")
    assert factors.openid_account_id(connection, "https://a.example", "ann") is None
    assert factors.read_factors(connection, account.id).has_openid
    factors.remove_factors(connection, account.id)
    assert not factors.read_factors(connection, account.id).has_openid
