"""A profile: what of a subscriber's preferences changes the content of an issue. Pure.

It is stored as text at the preferences, so that SQL can group subscribers by it. Equal profiles are
equal texts. The first language is not in it: it stands at the subscriber.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a subscriber wants of each issue.

    `more_languages` are BCP 47 tags after the subscriber's own, best first. `length` is "summary",
    "full", or None for the newsletter's. `topics` and `authors` are those that are wanted; if both are
    empty, all are. Their order means nothing.
    """

    more_languages: tuple[str, ...] = ()
    length: str | None = None
    machine_translations: bool = True
    topics: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()


def profile_text(profile: Profile) -> str | None:
    """Return a profile as it is stored; None for one that changes nothing."""
    values = {
        "languages": list(profile.more_languages),
        "length": profile.length,
        "no_machine_translations": not profile.machine_translations,
        "topics": sorted(set(profile.topics)),
        "authors": sorted(set(profile.authors)),
    }
    chosen = {key: value for key, value in values.items() if value}
    return json.dumps(chosen, ensure_ascii=False, sort_keys=True) if chosen else None


def profile_from_text(text: str | None) -> Profile:
    """Return the profile of a text that `profile_text` made."""
    values: dict[str, Any] = json.loads(text) if text else {}

    def texts(key: str) -> tuple[str, ...]:
        listed: Sequence[str] = values.get(key, ())
        return tuple(listed)

    return Profile(
        more_languages=texts("languages"),
        length=values.get("length"),
        machine_translations=not values.get("no_machine_translations"),
        topics=texts("topics"),
        authors=texts("authors"),
    )
