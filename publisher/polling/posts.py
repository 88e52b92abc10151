"""Sites that list their posts by an API: how far the lists were read, what has changed since, and what is gone.

Lists are read page by page, the last change at the end. A post that is edited meanwhile moves there, and one behind it
slides onto a page that was read: so a list of several pages is read twice.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from publisher.errors import PublisherError
from publisher.polling.asking import Asking, PollOutcome
from publisher.polling.model import AnswerError, WebEntry, WebFeed
from publisher.polling.schedule import SHORTEST_INTERVAL, PollAnswer, interval_of

# Posts of a page, as many as WordPress and Ghost give at most; and pages of a list that one poll reads.
PAGE_SIZE, _MOST_PAGES = 100, 10
# Before the last change that was seen: sites compare in their own time, and publish late what was planned.
_OVERLAP = timedelta(hours=26)
_SWEEP_AFTER = timedelta(hours=23)  # what is gone is noticed within a day

Query = Mapping[str, str]


# Posts of a page, maybe fewer than asked for or none; and whether it is the last. As translations, posts name ids of
# entries, without languages. Those that not everybody may read are expired.
PostPage = tuple[tuple[WebEntry, ...], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class PostApi:
    """The lists of a site: the last published post first, or by name those that end with the last change.

    `prefix` is what ids of entries have before those of posts. A query with `only_ids` shows these alone.
    """

    prefix: str
    newest: Query
    only_ids: Query
    changed: Callable[[datetime], Mapping[str, Query]]
    chosen: Callable[[Sequence[str]], Query]
    read: Callable[[Query, int], PostPage]


def ask_posts(asking: Asking, api: PostApi, cursor: dict[str, Any]) -> PollOutcome:
    """Read what has changed since the last poll, at the first the newest; and once a day, what is gone."""
    posts, pages = dict[str, WebEntry](), dict[str, int]()
    if "since" in cursor:
        since = datetime.fromisoformat(cursor["since"]) - _OVERLAP
        for name, query in api.changed(since).items():
            pages[name] = _read_list(api, query, cursor["pages"].get(name, 1), posts)
    else:
        _read_newest(api, asking.now - asking.options.backfill, posts)
    times = [one.updated for one in posts.values() if one.updated]
    is_whole = max(pages.values(), default=1) == 1
    if times and is_whole:
        cursor["since"] = min(max(times), asking.now).isoformat()
    _add_translations(api, posts)
    entries = {name: _linked(one, posts) for name, one in posts.items()}
    closed = sum(one.expired for one in entries.values())
    notes = [f"{closed} of its posts are not for everybody, and left out"] if closed else []
    notes += _sweep(asking, api, cursor, entries)
    shown = tuple(entries.values())
    said = hashlib.sha256(repr(shown).encode("utf-8", "surrogatepass")).hexdigest()
    # Of changes: somebody may edit a post of long ago.
    feed = WebFeed(entries=tuple(WebEntry(published=time) for time in times))
    own = interval_of(feed, asking.now) if times else None
    answer = PollAnswer(200, {}, said, interval=own if is_whole else SHORTEST_INTERVAL)
    new = () if said == asking.source.state.body_hash else shown
    saved = json.dumps({**cursor, "pages": pages})
    return PollOutcome(asking.source, answer, new, "; ".join(notes), cursor=saved)


def _pages(api: PostApi, query: Query, first: int = 1) -> Iterator[PostPage]:
    for number in range(first, first + _MOST_PAGES):
        posts, is_last = api.read(query, number)
        yield posts, is_last
        if is_last:
            return


def _read_newest(api: PostApi, since: datetime, posts: dict[str, WebEntry]) -> None:
    """Add the first page, and the following ones as far as they were published since an instant."""
    for page, _is_last in _pages(api, api.newest):
        posts |= {one.id: one for one in page}
        if any((one.published or since) <= since for one in page):
            return


def _read_list(api: PostApi, query: Query, first: int, posts: dict[str, WebEntry]) -> int:
    """Add the posts of a list; return at which page the next poll goes on, 1 if it has come to the end."""
    pages = [*_pages(api, query, first)]
    is_whole = pages[-1][1]
    if len(pages) > 1:
        pages += _pages(api, query, first)
    posts |= {one.id: one for page, _is_last in pages for one in page}
    # The last page once more, for what slides onto it.
    return 1 if is_whole else first + _MOST_PAGES - 1


def _add_translations(api: PostApi, posts: dict[str, WebEntry]) -> None:
    """Add the translations of posts: an old one does not change when another language comes."""
    named = {name for one in posts.values() for _tag, name in one.translations}
    missing = [one.removeprefix(api.prefix) for one in sorted(named - posts.keys())[:PAGE_SIZE]]
    for page, _is_last in _pages(api, api.chosen(missing)) if missing else ():
        posts |= {one.id: one for one in page if one.id in named}


def _linked(post: WebEntry, posts: Mapping[str, WebEntry]) -> WebEntry:
    names = [name for _tag, name in post.translations if name in posts and name != post.id]
    others = [posts[name] for name in names if not posts[name].expired]
    return replace(post, translations=tuple((one.language, one.url) for one in others))


def is_sweep_due(cursor: Mapping[str, Any], now: datetime) -> bool:
    """Return whether a day has passed since the source was asked what is gone; true if it never was."""
    return (
        now - datetime.fromisoformat(cursor.get("swept", "2000-01-01T00:00Z")) >= _SWEEP_AFTER
    )


def _sweep(
    asking: Asking, api: PostApi, cursor: dict[str, Any], entries: dict[str, WebEntry]
) -> list[str]:
    """Add entries for posts that are gone, if it is time; return why it can't be told."""
    if not is_sweep_due(cursor, asking.now):
        return []
    ids = [one.entry_id for one in asking.known().values()]
    known = [one for one in ids if one.startswith(api.prefix)]
    there = set[str]()
    try:
        for start in range(0, len(known), PAGE_SIZE):
            some = [one.removeprefix(api.prefix) for one in known[start : start + PAGE_SIZE]]
            pages = [*_pages(api, {**api.chosen(some), **api.only_ids})]
            there |= {one.id for page, _is_last in pages for one in page}
            if not pages[-1][1]:
                raise AnswerError("the list does not end")
        if len(known) > 1 and not there:
            raise AnswerError("all of them are missing")
    except PublisherError as error:
        return [f"which posts are gone can't be told: {error}"]
    entries |= {one: WebEntry(id=one, expired=True) for one in known if one not in there}
    cursor["swept"] = asking.now.isoformat()
    return []
