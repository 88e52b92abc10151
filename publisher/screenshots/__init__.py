"""Screenshots of mails in Chromium: light and dark, wide and narrow.

`capture` makes the page that Chromium is given, runs it, and takes all views of a mail; `contact_sheets` puts many screenshots into one picture.
"""

from publisher.screenshots.capture import (
    MAIL_VIEWS,
    MailPage,
    MailView,
    Screenshot,
    capture_mail,
    capture_page,
    find_chromium,
    with_local_pictures,
)
from publisher.screenshots.contact_sheets import LabelledPicture, compose_contact_sheet

__all__ = [
    "MAIL_VIEWS",
    "LabelledPicture",
    "MailPage",
    "MailView",
    "Screenshot",
    "capture_mail",
    "capture_page",
    "compose_contact_sheet",
    "find_chromium",
    "with_local_pictures",
]
