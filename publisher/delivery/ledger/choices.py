"""What an issue has for a subscriber, by what she has chosen and has got. Reads only.

The opening of a ledger and previews decide by the same functions.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from publisher.config import Edition, Settings
from publisher.delivery.causes import HAD_EVERYTHING, NO_ARTICLE, Cause
from publisher.delivery.ledger.catch_up import CatchUpKey
from publisher.issues import store as issues
from publisher.issues.edit_store import combined_edits, left_out_before
from publisher.issues.model import Issue
from publisher.issues.profile_selection import ProfileSelector
from publisher.issues.recovered_stories import recovered_stories
from publisher.issues.selection import SelectionWindow
from subscribers.profiles import profile_from_text

# The language and the profile of a subscriber, as stored; None for no profile.
ProfileKey = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class MailContent:
    """What one mail carries: pairs of story and article ids, in order.

    `more` had no room. `length` None is the newsletter's.
    """

    articles: tuple[tuple[int, int], ...]
    more: int = 0
    length: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """What subscribers want of an issue: pairs of story and article ids, in order.

    At most `most` are carried, and `more` had no room before. `length` None is the newsletter's.
    """

    articles: tuple[tuple[int, int], ...]
    most: int
    more: int = 0
    length: str | None = None

    def without(self, had: Collection[int]) -> MailContent | Cause:
        """Return what is sent to somebody who had some stories, or why nothing is sent."""
        left = [one for one in self.articles if one[0] not in had]
        if not left:
            return HAD_EVERYTHING if self.articles else NO_ARTICLE
        chosen = tuple(left[: self.most])
        return MailContent(chosen, self.more + len(left) - len(chosen), self.length)

    def is_digest(self, content: MailContent) -> bool:
        """Return whether a mail is the issue's own digest, if this is the choice of most."""
        return content.articles == self.articles and content.length is None


def own_choice(connection: Connection, issue: Issue) -> Choice:
    """Return what subscribers without a profile want: the articles of the issue."""
    articles = tuple(issues.chosen_articles(connection, issue))
    return Choice(articles, most=len(articles), more=issue.more)


def profile_selector(
    connection: Connection, settings: Settings, edition: Edition, issue: Issue
) -> ProfileSelector:
    """Return what chooses by profiles, among the articles that the issue considered."""
    window = SelectionWindow(
        since=issue.available_since,
        until=issue.assembled_at or issue.due_at,
        published_until=issue.published_until,
        stories=recovered_stories(connection, issue.name),
    )
    edits = combined_edits(connection, issue.id)
    return ProfileSelector(connection, settings, edition, window, edits)


def profile_choice(selector: ProfileSelector, language: str, text: str) -> Choice:
    """Return what subscribers with a language and a profile want of an issue."""
    edition, profile = selector.edition, profile_from_text(text)
    found = selector.choose(language, profile)
    return Choice(
        articles=tuple((article.story_id, article.id) for article in found),
        most=selector.edits.number or edition.max_articles,
        # What the newsletter does anyway makes no variant.
        length=profile.length if profile.length != edition.content else None,
    )


def catch_up_choice(
    connection: Connection, settings: Settings, edition: Edition, issue: Issue, key: CatchUpKey
) -> Choice | None:
    """Return what an issue has for those who are owed a catch-up; None if it has all anyway."""
    if issue.available_since is None:
        return None
    language, text, since = key
    window = SelectionWindow(
        since=min(since, issue.available_since),
        until=issue.assembled_at or issue.due_at,
        published_until=issue.published_until,
    )
    edits = combined_edits(connection, issue.id)
    # What editors left out of the issues that were missed is not owed.
    before = left_out_before(connection, issue, since)
    edits = replace(edits, left_out=before | dict(edits.left_out))
    selector = ProfileSelector(connection, settings, edition, window, edits)
    profile = profile_from_text(text)
    found = selector.choose(language, profile) if text else selector.choose_own()
    return Choice(
        articles=tuple((article.story_id, article.id) for article in found),
        most=edits.number or edition.max_articles,
        length=profile.length if profile.length != edition.content else None,
    )
