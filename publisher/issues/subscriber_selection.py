"""What single subscribers get of an issue: those with a profile, and those whom another edition serves now.

The choice for a profile is made of the articles that the edition considered. It depends on the issue and the
profile only, so it can be made whenever it is needed: for a profile of today, too, that nobody had when the
issue was selected. Where the editions of a newsletter have different schedules, the one that serves a
subscriber now may have brought long ago what her former edition still owed: it is owed to her then.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from sqlalchemy import Connection, select

from publisher.articles import store as articles
from publisher.articles.model import Article
from publisher.config import Edition, Settings
from publisher.issues import selection, store
from publisher.issues.editing import IssueEdits, arrange
from publisher.issues.model import SELECTED_STATES
from publisher.issues.tables import issue_table
from subscribers import audiences
from subscribers.preferences import Preferences, Profile, profile_from_text
from subscribers.store import load_subscriber


@dataclass
class ProfileSelector:
    """Chooses for the profiles among an edition's subscribers, within one transaction."""

    connection: Connection
    settings: Settings
    edition: Edition
    window: selection.SelectionWindow
    edits: IssueEdits = field(default_factory=IssueEdits)
    _editions: Sequence[Edition] = field(init=False)
    _found: dict[str, list[Article]] = field(default_factory=dict)
    _stories: dict[int, list[Article]] = field(default_factory=dict)
    _chosen: dict[selection.SelectionRules, list[Article]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        newsletter = self.settings.newsletter(self.edition.newsletter)
        self._editions = self.settings.editions(newsletter) if newsletter else ()

    def profiles(self, now: datetime) -> list[tuple[str, str]]:
        """Return the languages and profiles, as stored, of the subscribers whom the edition serves."""
        return self.served(
            audiences.load_audience_profiles(self.connection, self.edition.newsletter, now)
        )

    def served(self, profiles: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return those languages and profiles whose subscribers the edition serves."""
        return [(tag, text) for tag, text in profiles if self._serves(tag, text)]

    def _serves(self, language: str, text: str) -> bool:
        wanted = (language, *profile_from_text(text).more_languages)
        languages = [one.language for one in self._editions]
        return selection.serving_language(languages, wanted) == self.edition.language

    def choose(self, language: str, profile: Profile) -> list[Article]:
        """Return all that subscribers with a language and a profile want, in order."""
        publication = self.settings.publication
        rules = selection.rules_of_profile(
            self.edition, self._editions, publication, language, profile
        )
        if rules not in self._chosen:
            self._chosen[rules] = self._choose(rules)
        return self._chosen[rules]

    def _choose(self, rules: selection.SelectionRules) -> list[Article]:
        return self._edited(rules, self._considered(rules))

    def _edited(self, rules: selection.SelectionRules, found: list[Article]) -> list[Article]:
        """Return what editors leave of a choice, in their order, with what they added to it."""
        pinned = {
            story: best
            for story, versions in self._versions_of_pinned.items()
            if (best := selection.best_article(rules, versions))
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

    def _considered(self, rules: selection.SelectionRules) -> list[Article]:
        candidates = selection.Candidates(
            articles=[one for tag in rules.languages for one in self._available_in(tag)],
            variants=self._stories,
            # What a subscriber has had is known for each of them.
            sent=(),
        )
        return selection.choose_for_profile(rules, candidates, self.window)

    def choose_own(self) -> list[Article]:
        """Return all that subscribers without a profile want, in order."""
        return self._choose(selection.rules_of_edition(self.edition))

    def considered_own(self) -> list[Article]:
        """Return the same as if editors had changed nothing."""
        return self._considered(selection.rules_of_edition(self.edition))

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


def owe_former_edition(
    connection: Connection,
    settings: Settings,
    subscriber_id: int,
    change: tuple[Preferences, Preferences],
    now: datetime,
) -> None:
    """Record what a subscriber on record may miss by a change of languages, old and new preferences."""
    person = load_subscriber(connection, subscriber_id)
    cadences = change[0].cadences
    for name in person.newsletters if person else ():
        newsletter = settings.newsletter(name)
        editions = [one.language for one in settings.editions(newsletter)] if newsletter else []
        before, after = (selection.serving_language(editions, one.languages) for one in change)
        if before is None or after is None or before == after:
            continue
        key = f"{name}.{cadences[name]}" if name in cadences else name
        since = _opened_until(connection, key, before) or now - audiences.OWED_FOR
        had = _opened_until(connection, key, after)
        if had is not None and since < had:
            audiences.add_interruptions(
                connection, audiences.of_subscriber(subscriber_id), name, since, now
            )


def _opened_until(connection: Connection, newsletter: str, language: str) -> datetime | None:
    """Return up to which instant articles were considered for issues whose ledger is open.

    Who leaves an edition gets nothing of its issues that are not opened yet. None: there was none.
    """
    earliest = select(issue_table.c.available_since).where(
        store.is_of_edition(newsletter, language), issue_table.c.state.in_(SELECTED_STATES)
    )
    waiting = connection.execute(earliest.order_by(issue_table.c.id).limit(1)).one_or_none()
    return waiting[0] if waiting else store.cutoff(connection, newsletter, language)
