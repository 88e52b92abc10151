"""The kind `feed`: one document, asked for by its validators; older ones where its window has moved away."""

from dataclasses import replace
from http import HTTPStatus

from publisher.errors import PublisherError
from publisher.polling import schedule
from publisher.polling.asking import Asking, PollOutcome
from publisher.polling.identity import overlaps
from publisher.polling.model import WebEntry, WebFeed
from publisher.polling.push import named_hub

_MAX_FOLLOWED = 20  # documents with older entries that are read after a pause
_ACCEPT = {
    "Accept": "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9, "
    "application/json;q=0.8, application/xml;q=0.8, text/xml;q=0.8, */*;q=0.1"
}


def ask_feed(asking: Asking, url: str = "") -> PollOutcome:
    """Ask for the feed of a source, or for the one at `url` in its place."""
    state = asking.source.state
    conditions = schedule.conditional_headers(state, asking.now)
    answer, body = asking.get(url or state.url, _ACCEPT | conditions)
    is_same = answer.body_hash == state.body_hash
    if answer.status != HTTPStatus.OK or is_same:
        return PollOutcome(asking.source, answer)
    try:
        feed = _parsed(asking, answer, body)
    except PublisherError as error:
        unread = replace(answer, is_readable=False, problem=str(error))
        return PollOutcome(asking.source, unread)
    interval = schedule.interval_of(feed, asking.now)
    entries, note = _with_older(asking, feed, url or state.url)
    if asking.options.reads_pages:
        from publisher.polling.article_pages import with_page_texts  # few sources want them

        entries, missing = with_page_texts(asking, entries)
        note = "; ".join(filter(None, (note, missing)))
    answer = replace(answer, interval=interval, skipped=feed.skipped)
    hub = named_hub(answer.headers, feed.hub, feed.topic)
    return PollOutcome(asking.source, answer, entries, note, hub=hub)


def _parsed(asking: Asking, answer: schedule.PollAnswer, body: bytes) -> WebFeed:
    from publisher.polling.feed_reader import read_feed  # loads parsers, for their process

    kind = answer.headers.get("Content-Type", "")
    feed: WebFeed = asking.parse(read_feed, body, answer.url, kind)
    return feed


def _with_older(asking: Asking, feed: WebFeed, url: str) -> tuple[tuple[WebEntry, ...], str]:
    """Return the entries, with older ones where none of these was there before; and what may be missing."""
    note = f"{feed.left_out} of its entries are too many" if feed.left_out else ""
    if asking.source.first_read_at is None or not feed.entries:
        return feed.entries, note
    known = asking.known()
    entries, seen = list(feed.entries), {url}
    while not overlaps(entries, known) and len(seen) <= _MAX_FOLLOWED:
        if not feed.following or feed.following in seen:
            return tuple(entries), "none of its entries was there before: some may be missing"
        seen.add(feed.following)
        try:
            feed = _parsed(asking, *asking.get(feed.following, _ACCEPT))
        except PublisherError as error:
            return tuple(entries), f"older entries can't be read: {error}"
        entries += feed.entries
    return tuple(entries), note
