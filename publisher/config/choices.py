"""What settings may say in one word: policies, digests of a newsletter, categories of podcasts (Apple's of 2019).

Who does not want each issue of a newsletter gets a digest of a day, a week or a month instead, which issues, cutoffs
and audiences know by its key, such as `daily.weekly`. Names of newsletters have no dot (`values.UrlName`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator


class LatePolicy(StrEnum):
    """What happens to a missed occurrence."""

    SEND = "send"
    SKIP = "skip"
    MERGE = "merge"


class InDoubtPolicy(StrEnum):
    """What happens to a mail whose reply was lost."""

    HOLD = "hold"
    RESEND = "resend"


class MissingPolicy(StrEnum):
    """What an edition does with a story without a translation into its language."""

    SKIP = "skip"
    FALLBACK = "fallback"
    CONVERT = "convert"


class ApprovalPolicy(StrEnum):
    """How many people have to approve an issue before it is sent."""

    NONE = "none"
    ONE = "one"
    TWO = "two"

    @property
    def needed(self) -> int:
        return {"none": 0, "one": 1, "two": 2}[self.value]


class UnapprovedPolicy(StrEnum):
    """What happens at its hour to an issue that is not approved."""

    HOLD = "hold"
    SKIP = "skip"


class Content(StrEnum):
    """How much of each article a mail contains."""

    SUMMARY = "summary"
    FULL = "full"


class DigestPictures(StrEnum):
    """Which stories of a digest show their picture."""

    LEAD = "lead"
    ALL = "all"
    NONE = "none"


class DigestBlock(StrEnum):
    """Parts of a digest besides its stories."""

    QUOTATION = "quotation"
    NOTES = "notes"


class DigestCadence(StrEnum):
    """How often a digest is sent: `subscribers.Cadence` without each issue."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"

    @property
    def period(self) -> timedelta:
        return timedelta(days={"daily": 1, "weekly": 7, "monthly": 31}[self])

    @property
    def dates_a_month(self) -> int:
        return {"daily": 31, "weekly": 5, "monthly": 1}[self]

    def rule(self, at: time, weekday: str) -> str:
        """Return the cron line of the dates: each day, a weekday, or the first of the month."""
        # Not as an RRULE: it is counted from its start each time, day by day.
        dates = {"daily": "* * *", "weekly": f"* * {weekday[:3].upper()}", "monthly": "1 * *"}
        return f"{at.minute} {at.hour} {dates[self.value]}"


@dataclass(frozen=True, slots=True)
class DigestKey:
    """A newsletter and the cadence of a digest of it, or None for its own issues."""

    newsletter: str
    cadence: DigestCadence | None = None

    @classmethod
    def parse(cls, text: str) -> DigestKey:
        """Return the parts of a key. A text without a known cadence is a newsletter's name."""
        name, dot, cadence = text.rpartition(".")
        if dot and cadence in {*DigestCadence}:
            return cls(name, DigestCadence(cadence))
        return cls(text)

    def __str__(self) -> str:
        return f"{self.newsletter}.{self.cadence}" if self.cadence else self.newsletter


_SUBCATEGORIES = """\
Arts: Books, Design, Fashion & Beauty, Food, Performing Arts, Visual Arts
Business: Careers, Entrepreneurship, Investing, Management, Marketing, Non-Profit
Comedy: Comedy Interviews, Improv, Stand-Up
Education: Courses, How To, Language Learning, Self-Improvement
Fiction: Comedy Fiction, Drama, Science Fiction
Government:
Health & Fitness: Alternative Health, Fitness, Medicine, Mental Health, Nutrition, Sexuality
History:
Kids & Family: Education for Kids, Parenting, Pets & Animals, Stories for Kids
Leisure: Animation & Manga, Automotive, Aviation, Crafts, Games, Hobbies, Home & Garden, Video Games
Music: Music Commentary, Music History, Music Interviews
News: Business News, Daily News, Entertainment News, News Commentary, Politics, Sports News, Tech News
Religion & Spirituality: Buddhism, Christianity, Hinduism, Islam, Judaism, Religion, Spirituality
Science: Astronomy, Chemistry, Earth Sciences, Life Sciences, Mathematics, Natural Sciences, Nature, Physics, Social Sciences
Society & Culture: Documentary, Personal Journals, Philosophy, Places & Travel, Relationships
Sports: Baseball, Basketball, Cricket, Fantasy Sports, Football, Golf, Hockey, Rugby, Running, Soccer, Swimming, Tennis, Volleyball, Wilderness, Wrestling
TV & Film: After Shows, Film History, Film Interviews, Film Reviews, TV Reviews
Technology:
True Crime:
"""
_CATEGORIES = {
    name: frozenset(listed.strip().split(", "))
    for name, listed in (line.split(":") for line in _SUBCATEGORIES.splitlines())
}


def _category(value: str) -> str:
    name, arrow, sub = (part.strip() for part in value.partition(">"))
    if name not in _CATEGORIES:
        raise ValueError(
            f"{value!r} is no category of podcasts; write one of {', '.join(_CATEGORIES)}"
        )
    if arrow and (not sub or sub not in _CATEGORIES[name]):
        known = ", ".join(sorted(_CATEGORIES[name] - {""})) or "none"
        raise ValueError(f"{sub!r} is no part of {name}; its parts are {known}")
    return f"{name} > {sub}" if arrow else name


PodcastCategory = Annotated[str, AfterValidator(_category)]
