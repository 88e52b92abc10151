"""Script conversions: articles converted between Hans and Hant for editions that ask for them.

A conversion is an article of its own; a human translation takes over its id. It is made from the
stored original only, and again when that changes.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from publisher.article_links import mark_related_pages_due
from publisher.articles.content.internal_links import with_links_apart
from publisher.articles.model import ArticleStatus, Origin, Provenance
from publisher.articles.store import content_hash
from publisher.articles.tables import NEEDS_PUBLISHING, article
from publisher.config import MissingPolicy, Settings
from publisher.database.dialect.sql import upsert
from publisher.database.engine import chunks
from publisher.ingest.links import link_store
from publisher.ingest.tables import (
    script_conversion_due,
    script_conversion_language,
    source_item,
)
from publisher.languages import conversion, sources_of

_DOCUMENT = sa.select(source_item.c.key)  # a conversion does not replace what has a document
_TEXT_COLUMNS = ("title", "summary", "text", "section")


def conversion_languages(settings: Settings) -> tuple[str, ...]:
    editions = [e for n in settings.newsletters for e in settings.editions(n)]
    asked = {e.language for e in editions if e.missing == MissingPolicy.CONVERT}
    return tuple(tag for tag in settings.publication.languages if tag in asked)


def update_conversions(connection: sa.Connection, settings: Settings, now: datetime) -> None:
    """Create, renew and withdraw conversions as the settings and originals require.

    Only stories that changed are examined, unless the languages or the converter changed.
    """
    wanted = conversion_languages(settings)
    rules = {language: conversion.converter_name() for language in wanted}
    same_rules = _stored_rules(connection) == rules
    listed = sa.select(script_conversion_due.c.story_id)
    if same_rules and connection.execute(listed.limit(1)).first() is None:
        return
    sources = _sources(wanted, settings.publication.languages)
    _ConversionUpdate(connection, settings, now, sources, listed if same_rules else None).run()
    connection.execute(sa.delete(script_conversion_due))
    if not same_rules:
        table = script_conversion_language
        connection.execute(sa.delete(table))
        for language, converter in rules.items():
            row = sa.insert(table).values(language=language, converter=converter)
            connection.execute(row)


def _stored_rules(connection: sa.Connection) -> dict[str, str]:
    """Return the languages whose conversions are up to date but for what is due, and by what."""
    table = script_conversion_language.c
    return dict(connection.execute(sa.select(table.language, table.converter)).all())


def _sources(wanted: Iterable[str], languages: Collection[str]) -> dict[str, str]:
    """Return for each wanted language its source language, preferably one of the publication."""
    found = {to: sorted(sources_of(to), key=lambda tag: tag not in languages) for to in wanted}
    return {target: known[0] for target, known in found.items() if known}


def mark_for_conversion(connection: sa.Connection, stories: Collection[int]) -> None:
    """Mark stories as changed; call it in the transaction that changes them."""
    # Without any language, the first update examines all stories.
    if stories and _stored_rules(connection):
        row = upsert(connection, script_conversion_due)
        row = row.on_conflict_do_nothing(index_elements=["story_id"])
        connection.execute(row, [{"story_id": number} for number in sorted(stories)])


@dataclass(frozen=True, slots=True)
class _ConversionUpdate:
    """Brings the conversions of the stories that are `due`, of all if None, in line with their originals.

    `sources` has the language of the original for each language.
    """

    connection: sa.Connection
    settings: Settings
    now: datetime
    sources: Mapping[str, str]
    due: sa.Select[int] | None

    def run(self) -> None:
        for target, source in self.sources.items():
            outdated = self.connection.execute(self._outdated(source, target)).all()
            for row in outdated:
                self._convert(row, source, target)
            changed = sa.select(*article.c["story_id", "language", "topics", "section", "url"])
            for some in chunks([row.made_id for row in outdated if row.made_id]):
                rows = self.connection.execute(changed.where(article.c.id.in_(some))).all()
                mark_related_pages_due(self.connection, rows, self.settings.folders.public)
        self._withdraw_orphans()

    def _is_due(self, story_id: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
        return sa.true() if self.due is None else story_id.in_(self.due)

    def _outdated(self, source: str, target: str) -> sa.Select[Any]:
        """Select the originals whose conversion is missing or outdated, with what there is of it."""
        original, made = article.alias("original"), article.alias("made")
        columns = ("id", "status", "available_at", "title", "url")
        is_its = (made.c.story_id == original.c.story_id) & (made.c.language == target)
        is_other = sa.or_(
            made.c.converted_from != _converted_from(original.c.content_hash),
            made.c.published_at != original.c.published_at,
        )
        return (
            sa.select(original, *(made.c[name].label(f"made_{name}") for name in columns))
            .outerjoin(made, is_its)
            .where(
                self._is_due(original.c.story_id),
                original.c.language == source,
                original.c.status == ArticleStatus.READY,
                original.c.origin != Origin.CONVERTED,
                sa.or_(
                    made.c.id.is_(None),
                    (made.c.status == ArticleStatus.WITHDRAWN)
                    & ~_DOCUMENT.where(source_item.c.article_id == made.c.id).exists(),
                    (made.c.origin == Origin.CONVERTED) & is_other,
                ),
            )
            .order_by(original.c.id)
        )

    def _convert(self, row: sa.Row[Any], source: str, target: str) -> None:
        link_store.mark_links_due(self.connection)
        values = converted_columns(row, source, target) | {
            "story_id": row.story_id,
            "language": target,
            "origin": Origin.CONVERTED,
            "status": ArticleStatus.READY,
            "declared": ArticleStatus.READY,
            "published_at": row.published_at,
            "mailing": row.mailing,
            "converted_from": _converted_from(row.content_hash),
            **NEEDS_PUBLISHING,
        }
        available = max(self.now, row.available_at)
        made_id = row.made_id
        if made_id is None:
            times = {"available_at": available, "updated_at": row.updated_at}
            new = sa.insert(article).values(values | times).returning(article.c.id)
            made_id = self.connection.execute(new).scalar_one()
        else:
            times = {"updated_at": max(self.now, row.updated_at)}
            embargoed = max(row.made_available_at, row.available_at) > self.now
            if row.made_status == ArticleStatus.WITHDRAWN or embargoed:
                times["available_at"] = available
            is_made = article.c.id == row.made_id
            self.connection.execute(sa.update(article).where(is_made).values(values | times))
        link_store.copy_links(self.connection, row.id, made_id)
        shown = (values["title"], values["url"])
        if "available_at" in times or shown != (row.made_title, row.made_url):
            is_shown = article.c.status == ArticleStatus.READY
            self._publish(row.story_id, is_shown)

    def _publish(self, story_id: int, is_shown: sa.ColumnElement[bool]) -> None:
        """Have the pages of a story's articles written again: each lists the story's languages."""
        pages = sa.update(article).where(article.c.story_id == story_id, is_shown)
        self.connection.execute(pages.values(NEEDS_PUBLISHING))

    def _withdraw_orphans(self) -> None:
        """Withdraw conversions whose original is gone, or that no edition asks for any more."""
        for number, story_id in self.connection.execute(self._orphans()).all():
            gone = sa.update(article).where(article.c.id == number)
            values = {"status": ArticleStatus.WITHDRAWN, "updated_at": self.now}
            self.connection.execute(gone.values(values | NEEDS_PUBLISHING))
            self._publish(story_id, article.c.status != ArticleStatus.WITHDRAWN)

    def _orphans(self) -> sa.Select[int, int]:
        made, original = article.alias("made"), article.alias("original")
        pairs = (
            (made.c.language == to) & (original.c.language == tag)
            for to, tag in self.sources.items()
        )
        originals = (
            sa.select(original.c.id)
            .where(
                original.c.story_id == made.c.story_id,
                original.c.origin != Origin.CONVERTED,
                original.c.status == ArticleStatus.READY,
                sa.or_(*pairs, sa.false()),
            )
            .correlate(made)
        )
        return sa.select(made.c.id, made.c.story_id).where(
            self._is_due(made.c.story_id),
            made.c.origin == Origin.CONVERTED,
            made.c.status == ArticleStatus.READY,
            ~originals.exists(),
        )


def _converted_from(content_hash: Any) -> Any:
    """Return the original's hash and the converter; a change of either makes a new conversion."""
    return content_hash + f" {conversion.converter_name()}"


