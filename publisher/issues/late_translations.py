"""Which translations came after their issues were made, that these could show instead of other languages.

A cycle takes them (`missing = "fallback"`) as long as nothing is sent, each once: what somebody takes back stays so.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection

from publisher.articles import store as articles
from publisher.config import Edition, MissingPolicy, Settings
from publisher.issues import store
from publisher.issues.editing import EditKind, edits_of
from publisher.issues.model import SELECTED_STATES, Issue
from publisher.issues.selection import best_article, rules_of_edition

# An issue, and the languages in which it could show stories, by their ids.
LateTranslations = tuple[Issue, Mapping[int, str]]


def translations_to_take(
    connection: Connection, settings: Settings, now: datetime
) -> list[LateTranslations]:
    """Return the issues that are not being sent and have translations to take, which nobody has taken or taken back."""
    found = [
        (one, _not_taken(connection, settings, one, now))
        for one in store.issues_in_state(connection, *SELECTED_STATES)
    ]
    return [(one, stories) for one, stories in found if stories]


def _not_taken(
    connection: Connection, settings: Settings, issue: Issue, now: datetime
) -> dict[int, str]:
    edition = settings.edition(issue.newsletter, issue.language)
    if edition is None or edition.missing is not MissingPolicy.FALLBACK:
        return {}
    found = find_late_translations(connection, edition, issue, now)
    edits = edits_of(connection, issue.id) if found else []
    known = {(one.story_id, one.value) for one in edits if one.kind is EditKind.TRANSLATION}
    return dict(found.items() - known)


def find_late_translations(
    connection: Connection, edition: Edition, issue: Issue, now: datetime
) -> dict[int, str]:
    """Return the languages in which an issue could show stories by now, by their ids: better than those in which it does."""
    if issue.for_profiles_only:
        return {}
    rules, numbers = rules_of_edition(edition), store.article_ids_of(connection, issue)
    shown = articles.articles_by_id(connection, numbers, with_texts=False).values()
    worse = {one.story_id: one for one in shown if one.language in rules.languages[1:]}
    best = {
        story: best_article(rules, many)
        for story, many in articles.variants(connection, worse, now).items()
    }
    return {
        story: one.language
        for story, one in best.items()
        if one and rules.rank(one) < rules.rank(worse[story])
    }
