"""Digests of a week or a month, and the mail after a pause, in Chromium: they fit, and nothing is lost."""

from tests.slow.browser.accessibility import violations
from tests.slow.browser.chromium import Chromium, Site
from tests.slow.browser.every_mail import SentMail, send_every_mail
from tests.slow.browser.layout import misfits
from tests.slow.browser.subscriber_pages import Sample
from tests.slow.browser.subscriber_pages import sample as sample  # noqa: PLC0414  # a fixture

LANGUAGES = ("en", "ar")


def stories(mail: SentMail) -> set[int]:
    """Return the numbers of the stories of a mail."""
    return {number for number in range(4) if f"Story {number} in" in mail.part("plain")}


def longest(mails: list[SentMail], name: str) -> SentMail:
    return max(
        (mail for mail in mails if mail.name == name), key=lambda mail: len(stories(mail))
    )


def test_digests_and_the_mail_after_a_pause_fit_and_have_all_stories(
    chromium: Chromium, sample: Sample
) -> None:
    mails = send_every_mail(sample)
    settings = sample.publication.settings
    site = Site(url=settings.publication.url, public=settings.folders.public)
    for language in LANGUAGES:
        month, pause = (longest(mails, f"{name}.{language}") for name in ("month", "pause"))
        week = longest(mails, f"week.{language}")
        assert stories(month) == {0, 1, 2, 3}
        assert stories(pause) >= {1, 2}
        assert len(stories(week)) > 1
        for mail in (week, month, pause):
            html = mail.part("html")
            assert chromium.visit(html, misfits, site=site) == []
            assert chromium.visit(html, violations, site=site) == []
