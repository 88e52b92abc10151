"""Signing in to the console: what leads to a session, and what never does; who is signed in."""

from datetime import timedelta
from functools import partial
from threading import Event, Semaphore, Thread

import pytest
from argon2 import extract_parameters
from argon2.exceptions import VerificationError

from publisher.accounts import passwords
from publisher.accounts.audit import find_fault
from publisher.accounts.model import Grant, Role
from publisher.accounts.sessions import Browser
from publisher.accounts.store import NewAccount, add_account
from publisher.accounts.tables import account_table
from publisher.app.accounts import administration, keys
from publisher.app.accounts import sign_in as access
from publisher.app.accounts.administration import read_audit_log
from publisher.app.editing_state import EditingState
from publisher.app.operation.page_servers import open_console_state
from publisher.errors import AccountError, DatabaseError, SignInError
from tests.publisher.app.editing import (
    ANN,
    BOB,
    BROWSER,
    HOUR,
    MINUTE,
    NETWORK,
    PASSWORD,
    ROOT,
    Person,
    as_text,
    at,
    audit_log,
    invite,
    reason,
    required,
    who,
)
from tests.publisher.conftest import NOW, PublicationFolder
from tests.sizes import PATIENCE


def log(state: EditingState) -> list[tuple[str, str, object]]:
    return [
        (one.actor, one.verb, one.details.get("by", one.details.get("factor")))
        for one in audit_log(state)
    ]


# Passkeys


def test_a_passkey_signs_in_and_each_session_has_a_token_of_its_own(
    state: EditingState, ann: Person
) -> None:
    first = ann.enrol_passkey()
    asked = access.ask_for_sign_in(state, BROWSER)
    assert who(state, asked.token) is None
    second = access.use_passkey(state, asked.token, ann.device.sign(asked.options), NETWORK)
    assert [who(state, one) for one in (first, asked.token, second)] == [ANN, None, ANN]
    assert first != second
    assert log(state)[0] == (ANN, "sign-in", "passkey")
    with state.database.reading() as connection:
        assert find_fault(connection, state.secret) is None


def test_a_passkey_of_another_host_or_origin_signs_nobody_in(
    state: EditingState, ann: Person
) -> None:
    ann.enrol_passkey()
    asked = access.ask_for_sign_in(state, BROWSER)
    other = asked.options.replace('"localhost"', '"example.org"')
    assert other != asked.options
    answer = ann.device.sign(other)
    assert reason(lambda: access.use_passkey(state, asked.token, answer, NETWORK)) == "wrong"
    ann.device.origin = "https://evil.example"
    assert reason(lambda: ann.sign_in(state)) == "wrong"
    refused = ("nobody", "sign-in-refused", "passkey")
    assert log(state)[:2] == [refused, refused]


def test_a_challenge_is_good_once_even_after_a_wrong_answer(
    state: EditingState, ann: Person
) -> None:
    ann.enrol_passkey()
    asked = access.ask_for_sign_in(state, BROWSER)
    answer = ann.device.sign(asked.options)
    spoilt = answer | {"rawId": "AAAA"}
    assert reason(lambda: access.use_passkey(state, asked.token, spoilt, NETWORK)) == "wrong"
    assert reason(lambda: access.use_passkey(state, asked.token, answer, NETWORK)) == "over"


def test_a_challenge_belongs_to_one_session_and_lasts_five_minutes(
    state: EditingState, ann: Person
) -> None:
    ann.enrol_passkey()
    mine, other = (access.ask_for_sign_in(state, BROWSER) for _ in range(2))
    answer = ann.device.sign(mine.options)
    assert reason(lambda: access.use_passkey(state, other.token, answer, NETWORK)) == "wrong"
    late = at(state, 5 * MINUTE)
    assert reason(lambda: access.use_passkey(late, mine.token, answer, NETWORK)) == "over"
    assert reason(lambda: access.use_passkey(state, "no session", answer, NETWORK)) == "over"


# Password and code


