"""Accounts, keys and factors as administrators and their owners manage them, and the audit log of it."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from publisher.accounts import audit, sessions
from publisher.accounts import tokens as invitations
from publisher.accounts.api_keys import KeyRequest
from publisher.accounts.factors import read_factors, set_password
from publisher.accounts.model import Grant, Permission, Role, account_actor, terminal_actor
from publisher.accounts.passwords import hash_password
from publisher.accounts.store import NewAccount, disable_account
from publisher.accounts.tokens import new_recovery_codes, token_digest
from publisher.app.accounts import administration, keys
from publisher.app.accounts import administration as accounts
from publisher.app.accounts import factors as own
from publisher.app.accounts import sign_in as access
from publisher.app.accounts.administration import read_audit_log, verify_audit_log
from publisher.app.editing_state import EditingState, find_terminal_actor
from publisher.errors import AccountError, ForbiddenError, UsageError
from tests.publisher.accounts.authenticator import Authenticator
from tests.publisher.app.editing import (
    ANN,
    BOB,
    BROWSER,
    DAY,
    HOUR,
    MINUTE,
    NETWORK,
    ORIGIN,
    PASSWORD,
    ROOT,
    Person,
    account,
    as_text,
    at,
    audit_log,
    invite,
    reason,
    required,
    who,
)
from tests.publisher.conftest import NOW


def add(state: EditingState, email: str, *roles: str) -> accounts.Invitation:
    grants = accounts.parse_roles(state.settings.publication, roles or ["administrator"])
    return accounts.create_account(state, ROOT, NewAccount(email, "Ann", "en", grants))


def test_the_first_account_is_an_administrators_and_its_link_lasts_half_an_hour(
    state: EditingState,
) -> None:
    with pytest.raises(AccountError, match="first account has to be an administrator's"):
        add(state, BOB, "editor")
    first, second = add(state, ANN), add(state, BOB, "editor:ar")
    assert first.expires_at == NOW + timedelta(minutes=30)
    assert second.expires_at == NOW + DAY
    assert first.link("https://console.example.org/") == (
        f"https://console.example.org/invite/#{first.token}"
    )
    assert first.token not in repr(first)
    with state.database.reading() as connection:
        found = invitations.invited_account_id(connection, token_digest(second.token), NOW)
        assert found == second.account.id


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("owner", "is no role; there are administrator, editor"),
        ("editor:fr", "no such language; it has en"),
        ("editor:??", "not a language tag"),
        ("administrator:ar", "is for all languages"),
        ("viewer:ar", "is for all languages"),
    ],
)
def test_a_role_that_there_is_not_is_refused(
    state: EditingState, written: str, message: str
) -> None:
    with pytest.raises(AccountError, match=message):
        accounts.parse_roles(state.settings.publication, [written])


def test_roles_are_replaced_and_the_audit_log_has_both(state: EditingState) -> None:
    add(state, ANN)
    add(state, BOB, "editor:en", "editor:en", "viewer")
    viewer = (Grant(Role.VIEWER),)
    assert accounts.change_roles(state, ROOT, "BOB@example.org", viewer).grants == viewer
    with pytest.raises(AccountError, match="no account"):
        accounts.change_roles(state, ROOT, "cyd@example.org", viewer)
    entry = audit_log(state)[0]
    assert (entry.verb, entry.object) == ("set-roles", BOB)
    assert entry.details["before"] == ["editor:en", "viewer"]
    assert entry.details["after"] == ["viewer"]


def signed_in(state: EditingState, number: int) -> str:
    with state.database.writing() as connection:
        set_password(connection, number, hash_password("four tall ships"), NOW)
        new_recovery_codes(connection, number)
        browser = sessions.Browser("A browser", "192.0.2.0/24")
        token = sessions.begin_session(connection, browser, NOW)
        return sessions.complete_session(connection, token, number, NOW)


def counts(state: EditingState, token: str) -> bool:
    with state.database.reading() as connection:
        return sessions.read_console_session(connection, token, NOW) is not None


def test_a_disabled_account_has_no_session_and_gets_its_ways_to_sign_in_back(
    state: EditingState,
) -> None:
    add(state, ANN)
    bob = add(state, BOB, "viewer").account
    token = signed_in(state, bob.id)
    accounts.close_account(state, ROOT, BOB)
    with pytest.raises(AccountError, match="is disabled"):
        accounts.recover_account(state, ROOT, BOB)
    accounts.reopen_account(state, ROOT, BOB)
    assert not counts(state, token)
    record = accounts.read_accounts(state, ROOT)[1]
    assert (record.account.disabled_at, record.factors.has_password) == (None, True)


def test_recovering_an_account_leaves_nothing_of_before_and_gives_a_new_link(
    state: EditingState,
) -> None:
    first = add(state, ANN)
    token = signed_in(state, first.account.id)
    invitation = accounts.recover_account(state, ROOT, ANN)
    assert not counts(state, token)
    with state.database.reading() as connection:
        factors = read_factors(connection, first.account.id)
        assert (factors.has_password, factors.recovery_codes) == (False, 0)
        assert (
            invitations.invited_account_id(connection, token_digest(first.token), NOW) is None
        )
        found = invitations.invited_account_id(connection, token_digest(invitation.token), NOW)
        assert found == first.account.id
    (record,) = accounts.read_accounts(state, ROOT)
    assert (record.sessions, record.invited_until) == (0, NOW + DAY)
    # An account keeps its factors if only its sessions are ended.
    tokens = [signed_in(state, first.account.id) for _ in range(2)]
    accounts.end_account_sessions(state, ROOT, ANN)
    assert [counts(state, one) for one in tokens] == [False, False]
    assert accounts.read_accounts(state, ROOT)[0].factors.has_password


@pytest.mark.parametrize(
    "verb",
    [
        accounts.read_accounts,
        lambda state, actor: accounts.create_account(
            state, actor, NewAccount("c@x.org", "C", "en", (Grant(Role.VIEWER),))
        ),
        lambda state, actor: accounts.change_roles(state, actor, ANN, (Grant(Role.VIEWER),)),
        lambda state, actor: accounts.close_account(state, actor, ANN),
        lambda state, actor: accounts.reopen_account(state, actor, ANN),
        lambda state, actor: accounts.recover_account(state, actor, ANN),
        lambda state, actor: accounts.end_account_sessions(state, actor, ANN),
        read_audit_log,
        verify_audit_log,
    ],
)
def test_only_administrators_manage_accounts(
    state: EditingState, verb: Callable[..., object]
) -> None:
    add(state, ANN)
    bob = add(state, BOB, "editor", "approver", "translator", "subscriber-desk", "viewer")
    before = read_audit_log(state, ROOT)
    with pytest.raises(ForbiddenError, match=BOB):
        verb(state, account_actor(bob.account, ""))
    assert read_audit_log(state, ROOT) == before


def wanted(*scopes: Permission, languages: tuple[str, ...] | None = None) -> KeyRequest:
    return KeyRequest("ci", frozenset(scopes), languages, DAY)


def test_everybody_has_keys_of_ones_own_and_an_administrator_ends_any(
    state: EditingState,
) -> None:
    ann = account_actor(add(state, ANN).account, "")
    bob = account_actor(add(state, BOB, "editor:en").account, "")
    mine = keys.create_key(state, bob, BOB, wanted(Permission.EDIT_ISSUE))
    keys.create_key(state, ROOT, ANN, wanted(Permission.VIEW))
    with pytest.raises(ForbiddenError):
        keys.create_key(state, ann, BOB, wanted(Permission.VIEW))
    with pytest.raises(AccountError, match="no role that permits approve"):
        keys.create_key(state, bob, BOB, wanted(Permission.APPROVE))
    assert [owner for owner, _key in keys.list_keys(state, bob)] == [BOB]
    assert [owner for owner, _key in keys.list_keys(state, ann)] == [ANN, BOB]
    with pytest.raises(AccountError, match="key 2: there is none"):
        keys.revoke_key(state, bob, 2)
    assert keys.has_sender(state, "", mine)
    user = keys.find_key_actor(state, mine, "192.0.2.0/24")
    assert user is not None
    assert (user.name, user.via, user.network) == (BOB, "api", "192.0.2.0/24")
    assert user.permits(Permission.EDIT_ISSUE, "en")
    assert not user.permits(Permission.VIEW)
    assert keys.list_keys(state, bob)[0][1].used_at == NOW
    with pytest.raises(ForbiddenError):
        keys.create_key(state, user, BOB, wanted(Permission.VIEW))
    keys.revoke_key(state, ann, 1)
    with pytest.raises(AccountError, match="was revoked before"):
        keys.revoke_key(state, ann, 1)
    assert keys.find_key_actor(state, mine, "") is None
    assert not keys.has_sender(state, "", mine)
    log = audit_log(state)
    done = [(ANN, "revoke-key"), ("terminal", "add-key"), (BOB, "add-key")]
    assert [(one.actor, one.verb) for one in log[:3]] == done
    assert mine.rpartition("_")[2] not in str(log)


def test_everybody_chooses_the_language_of_the_pages(state: EditingState) -> None:
    actor = account_actor(add(state, ANN).account, "")
    accounts.choose_language(state, actor, "zh-Hant")
    (record,) = accounts.read_accounts(state, actor)
    assert record.account.language == "zh-Hant"
    for one, language in ((actor, "fr"), (ROOT, "en")):
        with pytest.raises(AccountError, match="has no such language"):
            accounts.choose_language(state, one, language)


def test_roles_and_scopes_that_can_be_chosen(state: EditingState) -> None:
    choices = dict(accounts.role_choices(state.settings.publication))
    assert choices[Role.EDITOR] == state.settings.publication.languages
    assert choices[Role.ADMINISTRATOR] == choices[Role.VIEWER] == ()
    assert accounts.written_grant(Grant(Role.EDITOR)) == "editor"
    assert accounts.written_grant(Grant(Role.APPROVER, "ar")) == "approver:ar"
    add(state, ANN)
    bob = account_actor(add(state, BOB, "translator:en").account, "")
    assert keys.key_scopes(bob) == [Permission.VIEW, Permission.TRANSLATE]
    assert Permission.MANAGE_ACCOUNTS not in keys.key_scopes(ROOT)
    assert keys.parse_scopes([" view", "view"]) == {Permission.VIEW}
    with pytest.raises(AccountError, match="'all': is no scope; there are approve"):
        keys.parse_scopes(["view", "all"])


# --- setting up how one signs in, by an invitation and later, and what each change ends


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
    assert reason(lambda: own.accept_invitation(state, BROWSER, ann.invitation)) == "over"


@pytest.mark.parametrize("after", [30 * MINUTE, 24 * HOUR])
def test_an_old_or_invented_invitation_lets_nobody_in(
    state: EditingState, ann: Person, after: timedelta
) -> None:
    late = at(state, after)
    for token in (ann.invitation, "invented", ""):
        assert reason(partial(own.accept_invitation, late, BROWSER, token)) == "over"
    entry = audit_log(state)[0]
    assert (entry.actor, entry.verb) == ("nobody", "invitation-refused")


@pytest.mark.usefixtures("ann")
def test_setting_up_by_a_link_takes_half_an_hour_at_most_and_ends_when_its_account_is_recovered(
    state: EditingState,
) -> None:
    bob = invite(state, "bob@example.org", "viewer")
    token = own.accept_invitation(state, BROWSER, bob.invitation)
    assert own.read_setup(at(state, 29 * MINUTE), token).totp
    assert reason(lambda: own.read_setup(at(state, 30 * MINUTE), token)) == "over"
    administration.recover_account(state, ROOT, bob.email)
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
    store = partial(own.store_password, state, token, password, code, NETWORK)
    assert reason(store) == expected
    (record,) = administration.read_accounts(state, ROOT)
    assert not record.factors.has_password
    # The same secret is still shown, for another try.
    assert own.read_setup(state, token).totp == ann.totp


def test_a_passkey_made_for_another_site_is_refused_and_its_challenge_used_up(
    state: EditingState, ann: Person
) -> None:
    token = own.accept_invitation(state, BROWSER, ann.invitation)
    options = own.ask_for_own_passkey(state, token)
    wrong, right = (Authenticator(origin=one) for one in ("http://localhost:1", ORIGIN))

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


def changes_of_factors(
    ann: Person, state: EditingState, token: str
) -> dict[str, Callable[[], object]]:
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
        "no password": lambda: own.remove_own_factor(state, token, "password", NETWORK),
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
    assert reason(changes_of_factors(ann, at(state, 10 * MINUTE), equipped)[change]) == "prove"
    assert who(state, other) == ANN
    changes_of_factors(ann, state, equipped)[change]()
    assert (who(state, equipped), who(state, other)) == (ANN, None)
    entries = audit_log(state)
    removed = change.startswith("no ")
    assert entries[0].verb == ("remove-factor" if removed else "set-factor")
    for secret in (ann.totp, PASSWORD, *ann.recovery_codes):
        assert secret not in as_text(entries)


def test_the_former_password_and_codes_are_worth_nothing_after_a_change(
    state: EditingState, ann: Person, equipped: str
) -> None:
    old_totp, old_code = ann.totp, ann.recovery_codes[0]
    changes_of_factors(ann, state, equipped)["password"]()
    assert ann.totp != old_totp
    assert reason(lambda: access.begin_by_password(state, BROWSER, ANN, PASSWORD)) == "wrong"
    token = access.begin_by_password(state, BROWSER, ANN, "five short boats ashore")
    assert reason(lambda: access.use_code(state, token, old_code, NETWORK)) == "wrong"
    assert access.use_code(state, token, ann.recovery_codes[0], NETWORK)


def test_the_last_way_to_sign_in_stays(state: EditingState, ann: Person, equipped: str) -> None:
    own.remove_own_passkey(state, equipped, 1, NETWORK)
    assert reason(lambda: own.remove_own_factor(state, equipped, "password", NETWORK)) == "last"
    with pytest.raises(AccountError, match="no such passkey"):
        own.remove_own_passkey(state, equipped, 1, NETWORK)
    assert access.begin_by_password(state, BROWSER, ANN, PASSWORD)
    ann.device = Authenticator(origin=ORIGIN)
    ann.add_passkey(state, equipped)
    own.remove_own_factor(state, equipped, "password", NETWORK)
    factors, passkeys = own.read_own_factors(state, required(state, equipped).actor)
    assert (factors.has_password, factors.recovery_codes, len(passkeys)) == (False, 0, 1)
    number = passkeys[0].id
    assert reason(lambda: own.remove_own_passkey(state, equipped, number, NETWORK)) == "last"


def test_without_a_password_there_are_no_recovery_codes_and_no_change_of_it(
    state: EditingState, ann: Person
) -> None:
    token = ann.enrol_passkey()
    assert reason(lambda: own.renew_recovery_codes(state, token, NETWORK)) == "over"
    assert reason(lambda: own.change_password(state, token, PASSWORD, NETWORK)) == "over"
    assert reason(lambda: own.store_password(state, token, PASSWORD, "1", NETWORK)) == "over"


# --- who acts at the state, and what the audit log has of it


def test_a_change_and_who_made_it_are_stored_together_or_not_at_all(
    state: EditingState,
) -> None:
    with (
        pytest.raises(RuntimeError, match="no"),
        state.changing(terminal_actor(), "approve", "an issue"),
    ):
        raise RuntimeError("no")
    assert audit_log(state) == []
    actor = terminal_actor()
    with state.changing(actor, "approve", "an issue", {"note": "good"}) as change:
        change.details["manifest"] = "abc"
    (entry,) = audit_log(state)
    with state.database.reading() as connection:
        assert audit.find_fault(connection, state.secret) is None
    assert (entry.actor, entry.verb, entry.object) == ("terminal", "approve", "an issue")
    assert entry.details == {"note": "good", "manifest": "abc", "via": "terminal"}


def test_the_terminal_may_do_all_and_for_an_account_what_that_may(state: EditingState) -> None:
    account(state, "ann@example.org", Grant(Role.APPROVER, "ar"))
    assert find_terminal_actor(state, None).permits(Permission.APPROVE, "en")
    ann = find_terminal_actor(state, "Ann@example.org")
    assert ann.permits(Permission.APPROVE, "ar")
    with pytest.raises(ForbiddenError, match=r"ann@example\.org: .* permits approve in en"):
        ann.require(Permission.APPROVE, "en")


def test_nobody_acts_for_an_account_that_is_not_there_or_disabled(state: EditingState) -> None:
    account(state, "root@example.org", Grant(Role.ADMINISTRATOR))
    account(state, "ann@example.org", Grant(Role.VIEWER))
    with state.database.writing() as connection:
        disable_account(connection, 2, NOW)
    for email in ("ann@example.org", "bob@example.org"):
        with pytest.raises(UsageError, match=email):
            find_terminal_actor(state, email)
