"""Setting up how one signs in, by an invitation and later, and what each change ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

import pytest

from publisher.accounts.actor import terminal_actor
from publisher.app import console_access as access
from publisher.app import console_accounts
from publisher.app import console_factors as own
from publisher.app.audit_log import read_audit_log
from publisher.app.editing_state import EditingState, open_editing_state
from publisher.errors import AccountError, SignInError
from tests.publisher.accounts.authenticator import Authenticator
from tests.publisher.app.signing_in import (
    BROWSER,
    NETWORK,
    ORIGIN,
    PASSWORD,
    Person,
    as_text,
    at,
    invite,
    required,
    who,
)
from tests.publisher.conftest import PublicationFolder

ANN = "ann@example.org"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def state(publication: PublicationFolder) -> Iterator[EditingState]:
    with open_editing_state(publication.settings, publication.clock) as state:
        yield state


@pytest.fixture
def ann(state: EditingState) -> Person:
    return invite(state, ANN)


def reason(step: Callable[[], object]) -> str:
    with pytest.raises(SignInError) as caught:
        step()
    return caught.value.key


def test_an_invitation_leads_to_a_passkey_and_only_then_to_a_session(
    state: EditingState, ann: Person
) -> None:
    begun = own.accept_invitation(state, BROWSER, f" {ann.invitation} ")
    setup = own.read_setup(state, begun)
    assert (setup.account.email, setup.is_invited) == (ANN, True)
    assert who(state, begun) is None
    done = ann.add_passkey(state, begun)
    assert (who(state, begun), who(state, done)) == (None, ANN)
    assert required(state, done).is_fresh


def test_an_invitation_leads_to_password_and_codes_with_recovery_codes(
    state: EditingState, ann: Person
) -> None:
    token = ann.enrol_password()
    assert who(state, token) == ANN
    assert len(ann.recovery_codes) == 10
    factors, _passkeys = own.read_own_factors(state, required(state, token).actor)
    assert (factors.has_password, factors.has_totp, factors.recovery_codes) == (True, True, 10)


def test_an_invitation_opened_twice_is_good_until_one_has_set_something_up(
    state: EditingState, ann: Person
) -> None:
    first, second = (own.accept_invitation(state, BROWSER, ann.invitation) for _ in range(2))
    assert own.read_totp_picture(state, first) != own.read_totp_picture(state, second)
    ann.set_password(state, first)
    assert reason(lambda: own.read_setup(state, second)) == "over"
    assert reason(lambda: own.read_totp_picture(state, first)) == "over"
    assert reason(lambda: own.ask_for_own_passkey(state, second)) == "over"
    accept = lambda: own.accept_invitation(state, BROWSER, ann.invitation)  # noqa: E731
    assert reason(accept) == "over"


@pytest.mark.parametrize("after", [30 * MINUTE, 24 * HOUR])
def test_an_old_or_invented_invitation_lets_nobody_in(
    state: EditingState, ann: Person, after: timedelta
) -> None:
    late = at(state, after)
    for token in (ann.invitation, "invented", ""):
        assert reason(partial(own.accept_invitation, late, BROWSER, token)) == "over"
    entry = read_audit_log(state, terminal_actor())[0][1]
    assert (entry.actor, entry.verb) == ("nobody", "invitation-refused")


def test_setting_up_by_a_link_takes_half_an_hour_at_most(state: EditingState) -> None:
    invite(state, ANN)
    bob = invite(state, "bob@example.org", "viewer")
    token = own.accept_invitation(state, BROWSER, bob.invitation)
    assert own.read_setup(at(state, 29 * MINUTE), token).totp
    assert reason(lambda: own.read_setup(at(state, 30 * MINUTE), token)) == "over"


def test_recovering_ends_a_setup_under_way(state: EditingState, ann: Person) -> None:
    token = own.accept_invitation(state, BROWSER, ann.invitation)
    console_accounts.recover_account(state, terminal_actor(), ANN)
    assert reason(lambda: own.read_setup(state, token)) == "over"


@pytest.mark.parametrize(
    ("password", "is_right", "expected"),
    [
        ("short", True, "too-short"),
        ("ann@example.org 2026", True, "guessable"),
        (PASSWORD, False, "wrong"),
    ],
)
def test_nothing_is_stored_of_a_password_without_its_proof(
    state: EditingState, ann: Person, password: str, expected: str, *, is_right: bool
) -> None:
    token = own.accept_invitation(state, BROWSER, ann.invitation)
    ann.totp = own.read_setup(state, token).totp
    code = ann.code() if is_right else "000000"
    store = lambda: own.store_password(state, token, password, code, NETWORK)  # noqa: E731
    assert reason(store) == expected
    (record,) = console_accounts.read_accounts(state, terminal_actor())
    assert not record.factors.has_password
    # The same secret is still shown, for another try.
    assert own.read_setup(state, token).totp == ann.totp


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost:1"])
def test_a_passkey_made_for_another_site_is_refused_and_its_challenge_used_up(
    state: EditingState, ann: Person, origin: str
) -> None:
    token = own.accept_invitation(state, BROWSER, ann.invitation)
    options = own.ask_for_own_passkey(state, token)
    wrong, right = (Authenticator(origin=one) for one in (origin, ORIGIN))

    def store(device: Authenticator) -> object:
        answer = device.register(options)
        return own.store_passkey(state, token, answer, "x", NETWORK)

    assert reason(lambda: store(wrong)) == "wrong"
    assert reason(lambda: store(right)) == "over"


def test_a_password_step_sets_nothing_up(state: EditingState, ann: Person) -> None:
    ann.enrol_password()
    token = access.begin_by_password(state, BROWSER, ANN, PASSWORD)
    for step in (
        lambda: own.read_setup(state, token),
        lambda: own.ask_for_own_passkey(state, token),
        lambda: own.begin_password(state, token),
        lambda: own.renew_recovery_codes(state, token, NETWORK),
    ):
        assert reason(step) == "over"


def changes(ann: Person, state: EditingState, token: str) -> dict[str, Callable[[], object]]:
    """Give all changes of one's own factors."""

    def password() -> str:
        own.begin_password(state, token)
        return ann.set_password(state, token, "five short boats ashore")

    return {
        "passkey": lambda: Person(state, ANN, "").add_passkey(state, token),
        "password": password,
        "password alone": lambda: own.change_password(
            state, token, "six long barges afloat", NETWORK
        ),
        "codes": lambda: own.renew_recovery_codes(state, token, NETWORK),
        "no passkey": lambda: own.remove_own_passkey(state, token, 1, NETWORK),
        "no password": lambda: own.remove_own_password(state, token, NETWORK),
    }


