"""What mail programs can show, as caniemail.com found it: features, verdicts, notes.

The data are a compact copy (`data/caniemail.json`, licences beside it) that
`publisher.gate.mail_clients.refresh` makes. Many of its tests are some years old: a "no" is to be believed,
a "yes" was true once. Knows no mail.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data" / "caniemail.json"
LICENCES = DATA.with_name("LICENSES.txt")
UNTESTED = "-"

# The four families that nearly every list writes to. Those of their programs that are no longer
# made (Windows Mail) or that caniemail hardly tests are left out.
JUDGED = (
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

PLATFORMS = {
    "desktop-webmail": "web",
    "mobile-webmail": "mobile web",
    "ios": "iOS",
    "android": "Android",
    "macos": "macOS",
    "windows": "Windows",
}
# Programs whose name is not the family's with a platform behind it.
OWN_NAMES = {"outlook.outlook-com": "Outlook.com", "outlook.windows-mail": "Windows Mail"}


class Support(StrEnum):
    """What a mail program does with a feature."""

    YES = "y"
    PARTLY = "a"
    NO = "n"
    UNKNOWN = "u"
    UNTESTED = UNTESTED


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one program does with a feature, and the numbers of the notes on it."""

    support: Support
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A feature of HTML, CSS or pictures; `slug` names its page on caniemail.com.

    `tested` is the date of the last test (`2025-11-14`), `verdicts` are by program
    (`gmail.ios`), `notes` by number.
    """

    slug: str
    title: str
    category: str
    tested: str
    verdicts: dict[str, Verdict]
    notes: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """All features by slug, and what they are a copy of (`caniemail 2.0.2`, `2026-05-13`)."""

    source: str
    updated: str
    features: dict[str, Feature]
    names: dict[str, str]


@lru_cache(maxsize=1)
def load() -> Data:
    """Read the data that ship with the program, once."""
    written = json.loads(DATA.read_text(encoding="utf-8"))
    clients = written["clients"]
    return Data(
        source=written["source"],
        updated=written["updated"],
        features={
            slug: _feature(slug, feature, clients)
            for slug, feature in written["features"].items()
        },
        names={client: _name(client, written["families"]) for client in clients},
    )


def _feature(slug: str, written: dict[str, Any], clients: list[str]) -> Feature:
    words = written["verdicts"].split(" ")
    return Feature(
        slug=slug,
        title=written["title"],
        category=written["category"],
        tested=written["tested"],
        verdicts={client: _verdict(word) for client, word in zip(clients, words, strict=True)},
        notes=written["notes"],
    )


@lru_cache(maxsize=256)
def _verdict(word: str) -> Verdict:
    """Read `a1,7`: partly, with notes 1 and 7."""
    return Verdict(Support(word[0]), tuple(filter(None, word[1:].split(","))))


def _name(client: str, families: dict[str, str]) -> str:
    family, _, platform = client.partition(".")
    plain = f"{families[family].replace('!', '')} {PLATFORMS.get(platform, platform)}"
    return OWN_NAMES.get(client, plain)
