"""What stands between the form to subscribe and programs that fill it in: cheapest first.

A field that people do not see, a signed stamp of the form, limits on requests, proof of work while
many come, and a stop when confirmations bounce. Nothing here looks at who has an address.
"""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from publisher import request_limits
from publisher.config import Settings
from publisher.notices.ledger import count_failed_confirmations
from publisher.secrets import load_secret
from subscribers.addresses import INBOXES, Address, normalise_address
from subscribers.consent_records import count_requests_since
from subscribers.errors import BadAddressError, RowReason

_STAMP_PREFIX: Final = b"form to subscribe:"
# Nobody fills a form in faster; a page that was left open longer is shown again.
_STAMP_MIN_AGE, _STAMP_MAX_AGE = timedelta(seconds=2), timedelta(hours=2)
# How long a form without a proof of work has to be open while one is asked for.
_WAIT_WITHOUT_PROOF = timedelta(seconds=30)
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
# Of the latest so many mails that ask for a confirmation, more may not bounce: 5 %.
_SAMPLE, _MAX_FAILED = 100, 5
_SAMPLE_AGE = timedelta(days=7)  # failures of before are no reason to stop any more

# Mailboxes of those who run a domain (RFC 2142), and of programs. `info@` and the like may be a reader's.
_ROLES: Final = frozenset(
    {
        *("abuse", "hostmaster", "mailer-daemon", "no-reply", "nobody", "noreply"),
        *("postmaster", "root", "security", "webmaster"),
    }
)
# Of this machine or its network (RFC 6761, RFC 6762).
_LOCAL_DOMAINS: Final = frozenset(
    {"arpa", "internal", "invalid", "local", "localdomain", "localhost"}
)


@dataclass(frozen=True, slots=True)
class FormOffer:
    """What a new form contains: its stamp, and a challenge (JSON) while proof of work is asked for."""

    stamp: str
    challenge: str = ""


@dataclass(frozen=True, slots=True)
class FormEvidence:
    """What came with a form: its stamp, the field that people do not see, and the proof of work."""

    stamp: str = ""
    trap: str = ""
    proof: str = ""


def personal_address(settings: Settings, text: str) -> Address:
    """Return an address that mail may go to; raise BadAddressError also for our own, those of roles (RFC 2142), and routes (`a%b@host`)."""
    address = normalise_address(text)
    local_part, _at, domain = address.identity.rpartition("@")
    boxes = (settings.publication.sender, settings.delivery.bounces, settings.mailbox)
    own = {(one.address or "").lower() for one in boxes if one}
    name = local_part.partition("+")[0]
    is_own = f"{name}@{domain}" in own
    is_local = domain.rpartition(".")[2] in _LOCAL_DOMAINS
    if is_own or is_local or "%" in local_part or name in _ROLES:
        raise BadAddressError(text, RowReason("it is not the mailbox of a person"))
    return address


def offer_form(connection: Connection, settings: Settings, now: datetime) -> FormOffer:
    """Return what a form that is shown now contains. Writes nothing."""
    secret = load_secret(settings)
    is_asked = _needs_proof(connection, settings, now)
    challenge = request_limits.make_challenge(secret, now) if is_asked else ""
    return FormOffer(_stamp(secret, int(now.timestamp())), challenge)


