"""Sample mails and recipients, and a strict parser of messages."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from publisher.config import Publication
from publisher.issues.model import Issue, IssueState
from publisher.mail import IssueMail
from publisher.rendering.placeholders import (
    ADDRESS_PLACEHOLDER,
    PREFERENCES_PLACEHOLDER,
    UNSUBSCRIBE_PLACEHOLDER,
)
from publisher.testing import SAMPLE_PUBLICATION
from subscribers.model import Recipient
from tools.mail_validator import violations

MADE_AT = datetime(2026, 1, 9, 8, 0, 30, tzinfo=UTC)
ENCODED_WORD = re.compile(rb"=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=")
SUBJECTS = {
    "en": "The ferry that learned to wait for the tide, and forty years of timetables",
    "de": "Wie die Fähre lernte, auf die Flut zu warten – und was der Hafenmeister dazu sagt",
    "zh-Hans": "学会等待潮水的渡轮：四十年来渡轮总是准点开船，不管水势如何，直到引航员开始记录",
    "zh-Hant": "學會等待潮水的渡輪：四十年來渡輪總是準點開船，不管水勢如何，直到引航員開始記錄",
    "ar": "العبّارة التي تعلّمت أن تنتظر المدّ والجزر بعد أربعين عامًا من المواعيد الثابتة",
}


def a_publication(**changes: Any) -> Publication:
    languages = [*SUBJECTS]
    return Publication.model_validate({**SAMPLE_PUBLICATION, "languages": languages, **changes})


def an_issue(language: str = "en", **changes: Any) -> Issue:
    values: dict[str, Any] = {
        "id": 7,
        "newsletter": "weekly",
        "language": language,
        "day": date(2026, 1, 9),
        "due_at": datetime(2026, 1, 9, 8, tzinfo=UTC),
        "state": IssueState.SENDING,
        "assembled_at": MADE_AT,
    }
    return Issue(**values | changes)


def an_issue_mail(language: str = "en", **changes: Any) -> IssueMail:
    """Return a mail whose parts hold placeholders and lines of many lengths."""
    subject = SUBJECTS[language]
    links = f'<a href="{UNSUBSCRIBE_PLACEHOLDER}">x</a> <a href="{PREFERENCES_PLACEHOLDER}">y</a> {ADDRESS_PLACEHOLDER}'
    mail = IssueMail(
        publication=a_publication(),
        issue=an_issue(language),
        subject=subject,
        html=f"<!DOCTYPE html><html lang='{language}'><p>{subject * 40}</p>\n{links}</html>\n",
        text=f"{subject}\n\n{subject * 40}\n{UNSUBSCRIBE_PLACEHOLDER}\n{PREFERENCES_PLACEHOLDER}\n{ADDRESS_PLACEHOLDER}\n.\n",
        date=MADE_AT,
    )
    return replace(mail, **changes)


def a_recipient(number: int = 1, name: str = "Ann Example", **changes: Any) -> Recipient:
    values: dict[str, Any] = {
        "id": number,
        "address": f"subscriber.{number}@example.com",
        "name": name,
        "language": "en",
        "timezone": None,
    }
    return Recipient(**values | changes)


def parsed(content: bytes) -> EmailMessage:
    """Parse a message; fail where it breaks an RFC."""
    assert [*violations(content)] == []
    return message_from_bytes(content, policy=policy.default)


def raw_field(content: bytes, name: str) -> str:
    """Return a field's value, unfolded and not decoded."""
    head = content.partition(b"\r\n\r\n")[0].decode("ascii")
    found = re.findall(rf"(?ims)^{name}:(.*?)(?=\r\n\S|\Z)", head)
    assert len(found) == 1, name
    return str(found[0]).replace("\r\n", "").strip()
