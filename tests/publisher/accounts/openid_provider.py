"""A provider of OpenID Connect on loopback, with keys of its own, which also answers as none should."""

import base64
import hashlib
import hmac
import html
import json
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from pydantic import SecretStr

from publisher.clock import Clock
from publisher.config import Settings
from publisher.config.web import OPENID_SECRET, OpenidSettings
from tests.publisher.conftest import PublicationFolder

CLIENT, SECRET = "the console", "of the console: 100%"


@cache
def rsa_key(name: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": name, "use": "sig"})


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


@dataclass
class Provider:
    """It signs in whoever comes, as `person`; `claims` replace those of the token, None leaves them out.

    `answers` are of other statuses and bodies, by path; a status of 0 closes the connection without one.
    """

    clock: Clock
    issuer: str = ""
    person: dict[str, Any] = field(
        default_factory=lambda: {"email": "ann@example.org", "email_verified": True}
    )
    claims: dict[str, Any] = field(default_factory=lambda: {"amr": ["pwd", "mfa"]})
    is_thin: bool = False  # whether the person is at the endpoint for it only
    has_page: bool = False  # whether it asks by a form of its own
    key: Any = field(default_factory=lambda: rsa_key("first"))
    algorithm: str = "RS256"
    document: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def discovery(self) -> dict[str, Any]:
        places = {
            "authorization_endpoint": "authorize",
            "token_endpoint": "token",
            "jwks_uri": "keys",
            "userinfo_endpoint": "person",
        }
        named = {name: f"{self.issuer}/{path}" for name, path in places.items()}
        return {"issuer": self.issuer, **named} | self.document

    def authorize(self, asked: dict[str, str]) -> str:
        """Return where the browser is sent back to."""
        self.asked.append(asked)
        code = secrets.token_urlsafe()
        self.codes[code] = asked
        answer = {"code": code, "state": asked["state"], "iss": self.issuer}
        return f"{asked['redirect_uri']}?{urlencode(answer)}"

    def token(self, form: dict[str, str], login: str) -> tuple[int, dict[str, Any]]:
        asked = self.codes.pop(form.get("code", ""), None)
        name, _, secret = base64.b64decode(login.removeprefix("Basic ")).decode().partition(":")
        proof = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if (unquote_plus(name), unquote_plus(secret)) != (CLIENT, SECRET):
            return 401, {"error": "invalid_client"}
        if (
            asked is None
            or asked["code_challenge"] != _base64(proof)
            or form["redirect_uri"] != asked["redirect_uri"]
        ):
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "an access token", "id_token": self.signed(asked)}

    def signed(self, asked: dict[str, str]) -> str:
        now = int(self.clock.now().timestamp())
        claims = {"iss": self.issuer, "aud": CLIENT, "sub": "ann-at-the-provider", "iat": now}
        claims |= {"exp": now + 300, "nonce": asked["nonce"], "auth_time": now}
        claims |= {} if self.is_thin else self.person
        claims = {k: v for k, v in (claims | self.claims).items() if v is not None}
        header = {"alg": self.algorithm, "kid": "first"}
        if self.algorithm in {"none", "HS256"}:
            # Signed by nothing, or by the public key, which no library does.
            parts = (_base64(json.dumps(one).encode()) for one in (header, claims))
            text, public = ".".join(parts), rsa_key("first").as_pem(private=False)
            signature = hmac.digest(public, text.encode(), "sha256")
            return f"{text}.{_base64(signature) if self.algorithm == 'HS256' else ''}"
        return jwt.encode(header, claims, self.key, algorithms=[self.algorithm])


class _Handler(BaseHTTPRequestHandler):
    provider: Provider
    released: threading.Event

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, body: bytes) -> None:
        provider, parts = self.provider, urlsplit(self.path)
        status, content = 200, b""
        if parts.path in provider.answers:
            status, content = provider.answers[parts.path]
            if not status:
                self.released.wait()
                return
        elif parts.path == "/authorize" and provider.has_page and self.command == "GET":
            content = b"<!DOCTYPE html><title>P</title><form method=post><button>It is me</button></form>"
        elif parts.path == "/authorize":
            self.send_response(302)
            self.send_header("Location", provider.authorize(dict(parse_qsl(parts.query))))
            self.end_headers()
            return
        elif parts.path == "/token":
            login = self.headers["Authorization"] or ""
            status, said = provider.token(dict(parse_qsl(body.decode())), login)
            content = json.dumps(said).encode()
        elif parts.path == "/person":
            assert self.headers["Authorization"] == "Bearer an access token"
            content = json.dumps({"sub": "ann-at-the-provider"} | provider.person).encode()
        elif parts.path == "/keys":
            content = json.dumps(KeySet([rsa_key("first")]).as_dict()).encode()
        else:
            content = json.dumps(provider.discovery()).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if b"<form" in content else "text/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_values: object) -> None:
        """Print nothing."""


@contextmanager
def running_provider(clock: Clock) -> Iterator[Provider]:
    """Serve a provider on loopback."""
    provider, released = Provider(clock), threading.Event()
    handler = type("Handler", (_Handler,), {"provider": provider, "released": released})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        provider.issuer = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield provider
        finally:
            released.set()
            server.shutdown()
            thread.join()


def with_provider(settings: Settings, provider: Provider, **changes: Any) -> Settings:
    """Return settings that name the provider."""
    given = {"issuer": provider.issuer, "client_id": CLIENT, "name": "Lantern ID", **changes}
    console = settings.console.model_copy(update={"openid": OpenidSettings(**given)})
    both = {**settings.secrets, OPENID_SECRET: SecretStr(SECRET)}
    return replace(settings, console=console, secrets=both)


def use_provider(publication: PublicationFolder, provider: Provider, **changes: Any) -> None:
    publication.settings = with_provider(publication.settings, provider, **changes)


def answer_of(page: str) -> str:
    """Go where a page leads, as a browser does. Return the path and query that the provider leads back to."""
    found = re.search(r'content="0; url=([^"]+)"', page)
    assert found, page
    url = urlsplit(html.unescape(found[1]))
    connection = HTTPConnection(url.hostname or "", url.port or 0)
    connection.request("GET", f"{url.path}?{url.query}")
    back = urlsplit(connection.getresponse().headers["Location"])
    connection.close()
    return f"{back.path}?{back.query}"
