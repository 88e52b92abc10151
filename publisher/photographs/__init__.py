"""PHOTOGRAPH: mails as a browser shows them, in light and dark, wide and narrow.

`pages` says what Chromium is given to look at, `chromium` runs it, `sheets` cuts and lays out
what comes back. Knows no publication, no issue and no network.
"""

from publisher.photographs.chromium import expose, find_chromium
from publisher.photographs.pages import VIEWS, View, with_local_pictures
from publisher.photographs.sheets import Labelled, sheet
from publisher.photographs.taking import Mail, Photograph, photograph

__all__ = [
    "VIEWS",
    "Labelled",
    "Mail",
    "Photograph",
    "View",
    "expose",
    "find_chromium",
    "photograph",
    "sheet",
    "with_local_pictures",
]
