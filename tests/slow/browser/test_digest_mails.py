"""Digests of a week or a month, and the mail after a pause, in Chromium: they fit, and nothing is lost."""

from datetime import UTC, datetime
from email.message import EmailMessage

from subscribers.preferences import Cadence, pause_subscriber
from tests.publisher.app.reading import Reading
from tests.publisher.conftest import NOW
from tests.publisher.delivery.mailing import number_of
from tests.publisher.mail.samples import parsed
from tests.sizes import by_lane
from tests.slow.browser.subscriber_pages import Sample
from tests.slow.browser.subscriber_pages import sample as sample  # noqa: PLC0414  # a fixture
from tools.browser.accessibility import violations
from tools.browser.chromium import Chromium, Site
from tools.browser.layout import misfits

LANGUAGES = ("en", "ar")
SATURDAY, MONDAY, FIRST_OF_MONTH = (
    datetime(2026, month, day, 12, tzinfo=UTC) for month, day in ((1, 10), (1, 12), (2, 1))
)
# What each of these subscribers gets of a newsletter that comes every day, in each language.
CADENCES = {"week": Cadence.WEEKLY, "month": Cadence.MONTHLY, "pause": Cadence.ISSUE}


def send_mails(sample: Sample) -> list[tuple[str, EmailMessage]]:
    """Let three weeks pass. Return what was sent, and to whom."""
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
        assert reading.run().problems == []
    taken = [one for one in reading.transport.taken if one.issue_id]
    return [(one.recipient.partition("@")[0], parsed(one.message.content)) for one in taken]


def text(mail: EmailMessage, subtype: str) -> str:
    body = mail.get_body((subtype,))
    assert body is not None
    content: str = body.get_content()
    return content


def stories(mail: EmailMessage) -> set[int]:
    return {number for number in range(4) if f"Story {number} in" in text(mail, "plain")}


def test_digests_and_the_mail_after_a_pause_fit_and_have_all_stories(
    chromium: Chromium, sample: Sample
) -> None:
    mails = send_mails(sample)
    settings = sample.publication.settings
    site = Site(url=settings.publication.url, public=settings.folders.public)
    for language in LANGUAGES:
        week, month, pause = (
            max((mail for name, mail in mails if name == f"{one}.{language}"), key=story_count)
            for one in CADENCES
        )
        assert stories(month) == {0, 1, 2, 3}
        assert stories(pause) >= {1, 2}
        assert len(stories(week)) > 1
        for mail in (week, month, pause):
            assert chromium.visit(text(mail, "html"), misfits, site=site) == []
        # They are made by one template.
        for mail in by_lane([pause], [week, month, pause]):
            assert chromium.visit(text(mail, "html"), violations, site=site) == []


def story_count(mail: EmailMessage) -> int:
    return len(stories(mail))
