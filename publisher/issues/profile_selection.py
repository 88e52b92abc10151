"""What subscribers with a profile get of one issue: reads the articles that its edition considered.

The choice depends on the issue and the profile only, so it can be made whenever it is needed: for a
profile of today, too, that nobody had when the issue was selected.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from sqlalchemy import Connection

from publisher.articles import store as articles
from publisher.articles.model import Article
from publisher.config import Edition, Settings
from publisher.issues.edits import IssueEdits, arrange
from publisher.issues.selection import (
    Candidates,
    SelectionRules,
    SelectionWindow,
    best_article,
    choose_for_profile,
    rules_of_edition,
    rules_of_profile,
    serving_language,
)
from subscribers.audiences import load_audience_profiles
from subscribers.profiles import Profile, profile_from_text


@dataclass
class ProfileSelector:
    """Chooses for the profiles among an edition's subscribers, within one transaction."""

    connection: Connection
    settings: Settings
    edition: Edition
    window: SelectionWindow
    edits: IssueEdits = field(default_factory=IssueEdits)
    _editions: Sequence[Edition] = field(init=False)
    _found: dict[str, list[Article]] = field(default_factory=dict)
    _stories: dict[int, list[Article]] = field(default_factory=dict)
    _chosen: dict[SelectionRules, list[Article]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        newsletter = self.settings.newsletter(self.edition.newsletter)
        self._editions = self.settings.editions(newsletter) if newsletter else ()

    def profiles(self, now: datetime) -> list[tuple[str, str]]:
        """Return the languages and profiles, as stored, of the subscribers whom the edition serves."""
        return self.served(
            load_audience_profiles(self.connection, self.edition.newsletter, now)
        )

    def served(self, profiles: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return those languages and profiles whose subscribers the edition serves."""
        return [(tag, text) for tag, text in profiles if self._serves(tag, text)]

    def _serves(self, language: str, text: str) -> bool:
        wanted = (language, *profile_from_text(text).more_languages)
        languages = [one.language for one in self._editions]
        return serving_language(languages, wanted) == self.edition.language

    def choose(self, language: str, profile: Profile) -> list[Article]:
        """Return all that subscribers with a language and a profile want, in order."""
        publication = self.settings.publication
        rules = rules_of_profile(self.edition, self._editions, publication, language, profile)
        if rules not in self._chosen:
            self._chosen[rules] = self._choose(rules)
        return self._chosen[rules]

    def _choose(self, rules: SelectionRules) -> list[Article]:
        return self._edited(rules, self._considered(rules))

    def _edited(self, rules: SelectionRules, found: list[Article]) -> list[Article]:
        """Return what editors leave of a choice, in their order, with what they added to it."""
        pinned = {
            story: best
            for story, versions in self._versions_of_pinned.items()
            if (best := best_article(rules, versions))
        }
        by_id = {one.id: one for one in (*found, *pinned.values())}
        chosen = [(one.story_id, one.id) for one in found]
        added = {story: (story, one.id) for story, one in pinned.items()}
        # Their number is that of what is carried, which has no bound here.
        edits = replace(self.edits, number=None)
        return [by_id[number] for _story, number in arrange(edits, chosen, (), added)]

    @cached_property
    def _versions_of_pinned(self) -> Mapping[int, Sequence[Article]]:
        at = max(self.window.until, self.edits.pinned_at or self.window.until)
        return articles.variants(self.connection, self.edits.pinned, at)

    def _considered(self, rules: SelectionRules) -> list[Article]:
        candidates = Candidates(
            articles=[one for tag in rules.languages for one in self._available_in(tag)],
            variants=self._stories,
            # What a subscriber has had is known for each of them.
            sent=(),
        )
        return choose_for_profile(rules, candidates, self.window)

    def choose_own(self) -> list[Article]:
        """Return all that subscribers without a profile want, in order."""
        return self._choose(rules_of_edition(self.edition))

    def considered_own(self) -> list[Article]:
        """Return the same as if editors had changed nothing."""
        return self._considered(rules_of_edition(self.edition))

    def _available_in(self, language: str) -> list[Article]:
        if language not in self._found:
            window, oldest = self.window, self.window.until - self.edition.max_age
            found, _too_old = articles.became_available(
                self.connection, [language], window.since, window.until, oldest
            )
            stories = {one.story_id for one in found} - self._stories.keys()
            self._stories |= articles.variants(self.connection, stories, window.until)
            self._found[language] = found
        return self._found[language]
