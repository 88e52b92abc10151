"""List the articles of a publication, and the files that could not be read."""

from __future__ import annotations

from dataclasses import dataclass

from publisher.articles import store
from publisher.articles.model import Article
from publisher.database import Database
from publisher.ingest.quarantine import quarantined_items

# What callers import, with the values of other packages that they get.
__all__ = ["Article", "StoredArticles", "list_articles"]


@dataclass(frozen=True, slots=True)
class StoredArticles:
    """All articles, story by story; and path and reason of each file in quarantine."""

    articles: list[Article]
    quarantine: list[tuple[str, str]]


def list_articles(database: Database) -> StoredArticles:
    """Return what picking up has stored."""
    with database.reading() as connection:
        return StoredArticles(
            list(store.all_articles(connection)), list(quarantined_items(connection))
        )
