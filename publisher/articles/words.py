"""What readers read of an article, as a hash: an article whose hash changes was corrected."""

from __future__ import annotations

import re
from dataclasses import asdict

from publisher.articles.model import Article
from publisher.articles.store import content_hash

_ALTERNATIVE_TEXT = re.compile(r'\balt="([^"]*)"')


def words_hash(one: Article) -> str:
    """Return a hash of an article's words; how they are marked up does not count."""
    return content_hash(
        {
            "title": one.title,
            "summary": one.summary,
            "text": one.text,
            "bylines": [asdict(byline) for byline in one.bylines],
            "translators": list(one.translators),
            "pictures": _ALTERNATIVE_TEXT.findall(one.html),
            "picture": one.picture.alt if one.picture else None,
            "files": [each.title for each in one.attachments],
        }
    )