def check_form(
    connection: Connection,
    settings: Settings,
    evidence: FormEvidence,
    now: datetime,
    client: str = "",
) -> bool:
    """Return whether a form counts as filled in by a person; if not, it is shown once more.

    A proof counts once. Without one, while it is asked for, a form counts that was open for half a minute,
    once an hour for each network of a `client`: so people without scripts get in, too. The field that people
    do not see is no matter of this: whoever fills it in gets the same answer as everybody else.
    """
    secret = load_secret(settings)
    if not _is_aged(secret, evidence.stamp, _STAMP_MIN_AGE, now):
        return False
    if not _needs_proof(connection, settings, now):
        return True
    challenge = request_limits.solved_challenge(secret, evidence.proof, now)
    keys, network = request_limits.LimitKeys(secret), request_limits.network_of(client, 24, 64)
    if challenge is not None:
        key, period = keys.key("proof of work", challenge), request_limits.CHALLENGE_LIFETIME
    elif network and _is_aged(secret, evidence.stamp, _WAIT_WITHOUT_PROOF, now):
        key, period = keys.key("form without proof", network), _HOUR
    else:
        return False
    once = request_limits.Limit(1, 1, period)
    return request_limits.check_limit(connection, key, once, now) is None


def refusal_reason(
    connection: Connection, settings: Settings, identity: str, client: str, now: datetime
) -> str:
    """Count a request; return why it is not answered by mail, or "". `client` is its IP address, "" if it came by mail."""
    if joining_stopped(connection, settings, now):
        return "too many confirmations bounced"
    return exceeded_limit(connection, settings, "subscribe", identity, client, now)


def exceeded_limit(
    connection: Connection,
    settings: Settings,
    purpose: str,
    identity: str,
    client: str,
    now: datetime,
) -> str:
    """Count a request for a mail; return the limit of [joining] that it exceeds, or "". Each purpose has its own."""
    keys = request_limits.LimitKeys(load_secret(settings))
    for name, who, limit in _limits(settings, identity, client):
        key = keys.key(f"{purpose}: {name}", who)
        if request_limits.check_limit(connection, key, limit, now) is not None:
            return f"limit {name}"
    return ""


def joining_stopped(connection: Connection, settings: Settings, now: datetime) -> bool:
    """Return whether too many of the latest confirmations bounced: for a week, or until the owner sets `bounces_count_from`."""
    since = now - _SAMPLE_AGE
    if settings.joining.bounces_count_from:
        since = max(since, settings.joining.bounces_count_from.astimezone(UTC))
    return count_failed_confirmations(connection, _SAMPLE, since) > _MAX_FAILED


def _limits(
    settings: Settings, identity: str, client: str
) -> Iterator[tuple[str, str, request_limits.Limit]]:
    """Yield the limits of a request, the narrowest first: name, whom it limits, and how."""
    bounds = settings.joining
    local_part, _at, domain = identity.rpartition("@")
    mailbox = f"{local_part.partition('+')[0]}@{domain}"
    for name, who, most, period in (
        ("per_network", request_limits.network_of(client, 24, 64), bounds.per_network, _HOUR),
        ("per_site", request_limits.network_of(client, None, 48), bounds.per_site, _HOUR),
        ("per_address", mailbox, bounds.per_address, _DAY),
        ("per_domain", "" if domain in INBOXES else domain, bounds.per_domain, _HOUR),
    ):
        if who:
            yield name, who, request_limits.Limit(most, most, period)
    yield "in_all", "", request_limits.Limit(bounds.in_all, bounds.in_all, _HOUR)


def _needs_proof(connection: Connection, settings: Settings, now: datetime) -> bool:
    return count_requests_since(connection, now - _HOUR) >= settings.joining.proof_of_work_above


def _stamp(secret: str, second: int) -> str:
    text = _STAMP_PREFIX + str(second).encode()
    return f"{second}.{hmac.digest(secret.encode(), text, 'sha256').hex()[:32]}"


def _is_aged(secret: str, stamp: str, least: timedelta, now: datetime) -> bool:
    """Return whether a stamp is ours, at least so old, and not too old."""
    second = stamp.partition(".")[0]
    if not (second.isascii() and second.isdigit() and len(second) < 12):  # noqa: PLR2004  # digits of a time
        return False
    if not hmac.compare_digest(_stamp(secret, int(second)).encode(), stamp.encode()):
        return False
    age = now - datetime.fromtimestamp(int(second), UTC)
    return least <= age <= _STAMP_MAX_AGE
