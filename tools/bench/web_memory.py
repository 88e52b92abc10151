"""Memory of `publisher web` while clients ask for every kind of page, again and again."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import cycle
from urllib.parse import urlencode

from rich.table import Table

from publisher.config import Settings
from publisher.mail.signed_addresses import sign_link
from publisher.testing import SECRET
from tools.bench.sizes import size
from tools.bench.web_server import Connection, running

REQUESTS = size(10_000, smallest=80, full=100_000)
_CLIENTS = 8
_LANGUAGES = ("en", "zh-Hans", "zh-Hant", "ar")


def measure_growth(table: Table, settings: Settings, subscribers: int) -> None:
    """Ask for all pages, in all languages, for one subscriber after the other."""
    with running(settings) as server, ThreadPoolExecutor(_CLIENTS) as pool:
        sizes = []
        for half in range(2):
            first = half * REQUESTS // 2
            parts = [
                range(first + client, first + REQUESTS // 2, _CLIENTS)
                for client in range(_CLIENTS)
            ]
            asked = [pool.submit(_ask_for_all, settings, part, subscribers) for part in parts]
            for one in asked:
                one.result()
            sizes.append(server.megabytes())
        table.add_row(
            f"memory after {REQUESTS:,} requests, all pages (PSS)", f"{sizes[1]:.0f} MB"
        )
        table.add_row("  growth in the last half", f"{sizes[1] - sizes[0]:.1f} MB")
        table.add_row(
            "  processor time of a request",
            f"{server.processor_seconds() / REQUESTS * 1000:.1f} ms",
        )


def _ask_for_all(settings: Settings, numbers: range, subscribers: int) -> None:
    with closing(Connection(settings)) as connection:
        for number, language in zip(numbers, cycle(_LANGUAGES), strict=False):
            pages = [*_requests(language, number % subscribers + 1)]
            head, body = pages[number // _CLIENTS // len(_LANGUAGES) % len(pages)]
            status = connection.ask(f"{head} HTTP/1.1", body)
            if status >= 500:  # HTTP
                raise RuntimeError(f"{head} is answered with {status}")


def _requests(language: str, subscriber: int) -> Iterator[tuple[str, str]]:
    """Yield each kind of request: its first line and its form."""
    leave = sign_link(SECRET, "unsubscribe", subscriber, newsletter="weekly")
    own = sign_link(SECRET, "preferences", subscriber)
    feed = sign_link(SECRET, "feed", subscriber)
    choice = {"action": "save", "language-1": language, "newsletters": "weekly", "hour": "7"}
    yield f"GET /{language}/preferences/?t={own}", ""
    yield f"POST /{language}/preferences/?t={own}", urlencode(choice)
    yield f"GET /{language}/unsubscribe/?t={leave}", ""
    yield f"POST /{language}/unsubscribe/?t={leave}", "List-Unsubscribe=One-Click"
    yield f"GET /{language}/subscribe/", ""
    yield f"POST /{language}/subscribe/", urlencode({"email": f"new{subscriber}@example.org"})
    yield f"GET /{language}/confirm/?t={own}", ""
    yield f"GET /{language}/data/", ""
    yield f"GET /{language}/feeds/of/{feed}.rss", ""
    yield f"GET /{language}/preferences/", ""
    yield f"GET /{language}/nowhere/", ""