@pytest.fixture
def equipped(state: EditingState, ann: Person) -> str:
    """A session of Ann, who has password and passkey."""
    return ann.add_passkey(state, ann.enrol_password())


@pytest.mark.parametrize(
    "change", ["passkey", "password", "password alone", "codes", "no passkey", "no password"]
)
def test_a_changed_factor_ends_the_other_sessions_and_is_recorded(
    state: EditingState, ann: Person, equipped: str, change: str
) -> None:
    other = ann.sign_in(state)
    assert reason(changes(ann, at(state, 10 * MINUTE), equipped)[change]) == "prove"
    assert who(state, other) == ANN
    changes(ann, state, equipped)[change]()
    assert (who(state, equipped), who(state, other)) == (ANN, None)
    entries = [entry for _number, entry in read_audit_log(state, terminal_actor())]
    removed = change.startswith("no ")
    assert entries[0].verb == ("remove-factor" if removed else "set-factor")
    for secret in (ann.totp, PASSWORD, *ann.recovery_codes):
        assert secret not in as_text(entries)


def test_the_former_password_and_codes_are_worth_nothing_after_a_change(
    state: EditingState, ann: Person, equipped: str
) -> None:
    old_totp, old_code = ann.totp, ann.recovery_codes[0]
    changes(ann, state, equipped)["password"]()
    assert ann.totp != old_totp
    assert reason(lambda: access.begin_by_password(state, BROWSER, ANN, PASSWORD)) == "wrong"
    token = access.begin_by_password(state, BROWSER, ANN, "five short boats ashore")
    assert reason(lambda: access.use_code(state, token, old_code, NETWORK)) == "wrong"
    assert access.use_code(state, token, ann.recovery_codes[0], NETWORK)


def test_the_last_way_to_sign_in_stays(state: EditingState, ann: Person, equipped: str) -> None:
    own.remove_own_passkey(state, equipped, 1, NETWORK)
    assert reason(lambda: own.remove_own_password(state, equipped, NETWORK)) == "last"
    with pytest.raises(AccountError, match="no such passkey"):
        own.remove_own_passkey(state, equipped, 1, NETWORK)
    assert access.begin_by_password(state, BROWSER, ANN, PASSWORD)
    ann.device = Authenticator(origin=ORIGIN)
    ann.add_passkey(state, equipped)
    own.remove_own_password(state, equipped, NETWORK)
    factors, passkeys = own.read_own_factors(state, required(state, equipped).actor)
    assert (factors.has_password, factors.recovery_codes, len(passkeys)) == (False, 0, 1)
    number = passkeys[0].id
    assert reason(lambda: own.remove_own_passkey(state, equipped, number, NETWORK)) == "last"


def test_without_a_password_there_are_no_recovery_codes_and_no_change_of_it(
    state: EditingState, ann: Person
) -> None:
    token = ann.enrol_passkey()
    assert reason(lambda: own.renew_recovery_codes(state, token, NETWORK)) == "over"
    change = lambda: own.change_password(state, token, PASSWORD, NETWORK)  # noqa: E731
    assert reason(change) == "over"
    store = lambda: own.store_password(state, token, PASSWORD, "1", NETWORK)  # noqa: E731
    assert reason(store) == "over"
