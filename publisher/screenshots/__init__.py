"""Screenshots of mails in Chromium: light and dark, wide and narrow.

`frames` makes the page that Chromium is given, `chromium` runs it, `capture` takes all views of a
mail, and `contact_sheets` puts many screenshots into one picture.
"""

from publisher.screenshots.capture import MailPage, Screenshot, capture_mail
from publisher.screenshots.chromium import capture_page, find_chromium
from publisher.screenshots.contact_sheets import LabelledPicture, compose_contact_sheet
from publisher.screenshots.frames import MAIL_VIEWS, MailView, with_local_pictures

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
