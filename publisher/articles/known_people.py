"""Show authors and translators as people.toml has them: one person by one name in each language.

Stored articles keep the names as their documents write them, so an edit of people.toml corrects no
article and revises no feed entry.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from publisher.articles.model import Article, Byline, KnownByline
from publisher.config.people import People


def with_known_people(people: People, article: Article) -> Article:
    """Return an article with the names of known people in its language."""
    if not people:
        return article
    tag, editor = article.language, article.editor
    return replace(
        article,
        bylines=known_bylines(people, article.bylines, tag),
        translators=tuple(people.name_in(tag, name) for name in article.translators),
        editor=people.name_in(tag, editor) if editor else editor,
    )


def known_bylines(
    people: People, bylines: Iterable[Byline], language: str
) -> tuple[Byline, ...]:
    """Return bylines with the names of known people, each person once.

    The affiliation is the one that the article states, or else that of people.toml.
    """
    found: dict[str, Byline] = {}
    for byline in bylines:
        key = people.key_of(byline.name)
        found.setdefault(key or byline.name, _known(people, key, byline, language))
    return tuple(found.values())


def _known(people: People, key: str | None, byline: Byline, language: str) -> Byline:
    if key is None:
        return byline
    person = people.persons[key]
    return KnownByline(
        name=people.name_in(language, byline.name),
        affiliation=byline.affiliation or person.affiliation.matching(language) or None,
        key=key,
        website=person.url,
        languages=person.languages,
    )
