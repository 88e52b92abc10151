"""Signing in by a provider of OpenID Connect, with a real one on loopback: who gets in, and which answers count for nothing."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import flask
import pytest

from publisher.accounts.audit import find_fault
from publisher.accounts.tables import account_table, invitation_table, openid_table
from publisher.clock import FixedClock
from publisher.config.web import OPENID_SECRET
from publisher.errors import ConfigError
from publisher.fetching.limits import FetchLimits
from publisher.secrets import load_secret
from publisher.web.console.application import create_console
from publisher.web.console.context import ConsoleContext
from publisher.web.console.server import open_console
from tests.publisher.accounts import openid_provider
from tests.publisher.accounts.openid_provider import Provider, answer_of, rsa_key, use_provider
from tests.publisher.conftest import PublicationFolder
from tests.publisher.web.console.conftest import audit_log
from tests.publisher.web.console.visitor import PASSWORD, Visitor, invite

ANN, BOB = "ann@example.org", "bob@example.org"
START = "/sign-in/provider/"
Later = Callable[..., Visitor]


@pytest.fixture
def provider(publication: PublicationFolder) -> Iterator[Provider]:
    with openid_provider.running_provider(publication.clock) as running:
        use_provider(publication, running)
        yield running


@pytest.fixture
def invitation(publication: PublicationFolder) -> str:
    return invite(publication, ANN)


@pytest.fixture
def ann(console: flask.Flask, publication: PublicationFolder, invitation: str) -> Visitor:
    assert invitation  # she has an account
    return Visitor(console, publication.clock)


@pytest.fixture
def later(console_context: ConsoleContext, provider: Provider) -> Later:
    """Give a browser so long after the beginning, when the provider's clock is no other."""

    def moved(visitor: Visitor, **after: int) -> Visitor:
        clock = provider.clock = FixedClock(console_context.clock.now() + timedelta(**after))
        app = create_console(replace(console_context, clock=clock))
        return replace(visitor, app=app, clock=clock)

    return moved


def enter(visitor: Visitor, path: str = START, **fields: str) -> Any:
    """Sign in by the provider: the form, the provider, and back."""
    return visitor.get(answer_of(visitor.post(path, **fields).text))


def is_in(visitor: Visitor) -> bool:
    return visitor.get("/").status_code == 200


def verbs(publication: PublicationFolder) -> list[tuple[str, str]]:
    entries = audit_log(publication)
    with publication.database.reading() as connection:
        assert find_fault(connection, load_secret(publication.settings)) is None
    return [(one.actor, one.verb) for one in entries]


def test_an_invited_person_signs_in_by_a_verified_address_and_the_invitation_is_used_up(
    ann: Visitor, provider: Provider, publication: PublicationFolder, invitation: str
) -> None:
    assert "Sign in with Lantern ID" in ann.get("/sign-in/").text
    done = enter(ann, next="/audit/")
    assert (done.status_code, done.location) == (303, "/audit/")
    assert is_in(ann)
    assert verbs(publication)[:2] == [(ANN, "sign-in"), (ANN, "set-factor")]
    assert publication.rows(invitation_table) == []
    assert (
        Visitor(ann.app, ann.clock).post("/invite/", invitation=invitation).status_code == 422
    )
    asked = provider.asked[0]
    assert (asked["scope"], asked["code_challenge_method"]) == ("openid email", "S256")
    assert asked["redirect_uri"] == "http://localhost:8090/sign-in/provider/back/"
    assert "prompt" not in asked


def test_a_connected_account_is_known_by_its_subject_whatever_the_address_says(
    ann: Visitor, provider: Provider, publication: PublicationFolder
) -> None:
    invite(publication, BOB)
    enter(ann)
    provider.person = {"email": BOB, "email_verified": True}
    again = Visitor(ann.app, ann.clock)
    enter(again)
    assert ANN in again.get("/account/").text
    # Nor does somebody else with Ann's address get into her account.
    provider.person, provider.claims["sub"] = {"email": ANN, "email_verified": True}, "other"
    other = Visitor(ann.app, ann.clock)
    assert "did not confirm who you are" in enter(other).text
    assert not is_in(other)


