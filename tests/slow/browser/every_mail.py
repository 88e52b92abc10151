"""Every kind of mail that subscribers get: issues, digests, one after a pause, and all notices."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from itertools import cycle

from publisher.notices.kinds import ALLOWED_VALUES, NoticeKind
from publisher.notices.queue import enqueue_notice
from publisher.notices.tables import notice
from subscribers import (
    Cadence,
    JoinWish,
    insert_request,
    pause_subscriber,
    request_access,
    request_address_change,
)
from tests.publisher.app.reading import Reading
from tests.publisher.conftest import NOW
from tests.publisher.delivery.mailing import number_of
from tests.publisher.mail.samples import parsed
from tests.slow.browser.subscriber_pages import LANGUAGES, NEW, Sample

SATURDAY, MONDAY, FIRST_OF_MONTH = (
    datetime(2026, month, day, 12, tzinfo=UTC) for month, day in ((1, 10), (1, 12), (2, 1))
)
# What each of these subscribers gets of a newsletter that comes every day, in each language.
CADENCES = {
    "issue": Cadence.ISSUE,
    "week": Cadence.WEEKLY,
    "month": Cadence.MONTHLY,
    "pause": Cadence.ISSUE,
}


@dataclass(frozen=True)
class SentMail:
    """A mail: to whom, in which language, and its parts."""

    name: str
    language: str
    message: EmailMessage

    def part(self, subtype: str) -> str:
        body = self.message.get_body((subtype,))
        assert body is not None
        content: str = body.get_content()
        return content


def send_every_mail(sample: Sample) -> list[SentMail]:
    """Let three weeks pass, and return what was sent."""
    reading = Reading(sample.publication)
    for name, cadence in CADENCES.items():
        for language in LANGUAGES:
            reading.join(f"{name}.{language}", language, cadences={"daily": cadence})
    with sample.publication.database.writing() as connection:
        for language in LANGUAGES:
            number = number_of(sample.publication.database, f"pause.{language}@example.com")
            pause_subscriber(connection, number, MONDAY, NOW)
    for story, day in enumerate((NOW, SATURDAY, MONDAY, FIRST_OF_MONTH)):
        sample.publication.at(day)
        reading.write(story, *LANGUAGES)
        if day == FIRST_OF_MONTH:
            _ask_for_notices(sample, day)
        assert reading.run().problems == []
    states = {row["state"] for row in sample.publication.rows(notice)}
    assert states == {"sent"}, states
    sample.clock.instant = FIRST_OF_MONTH
    taken = [(one.recipient, one.message.content) for one in reading.transport.taken]
    return list(_sent(taken))


def _sent(taken: list[tuple[str, bytes]]) -> Iterator[SentMail]:
    for recipient, content in taken:
        message = parsed(content)
        name = recipient.partition("@")[0]
        yield SentMail(name, str(message["Content-Language"]), message)


def _ask_for_notices(sample: Sample, now: datetime) -> None:
    """Have a notice of each kind sent to the subscriber of `sample`, in all languages in turn.

    The welcome of somebody who undid a leaving has other words: it comes in every language.
    """
    person = sample.person()
    with sample.publication.database.writing() as connection:
        wish = JoinWish(("daily",), "en")
        request = insert_request(connection, person.id, wish, "digest", now)
        numbers = {
            NoticeKind.CONFIRM: request,
            NoticeKind.REMINDER: request,
            NoticeKind.DATA: request_access(connection, person.id, "digest", now),
            NoticeKind.CONFIRM_ADDRESS: request_address_change(connection, person, NEW, now),
        }
        for kind, language in zip(NoticeKind, cycle(LANGUAGES), strict=False):
            values = {
                "number": numbers.get(kind, 1),
                "code": "123456",
                "newsletters": ["weekly"],
                "changed": "a•••@example.net",
            }
            allowed = {name: values[name] for name in ALLOWED_VALUES[kind] & values.keys()}
            enqueue_notice(connection, kind, person.id, now, language=language, values=allowed)
        for language in LANGUAGES:
            values = {"newsletters": ["weekly"], "again": True}
            kind = NoticeKind.WELCOME
            enqueue_notice(connection, kind, person.id, now, language=language, values=values)
