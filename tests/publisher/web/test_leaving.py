"""The page that unsubscribes, and what mail programs post to it: a table of answers."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from itsdangerous import URLSafeSerializer
from lxml import html
from sqlalchemy import Connection, insert, select, update

from publisher.clock import FixedClock
from publisher.database.retry_queue import queue_item as notice
from publisher.mail.signed_addresses import LinkKind, sign_link
from publisher.web.pages.application import create_app
from publisher.web.pages.responses import WebContext
from subscribers.model import SubscriberStatus
from subscribers.preferences import load_preferences
from subscribers.store import erase, find_subscriber
from subscribers.tables import subscriber, subscription
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.web.conftest import everything

ANN = "ann@example.org"
ONE_CLICK = b"List-Unsubscribe=One-Click"
URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'


@pytest.fixture
def context(context: WebContext, publication: PublicationFolder) -> WebContext:
    """With a subscriber of two newsletters."""
    with publication.database.writing() as connection:
        add(connection, ANN, "weekly", "daily")
    return context


def add(connection: Connection, address: str, *newsletters: str, **changes: Any) -> int:
    values = {"email": address, "address": address, "language": "en", "status": "active"}
    times = {"created_at": NOW, "updated_at": NOW}
    done = connection.execute(insert(subscriber).values(values | times | changes))
    (number,) = done.inserted_primary_key or (0,)
    for name in newsletters:
        row = {"subscriber_id": number, "newsletter": name, "status": "active"}
        connection.execute(insert(subscription).values(**row, source="import"))
    return int(number)


def address_of(
    context: WebContext, kind: LinkKind = "unsubscribe", language: str = "en", **signed: Any
) -> str:
    values = {"newsletter": "weekly"} | signed
    token = sign_link(context.secret, kind, values.pop("who", 1), **values)
    return f"/{language}/unsubscribe/?t={token}"


def newsletters(publication: PublicationFolder, address: str = ANN) -> tuple[str, ...]:
    with publication.database.reading() as connection:
        person = find_subscriber(connection, address)
    assert person is not None
    return person.newsletters if person.status is SubscriberStatus.ACTIVE else ()


def notices(publication: PublicationFolder) -> list[tuple[str, Any]]:
    return [(row["kind"], row["payload"]) for row in publication.rows(notice)]


def answer(response: Any) -> tuple[int, bytes, str | None]:
    assert "Set-Cookie" not in response.headers
    return response.status_code, response.data, response.headers.get("Location")


OK = (200, b"OK\n", None)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (ONE_CLICK, URLENCODED),
        (MULTIPART, "multipart/form-data; boundary=x"),
        (ONE_CLICK, "multipart/form-data; boundary=x"),
        (b"\xff\x00 not a form", "multipart/form-data"),
        (b"", None),
        (b"", URLENCODED),
        (ONE_CLICK, None),
        (b"{", "application/json"),
        (b"anything=else", URLENCODED),
        (ONE_CLICK, "text/plain; charset=utf-16"),
        (b"a=b&" * 20_000, URLENCODED),
    ],
)
def test_a_post_of_any_kind_unsubscribes(
    client: FlaskClient,
    context: WebContext,
    publication: PublicationFolder,
    body: bytes,
    content_type: str | None,
) -> None:
    address = address_of(context)
    assert answer(client.post(address, data=body, content_type=content_type)) == OK
    assert newsletters(publication) == ("daily",)
    before = everything(publication)
    assert answer(client.post(address, data=body, content_type=content_type)) == OK
    assert everything(publication) == before


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://mail.news.example.org", "Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Cookie": "session=1", "Authorization": "Basic eDp5"},
        {"Accept": "application/json"},
    ],
)
def test_no_field_of_a_post_keeps_it_from_unsubscribing(
    client: FlaskClient,
    context: WebContext,
    publication: PublicationFolder,
    headers: dict[str, str],
) -> None:
    assert answer(client.post(address_of(context), data=ONE_CLICK, headers=headers)) == OK
    assert newsletters(publication) == ("daily",)


def test_tokens_that_name_nobody_get_the_same_answer(
    client: FlaskClient, context: WebContext, publication: PublicationFolder
) -> None:
    with publication.database.writing() as connection:
        add(connection, "bob@example.org", "weekly")
        erase(connection, "bob@example.org", lambda _identity: "digest", NOW)
    before = everything(publication)
    known = address_of(context)
    flipped = known[:-1] + ("A" if known[-1] != "A" else "B")
    for address in (
        address_of(context, who=2),
        address_of(context, who=99),
        flipped,
        f"{known}x",
        address_of(context, "preferences"),
        address_of(context, "undo", number=1),
        "/en/unsubscribe/?t=",
        "/en/unsubscribe/",
        "/en/unsubscribe/?t=%ff%00",
        f"/en/unsubscribe/?t={'x' * 5000}",
    ):
        assert answer(client.post(address, data=ONE_CLICK)) == OK
        assert everything(publication) == before
    assert answer(client.post(known, data=ONE_CLICK)) == OK
    assert newsletters(publication) == ("daily",)


def test_a_link_of_another_version_does_nothing_and_one_in_a_language_that_was_given_up_unsubscribes(
    client: FlaskClient, context: WebContext, publication: PublicationFolder
) -> None:
    former = URLSafeSerializer(context.secret, salt="unsubscribe").dumps([1, "daily"])
    assert answer(client.post(f"/en/unsubscribe/?t={former}", data=ONE_CLICK)) == OK
    assert newsletters(publication) == ("daily", "weekly")
    address = address_of(context, language="fr")
    assert 'lang="en"' in client.get(address).text
    assert answer(client.post(address, data=ONE_CLICK)) == OK
    assert newsletters(publication) == ("daily",)


def test_leaving_is_answered_by_a_mail_that_can_undo_it(
    client: FlaskClient, context: WebContext, publication: PublicationFolder
) -> None:
    for _ in range(2):
        client.post(address_of(context), data=ONE_CLICK)
    ((kind, content),) = notices(publication)
    assert (kind, content["newsletters"]) == ("goodbye", ["weekly"])
    address = address_of(context, "undo", number=content["number"], newsletter="")
    page = client.get(address)
    assert page.status_code == 200
    assert newsletters(publication) == ("daily",)
    assert answer(client.post(address, data=b""))[0] == 200  # not pressed: a mail program
    assert newsletters(publication) == ("daily",)
    pressed = form_of(page.text, "Undo")
    assert client.post(f"/en/unsubscribe/{pressed}").status_code == 200
    assert newsletters(publication) == ("daily", "weekly")


def form_of(page: str, label: str) -> str:
    """Return the address that the form with a button posts to."""
    forms = html.document_fromstring(page).cssselect("form")
    (found,) = [one for one in forms if label in str(one.xpath("string()"))]
    assert found.get("method") == "post"
    return str(found.get("action"))


def test_the_page_names_what_the_button_ends(client: FlaskClient, context: WebContext) -> None:
    page = html.document_fromstring(client.get(address_of(context)).text)
    text = str(page.cssselect("main")[0].xpath("string()"))
    assert "a•••@example.org" in text
    assert ANN not in text
    assert len(page.cssselect("main button:not(.quiet)")) == 1
    assert not page.cssselect("script")
    assert {link.get("hreflang") for link in page.cssselect("nav a")} == {"zh-Hant", "ar"}
    token = address_of(context).partition("?")[2]
    assert all(str(link.get("href")).endswith(f"?{token}") for link in page.cssselect("nav a"))


@pytest.mark.parametrize(
    ("button", "gets", "told"),
    [("Unsubscribe from The", ("daily",), ["weekly"]), ("everything", (), [])],
)
def test_a_person_leaves_and_undoes_it_on_the_same_page(
    client: FlaskClient,
    context: WebContext,
    publication: PublicationFolder,
    button: str,
    gets: tuple[str, ...],
    told: list[str],
) -> None:
    page = client.get(address_of(context)).text
    left = client.post(f"/en/unsubscribe/{form_of(page, button)}")
    assert answer(left)[::2] == (200, None)
    assert html.document_fromstring(left.text).cssselect("[role=status]")
    assert newsletters(publication) == gets
    assert notices(publication)[0][1]["newsletters"] == told
    undone = client.post(f"/en/unsubscribe/{form_of(left.text, 'Undo')}")
    assert html.document_fromstring(undone.text).cssselect("[role=status]")
    assert newsletters(publication) == ("daily", "weekly")
    # The mail about it says nothing any more.
    assert notices(publication) == [("goodbye", {})]


def test_a_person_pauses_instead(
    client: FlaskClient, context: WebContext, publication: PublicationFolder
) -> None:
    page = client.get(address_of(context)).text
    paused = client.post(f"/en/unsubscribe/{form_of(page, 'Pause')}")
    assert "February 8, 2026" in paused.text
    assert newsletters(publication) == ("daily", "weekly")
    with publication.database.reading() as connection:
        chosen = load_preferences(connection, 1)
    assert chosen.paused_until == NOW + timedelta(days=30)
    assert notices(publication) == []
    # Who comes again sees why no mail arrives.
    assert (
        "Your mails pause until <bdi>February 8, 2026</bdi>"
        in client.get(address_of(context)).text
    )


def test_the_page_offers_to_undo_for_an_hour_and_the_mail_for_a_month(
    context: WebContext, publication: PublicationFolder
) -> None:
    def client_at(after: timedelta) -> FlaskClient:
        app = create_app(at(context, after))
        client = app.test_client()
        client.environ_base["HTTP_HOST"] = publication.settings.publication.host
        return client

    client_at(timedelta()).post(address_of(context), data=ONE_CLICK)
    undo = address_of(context, "undo", number=notices(publication)[0][1]["number"])
    assert "do=undo" in client_at(timedelta(hours=1)).get(address_of(context)).text
    assert "do=undo" not in client_at(timedelta(hours=2)).get(address_of(context)).text
    late = client_at(timedelta(days=31)).post(f"{undo}&do=undo")
    assert "undone any more" in late.text
    assert newsletters(publication) == ("daily",)
    client_at(timedelta(days=30)).post(f"{undo}&do=undo")
    assert newsletters(publication) == ("daily", "weekly")


def at(context: WebContext, after: timedelta) -> WebContext:
    return replace(context, clock=FixedClock(NOW + after))


def test_a_link_of_an_earlier_generation_unsubscribes_and_shows_nothing_of_the_subscriber(
    client: FlaskClient, context: WebContext, publication: PublicationFolder
) -> None:
    with publication.database.writing() as connection:
        connection.execute(update(subscriber).values(generation=1))
    page = client.get(address_of(context)).text
    assert "example.org" not in page.replace("news.example.org", "")
    assert "preferences/?t=" not in page
    assert answer(client.post(address_of(context), data=ONE_CLICK)) == OK
    assert newsletters(publication) == ("daily",)
    number = notices(publication)[0][1]["number"]
    client.post(f"{address_of(context, 'undo', number=number)}&do=undo")
    assert newsletters(publication) == ("daily",)


def test_nobody_who_gets_nothing_gets_a_goodbye(
    client: FlaskClient, context: WebContext, publication: PublicationFolder
) -> None:
    with publication.database.writing() as connection:
        for status in ("pending", "bounced", "complained"):
            add(connection, f"{status}@example.org", "weekly", status=status)
        ids = connection.execute(select(subscriber.c.id).where(subscriber.c.id > 1)).scalars()
        others = list(ids)
    for number in others:
        client.post(address_of(context, who=number), data=ONE_CLICK)
    client.post(address_of(context, newsletter="never-subscribed"), data=ONE_CLICK)
    assert notices(publication) == []


def test_a_damaged_link_and_a_button_that_is_not_there_change_nothing(
    client: FlaskClient, context: WebContext, publication: PublicationFolder
) -> None:
    before = everything(publication)
    for language in ("en", "ar"):
        response = client.get(f"{address_of(context, language=language)}x")
        page = html.document_fromstring(response.text)
        assert (response.status_code, page.get("lang")) == (404, language)
        # It says what to do.
        assert page.cssselect("main a[href^='mailto:']")
        assert not page.cssselect("form")
    assert client.post(f"{address_of(context)}&do=erase").status_code == 400
    assert everything(publication) == before
