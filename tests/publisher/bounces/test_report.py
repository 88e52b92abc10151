"""What mails about mails say: reports, automatic replies, and text of servers."""

from __future__ import annotations

import pytest

from publisher.bounces.model import BounceKind, MailKind
from publisher.bounces.report import read_report
from tests.publisher.bounces.mails import ANN, a_feedback_report, a_status_report, a_text

K = BounceKind
ORIGINAL = "\n--- Below this line is a copy of the message.\n\nSubject: no such user, spam\n"


@pytest.mark.parametrize(
    ("status", "diagnostic", "kind", "cause"),
    [
        ("5.1.1", "smtp; 550 5.1.1 user unknown", K.DEAD, "no-mailbox"),
        ("5.0.0", "smtp; 550 no such user here", K.DEAD, "no-mailbox"),
        ("5.1.2", "smtp; 550 Host unknown", K.DEAD, "no-domain"),
        ("4.1.1", "smtp; 450 4.1.1 user unknown", K.SOFT, "not-known"),
        ("5.2.2", "smtp; 552 5.2.2 mailbox full", K.SOFT, "full"),
        ("5.7.1", "smtp; 550 5.7.1 message looks like spam", K.BLOCKED, "spam"),
        ("5.7.1", "smtp; 554 5.7.1 blocked using zen.spamhaus.org", K.BLOCKED, "blocked"),
        ("5.1.1", "smtp; 550 5.1.1 sender unknown", K.BLOCKED, "sender-refused"),
        ("5.4.7", "smtp; 421 4.4.2 connection timed out", K.SOFT, "no-way"),
        ("5.1.1", "x-unix; procmail: no such user", K.SOFT, "not-known"),
        ("5.1.1", "smtp; 550 5.1.1 Почтовый ящик переполнен", K.SOFT, "full"),
        ("5.0.0", "smtp; 550 信箱空間不足", K.SOFT, "full"),
        ("5.0.0", "smtp; 550 the account is exceeding their quota", K.SOFT, "full"),
        ("5.1.1", "smtp; 550 5.1.1 صندوق البريد ممتلئ", K.SOFT, "full"),
        ("5.0.0", "smtp; 550 boîte aux lettres pleine", K.SOFT, "full"),
        ("5.1.1", "smtp; 550 5.1.1 垃圾郵件", K.BLOCKED, "spam"),
    ],
)
def test_a_delivery_status_is_judged_by_status_and_words(
    status: str, diagnostic: str, kind: BounceKind, cause: str
) -> None:
    report = read_report(a_status_report(status=status, diagnostic=diagnostic))
    (verdict,) = report.recipients
    assert (report.mail, verdict.address) == (MailKind.BOUNCE, ANN)
    assert verdict.cause is not None
    assert (verdict.kind, verdict.cause.key) == (kind, cause)


@pytest.mark.parametrize(
    ("action", "kind"),
    [("delayed", K.DELAYED), ("delivered", K.DELIVERED), ("relayed", K.DELIVERED)],
)
def test_mail_that_is_late_or_delivered_has_not_failed(action: str, kind: BounceKind) -> None:
    (verdict,) = read_report(a_status_report(action=action, status="2.0.0")).recipients
    assert verdict.kind is kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"<{ANN}>:\n550 unknown user (#5.1.1)\n", K.DEAD),
        (f"  {ANN}\n    SMTP error from remote server: 550 no such mailbox\n", K.DEAD),
        (f"Delivery to {ANN} failed: the mailbox is full\n", K.SOFT),
        (f"<{ANN}>:\nthe message was rejected as spam\n", K.BLOCKED),
        (f"The message to {ANN} is delayed. Delivery attempts will continue.\n", K.DELAYED),
        (f"<{ANN}>:\nnot delivered\n", K.SOFT),
        (f"收件人地址不存在\n{ANN}\n无法投递\n", K.DEAD),
        (f"宛先が存在しません\n{ANN}\n配信できません\n", K.DEAD),
    ],
)
def test_the_text_of_a_server_is_read_up_to_the_returned_original(
    text: str, kind: BounceKind
) -> None:
    (verdict,) = read_report(a_text(text + ORIGINAL)).recipients
    assert (verdict.address, verdict.kind) == (ANN, kind)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("abuse", K.COMPLAINT),
        ("fraud", K.COMPLAINT),
        ("not-spam", K.NOT_SPAM),
        ("auth-failure", K.UNKNOWN),
    ],
)
def test_a_feedback_report_is_a_complaint_by_its_type(kind: str, expected: BounceKind) -> None:
    report = read_report(a_feedback_report(kind=kind))
    assert report.mail is MailKind.COMPLAINT
    assert [one.kind for one in report.recipients] == [expected]


@pytest.mark.parametrize(
    "header",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Auto_Submitted": "auto-generated (vacation)"},
        {"X_Autoreply": "yes"},
        {"Precedence": "auto_reply"},
        {"Subject": "Out of office: back on Monday"},
        {"Subject": "=?utf-8?b?6Ieq5Yqo5Zue5aSN?="},
    ],
)
def test_automatic_replies_are_told_apart(header: dict[str, str]) -> None:
    text = "I left the company; the mailbox does not exist any more. 550 5.1.1"
    raw = a_text(text, sender=ANN, **{"Subject": "Re: The weekly", **header})
    report = read_report(raw)
    assert report.mail is MailKind.AUTO_REPLY
    assert [one.kind for one in report.recipients] == [K.AUTO_REPLY]


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ({"Auto_Submitted": "auto-replied"}, f"Not delivered: unknown user {ANN}. 550 5.1.1"),
        ({"Subject": "Fuera de la oficina: The weekly"}, "No se pudo entregar. Unknown user"),
        ({"Subject": "Absent : The weekly"}, "Ma boîte est pleine, delivery failed"),
        ({"Subject": "Автоматический ответ: The weekly"}, "Письмо не доставлено"),
        ({"Subject": "خارج المكتب"}, "mailbox unavailable"),
        ({"Subject": "休假通知"}, "无法投递"),
        ({"Subject": "自動返信"}, "メールが届けられない"),
        ({}, "This mailbox is not monitored. Write to help@example.net."),
    ],
)
def test_a_reply_with_an_empty_return_path_is_no_bounce(
    header: dict[str, str], text: str
) -> None:
    raw = a_text(text, sender=ANN, **{"Subject": "Re: The weekly", **header})
    (verdict,) = read_report(b"Return-Path: <>\n" + raw).recipients
    assert verdict.kind in {K.AUTO_REPLY, K.UNKNOWN}


def test_a_question_of_a_person_is_no_bounce() -> None:
    raw = a_text("Why does nothing reach me?", sender=ANN, Subject="Delivery failed?")
    assert read_report(raw).mail is MailKind.OTHER


def test_a_challenge_is_no_failure() -> None:
    text = "Please confirm that you are a person, or your mail is held."
    raw = a_text(text, sender=ANN, Subject="Challenge/Response")
    assert [one.kind for one in read_report(raw).recipients] == [K.CHALLENGE]