@pytest.mark.parametrize(
    "person",
    [
        {"email": ANN},
        {"email": ANN, "email_verified": "true"},
        {"email": ANN, "email_verified": False},
        {"email": "nobody@example.org", "email_verified": True},
        {"email": ["ann@example.org"], "email_verified": True},
        {"email": "ann\0@example.org", "email_verified": True},
        {},
    ],
)
def test_an_address_that_is_not_verified_or_of_no_account_signs_nobody_in(
    ann: Visitor, provider: Provider, publication: PublicationFolder, person: dict[str, Any]
) -> None:
    provider.person = person
    refused = enter(ann)
    assert refused.status_code == 422
    assert "There is no account here for an address" in refused.text
    assert not is_in(ann)
    assert publication.rows(openid_table) == []
    assert len(publication.rows(account_table)) == 1
    assert verbs(publication)[0] == ("nobody", "sign-in-refused")


@pytest.mark.usefixtures("provider")
def test_a_disabled_account_stays_closed(ann: Visitor, publication: PublicationFolder) -> None:
    enter(ann)
    for connected in (True, False):
        with publication.database.writing() as connection:
            at = publication.clock.now()
            connection.execute(account_table.update().values(disabled_at=at))
            if not connected:
                connection.execute(openid_table.delete())
        visitor = Visitor(ann.app, ann.clock)
        assert "There is no account here" in enter(visitor).text
        assert not is_in(visitor)
    assert not is_in(ann)


def test_the_address_may_be_at_the_provider_s_own_endpoint_but_of_the_same_person(
    ann: Visitor, provider: Provider
) -> None:
    provider.is_thin = True
    provider.person["sub"] = "somebody-else"
    assert "did not confirm" in enter(ann).text
    del provider.person["sub"]
    assert enter(ann).location == "/"


def _claim(**claims: Any) -> Callable[[Provider], None]:
    return lambda provider: provider.claims.update(claims)


def _other_key(provider: Provider) -> None:
    provider.key = rsa_key("second")


def _no_signature(provider: Provider) -> None:
    provider.algorithm = "none"


def _public_key_as_secret(provider: Provider) -> None:
    provider.algorithm = "HS256"


def _answer(path: str, status: int, content: bytes) -> Callable[[Provider], None]:
    return lambda provider: provider.answers.update({path: (status, content)})


HOSTILE: dict[str, Callable[[Provider], None]] = {
    "another nonce": _claim(nonce="of another sign-in"),
    "no nonce": _claim(nonce=None),
    "another audience": _claim(aud="another client"),
    "an audience and a stranger without azp": _claim(aud=[openid_provider.CLIENT, "another"]),
    "another party": _claim(azp="another client"),
    "another issuer": _claim(iss="https://evil.example"),
    "expired": _claim(exp=1_000_000_000),
    "never expires": _claim(exp=None),
    "issued in the future": _claim(iat=4_000_000_000),
    "no subject": _claim(sub=None),
    "an empty subject": _claim(sub=""),
    "a long subject": _claim(sub="s" * 256),
    "a subject that no database stores": _claim(sub="a\0b"),
    "another key": _other_key,
    "no signature": _no_signature,
    "the public key as a secret": _public_key_as_secret,
    "a code that is refused": _answer("/token", 400, b'{"error": "invalid_grant"}'),
    "no token": _answer("/token", 200, b"{}"),
    "no JSON": _answer("/token", 200, b"<html>"),
    "deep JSON": _answer("/token", 200, b"[" * 100_000),
    "a list": _answer("/token", 200, b"[1]"),
    "no keys": _answer("/keys", 200, b'{"keys": []}'),
    "keys that are none": _answer("/keys", 200, b'{"keys": [1, null, {"kty": "RSA", "n": 7}]}'),
    "a redirect": _answer("/keys", 302, b""),
    "a huge body": _answer("/keys", 200, b" " * 400_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_an_answer_that_can_t_be_trusted_signs_nobody_in_and_the_log_says_why(
    ann: Visitor, provider: Provider, publication: PublicationFolder, name: str
) -> None:
    HOSTILE[name](provider)
    refused = enter(ann)
    assert refused.status_code == 422
    assert "Lantern ID did not confirm who you are" in refused.text
    assert not is_in(ann)
    assert publication.rows(openid_table) == []
    entry = audit_log(publication)[0]
    assert (entry.actor, entry.verb, entry.details["by"]) == (
        "nobody",
        "sign-in-refused",
        "openid",
    )
    assert entry.details["why"]
    assert "an access token" not in str(entry)


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": None},
        {"jwks_uri": 7},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"token_endpoint": "http://10.0.0.1/token"},
    ],
)
def test_a_provider_whose_document_is_wrong_is_not_gone_to(
    ann: Visitor, provider: Provider, document: dict[str, Any]
) -> None:
    provider.document = document
    asked = ann.post(START)
    if asked.status_code == 200:
        # Where secrets would go is judged when they would.
        asked = ann.get(answer_of(asked.text))
    assert asked.status_code == 422
    assert not is_in(ann)