def test_a_password_alone_signs_nobody_in_and_a_code_completes_it_within_five_minutes(
    state: EditingState, ann: Person
) -> None:
    ann.enrol_password()
    token = access.begin_by_password(state, BROWSER, "Ann@Example.org ", PASSWORD)
    assert who(state, token) is None
    late, code = at(state, 5 * MINUTE), ann.code(NOW + 5 * MINUTE)
    assert reason(lambda: access.use_code(late, token, code, NETWORK)) == "over"
    later = at(state, MINUTE)
    new = access.use_code(later, token, ann.code(NOW + MINUTE), NETWORK)
    assert (who(later, token), who(later, new)) == (None, ANN)
    assert log(state)[0] == (ANN, "sign-in", "password and one-time password")


def test_the_code_of_the_enrolment_and_any_other_are_good_once(
    state: EditingState, ann: Person
) -> None:
    ann.enrol_password()
    token = access.begin_by_password(state, BROWSER, ANN, PASSWORD)
    assert reason(lambda: access.use_code(state, token, ann.code(), NETWORK)) == "wrong"
    later = at(state, MINUTE)
    code = ann.code(NOW + MINUTE)
    access.use_code(later, token, code, NETWORK)
    again = access.begin_by_password(later, BROWSER, ANN, PASSWORD)
    assert reason(lambda: access.use_code(later, again, code, NETWORK)) == "wrong"


def test_a_recovery_code_stands_in_for_the_telephone_once(
    state: EditingState, ann: Person
) -> None:
    ann.enrol_password()
    code = ann.recovery_codes[0]
    token = access.begin_by_password(state, BROWSER, ANN, PASSWORD)
    assert who(state, access.use_code(state, token, code.upper(), NETWORK)) == ANN
    assert log(state)[0] == (ANN, "sign-in", "password and recovery code")
    again = access.begin_by_password(state, BROWSER, ANN, PASSWORD)
    assert reason(lambda: access.use_code(state, again, code, NETWORK)) == "wrong"


def test_two_steps_of_two_sessions_are_no_sign_in(state: EditingState, ann: Person) -> None:
    ann.enrol_password()
    bob = invite(state, BOB, "viewer")
    bob.enrol_password()
    later = at(state, MINUTE)
    mine = access.begin_by_password(later, BROWSER, ANN, PASSWORD)
    other = access.ask_for_sign_in(later, BROWSER).token
    code = ann.code(NOW + MINUTE)
    assert reason(lambda: access.use_code(later, other, code, NETWORK)) == "over"
    # Her password with his telephone.
    bobs = bob.code(NOW + MINUTE)
    assert reason(lambda: access.use_code(later, mine, bobs, NETWORK)) == "wrong"
    # Her password with his passkey.
    bob_session = access.begin_by_password(later, BROWSER, BOB, PASSWORD)
    ann_key = ann.add_passkey(later, access.use_code(later, mine, code, NETWORK))
    options = access.ask_for_proof(later, ann_key).options
    answer = ann.device.sign(options)
    assert reason(lambda: access.use_passkey(later, bob_session, answer, NETWORK)) == "over"


