"""Webhooks of mail providers: genuine events find their subscriber; all others change nothing."""

import hmac
import json
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from publisher.app.subscribers.provider_reports import (
    read_feedback,
    store_feedback,
    webhook_urls,
)
from publisher.bounces.model import BounceKind
from publisher.bounces.providers.events import FeedbackRefusedError, ProviderEvent
from publisher.bounces.providers.ses import fetch_document
from publisher.bounces.store import bounce_event
from publisher.config import web
from publisher.errors import UsageError
from publisher.mail.message import message_id_local_part
from publisher.testing import SECRET
from subscribers.model import SubscriberStatus
from tests.publisher.bounces.test_intake import status_of
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.ledger.open_ledgers import ANN, BOB, OpenLedger, open_test_ledger
from tests.publisher.delivery.mailing import number_of

PATH_SECRET, SIGNING_KEY = "a long secret of the path", "mailgun's signing key"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:bounces"
HOST = "https://sns.eu-west-1.amazonaws.com"
CERTIFICATE = f"{HOST}/SimpleNotificationService-0123abcd.pem"
STAMP = str(int(NOW.timestamp()))
HEADERS = "X-Twilio-Email-Event-Webhook-"


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65_537, 2048)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def certificate() -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    start = datetime(2025, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(rsa_key().public_key()).serial_number(1)
    builder = builder.not_valid_before(start).not_valid_after(start + timedelta(days=900))
    return builder.sign(rsa_key(), SHA256()).public_bytes(Encoding.PEM)


def fetch(url: str) -> bytes:
    assert url == CERTIFICATE
    return certificate()


def public_key() -> str:
    der = ec_key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return b64encode(der).decode()


@pytest.fixture
def ledger(publication: PublicationFolder) -> OpenLedger:
    """An issue to two subscribers, of a publication that listens to all providers."""
    feedback = web.FeedbackSettings(
        ses=web.SesFeedback(topics=(TOPIC,)),
        sendgrid=web.SendgridFeedback(public_key=public_key()),
        postmark=web.PostmarkFeedback(),
        mailgun=web.MailgunFeedback(),
    )
    secrets = {
        web.FEEDBACK_SECRET: SecretStr(PATH_SECRET),
        web.MAILGUN_KEY: SecretStr(SIGNING_KEY),
    }
    publication.settings = replace(publication.settings, feedback=feedback, secrets=secrets)
    return open_test_ledger(publication, ANN, BOB)


def post(
    ledger: OpenLedger,
    provider: str,
    body: object,
    header: dict[str, str] | None = None,
    *,
    now: datetime = NOW,
    fetch: Callable[[str], bytes] = fetch,
) -> list[ProviderEvent]:
    """Let a provider post, and store what it says."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    settings = ledger.publication.settings
    found = read_feedback(settings, provider, PATH_SECRET, header or {}, raw, now, fetch=fetch)
    assert found is not None
    with ledger.writing() as connection:
        store_feedback(connection, SECRET, provider, found, now)
    return found


def stored(ledger: OpenLedger) -> list[dict[str, Any]]:
    return ledger.publication.rows(bounce_event)


def message_id(ledger: OpenLedger, address: str = ANN) -> str:
    number = number_of(ledger.publication.database, address)
    return f"{message_id_local_part(SECRET, ledger.issue, number)}@lantern.example"


# --- Amazon SES


def sns(content: object, *, version: str = "2", **changes: str) -> dict[str, str]:
    """Return a notification of SNS, signed."""
    message = {
        "Type": "Notification",
        "MessageId": "m-1",
        "TopicArn": TOPIC,
        "Message": json.dumps(content),
        "Timestamp": "2026-01-09T12:00:00.000Z",
    } | changes
    names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    signed = "".join(f"{name}\n{message[name]}\n" for name in names if name in message)
    digest = SHA256() if version == "2" else SHA1()
    signature = b64encode(rsa_key().sign(signed.encode(), PKCS1v15(), digest)).decode()
    return message | {
        "SignatureVersion": version,
        "Signature": signature,
        "SigningCertURL": CERTIFICATE,
    }


def ses_bounce(
    ledger: OpenLedger, subtype: str = "General", status: str = "5.1.1"
) -> dict[str, Any]:
    recipient = {
        "emailAddress": ANN,
        "status": status,
        "diagnosticCode": "smtp; 550 5.1.1 user unknown",
    }
    return {
        "notificationType": "Bounce",
        "bounce": {
            "bounceType": "Permanent",
            "bounceSubType": subtype,
            "bouncedRecipients": [recipient],
            "timestamp": "2026-01-09T11:59:00.000Z",
            "feedbackId": "f-1",
        },
        "mail": {"headers": [{"name": "Message-ID", "value": f"<{message_id(ledger)}>"}]},
    }


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_bounce_of_ses_is_stored_once_however_often_it_comes(
    ledger: OpenLedger, version: str
) -> None:
    for _ in range(10):
        post(ledger, "ses", sns(ses_bounce(ledger), version=version))
    (row,) = stored(ledger)
    assert (row["kind"], row["cause"], row["status"]) == ("dead", "no-mailbox", "5.1.1")
    assert (row["evidence"], row["issue_id"]) == ("message-id", ledger.number)
    assert row["at"] == NOW - timedelta(minutes=1)


def test_a_complaint_of_ses_counts_at_once_and_its_own_list_is_no_news_of_the_mailbox(
    ledger: OpenLedger,
) -> None:
    (event,) = post(ledger, "ses", sns(ses_bounce(ledger, "OnAccountSuppressionList")))
    assert event.kind is BounceKind.UNKNOWN
    assert status_of(ledger) is SubscriberStatus.ACTIVE
    complaint = {"complainedRecipients": [{"emailAddress": ANN}], "feedbackId": "f"}
    post(ledger, "ses", sns({"eventType": "Complaint", "complaint": complaint}))
    assert status_of(ledger) is SubscriberStatus.COMPLAINED
    assert [row["evidence"] for row in stored(ledger)][1:] == ["provider"]


@pytest.mark.parametrize(
    "changes",
    [
        {"TopicArn": "arn:aws:sns:eu-west-1:999999999999:other"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com.evil.example/x.pem"},
        {"SigningCertURL": "https://bucket.s3.amazonaws.com/SimpleNotificationService-1.pem"},
        {"SigningCertURL": CERTIFICATE.replace("https", "http")},
        {"SignatureVersion": "3"},
        {"Signature": b64encode(b"x" * 256).decode()},
        {"Message": "{}"},
    ],
)
def test_a_forged_notification_of_ses_changes_nothing(
    ledger: OpenLedger, changes: dict[str, str]
) -> None:
    with pytest.raises(FeedbackRefusedError):
        post(ledger, "ses", sns(ses_bounce(ledger)) | changes)
    assert stored(ledger) == []


def test_a_subscription_is_confirmed_only_for_a_topic_of_the_settings(
    ledger: OpenLedger,
) -> None:
    asked: list[str] = []

    def recording(url: str) -> bytes:
        asked.append(url)
        return certificate()

    url = f"{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=t"
    changes = {"Type": "SubscriptionConfirmation", "SubscribeURL": url, "Token": "t"}
    post(ledger, "ses", sns({}, **changes), fetch=recording)
    assert asked == [CERTIFICATE, url]
    for wrong in (
        {"TopicArn": "arn:aws:sns:eu-west-1:999999999999:other"},
        {"SubscribeURL": "https://evil.example/?Action=ConfirmSubscription&Token=t"},
    ):
        asked.clear()
        with pytest.raises(FeedbackRefusedError):
            post(ledger, "ses", sns({}, **changes | wrong), fetch=recording)
        assert all(one == CERTIFICATE for one in asked)


def test_why_a_certificate_can_t_be_fetched_is_said() -> None:
    with pytest.raises(
        FeedbackRefusedError, match=r"fetched: .* not on the public net: 127\.0\.0\.1"
    ):
        fetch_document("https://127.0.0.1/SimpleNotificationService-1.pem")


# --- Postmark


def test_postmark_tells_refusals_as_spam_from_complaints(ledger: OpenLedger) -> None:
    common = {"Email": ANN, "BouncedAt": "2026-01-09T11:00:00Z"}
    refusal = common | {"RecordType": "Bounce", "Type": "SpamNotification", "ID": 1}
    (event,) = post(ledger, "postmark", refusal)
    assert event.kind is BounceKind.BLOCKED
    assert status_of(ledger) is SubscriberStatus.ACTIVE
    post(ledger, "postmark", common | {"RecordType": "SpamComplaint", "ID": 2})
    assert status_of(ledger) is SubscriberStatus.COMPLAINED
    assert post(ledger, "postmark", {"RecordType": "Open"}) == []


def test_postmark_must_know_the_password_if_there_is_one(ledger: OpenLedger) -> None:
    settings = ledger.publication.settings
    secrets = {**settings.secrets, web.POSTMARK_LOGIN: SecretStr("post:a password")}
    ledger.publication.settings = replace(settings, secrets=secrets)
    complaint = {"Email": ANN, "RecordType": "SpamComplaint", "ID": 2}
    wrong = [b"post:another", b"a password", b""]
    refused = [{}, *({"Authorization": f"Basic {b64encode(one).decode()}"} for one in wrong)]
    for header in refused:
        with pytest.raises(FeedbackRefusedError, match="user or password"):
            post(ledger, "postmark", complaint, header)
    assert status_of(ledger) is SubscriberStatus.ACTIVE
    right = b64encode(b"post:a password").decode()
    post(ledger, "postmark", complaint, {"Authorization": f"Basic {right}"})
    assert status_of(ledger) is SubscriberStatus.COMPLAINED


@pytest.mark.parametrize("provider", ["postmark", "mailgun"])
def test_events_without_an_id_count_by_what_they_say(ledger: OpenLedger, provider: str) -> None:
    def send(address: str, minute: int, token: str) -> None:
        at = NOW + timedelta(minutes=minute)
        if provider == "postmark":
            bounce = {"RecordType": "Bounce", "Type": "SoftBounce", "Email": address}
            post(ledger, provider, bounce | {"BouncedAt": at.isoformat()})
            return
        body = mailgun(ledger, token, recipient=address, timestamp=at.timestamp())
        for lacking in ("id", "message", "delivery-status"):
            del body["event-data"][lacking]
        post(ledger, provider, body)

    send(ANN, 0, "a")
    send(BOB, 0, "b")
    send(ANN, 1, "c")
    assert len(ledger.publication.rows(bounce_event)) == 3
    # The same once more, in a request of its own.
    send(BOB, 0, "d")
    rows = ledger.publication.rows(bounce_event)
    assert len(rows) == 3
    assert not any(BOB in row["source_id"] for row in rows)


def test_the_addresses_to_enter_at_providers_are_those_that_are_answered(
    ledger: OpenLedger,
) -> None:
    settings = ledger.publication.settings
    login = {web.POSTMARK_LOGIN: SecretStr("post:a password")}
    found = webhook_urls(replace(settings, secrets={**settings.secrets, **login}))
    site = "news.example.org/feedback"
    secret = "a%20long%20secret%20of%20the%20path"
    assert found == {
        "ses": f"https://{site}/ses/{secret}/",
        "sendgrid": f"https://{site}/sendgrid/{secret}/",
        "postmark": f"https://post:a%20password@{site}/postmark/{secret}/",
        "mailgun": f"https://{site}/mailgun/{secret}/",
    }
    changes: tuple[tuple[dict[str, Any], str], ...] = (
        ({"secrets": {}}, web.FEEDBACK_SECRET),
        ({"feedback": web.FeedbackSettings()}, "there is no webhook"),
        ({"web": web.WebSettings(enabled=False)}, "enabled = true"),
    )
    for lacking, problem in changes:
        with pytest.raises(UsageError, match=problem):
            webhook_urls(replace(settings, **lacking))


def test_without_the_secret_of_the_path_there_is_no_webhook(ledger: OpenLedger) -> None:
    body = json.dumps({"RecordType": "SpamComplaint", "ID": 2, "Email": ANN}).encode()
    settings = ledger.publication.settings
    assert read_feedback(settings, "postmark", "wrong", {}, body, NOW) is None
    assert read_feedback(settings, "another", PATH_SECRET, {}, body, NOW) is None
    bare = replace(settings, secrets={})
    assert read_feedback(bare, "postmark", "", {}, body, NOW) is None


# --- Mailgun


def mailgun(ledger: OpenLedger, token: str = "t", **data: object) -> dict[str, Any]:
    signature = hmac.new(SIGNING_KEY.encode(), f"{STAMP}{token}".encode(), "sha256")
    event = {
        "event": "failed",
        "severity": "permanent",
        "id": "e-1",
        "recipient": ANN,
        "timestamp": NOW.timestamp(),
        "delivery-status": {"code": 550, "message": "5.1.1 no such user"},
        "message": {"headers": {"message-id": message_id(ledger)}},
    }
    return {
        "signature": {"timestamp": STAMP, "token": token, "signature": signature.hexdigest()},
        "event-data": event | data,
    }


def test_a_failure_of_mailgun_is_stored_and_its_own_list_is_no_news_of_the_mailbox(
    ledger: OpenLedger,
) -> None:
    (event,) = post(ledger, "mailgun", mailgun(ledger))
    assert event.kind is BounceKind.DEAD
    (row,) = stored(ledger)
    assert row["evidence"] == "message-id"
    suppressed = mailgun(ledger, "u", id="e-2", reason="suppress-bounce")
    (event,) = post(ledger, "mailgun", suppressed)
    assert event.kind is BounceKind.UNKNOWN


def test_a_token_of_mailgun_counts_once(ledger: OpenLedger) -> None:
    post(ledger, "mailgun", mailgun(ledger))
    # The signature does not cover the body.
    with pytest.raises(FeedbackRefusedError, match="used before"):
        post(ledger, "mailgun", mailgun(ledger, event="complained", id="e-2"))
    assert status_of(ledger) is SubscriberStatus.ACTIVE
    assert len(stored(ledger)) == 1


def test_a_forged_or_stale_event_of_mailgun_changes_nothing(ledger: OpenLedger) -> None:
    forged = mailgun(ledger)
    forged["signature"]["signature"] = "0" * 64
    with pytest.raises(FeedbackRefusedError):
        post(ledger, "mailgun", forged)
    with pytest.raises(FeedbackRefusedError, match="time stamp"):
        post(ledger, "mailgun", mailgun(ledger), now=NOW + timedelta(minutes=6))
    assert stored(ledger) == []


# --- SendGrid


def sendgrid(body: bytes, stamp: str = STAMP) -> dict[str, str]:
    signature = ec_key().sign(stamp.encode() + body, ec.ECDSA(SHA256()))
    return {f"{HEADERS}Signature": b64encode(signature).decode(), f"{HEADERS}Timestamp": stamp}


def test_a_batch_of_sendgrid_is_stored(ledger: OpenLedger) -> None:
    common = {"timestamp": int(NOW.timestamp())}
    batch = [
        common
        | {"event": "bounce", "email": ANN, "sg_event_id": "1", "reason": "500 unknown user"},
        common | {"event": "spamreport", "email": BOB, "sg_event_id": "2"},
        common | {"event": "dropped", "email": ANN, "sg_event_id": "3"},
        common | {"event": "open", "email": ANN, "sg_event_id": "4"},
        "not an event",
    ]
    body = json.dumps(batch).encode()
    found = post(ledger, "sendgrid", body, sendgrid(body))
    kinds = [one.kind for one in found]
    assert kinds == [BounceKind.DEAD, BounceKind.COMPLAINT, BounceKind.UNKNOWN]
    assert status_of(ledger, BOB) is SubscriberStatus.COMPLAINED
    post(ledger, "sendgrid", body, sendgrid(body))
    assert len(stored(ledger)) == 3


def test_a_forged_or_stale_batch_of_sendgrid_changes_nothing(ledger: OpenLedger) -> None:
    body = json.dumps([{"event": "spamreport", "email": ANN, "sg_event_id": "1"}]).encode()
    for header in ({}, sendgrid(b"another body")):
        with pytest.raises(FeedbackRefusedError, match="signature"):
            post(ledger, "sendgrid", body, header)
    with pytest.raises(FeedbackRefusedError, match="time stamp"):
        post(ledger, "sendgrid", body, sendgrid(body), now=NOW + timedelta(minutes=6))
    assert stored(ledger) == []
    assert status_of(ledger) is SubscriberStatus.ACTIVE


# --- all


@pytest.mark.parametrize("provider", ["ses", "postmark", "mailgun", "sendgrid"])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"a": 1}', b"[" * 100_000])
def test_what_is_no_event_changes_nothing(
    ledger: OpenLedger, provider: str, body: bytes
) -> None:
    with suppress(FeedbackRefusedError):
        post(ledger, provider, body, sendgrid(body))
    assert stored(ledger) == []
