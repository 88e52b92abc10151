"""Webhooks of mail providers: check that a request is genuine, and store its events."""

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, replace
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

from pydantic import SecretStr
from sqlalchemy import Connection

from publisher.bounces import intake
from publisher.bounces.model import BounceEvent, Evidence
from publisher.bounces.providers.events import (
    MAX_SIGNATURE_AGE,
    FeedbackRefusedError,
    FeedbackRequest,
    ProviderEvent,
)
from publisher.bounces.providers.mailgun_postmark_sendgrid import (
    read_mailgun_request,
    read_postmark_request,
    read_sendgrid_request,
)
from publisher.bounces.providers.ses import fetch_document, read_ses_request
from publisher.config import Settings
from publisher.config.web import FEEDBACK_SECRET, MAILGUN_KEY, POSTMARK_LOGIN
from publisher.delivery.transports.smtp.protocol import redact_reply
from publisher.errors import UsageError
from publisher.log import log
from publisher.request_limits import Limit, LimitKeys, check_limit
from publisher.urls import public_url

MAX_FEEDBACK: Final = 1_000_000  # bytes of a request
# A token is remembered for longer than its time stamp is accepted.
_ONCE: Final = Limit(per=1, burst=1, period=2 * MAX_SIGNATURE_AGE + timedelta(minutes=1))


def read_feedback(  # noqa: PLR0913  # the parts of a request
    settings: Settings,
    provider: str,
    path_secret: str,
    header: Mapping[str, str],
    body: bytes,
    now: datetime,
    *,
    fetch: Callable[[str], bytes] = fetch_document,
) -> list[ProviderEvent] | None:
    """Return the events of a request, None without such a webhook; raise FeedbackRefusedError unless it proves where it comes from."""
    if not _is_known(settings, provider, path_secret):
        return None
    names = {name.lower(): value for name, value in header.items()}
    try:
        return _read(settings, provider, FeedbackRequest(body, names), now, fetch)
    except FeedbackRefusedError as error:
        log.warning("feedback refused", provider=provider, reason=str(error))
        raise


def store_feedback(
    connection: Connection,
    secret: str,
    provider: str,
    events: Sequence[ProviderEvent],
    now: datetime,
) -> None:
    """Store events, each once, and act on them. Raise FeedbackRefusedError, and store nothing, for a used token."""
    for token in {event.once for event in events if event.once}:
        key = LimitKeys(secret).key(f"feedback {provider}", token)
        if check_limit(connection, key, _ONCE, now) is not None:
            raise FeedbackRefusedError("the token was used before")
    for event in events:
        _store_event(connection, secret, provider, event, now)


def _store_event(
    connection: Connection, secret: str, provider: str, event: ProviderEvent, now: datetime
) -> None:
    addresses = [event.recipient] if event.recipient else []
    origin = intake.attribute_report(connection, secret, event.identifiers, addresses)
    if origin is not None and origin.evidence is Evidence.ADDRESS:
        # The provider knows to whom it sent, and has proved to be the provider.
        origin = replace(origin, evidence=Evidence.PROVIDER)
    words = redact_reply(event.words, event.recipient, intake.MAX_DIAGNOSTIC_STORED)
    number, at = event.id or _content_id(secret, event), intake.bounded_instant(event.at, now)
    stored = BounceEvent(
        provider, number, event.kind, at, now, event.cause, event.status, words
    )
    intake.receive_event(connection, stored, origin, now)


def _content_id(secret: str, event: ProviderEvent) -> str:
    """Return an id for an event that has none: the keyed hash of all that is reported, without the token of the request."""
    said = astuple(replace(event, once=""))
    return "content:" + hmac.digest(secret.encode(), repr(said).encode(), "sha256").hex()


def webhook_urls(settings: Settings) -> dict[str, str]:
    """Return the secret address to enter at each provider. Raise UsageError without a provider, a secret, or [web]."""
    secret, providers = _secret(settings, FEEDBACK_SECRET), settings.feedback.providers
    if not providers:
        raise UsageError("there is no webhook; add a table such as [feedback.ses]")
    if not secret:
        raise UsageError(f"set {FEEDBACK_SECRET} in the environment: it is part of the address")
    if not settings.web.enabled:
        raise UsageError("nobody answers webhooks: set enabled = true in [web]")
    return {name: _url(settings, name, quote(secret, safe="")) for name in providers}


def _url(settings: Settings, provider: str, secret: str) -> str:
    url = public_url(settings.publication, f"feedback/{provider}/{secret}/")
    login = _secret(settings, POSTMARK_LOGIN) if provider == "postmark" else ""
    if not login:
        return url
    user, _colon, password = login.partition(":")
    scheme, _slashes, rest = url.partition("//")
    return f"{scheme}//{quote(user, safe='')}:{quote(password, safe='')}@{rest}"


def _is_known(settings: Settings, provider: str, path_secret: str) -> bool:
    given = _secret(settings, FEEDBACK_SECRET)
    is_right = hmac.compare_digest(given.encode(), path_secret.encode("utf-8", "replace"))
    return bool(given) and is_right and settings.feedback.has(provider)


def _read(
    settings: Settings,
    provider: str,
    request: FeedbackRequest,
    now: datetime,
    fetch: Callable[[str], bytes],
) -> list[ProviderEvent]:
    feedback = settings.feedback
    if feedback.ses is not None and provider == "ses":
        return read_ses_request(request, feedback.ses.topics, fetch)
    if feedback.sendgrid is not None and provider == "sendgrid":
        return read_sendgrid_request(request, feedback.sendgrid.public_key, now)
    if provider == "postmark":
        return read_postmark_request(request, _secret(settings, POSTMARK_LOGIN))
    key = _secret(settings, MAILGUN_KEY)
    if not key:
        raise FeedbackRefusedError(f"set {MAILGUN_KEY} to the webhook signing key")
    return read_mailgun_request(request, key, now)


def _secret(settings: Settings, name: str) -> str:
    value: SecretStr | None = settings.secrets.get(name)
    return value.get_secret_value() if value else ""