@pytest.mark.parametrize("email", [ANN, "cyd@example.org", "dan@example.org", ""])
def test_wrong_unknown_disabled_and_not_yet_set_up_read_the_same(
    state: EditingState, ann: Person, email: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann.enrol_password()
    invite(state, "cyd@example.org", "viewer")
    invite(state, "dan@example.org", "viewer").enrol_password()
    administration.close_account(state, ROOT, "dan@example.org")
    password = PASSWORD if email != ANN else PASSWORD + " "
    hashes = counted_hashes(monkeypatch)
    with pytest.raises(SignInError) as caught:
        access.begin_by_password(state, BROWSER, email, password)
    assert (caught.value.key, len(hashes)) == ("wrong", 1)
    # As much work: what is compared was made with the same parameters.
    assert extract_parameters(hashes[0]) == extract_parameters(passwords.hash_password("x"))
    assert password not in as_text(read_audit_log(state, ROOT))


def test_a_password_of_boundless_length_is_not_hashed(
    state: EditingState, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann.enrol_password()
    hashes = counted_hashes(monkeypatch)
    long = "x" * 2000
    assert reason(lambda: access.begin_by_password(state, BROWSER, ANN, long)) == "wrong"
    assert hashes == []


# Limits


def counted_hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Count the slow hashes of sign-ins, which are not made."""
    hashes: list[str] = []

    class Hasher:
        hash = staticmethod(passwords._hasher.hash)

        def verify(self, stored: str, _password: str) -> None:
            hashes.append(stored)
            raise VerificationError

    monkeypatch.setattr(passwords, "_hasher", Hasher())
    return hashes


def guess(state: EditingState, network: str, email: str = ANN) -> str:
    """Try a wrong password; return what is said."""
    browser = Browser("", network)
    return reason(lambda: access.begin_by_password(state, browser, email, "no"))


def test_tries_of_one_network_are_slowed_down_and_a_passkey_is_not(
    state: EditingState, ann: Person
) -> None:
    ann.enrol_password()
    later = at(state, MINUTE)
    begun = access.begin_by_password(later, BROWSER, ANN, PASSWORD)
    session = access.use_code(later, begun, ann.code(NOW + MINUTE), NETWORK)
    ann.add_passkey(later, session)
    for _ in range(4):
        assert reason(lambda: access.begin_by_password(later, BROWSER, ANN, "no")) == "wrong"
    with pytest.raises(SignInError) as caught:
        access.begin_by_password(later, BROWSER, ANN, PASSWORD)
    assert (caught.value.key, caught.value.seconds) == ("wait", 12)
    assert (ANN, "sign-in-limited", None) in log(state)
    assert who(later, ann.sign_in(later)) == ANN
    # A moment later she may try again.
    after = at(state, MINUTE + timedelta(seconds=12))
    assert access.begin_by_password(after, BROWSER, ANN, PASSWORD)


def test_many_networks_against_one_account_cost_few_hashes_and_few_entries(
    state: EditingState, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann.enrol_passkey()
    hashes = counted_hashes(monkeypatch)
    before = len(log(state))
    refused = [
        guess(at(state, number * MINUTE / 10), f"198.51.{number}.0/24") for number in range(300)
    ]
    # For half an hour: 20 at once, then one in three minutes.
    assert len(hashes) == refused.count("wrong") == 29
    assert refused.count("wait") == 271
    assert len(log(state)) - before <= 29 + 3
    assert who(state, ann.sign_in(state)) == ANN


def test_one_network_against_many_accounts_is_slowed_down(
    state: EditingState, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann.enrol_passkey()
    hashes = counted_hashes(monkeypatch)
    said = [guess(state, "198.51.100.0/24", f"{number}@example.org") for number in range(80)]
    assert len(hashes) == said.count("wrong") == 60


def test_codes_after_a_right_password_are_few(state: EditingState, ann: Person) -> None:
    ann.enrol_password()
    token = access.begin_by_password(state, BROWSER, ANN, PASSWORD)
    said = [reason(lambda: access.use_code(state, token, "000000", NETWORK)) for _ in range(8)]
    assert said == ["wrong"] * 5 + ["wait"] * 3


def test_at_most_two_passwords_are_hashed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    entered, may_end = Semaphore(0), Event()

    class Hasher:
        def verify(self, _stored: str, _password: str) -> None:
            entered.release()
            assert may_end.wait(PATIENCE)

    monkeypatch.setattr(passwords, "_hasher", Hasher())
    threads = [Thread(target=passwords.is_password, args=("x", "y")) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert entered.acquire(timeout=PATIENCE)
    assert entered.acquire(timeout=PATIENCE)
    # Both places are taken, so no third one gets in.
    assert not passwords._at_once.acquire(blocking=False)
    may_end.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert passwords._at_once.acquire(blocking=False)
    passwords._at_once.release()


# Sessions


def test_a_session_ends_by_signing_out_and_never_comes_back(
    state: EditingState, ann: Person
) -> None:
    token = ann.enrol_passkey()
    other = ann.sign_in(state)
    keys.sign_out(state, token, NETWORK)
    keys.sign_out(state, token, NETWORK)
    assert (who(state, token), who(state, other)) == (None, ANN)
    assert [verb for _name, verb, _by in log(state)].count("sign-out") == 1


def test_a_disabled_account_is_signed_out_at_once_and_can_t_sign_in(
    state: EditingState, ann: Person
) -> None:
    ann.enrol_passkey()
    bob = invite(state, BOB, "viewer")
    token = bob.enrol_passkey()
    administration.close_account(state, ROOT, BOB)
    assert who(state, token) is None
    assert reason(lambda: bob.sign_in(state)) == "wrong"


def test_reading_a_session_often_writes_seldom_and_counts_as_use(
    state: EditingState, ann: Person
) -> None:
    token = ann.enrol_passkey()
    actor = required(state, token).actor
    who(at(state, 5 * MINUTE), token)
    assert keys.list_own_sessions(state, actor)[0].seen_at == NOW
    for later in (6 * MINUTE, 7 * HOUR):
        who(at(state, later), token)
        assert keys.list_own_sessions(state, actor)[0].seen_at == NOW + later


def test_one_s_own_sessions_are_listed_and_ended_and_no_one_else_s(
    state: EditingState, ann: Person
) -> None:
    mine = ann.enrol_passkey()
    other = ann.sign_in(state, Browser("Another browser", "198.51.100.0/24"))
    bob = invite(state, BOB, "viewer").enrol_passkey()
    listed = keys.list_own_sessions(state, required(state, mine).actor)
    assert {(one.user_agent, one.network) for one in listed} == {
        ("A browser", "192.0.2.0/24"),
        ("Another browser", "198.51.100.0/24"),
    }
    bobs = required(state, bob).session_id
    with pytest.raises(AccountError, match="no such session"):
        keys.end_own_session(state, required(state, mine).actor, bobs)
    keys.end_own_session(state, required(state, mine).actor, required(state, other).session_id)
    assert [who(state, one) for one in (mine, other, bob)] == [ANN, None, BOB]


# Proving a factor again


def test_a_proof_makes_a_session_fresh_for_ten_minutes_and_changes_its_token(
    state: EditingState, ann: Person
) -> None:
    token = ann.enrol_passkey()
    later = at(state, HOUR)
    assert not required(later, token).is_fresh
    asked = access.ask_for_proof(later, token)
    new = access.use_passkey(later, asked.token, ann.device.sign(asked.options), NETWORK)
    assert who(later, token) is None
    assert required(at(state, HOUR + 9 * MINUTE), new).is_fresh
    assert not required(at(state, HOUR + 10 * MINUTE), new).is_fresh
    assert log(state)[0] == (ANN, "prove", "passkey")


def test_password_and_code_prove_it_too_and_another_s_passkey_does_not(
    state: EditingState, ann: Person
) -> None:
    token = ann.enrol_password()
    bob = invite(state, BOB, "viewer")
    bob.enrol_passkey()
    later = at(state, HOUR)
    code = ann.code(NOW + HOUR)
    wrong = lambda: access.prove_by_password(later, token, "no", code, NETWORK)  # noqa: E731
    assert reason(wrong) == "wrong"
    asked = access.ask_for_proof(later, token)
    answer = bob.device.sign(asked.options)
    assert reason(lambda: access.use_passkey(later, token, answer, NETWORK)) == "wrong"
    assert log(state)[0] == (BOB, "sign-in-refused", "passkey")
    assert who(later, token) == ANN
    new = access.prove_by_password(later, token, PASSWORD, code, NETWORK)
    assert required(later, new).is_fresh
    again = partial(access.prove_by_password, later, token, PASSWORD, code, NETWORK)
    assert reason(again) == "over"
    assert reason(lambda: access.ask_for_proof(later, token)) == "over"


def test_what_nobody_known_does_is_recorded_without_a_name(state: EditingState) -> None:
    with state.database.writing() as connection:
        keys.record_access(state, connection, None, "sign-in-refused", NETWORK, by="password")
    entry = read_audit_log(state, ROOT)[0][1]
    assert (entry.actor, entry.object, entry.network) == ("nobody", "nobody", NETWORK)
    assert entry.details == {"by": "password", "via": "console"}


def test_pages_read_from_a_database_that_refuses_changes(
    publication: PublicationFolder,
) -> None:
    new = NewAccount("bob@example.org", "Bob", "en", (Grant(Role.VIEWER),))
    with open_console_state(publication.settings) as opened:
        with (
            pytest.raises(DatabaseError, match=r"read-?\s?only"),
            opened.reading.writing() as connection,
        ):
            add_account(connection, new, NOW)
        with opened.writing.writing() as connection:
            add_account(connection, new, NOW)
    assert [row["email"] for row in publication.rows(account_table)] == ["bob@example.org"]