def test_a_provider_that_does_not_answer_is_waited_for_so_long_and_no_longer(
    ann: Visitor, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("publisher.accounts.openid._LIMITS", FetchLimits(0.05))
    provider.answers["/.well-known/openid-configuration"] = (0, b"")
    assert "did not confirm" in ann.post(START).text


def test_an_answer_counts_once_in_the_browser_that_asked_and_by_its_state(
    ann: Visitor, later: Later
) -> None:
    back = answer_of(ann.post(START).text)
    stranger = Visitor(ann.app, ann.clock)
    assert stranger.get(back).status_code == 422
    stranger.post(START)
    assert stranger.get(back).status_code == 422
    assert not is_in(stranger)
    assert ann.get(back).status_code == 303
    before = ann.token
    assert "used already" in ann.get(back).text
    assert ann.token == before
    late = Visitor(ann.app, ann.clock)
    back = answer_of(late.post(START).text)
    assert later(late, minutes=31).get(back).status_code == 422


@pytest.mark.usefixtures("provider")
def test_of_two_tabs_the_later_signs_in_although_the_earlier_came_back_first(
    ann: Visitor,
) -> None:
    earlier, later_tab = (answer_of(ann.post(START).text) for _tab in range(2))
    assert ann.get(earlier).status_code == 422
    assert ann.get(later_tab).status_code == 303
    assert is_in(ann)


def test_a_key_of_a_kind_that_is_not_known_keeps_nobody_out(
    ann: Visitor, provider: Provider
) -> None:
    curves = [{"kty": "EC", "crv": "brainpoolP256r1", "kid": "new", "x": "AA", "y": "AA"}]
    curves += [{"kty": "OKP", "crv": "of tomorrow", "kid": "newer", "x": "AA"}]
    keys = [*curves, rsa_key("first").as_dict(private=False)]
    _answer("/keys", 200, json.dumps({"keys": keys}).encode())(provider)
    assert enter(ann).status_code == 303


@pytest.mark.usefixtures("provider")
def test_what_the_provider_refuses_is_said_on_the_page(ann: Visitor) -> None:
    for answer in ("error=access_denied", "error=%3Cb%3E", "code=x&iss=https://evil.example"):
        ann.post(START, next="/audit/")
        back = answer_of(ann.post(START, next="/audit/").text).partition("?")[2]
        state = next(one for one in back.split("&") if one.startswith("state="))
        refused = ann.get(f"/sign-in/provider/back/?{state}&{answer}")
        assert refused.status_code == 422
        assert ("did not sign you in" in refused.text) == ("error" in answer)
        assert 'name="next" value="/audit/"' in refused.text
        assert "<b>" not in refused.text


def test_after_one_factor_a_code_is_asked_for_as_after_a_password(
    ann: Visitor, provider: Provider, publication: PublicationFolder, invitation: str
) -> None:
    ann.enrol_password(invitation)
    ann.token, provider.claims = "", {"amr": ["pwd"]}
    step = enter(ann, next="/audit/")
    assert step.location == "/sign-in/code/?next=/audit/"
    assert not is_in(ann)
    assert ann.post("/sign-in/code/", code="000000").status_code == 422
    done = ann.post("/sign-in/code/", code=ann.code(1), next="/audit/")
    assert done.location == "/audit/"
    assert is_in(ann)
    assert audit_log(publication)[0].details["by"] == "openid and one-time password"


def test_one_factor_is_enough_only_if_the_settings_say_that_there_are_two(
    ann: Visitor, provider: Provider, publication: PublicationFolder, invitation: str
) -> None:
    ann.enrol_passkey(invitation)
    ann.token, provider.claims = "", {}
    assert "asked for one factor only" in enter(ann).text
    assert not is_in(ann)
    assert publication.rows(openid_table) == []
    use_provider(publication, provider, second_factor=True)
    assert enter(ann).location == "/"
    assert is_in(ann)


def test_identity_is_confirmed_by_a_factor_that_the_provider_asked_for_just_now(
    ann: Visitor, provider: Provider, publication: PublicationFolder, later: Later
) -> None:
    enter(ann)
    ann = later(ann, minutes=11)
    again = {"next": "/accounts/", "again": "yes"}
    assert "Confirm with Lantern ID" in ann.get("/sign-in/again/").text
    old = int(ann.clock.now().timestamp()) - 600
    for auth_time in (old, None):
        provider.claims["auth_time"] = auth_time
        refused = enter(ann, "/sign-in/again/provider/", **again)
        assert refused.status_code == 422
        assert "Confirm your identity" in refused.text
    del provider.claims["auth_time"]
    provider.claims["sub"] = "somebody-else"
    assert enter(ann, "/sign-in/again/provider/", **again).status_code == 422
    assert ann.get("/accounts/").location.startswith("/sign-in/again/")
    del provider.claims["sub"]
    done = enter(ann, "/sign-in/again/provider/", **again)
    assert done.location == "/accounts/?done=proved"
    assert ann.get("/accounts/").status_code == 200
    assert verbs(publication)[0] == (ANN, "prove")
    assert (provider.asked[-1]["prompt"], provider.asked[-1]["max_age"]) == ("login", "0")


def test_whoever_is_signed_in_connects_another_address_and_removes_it_if_something_is_left(
    ann: Visitor,
    provider: Provider,
    publication: PublicationFolder,
    later: Later,
    invitation: str,
) -> None:
    ann.enrol_passkey(invitation)
    provider.person = {"email": "ann@private.example"}
    assert "Not connected." in ann.get("/account/").text
    assert enter(ann, "/sign-in/again/provider/", next="/account/").location == "/account/"
    page = ann.get("/account/").text
    assert "Connected." in page
    assert ann.post("/account/openid/remove/").location == "/account/?done=saved"
    assert publication.rows(openid_table) == []
    ann = later(ann, minutes=11)
    # A session that anybody may have left open connects nobody.
    assert enter(ann, "/sign-in/again/provider/", next="/account/").status_code == 422
    assert publication.rows(openid_table) == []


@pytest.mark.usefixtures("provider")
def test_whoever_has_nothing_else_can_t_remove_the_provider(
    ann: Visitor, publication: PublicationFolder
) -> None:
    enter(ann)
    refused = ann.post("/account/openid/remove/")
    assert refused.status_code == 422
    assert "Nothing would be left to sign in with." in refused.text
    assert len(publication.rows(openid_table)) == 1
    assert "Lantern ID" in ann.get("/accounts/").text


def test_without_a_provider_there_is_no_way_to_one(ann: Visitor, invitation: str) -> None:
    assert "Lantern ID" not in ann.get("/sign-in/").text
    assert ann.post(START).status_code == 404
    assert ann.get("/sign-in/provider/back/?state=x&code=y").status_code == 422
    ann.enrol_password(invitation)
    assert PASSWORD not in ann.get("/account/").text


def test_without_its_secret_no_console_starts(
    provider: Provider, publication: PublicationFolder
) -> None:
    settings = replace(publication.settings, secrets={})
    with (
        pytest.raises(ConfigError, match=OPENID_SECRET),
        open_console(settings, lambda: settings, "127.0.0.1"),
    ):
        pass
    for issuer in (
        "http://login.example.org",
        "https://login.example.org/?tenant=1",
        "mailto:x",
    ):
        with pytest.raises(ValueError, match="issuer"):
            use_provider(publication, provider, issuer=issuer)
