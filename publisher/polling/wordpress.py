"""The kind `wordpress`: the posts of a site by its REST API, or by its feed where the API is closed.

See https://developer.wordpress.org/rest-api/reference/posts/. Polylang and WPML add languages to it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from publisher.polling import foreign_values as foreign
from publisher.polling.asking import Asking, PollOutcome, RefusedError
from publisher.polling.discovery import read_front_page
from publisher.polling.feed import ask_feed
from publisher.polling.foreign_values import JsonObject, json_objects, json_text, web_address
from publisher.polling.identity import bare_link
from publisher.polling.model import AnswerError, WebAuthor, WebEntry
from publisher.polling.posts import PAGE_SIZE, PostApi, PostPage, Query, ask_posts, is_sweep_due
from publisher.polling.schedule import PollAnswer

_PREFIX = "wp:"
_JSON = {"Accept": "application/json"}
_CLOSED = frozenset({401, 403, 404})
_USUAL = {
    "per_page": str(PAGE_SIZE),
    "_embed": "author,wp:term,wp:featuredmedia",
    "_fields": "id,status,link,date_gmt,modified_gmt,title,excerpt,content,lang,translations,"
    "wpml_current_locale,wpml_translations,_links,_embedded",
}
_API_LINK = re.compile(r"<([^<>]+)>\s*;[^,]*https://api\.w\.org/")
_NEXT_LINK = re.compile(r";\s*rel=\"?next\b", re.IGNORECASE)
_GUID = re.compile(r"[?&]p=([0-9]+)$")  # as feeds of WordPress name a post

# Slugs of languages, their tags, and beginnings of their addresses.
Languages = tuple[tuple[str, str, str], ...]


def ask_wordpress(asking: Asking) -> PollOutcome:
    """Ask the API for posts; where it is closed, ask the feed."""
    cursor = json.loads(asking.source.state.cursor or "{}")
    why = ""
    for root in [cursor["root"]] if "root" in cursor else _roots(asking):
        try:
            languages = _languages(asking, root, cursor)
            api = PostApi(
                prefix=_PREFIX,
                newest={"orderby": "date", "order": "desc"},
                only_ids={"_fields": "id"},
                changed=_changed,
                chosen=lambda ids: {"include": ",".join(ids), "orderby": "id", "order": "asc"},
                read=partial(_read, asking, root, languages),
            )
            return ask_posts(asking, api, {**cursor, "root": root, "languages": languages})
        except RefusedError as error:
            if error.answer.status not in _CLOSED:
                raise
            why = f"its API answers {error.answer.status}"
        except AnswerError as error:
            why = f"its API can't be read ({error})"
    cursor.pop("root", None)
    return replace(_ask_feed_instead(asking, why), cursor=json.dumps(cursor))


def _roots(asking: Asking) -> list[str]:
    """Return where the API is: as the site names it, else where it may be."""
    site = asking.options.url.rstrip("/")
    answer, body = asking.get(asking.options.url, {"Accept": "text/html"})
    if named := _API_LINK.search(answer.headers.get("Link", "")):
        return [web_address(named[1], answer.url)]
    with suppress(AnswerError):
        if root := asking.parse(read_front_page, body, answer.url).api:
            return [root]
    return [f"{site}/wp-json/", f"{site}/?rest_route=/"]


def _ask_feed_instead(asking: Asking, why: str) -> PollOutcome:
    asked = ask_feed(asking, f"{asking.options.url.rstrip('/')}/feed/")
    named = ((one, _GUID.search(one.id)) for one in asked.entries)
    entries = (replace(one, id=_PREFIX + guid[1]) if guid else one for one, guid in named)
    note = f"{why}, so its feed is read, and what the site deletes stays"
    note += f"; {asked.note}" if asked.note else ""
    answer = replace(asked.answer, moved_to="")
    return replace(asked, answer=answer, entries=tuple(entries), note=note)


def posts_address(root: str, query: Query, page: int = 1) -> str:
    """Return where a page of a list is."""
    return _address(root, "wp/v2/posts", {**_USUAL, **query, "page": str(page)})


def _address(root: str, path: str, query: Query) -> str:
    joint = "&" if "?" in root else "?"
    return f"{root.rstrip('/')}/{path}{joint}{urlencode(query)}"


def _changed(since: datetime) -> Mapping[str, Query]:
    """Return two lists: a post that was planned comes without a change."""
    after = since.strftime("%Y-%m-%dT%H:%M:%S")
    names = {"modified": "modified_after", "date": "after"}
    return {name: {"orderby": name, "order": "asc", key: after} for name, key in names.items()}


def _read(asking: Asking, root: str, languages: Languages, query: Query, page: int) -> PostPage:
    answer, body = asking.get(posts_address(root, query, page), _JSON)
    if page > 1 and answer.status == HTTPStatus.BAD_REQUEST:
        return (), True  # rest_post_invalid_page_number
    if answer.status != HTTPStatus.OK:
        raise RefusedError(answer)
    posts = asking.parse(read_wordpress_posts, body, root, languages)
    return posts, not _goes_on(answer, page, bool(posts))


def _languages(asking: Asking, root: str, cursor: Mapping[str, Any]) -> Languages:
    """Return the languages of Polylang, asked for once a day; those of before where it does not answer."""
    if is_sweep_due(cursor, asking.now):
        answer, body = asking.get(_address(root, "pll/v1/languages", {}), _JSON)
        if answer.status == HTTPStatus.OK:
            languages: Languages = asking.parse(read_polylang_languages, body)
            return languages
    return cursor.get("languages", ())  # type: ignore[no-any-return]  # as stored


def _goes_on(answer: PollAnswer, page: int, has_posts: bool) -> bool:
    """Return whether a list has more pages. A page may lack posts that nobody may read."""
    total, link = answer.headers.get("X-WP-TotalPages", ""), answer.headers.get("Link")
    if total.isascii() and total.isdigit():
        return page < int(total[:9])
    return has_posts if link is None else bool(_NEXT_LINK.search(link))


# In the process of the parsers


def read_polylang_languages(body: bytes) -> Languages:
    """Read the answer of /pll/v1/languages; none where addresses do not tell the language."""
    read = [
        (json_text(one, "slug"), json_text(one, "w3c", "slug"), json_text(one, "home_url"))
        for one in json_objects({"": foreign.json_value(body)}, "")
    ]
    homes = {bare_link(home) for _slug, _tag, home in read}
    is_told = len(homes) == len(read) and not any("?" in home for home in homes)
    return tuple((slug, tag, f"{bare_link(home)}/") for slug, tag, home in read if is_told)


def read_wordpress_posts(body: bytes, root: str, languages: Languages) -> tuple[WebEntry, ...]:
    """Read a page of a list; raise AnswerError if it is none."""
    posts = foreign.json_value(body)
    if not isinstance(posts, list):
        raise AnswerError("this is JSON, but no list of posts")
    items = [one for one in json_objects({"": posts}, "") if json_text(one, "id")]
    return tuple(_post(one, root, languages) for one in items)


def _post(item: JsonObject, root: str, languages: Languages) -> WebEntry:
    published, updated = foreign.json_times(item, "date_gmt", "modified_gmt")
    html, summary = _rendered(item, "content"), _rendered(item, "excerpt")
    is_protected = any(one.get("protected") is True for one in json_objects(item, "content"))
    inside = next(iter(json_objects(item, "_embedded")), {})
    pictures = [
        json_text(one, "source_url") for one in json_objects(inside, "wp:featuredmedia")
    ]
    url = web_address(json_text(item, "link"), root)
    return WebEntry(
        id=_PREFIX + json_text(item, "id"),
        url=url,
        title=foreign.plain_title(_rendered(item, "title"), is_html=True),
        html=html or summary,
        summary=summary if html else "",
        published=published,
        updated=updated,
        language=_language(json_text(item, "lang", "wpml_current_locale"), url, languages),
        authors=tuple(_authors(inside)),
        topics=tuple(dict.fromkeys(_terms(inside, "category post_tag"))),
        picture=web_address("".join(pictures[:1]), root),
        translations=tuple(("", _PREFIX + number) for number in _translations(item)),
        expired=is_protected or json_text(item, "status") not in {"", "publish"},
    )


def _language(stated: str, url: str, languages: Languages) -> str:
    """Return the language that a post states by a slug, or that of the longest address that its own begins with."""
    slugs = {slug: tag for slug, tag, _start in languages}
    link = f"{bare_link(url)}/"
    starts = [(start, tag) for _slug, tag, start in languages if link.startswith(start)]
    return slugs.get(stated, stated) or max(starts, default=("", ""))[1]


def _rendered(item: JsonObject, key: str) -> str:
    return "".join(json_text(one, "rendered") for one in json_objects(item, key))


def _authors(inside: JsonObject) -> Iterator[WebAuthor]:
    """Yield the author, or those of Co-Authors Plus if they are several."""
    written = [json_text(one, "name") for one in json_objects(inside, "author")]
    several = [*_terms(inside, "author")]
    names = several if len(several) > 1 or not any(written) else written
    yield from (WebAuthor(name=name) for one in names if (name := foreign.person_name(one)))


def _terms(inside: JsonObject, taxonomies: str) -> Iterator[str]:
    groups = inside.get("wp:term")
    for group in groups if isinstance(groups, list) else ():
        for one in json_objects({"": group}, ""):
            is_meant = json_text(one, "taxonomy") in taxonomies.split()
            if is_meant and json_text(one, "slug") != "uncategorized":
                yield foreign.plain_title(json_text(one, "name"), is_html=True)


def _translations(item: JsonObject) -> Iterator[str]:
    """Yield the ids of Polylang Pro ({code: id}) and of WPML (objects in a list, or by locale)."""
    for key in ("translations", "wpml_translations"):
        given = item.get(key)
        listed = [*given.values()] if isinstance(given, dict) else given
        for one in listed if isinstance(listed, list) else ():
            number = json_text(one if isinstance(one, dict) else {"id": one}, "id")
            if number.isdigit():
                yield number
