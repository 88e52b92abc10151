"""Decide where the links of all articles lead, and their old addresses, after anything changed.

An article may appear, move or go at any time, so the links of other articles change with it: their
pages and feeds are then written again. Nothing is done while no article changes. While only texts
change, nothing that is known of the targets does: then only new links are decided, and broken ones.
Which pages a site has beside its articles is stored here, too: a page is read when its file changes, for the
addresses that it states. What a link means is decided by `publisher.ingest.links.resolution`.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from publisher import article_links, urls, web_files
from publisher.articles.content import internal_links
from publisher.articles.model import ArticleStatus
from publisher.articles.tables import (
    NEEDS_PUBLISHING,
    article,
    article_address,
    article_file,
    article_link,
    story,
)
from publisher.config import Settings
from publisher.database import Database
from publisher.database.engine import chunks
from publisher.errors import ArticleError
from publisher.i18n.article_problems import ArticleProblem, ProblemKind
from publisher.ingest.links import link_store, resolution
from publisher.ingest.problems import save_link_problems
from publisher.ingest.sites.base import LeftOutReason, is_language_code, tag_of
from publisher.ingest.sources.base import Item, Listing, Source
from publisher.ingest.tables import site_page, source_item

# Documents that are not on the site either.
_ABSENT = (LeftOutReason.DRAFT, LeftOutReason.SCHEDULED, LeftOutReason.EXPIRED)
_PATTERNS = ""


def update_pages(database: Database, name: str, source: Source, listing: Listing) -> None:
    """Bring the stored pages of a source in line with a listing, and read those that changed."""
    table = site_page.c
    with database.reading() as connection:
        columns = (table.path, table.signature, sa.cast(table.addresses, sa.Text))
        rows = connection.execute(sa.select(*columns).where(table.source == name))
        before = {path: (signature, addresses) for path, signature, addresses in rows}
    listed = {**listing.pages, _PATTERNS: " ".join(listing.generated)}
    old = [path for path in before if path not in listed]
    new = list[dict[str, Any]]()
    for path, signature in listed.items():
        known, stored = before.get(path, (None, "[]"))
        if signature and known == signature:
            continue
        addresses = _addresses(source, path, listing.generated)
        if (known, json.loads(stored)) != (signature, addresses):
            row = {"source": name, "path": path, "signature": signature}
            new.append(row | {"addresses": addresses})
            old.append(path)
    if not old:
        return
    with database.writing() as connection:
        for some in chunks(old):
            is_old = (table.source == name) & table.path.in_(some)
            connection.execute(sa.delete(site_page).where(is_old))
        if new:
            connection.execute(sa.insert(site_page), new)
        link_store.mark_links_due(connection)


def _addresses(source: Source, path: str, generated: Sequence[str]) -> list[str]:
    if path == _PATTERNS:
        return list(generated)
    try:
        content = source.read(Item(path, "")).document.content
    except ArticleError:  # its name still counts
        return []
    return resolution.stated_addresses(path, content.decode("utf-8", "replace"))


class StoredPages:
    """The pages of all sources, as they are stored."""

    def __init__(self, connection: sa.Connection) -> None:
        addresses = sa.cast(site_page.c.addresses, sa.Text).label("addresses")
        query = sa.select(site_page.c.source, site_page.c.path, addresses)
        self._pages = connection.execute(query.order_by(*site_page.primary_key.columns)).all()
        table = source_item.c
        query = sa.select(table.source, table.key, table.left_out)
        query = query.where(table.article_id.is_(None))
        self._others = connection.execute(query.order_by(table.source, table.key)).all()

    @property
    def values(self) -> Any:
        return [[*map(tuple, self._pages)], [*map(tuple, self._others)]]

    def of(self, source: str, articles: Iterable[str]) -> resolution.KnownPages:
        """Return those of one source, whose articles have these files."""
        pages = {row.path: row.addresses for row in self._pages if row.source == source}
        patterns = json.loads(pages.pop(_PATTERNS, '["**"]'))
        others = {row.key: row.left_out for row in self._others if row.source == source}
        absent = {key for key, reason in others.items() if reason in _ABSENT}
        folders = {path.rpartition("/")[0] for path in articles}
        return resolution.KnownPages(
            (pages.keys() | others.keys()) - absent,
            [page for path in pages.keys() - absent for page in json.loads(pages[path])],
            folders,
            patterns,
        )


_RULES_VERSION = 3  # increase it when links of the same documents lead elsewhere: all are due
# The name in the build cache of what was known of all targets at the last decision.
_TARGETS_NAME = "links/targets"


def update_links(connection: sa.Connection, settings: Settings, now: datetime) -> None:
    """Decide again where links and old addresses lead, if any article or setting changed."""
    rules = web_files.hash_inputs(
        _RULES_VERSION,
        settings.publication.url,
        settings.publication.languages,
        [newsletter.name for newsletter in settings.newsletters],
        [
            (source.name, source.addresses, source.problem_actions)
            for source in settings.sources
        ],
    )
    stored = web_files.cached_hash(connection, link_store.LINKS_NAME) or ""
    decided, _mark, until = stored.partition(" ")
    if decided == rules and (not until or now.isoformat() < until):
        return
    _LinkUpdate(connection, settings, now).run(rules)
    query = sa.select(sa.func.min(article.c.available_at))
    is_to_come = (article.c.available_at > now) & (article.c.status == ArticleStatus.READY)
    embargo = connection.execute(query.where(is_to_come)).scalar()
    until = embargo.isoformat() if embargo else ""
    web_files.store_hash(connection, link_store.LINKS_NAME, f"{rules} {until}")


def _row_key(row: sa.Row[Any], place: str) -> dict[str, Any]:
    return {"of_article": row.article_id, "at_place": place}


class _LinkUpdate:
    """One decision about all links, in one transaction."""

    def __init__(self, connection: sa.Connection, settings: Settings, now: datetime) -> None:
        self._connection = connection
        self._settings = settings
        self._languages = settings.publication.languages
        self._versions = article_links.visible_versions(connection, self._languages, now)
        query = sa.select(article.c.id, article.c.story_id, article.c.language, story.c.slug)
        self._articles = {row.id: row for row in connection.execute(query.join(story))}
        self._items = connection.execute(
            sa.select(source_item.c.source, source_item.c.key, source_item.c.article_id)
            .where(source_item.c.article_id.is_not(None))
            .order_by(source_item.c.source, source_item.c.key)
        ).all()
        # The sources whose addresses are kept, and the names in addresses of the publication's own.
        self._kept = {entry.name for entry in settings.sources if entry.addresses == "keep"}
        names = [newsletter.name for newsletter in settings.newsletters]
        self._own = {"languages": self._languages, "newsletters": names}
        self._pages = StoredPages(connection)
        self._outside = resolution.OutsideLinks(
            settings.publication.url, **self._own, pages_of=cache(self._pages_of)
        )
        self._sources = {row.article_id: row.source for row in self._items}
        # A conversion has no document: it has the source of its story.
        self._story_sources = {
            self._articles[number].story_id: source for number, source in self._sources.items()
        }
        self._problems: defaultdict[int, list[ArticleProblem]] = defaultdict(list)

    def run(self, rules: str) -> None:
        table = article_address.c
        order = (table.is_current.desc(), table.article_id, table.path)
        query = sa.select(article_address).order_by(*order)
        addresses = self._connection.execute(query).all()
        known = self._targets_hash(rules, addresses)
        same = web_files.cached_hash(self._connection, _TARGETS_NAME) == known
        is_new = article_link.c.href.is_(None) | article_link.c.problem.is_not(None)
        self._update_links(addresses, is_new if same else sa.true(), keep=same)
        web_files.store_hash(self._connection, _TARGETS_NAME, known)
        self._update_addresses(addresses)
        self._update_files()
        self._store_problems()

    # Links

    def _targets_hash(self, rules: str, addresses: Iterable[sa.Row[Any]]) -> str:
        """Return a hash of all on which it depends where links lead, but the links themselves."""
        paths = [(row.article_id, row.path, row.is_current) for row in addresses]
        articles, versions = sorted(map(tuple, self._articles.values())), self._versions
        items = [*map(tuple, self._items)]
        return web_files.hash_inputs(
            rules, items, paths, articles, sorted(versions.items()), self._pages.values
        )

    def _update_links(
        self, addresses: Iterable[sa.Row[Any]], is_due: sa.ColumnElement[bool], *, keep: bool
    ) -> None:
        """Decide the links that are due; with `keep`, those with a problem keep what they have."""
        known = cache(lambda: self._known(addresses))
        changed: list[dict[str, Any]] = []
        for row in self._connection.execute(sa.select(article_link).where(is_due)):
            if keep and row.problem:
                self._add_problem(row, row.problem)
                continue
            one = self._articles[row.article_id]
            origin = resolution.LinkOrigin(
                self._story_sources.get(one.story_id, ""), row.site_url
            )
            target = internal_links.target_of(row.target)
            means = known().find(target, origin)
            if means is None:
                href, language = resolution.outside_address(target, row.site_url), None
            else:
                destination = self._destination(one, means)
                href = destination.href if destination else None
                language = destination.language if destination else None
            problem = self._problem(row, target, origin, means, href)
            if problem:
                self._add_problem(row, problem)
            values = {"means": means, "href": href, "language": language, "problem": problem}
            if any(getattr(row, name) != value for name, value in values.items()):
                changed.append(_row_key(row, row.target) | values)
        self._update_rows(article_link, article_link.c.target, changed)
        for some in chunks(sorted({row["of_article"] for row in changed})):
            self._write_texts(some)

    def _problem(
        self,
        row: sa.Row[Any],
        target: internal_links.LinkTarget,
        origin: resolution.LinkOrigin,
        means: int | None,
        href: str | None,
    ) -> str | None:
        if means is None and row.left_out:
            return ProblemKind.UNCOPIED_FILE.value
        if href is None:
            # Without the address of the site, a page of it can't be linked.
            is_there = not means and self._pages_of(origin.source).has(
                target, "/", is_file=False
            )
            return (ProblemKind.REMOVED_LINK if is_there else ProblemKind.BROKEN_LINK).value
        found = None if means else self._outside.problem(row.written, target, href, origin)
        return found.value if found else None

    def _add_problem(self, row: sa.Row[Any], kind: str) -> None:
        is_file = kind == ProblemKind.UNCOPIED_FILE
        what = f"{row.written}: {row.left_out}" if is_file else row.written
        self._problems[row.article_id].append(ArticleProblem(ProblemKind(kind), row.line, what))

    def _pages_of(self, source: str) -> resolution.KnownPages:
        return self._pages.of(source, (row.key for row in self._items if row.source == source))

    def _known(self, addresses: Iterable[sa.Row[Any]]) -> resolution.KnownTargets:
        articles = self._articles.values()
        pages = ((urls.article_path(row.language, row.slug), row.id) for row in articles)
        return resolution.KnownTargets(
            [tuple(row) for row in self._items],
            [*((row.path, row.article_id) for row in addresses), *pages],
            {row.id: row.story_id for row in articles},
        )

    def _destination(self, one: Any, means: int) -> internal_links.LinkDestination | None:
        story_id = self._articles[means].story_id
        versions = self._versions.get(story_id, [])
        chosen: article_links.StoryVersion | None = article_links.choose_version(
            versions, means, one.language, own_story=story_id == one.story_id
        )
        return article_links.destination_in(chosen, one.language) if chosen else None

    def _update_rows(
        self, table: sa.Table, place: sa.ColumnElement[str], changed: list[dict[str, Any]]
    ) -> None:
        """Store what changed of rows that have an article, and a place in it."""
        if changed:
            is_row = (table.c.article_id == sa.bindparam("of_article")) & (
                place == sa.bindparam("at_place")
            )
            self._connection.execute(sa.update(table).where(is_row), changed)

    def _write_texts(self, ids: Iterable[int]) -> None:
        destinations: defaultdict[int, dict[str, internal_links.LinkDestination]] = defaultdict(
            dict
        )
        link = article_link.c
        links = sa.select(article_link).where(link.article_id.in_(ids), link.href.is_not(None))
        for row in self._connection.execute(links):
            found = internal_links.LinkDestination(row.href, row.language)
            destinations[row.article_id][row.target] = found
        own = article.c
        texts = sa.select(own.id, own.linked_html).where(own.id.in_(ids))
        texts = texts.where(own.linked_html.is_not(None))
        for number, linked in self._connection.execute(texts).all():
            html = internal_links.replace_links(linked, destinations[number].get)
            text = sa.update(article).where(article.c.id == number)
            self._connection.execute(text.values({"html": html, **NEEDS_PUBLISHING}))

    # Old addresses

    def _update_addresses(self, addresses: Iterable[sa.Row[Any]]) -> None:
        owners, lost = link_store.choose_owners(
            link_store.OldAddress(
                row.article_id,
                self._articles[row.article_id].story_id,
                row.path,
                row.is_current,
                self._order(self._articles[row.article_id].language, row.path),
            )
            for row in addresses
            if self._sources.get(row.article_id) in self._kept
        )
        for address in lost:
            self._add_lost_address(
                address.article_id, address.path, "another article stands there"
            )
        changed = []
        for row in addresses:
            owner = owners.get(row.path)
            leads_to, reason = None, ""
            if owner and owner.article_id == row.article_id:
                leads_to, reason = self._leads_to(owner)
            self._add_lost_address(row.article_id, row.path, reason)
            if leads_to != row.leads_to:
                changed.append(_row_key(row, row.path) | {"leads_to": leads_to})
        self._update_rows(article_address, article_address.c.path, changed)

    def _order(self, language: str, path: str) -> int:
        """Return the place of an article's language among those that share an address: its own is first."""
        languages, first = self._languages, path.strip("/").partition("/")[0]
        if is_language_code(first) and tag_of(first) == language:
            return -1
        return languages.index(language) if language in languages else len(languages)

    def _leads_to(self, owner: link_store.OldAddress) -> tuple[str | None, str]:
        """Return the address of the article's page, None if it has none; and what is wrong."""
        publication = self._settings.publication
        path, reason = link_store.path_below_root(owner.path, publication.url, self._own)
        if path is None:
            return None, reason if owner.is_current else ""
        for version in self._versions.get(owner.story_id, ()):
            if version.id == owner.article_id:
                page = urls.article_path(version.language, version.slug)
                return version.url or urls.public_url(publication, page), ""
        return None, ""

    def _update_files(self) -> None:
        """Decide where copies of linked files stand: at their old addresses, if these are kept."""
        table = article_file.c
        changed = []
        query = sa.select(article_file).order_by(table.path, table.article_id)
        for row in self._connection.execute(query):
            place, reason = None, ""
            if self._sources.get(row.article_id) in self._kept:
                place, reason = link_store.path_below_root(
                    row.path, self._settings.publication.url, self._own
                )
            self._add_lost_address(row.article_id, row.path, reason)
            if place != row.place:
                changed.append(_row_key(row, row.path) | {"place": place})
        self._update_rows(article_file, table.path, changed)

    # Problems

    def _add_lost_address(self, article_id: int, path: str, reason: str) -> None:
        """Note why an article can't keep an address; nothing without a reason."""
        if reason:
            problem = ArticleProblem(ProblemKind.LOST_ADDRESS, None, f"{path}: {reason}")
            self._problems[article_id].append(problem)

    def _store_problems(self) -> None:
        actions = {source.name: source.action_of for source in self._settings.sources}
        found = [
            (item.source, item.key, self._problems[item.article_id])
            for item in self._items
            if item.source in actions and item.article_id in self._problems
        ]
        save_link_problems(self._connection, found, actions)
