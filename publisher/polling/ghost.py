"""The kind `ghost`: the posts of a site by its Content API, whose key is in each address, and is kept nowhere.

See https://docs.ghost.org/content-api/posts. Posts have no language: by custom, internal tags name it.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from publisher.errors import SourceError
from publisher.polling import foreign_values as foreign
from publisher.polling.asking import Asking, PollOutcome, RefusedError
from publisher.polling.foreign_values import JsonObject, json_objects, json_text
from publisher.polling.model import AnswerError, WebAuthor, WebEntry
from publisher.polling.posts import PAGE_SIZE, PostApi, PostPage, Query, ask_posts

_PREFIX = "ghost:"
_ACCEPT = {"Accept": "application/json", "Accept-Version": "v6.0"}
_USUAL = {"include": "tags,authors", "formats": "html", "limit": str(PAGE_SIZE)}
_PUBLIC = frozenset({"", "public"})


def ask_ghost(asking: Asking) -> PollOutcome:
    """Ask the Content API for posts. Raise SourceError without a key."""
    options: Any = asking.options
    if options.key not in asking.secrets:
        raise SourceError(f"the environment of the program has no {options.key}")
    usual = {**_USUAL, "key": asking.secrets[options.key].get_secret_value()}
    api = PostApi(
        prefix=_PREFIX,
        newest={"order": "published_at desc"},
        only_ids={"fields": "id"},
        changed=_changed,
        chosen=lambda ids: {"filter": f"id:[{','.join(ids)}]"},
        read=partial(_read, asking, usual, options.language_tags),
    )
    return ask_posts(asking, api, json.loads(asking.source.state.cursor or "{}"))


def _changed(since: datetime) -> Mapping[str, Query]:
    after = since.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"updated": {"order": "updated_at asc", "filter": f"updated_at:>'{after}'"}}


def _read(
    asking: Asking, usual: Query, tags: Mapping[str, str], query: Query, page: int
) -> PostPage:
    asked = urlencode({**usual, **query, "page": str(page)})
    site = asking.options.url.rstrip("/")
    answer, body = asking.get(f"{site}/ghost/api/content/posts/?{asked}", _ACCEPT)
    if answer.status != HTTPStatus.OK:
        raise RefusedError(answer)
    posts: PostPage = asking.parse(read_ghost_posts, body, site, tags)
    return posts


def read_ghost_posts(body: bytes, site: str, tags: Mapping[str, str]) -> PostPage:
    """Read a page of a list; `tags` are languages by slugs. Raise AnswerError if it is none."""
    shown = foreign.json_value(body)
    if not isinstance(shown, dict) or not isinstance(shown.get("posts"), list):
        raise AnswerError("this is JSON, but no list of posts")
    meta = next(iter(json_objects(shown, "meta")), {})
    pages = json_objects(meta, "pagination")
    items = [one for one in json_objects(shown, "posts") if json_text(one, "id")]
    posts = tuple(ghost_entry(one, site, tags) for one in items)
    return posts, not any(one.get("next") for one in pages)


def ghost_entry(item: JsonObject, site: str, languages: Mapping[str, str]) -> WebEntry:
    """Return a post as the Content API shows it, with tags and authors; `languages` are those of slugs of tags."""
    published, updated = foreign.json_times(item, "published_at", "updated_at")
    tags = json_objects(item, "tags")
    slugs = [json_text(one, "slug") for one in tags]
    public = [one for one in tags if json_text(one, "visibility") in _PUBLIC]
    topics = (foreign.plain_title(json_text(one, "name")) for one in public)
    people = json_objects(item, "authors")
    names = (foreign.person_name(json_text(one, "name")) for one in people)
    is_closed = item.get("access") is False or json_text(item, "visibility") not in _PUBLIC
    return WebEntry(
        id=_PREFIX + json_text(item, "id"),
        url=foreign.web_address(json_text(item, "url"), site),
        title=foreign.plain_title(json_text(item, "title")),
        html=json_text(item, "html"),
        summary=foreign.text_as_html(json_text(item, "custom_excerpt")),
        published=published,
        updated=updated,
        language=next((languages[one] for one in slugs if one in languages), ""),
        authors=tuple(WebAuthor(name=name) for name in names if name),
        topics=tuple(filter(None, topics)),
        picture=foreign.web_address(json_text(item, "feature_image"), site),
        expired=is_closed,
    )
