"""Screenshots of a mail, by a real Chromium."""

import pytest

from publisher.app.issues.dry_run import take_screenshots
from publisher.errors import UsageError
from publisher.screenshots.capture import MAIL_VIEWS, find_chromium


def test_a_mail_is_photographed_in_every_view() -> None:
    try:
        program = find_chromium()
    except UsageError as error:
        pytest.skip(str(error))
    mail = "<p>The tide waits.</p>"
    taken = take_screenshots(program, "en", mail, "https://news.example.org", [])
    assert [one.view for one in taken] == list(MAIL_VIEWS)
