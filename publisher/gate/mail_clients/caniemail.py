"""What mail clients support, as caniemail.com tested it: features, results, notes.

The data are a compact copy (`data/caniemail.json`, licences beside it) that
`publisher.gate.mail_clients.refresh` makes. Many of the tests are some years old: a "no" still
holds in most cases, a "yes" held once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

CANIEMAIL_DATA = Path(__file__).parent / "data" / "caniemail.json"
CANIEMAIL_LICENCES = CANIEMAIL_DATA.with_name("LICENSES.txt")
NOT_TESTED = "-"

# The names of clients in findings.
OUTLOOK_WINDOWS = ("Outlook Windows",)
GMAIL_APPS = ("Gmail iOS", "Gmail Android")
GMAIL = ("Gmail web", *GMAIL_APPS)
APPLE_MAIL = ("Apple Mail iOS", "Apple Mail macOS")

# The four families that nearly every list writes to, without clients that are no longer made
# (Windows Mail) or that caniemail hardly tests.
CHECKED_CLIENTS = (
    "gmail.desktop-webmail",
    "gmail.ios",
    "gmail.android",
    "gmail.mobile-webmail",
    "outlook.windows",
    "outlook.outlook-com",
    "outlook.macos",
    "outlook.ios",
    "outlook.android",
    "apple-mail.macos",
    "apple-mail.ios",
    "yahoo.desktop-webmail",
    "yahoo.ios",
    "yahoo.android",
)

_PLATFORMS = {
    "desktop-webmail": "web",
    "mobile-webmail": "mobile web",
    "ios": "iOS",
    "android": "Android",
    "macos": "macOS",
    "windows": "Windows",
}
# Clients whose name is not the family's name with a platform behind it.
_OWN_NAMES = {"outlook.outlook-com": "Outlook.com", "outlook.windows-mail": "Windows Mail"}


class Support(StrEnum):
    """What a mail client does with a feature."""

    YES = "y"
    PARTLY = "a"
    NO = "n"
    UNKNOWN = "u"
    UNTESTED = NOT_TESTED


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientFeature:
    """A feature of HTML, CSS or images; `slug` names its page on caniemail.com.

    `tested` is the date of the last test (`2025-11-14`). `support` and `note_numbers` are by
    client (`gmail.ios`), `notes` by number.
    """

    slug: str
    title: str
    category: str
    tested: str
    support: dict[str, Support]
    note_numbers: dict[str, tuple[str, ...]]
    notes: dict[str, str]

    def notes_for(self, client: str) -> list[str]:
        """Return the notes on what a client does with the feature."""
        return [self.notes.get(number, "") for number in self.note_numbers[client]]


@lru_cache(maxsize=1)
def _read() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(CANIEMAIL_DATA.read_text(encoding="utf-8"))
    return data


@lru_cache(maxsize=1)
def feature_slugs() -> frozenset[str]:
    """Return the slugs of all features."""
    return frozenset(_read()["features"])


@lru_cache(maxsize=512)
def client_feature(slug: str) -> ClientFeature:
    """Return a feature by its slug. Raises KeyError if caniemail has none."""
    written = _read()["features"][slug]
    # One word for each client: `a1,7` means partly, with notes 1 and 7.
    results = list(zip(_read()["clients"], written["verdicts"].split(" "), strict=True))
    return ClientFeature(
        slug=slug,
        title=written["title"],
        category=written["category"],
        tested=written["tested"],
        support={client: Support(word[0]) for client, word in results},
        note_numbers={
            client: tuple(filter(None, word[1:].split(","))) for client, word in results
        },
        notes=written["notes"],
    )


@lru_cache(maxsize=1)
def client_names() -> dict[str, str]:
    """Return the usual name of each client (`gmail.ios`: Gmail iOS)."""
    names = {}
    for client in _read()["clients"]:
        family, _, platform = client.partition(".")
        whole = _read()["families"][family].replace("!", "")
        plain = f"{whole} {_PLATFORMS.get(platform, platform)}"
        names[client] = _OWN_NAMES.get(client, plain)
    return names
