"""Ask a provider of OpenID Connect who somebody is: the code flow with PKCE (Core 1.0 section 3.1, RFC 7636).

The provider's addresses and keys are fetched each time, so that new ones count at once. The only module that
imports Authlib and joserfc, which are an extra.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import quote_plus, urlencode, urlsplit

from publisher.accounts.tokens import new_token
from publisher.config.web import OpenidSettings
from publisher.errors import AccountError, SignInError
from publisher.fetching.addresses import WebRequest, networks_named_by, read_target
from publisher.fetching.client import GuardedClient
from publisher.fetching.limits import FetchError, FetchLimits

# Of each request. People wait for three or four; documents of large providers have 30,000 bytes.
_LIMITS = FetchLimits(seconds=10.0, sent_bytes=300_000, body_bytes=300_000)
LEEWAY = 60  # seconds by which the provider's clock may differ from ours
# Signatures by a pair of keys only: by `none` or HMAC whoever has the public key could sign.
_ALGORITHMS = [f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512)]
_ANEW = {"prompt": "login", "max_age": "0"}
_MAX_SUBJECT = 255  # characters (Core section 2), and of an address


class OpenidQuestion(NamedTuple):
    """What a provider was asked, and when (seconds since 1970). `fields` are those of the form, which come back with the answer."""

    fields: Mapping[str, str]
    state: str
    nonce: str
    verifier: str
    asked_at: int
    token_url: str
    keys_url: str
    userinfo_url: str


@dataclass(frozen=True, slots=True)
class OpenidProvider:
    """The provider of the settings, with our secret, and the address to which it sends people back."""

    settings: OpenidSettings
    secret: str = field(repr=False)
    return_url: str

    def ask(
        self, fields: Mapping[str, str], now: datetime, *, again: bool
    ) -> tuple[str, OpenidQuestion]:
        """Return where a browser has to go, and the question; `again` asks for the factors anew. Raise AccountError, FetchError."""
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        issuer = self.settings.issuer
        address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        said = self._fetch(WebRequest(address))
        if said.get("issuer") != issuer:
            raise AccountError(f"the provider calls itself {said.get('issuer')!r:.200}")
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")
        url, *others = (self._address(said, name) for name in names)
        state, nonce, verifier = new_token(), new_token(), new_token()
        query = {"response_type": "code", "client_id": self.settings.client_id, "state": state}
        query |= {"redirect_uri": self.return_url, "scope": "openid email", "nonce": nonce}
        query |= {"code_challenge": create_s256_code_challenge(verifier)}
        query |= {"code_challenge_method": "S256"} | (_ANEW if again else {})
        url += f"{'&' if '?' in url else '?'}{urlencode(query)}"
        asked = OpenidQuestion(fields, state, nonce, verifier, int(now.timestamp()), *others)
        return url, asked

    def read_answer(
        self, question: OpenidQuestion, answer: Mapping[str, str], now: datetime
    ) -> Mapping[str, Any]:
        """Return the claims that a browser's query leads to; `email` is empty unless verified. Raise FetchError, AccountError."""
        if "error" in answer:
            why = AccountError(f"the provider answers {answer['error']!r:.200}")
            raise SignInError("denied") from why
        if answer.get("iss", self.settings.issuer) != self.settings.issuer:  # RFC 9207
            raise AccountError(f"the answer is of {answer['iss']!r:.200}")
        login = f"{quote_plus(self.settings.client_id)}:{quote_plus(self.secret)}"
        headers = {
            "Authorization": f"Basic {base64.b64encode(login.encode()).decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        form = {"grant_type": "authorization_code", "redirect_uri": self.return_url}
        form |= {"code": answer.get("code", ""), "code_verifier": question.verifier}
        got = self._fetch(
            WebRequest(question.token_url, "POST", headers, urlencode(form).encode())
        )
        claims = person = self._claims(question, got, now)
        if "email" not in claims and question.userinfo_url:
            bearer = {"Authorization": f"Bearer {got.get('access_token')}"}
            person = self._fetch(WebRequest(question.userinfo_url, headers=bearer))
            if person.get("sub") != claims["sub"]:  # Core section 5.3.2
                raise AccountError("the provider says an address of somebody else")
        email = str(person.get("email"))
        is_stored = len(email) <= _MAX_SUBJECT and email.isprintable()  # none with NUL
        is_verified = person.get("email_verified") is True and is_stored
        return {**claims, "email": email if is_verified else ""}

    def _claims(
        self, question: OpenidQuestion, got: Mapping[str, Any], now: datetime
    ) -> Mapping[str, Any]:
        """Return what the token of an answer says, once it is checked (Core section 3.1.3.7)."""
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwk, jwt

        issuer, client_id = self.settings.issuer, self.settings.client_id
        wanted = {"iss": {"value": issuer}, "aud": {"value": client_id}}
        asked = {"nonce": question.nonce, "client_id": client_id}
        keys: Any = self._fetch(WebRequest(question.keys_url))
        with _explained("id_token"):
            known: list[Any] = []
            for one in keys["keys"]:
                with suppress(Exception):  # of a kind that is not known (RFC 7517 section 5)
                    known.append(jwk.import_key(one))
            token = jwt.decode(got["id_token"], jwk.KeySet(known), algorithms=_ALGORITHMS)
            claims = CodeIDToken(token.claims, token.header, wanted, asked)
            claims.validate(int(now.timestamp()), LEEWAY)
            if not 0 < len(claims["sub"]) <= _MAX_SUBJECT or not claims["sub"].isprintable():
                raise ValueError("sub")
        return dict(claims)

    def _fetch(self, request: WebRequest) -> dict[str, Any]:
        """Return the JSON object of an answer. Raise AccountError, FetchError."""
        networks = (*networks_named_by(self.settings.issuer), *self.settings.networks)
        with (
            GuardedClient(_LIMITS, networks).open(request) as answer,
            _explained(urlsplit(request.url).path),
        ):
            if answer.status != 200:  # noqa: PLR2004  # OK
                raise ValueError(f"status {answer.status}")
            return {**json.loads(answer.read())}

    def _address(self, said: Mapping[str, Any], name: str) -> str:
        """Return an address of the provider's document. No secret and nobody goes over the net in clear."""
        url = said.get(name)
        if url is None and name == "userinfo_endpoint":
            return ""
        is_plain = self.settings.issuer.startswith("http:")
        if not isinstance(url, str) or not (read_target(url).is_tls or is_plain):
            raise AccountError(f"{name}: {url!r:.200} is no address with https")
        return url


@contextmanager
def _explained(what: str) -> Iterator[None]:
    """Raise AccountError for what libraries raise when a provider says what none should."""
    try:
        yield
    except FetchError:
        raise
    except Exception as error:  # noqa: BLE001  # of many kinds
        raise AccountError(f"{what}: {str(error) or type(error).__name__:.200}") from None
