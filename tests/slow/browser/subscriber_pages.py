"""A publication with a subscriber, and how to open each of the subscriber's pages in a browser.

A page is added by one line in PAGES. `sample` knows the subscriber, and signs links. No checks.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import flask
import pytest
from playwright.sync_api import Page
from sqlalchemy import Connection

from publisher.app.operation.page_servers import open_web_state
from publisher.mail.signed_addresses import LinkKind, sign_link
from publisher.web.pages.application import create_app
from publisher.web.pages.responses import WebContext
from subscribers.address_change import request_address_change
from subscribers.model import JoinWish, Subscriber
from subscribers.pending_requests import insert_request, request_access
from subscribers.store import find_subscriber
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import number_of, subscribe
from tests.publisher.web.conftest import MovingClock
from tools.browser.chromium import press

LANGUAGES = ("en", "zh-Hant", "ar")
TITLES = {"en": "The week", "zh-Hant": "一週", "ar": "الأسبوع"}
ANN = "ann@example.com"
NEW = "ann@example.net"
# More than the stamp of a form to subscribe must be old.
MINUTE = timedelta(minutes=1)


@dataclass
class Sample:
    """A publication with a subscriber, and the application of its pages."""

    app: flask.Flask
    publication: PublicationFolder
    secret: str
    clock: MovingClock
    # The subscriber's, whatever her address is.
    number: int

    def token(self, kind: LinkKind, **signed: Any) -> str:
        return sign_link(self.secret, kind, self.number, **signed)

    def url(self, path: str) -> str:
        return f"{self.publication.settings.publication.url}/{path}"

    def person(self) -> Subscriber:
        with self.publication.database.reading() as connection:
            person = find_subscriber(connection, ANN)
        assert person is not None
        return person


@pytest.fixture
def sample(new_publication: Callable[..., PublicationFolder]) -> Iterator[Sample]:
    publication = new_publication(
        title={"en": "The Lantern", "zh-Hant": "燈籠", "ar": "الفانوس"},
        languages=list(LANGUAGES),
        newsletters=[
            {"title": TITLES},
            {"name": "daily", "title": TITLES, "schedule": "0 9 * * *"},
        ],
    )
    subscribe(publication, (ANN, "en"))
    number, clock = number_of(publication.database, ANN), MovingClock()
    with open_web_state(publication.settings) as state:
        context = WebContext(lambda: publication.settings, state, clock)
        yield Sample(create_app(context), publication, state.secret, clock, number)


Way = Callable[[Sample, Page, str], None]
# Stores what a link is about, and returns the number of the row.
Request = Callable[[Connection, Subscriber, str], int]


def by_link(page: str, kind: LinkKind, **signed: Any) -> Way:
    """Open a page by a signed link."""

    def way(sample: Sample, window: Page, language: str) -> None:
        window.goto(sample.url(f"{language}/{page}/?t={sample.token(kind, **signed)}"))

    return way


def by_new_link(page: str, kind: LinkKind, request: Request) -> Way:
    """Open a page by the link of a mail that the subscriber has just asked for."""

    def way(sample: Sample, window: Page, language: str) -> None:
        person = sample.person()
        with sample.publication.database.writing() as connection:
            number = request(connection, person, language)
        by_link(page, kind, number=number)(sample, window, language)

    return way


def at(path: str) -> Way:
    """Open a page by its path in a language."""

    def way(sample: Sample, window: Page, language: str) -> None:
        window.goto(sample.url(f"{language}/{path}"))

    return way


def then_open(way: Way, path: str) -> Way:
    """Open another page after the first, by its path in the language."""

    def opened(sample: Sample, window: Page, language: str) -> None:
        way(sample, window, language)
        at(path)(sample, window, language)

    return opened


def then_press(way: Way, selector: str = "main button") -> Way:
    """Press the first such button of a page."""

    def pressed(sample: Sample, window: Page, language: str) -> None:
        way(sample, window, language)
        press(window.locator(selector).first)

    return pressed


def then_fill(way: Way, **fields: str) -> Way:
    """Fill in fields of a page, by their ids, a minute later."""

    def filled(sample: Sample, window: Page, language: str) -> None:
        way(sample, window, language)
        for name, value in fields.items():
            window.fill(f"#{name}", value)
        sample.clock.instant += MINUTE

    return filled


def then_choose(way: Way, *selectors: str) -> Way:
    """Choose options of a page."""

    def chosen(sample: Sample, window: Page, language: str) -> None:
        way(sample, window, language)
        for selector in selectors:
            window.check(selector)

    return chosen


def _spoil_preferences(sample: Sample, window: Page, language: str) -> None:
    """Let a form hold what its page did not offer, as one does that was left open for long."""
    by_link("preferences", "preferences")(sample, window, language)
    window.evaluate(
        "document.querySelectorAll('#hour option, #timezone option, #language-1 option')"
        ".forEach((one) => { one.value = '99' })"
    )


def _undo_address(sample: Sample, window: Page, language: str) -> None:
    """Open the link that the old address got, after the new one confirmed."""
    ADDRESS_CHANGED(sample, window, language)
    by_link("address", "undo-address", number=1)(sample, window, language)


def _newsletter(connection: Connection, person: Subscriber, language: str) -> int:
    return insert_request(connection, person.id, JoinWish(("daily",), language), "digest", NOW)


def _access(connection: Connection, person: Subscriber, _language: str) -> int:
    return request_access(connection, person.id, "digest", NOW)


def _new_address(connection: Connection, person: Subscriber, _language: str) -> int:
    return request_address_change(connection, person, NEW, NOW)


SUBSCRIBE = at("subscribe/")
REQUESTED = then_press(
    then_choose(then_fill(SUBSCRIBE, email="bob@example.org"), "#newsletter")
)
CONFIRM = by_new_link("confirm", "confirm", _newsletter)
UNSUBSCRIBE = by_link("unsubscribe", "unsubscribe", newsletter="weekly")
LEFT = then_press(UNSUBSCRIBE)
PREFERENCES = by_link("preferences", "preferences")
DATA_LINK = by_new_link("data", "data", _access)
DATA = then_press(DATA_LINK)
ADDRESS = then_open(DATA, "address/")
ADDRESS_LINK = by_new_link("address", "address", _new_address)
ADDRESS_CHANGED = then_press(ADDRESS_LINK)
CODE_SENT = then_press(PREFERENCES, "button[value=access]")
PAGES: dict[str, Way] = {
    "unsubscribe": UNSUBSCRIBE,
    "unsubscribed": LEFT,
    "paused": then_press(UNSUBSCRIBE, "main button.quiet"),
    "undone": then_press(LEFT),
    "damaged link": at("unsubscribe/?t=x"),
    "preferences": PREFERENCES,
    "preferences with a mistake": then_press(_spoil_preferences, "button[value=save]"),
    "pause with a mistake": then_press(
        then_choose(PREFERENCES, "input[value=day]"), "button[value=pause]"
    ),
    "preferences after a code was sent": CODE_SENT,
    "preferences with a wrong code": then_press(
        then_fill(CODE_SENT, code="12"), "button[value=code]"
    ),
    "preferences without a link": at("preferences/"),
    "mailed links": at("preferences/link/"),
    "mailed links with a mistake": then_press(at("preferences/link/")),
    "own data without a session": at("data/"),
    "own data to open": DATA_LINK,
    "own data": DATA,
    "own data without the tick": then_press(DATA, "button[value=erase]"),
    "erased": then_press(then_choose(DATA, "#sure"), "button[value=erase]"),
    "change of address": ADDRESS,
    "change of address with a mistake": then_press(then_fill(ADDRESS, email="ann")),
    "change of address requested": then_press(then_fill(ADDRESS, email=NEW)),
    "new address to confirm": ADDRESS_LINK,
    "new address": ADDRESS_CHANGED,
    "new address to undo": _undo_address,
    "new address undone": then_press(_undo_address),
    "subscribe": SUBSCRIBE,
    "subscribe with a mistake": then_press(SUBSCRIBE),
    "requested": REQUESTED,
    "requested with a wrong code": then_press(then_fill(REQUESTED, code="12")),
    "confirm": CONFIRM,
    "confirmed": then_press(CONFIRM),
    "refused": then_press(CONFIRM, "main button.quiet"),
    "confirm without a link": at("confirm/"),
    "no such page": at("unsubscribe/nothing"),
}