def converted_columns(row: sa.Row[Any], source: str, target: str) -> dict[str, Any]:
    """Return the converted visible columns of an article, except names of people and addresses."""
    columns: dict[str, Any] = {
        name: conversion.convert_text(getattr(row, name) or "", source, target) or None
        for name in _TEXT_COLUMNS
    }
    columns |= {name: columns[name] or "" for name in ("title", "summary", "text")}
    columns["html"] = conversion.convert_html(row.linked_html or row.html, source, target)
    columns["topics"] = [conversion.convert_text(topic, source, target) for topic in row.topics]
    columns["bylines"] = [_converted(b, ("affiliation",), source, target) for b in row.bylines]
    columns["picture"] = row.picture and _converted(
        row.picture, ("alt", "caption"), source, target
    )
    columns["attachments"] = [
        _converted(a, ("title",), source, target) for a in row.attachments
    ]
    same = ("translators", "url", "offered", "published_on")
    columns |= {name: getattr(row, name) for name in same}
    # The conversion of a machine translation is one, too.
    is_by_machine = row.provenance == Provenance.MACHINE
    for name in ("provenance", "translated_with", "editor"):
        columns[name] = getattr(row, name) if is_by_machine else None
    return with_links_apart(columns | {"content_hash": content_hash(columns)})


def _converted(
    value: dict[str, Any], keys: Sequence[str], source: str, target: str
) -> dict[str, Any]:
    texts = {key: value[key] for key in keys if value.get(key)}
    return value | {k: conversion.convert_text(t, source, target) for k, t in texts.items()}
