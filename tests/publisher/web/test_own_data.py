"""The pages of a subscriber's data and address: sessions, erasing, confirming and undoing."""

import json
import re
from datetime import timedelta

import flask
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from publisher.clock import FixedClock
from publisher.database.retry_queue import queue_item as notice
from publisher.mail.signed_addresses import LinkKind, sign_link
from publisher.testing import SECRET
from publisher.web.pages.access import set_session_cookie
from subscribers.pending_requests import request_access
from subscribers.store import find_subscriber
from subscribers.tables import subscriber, subscriber_session
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import ready, send, subscribe
from tests.publisher.web.conftest import english_words
from tests.subscribers.leaving import unsubscribe

ANN, NEW = "ann@example.org", "ann@new.example"
OWN = {"Sec-Fetch-Site": "same-origin"}
# The second one names no request.
OTHER_KINDS: tuple[LinkKind, ...] = ("preferences", "address")


@pytest.fixture(autouse=True)
def ann(publication: PublicationFolder) -> None:
    """One subscriber, who got an issue."""
    subscribe(publication, (ANN, "en"))


@pytest.fixture
def link(publication: PublicationFolder) -> str:
    """The token of a mailed link."""
    with publication.database.writing() as connection:
        number = request_access(connection, 1, "digest", NOW)
    return sign_link(SECRET, "data", 1, number=number)


@pytest.fixture
def cookie(client: FlaskClient, link: str) -> str:
    return cookie_of(post(client, f"/en/data/?t={link}"))


def cookie_of(answer: TestResponse) -> str:
    assert answer.status_code == 303
    return answer.headers["Set-Cookie"].partition(";")[0]


def post(client: FlaskClient, path: str, cookie: str = "", **fields: str) -> TestResponse:
    headers = OWN | ({"Cookie": cookie} if cookie else {})
    return client.post(path, data=fields, headers=headers)


def get(client: FlaskClient, path: str, cookie: str = "") -> TestResponse:
    return client.get(path, headers={"Cookie": cookie} if cookie else {})


def token_of(publication: PublicationFolder, kind: str) -> int:
    with publication.database.reading() as connection:
        rows = connection.execute(select(notice.c.payload).where(notice.c.kind == kind))
        return int(rows.scalars().all()[-1]["number"])


# --- sessions


def test_a_link_shows_a_button_and_opens_one_session(client: FlaskClient, link: str) -> None:
    for _look in range(2):
        page = client.get(f"/ar/data/?t={link}")
        assert (page.status_code, "Set-Cookie" in page.headers) == (200, False)
        assert "example.org" not in page.text.replace("news.example.org", "")
    answer = post(client, f"/en/data/?t={link}")
    flags = answer.headers["Set-Cookie"].split("; ")[1:]
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=1800"} <= set(flags)
    assert answer.headers["Location"] == "/en/data/"
    assert client.get(f"/en/data/?t={link}").status_code == 410
    assert post(client, f"/en/data/?t={link}").status_code == 410


def test_a_form_of_another_site_opens_no_session(client: FlaskClient, link: str) -> None:
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}):
        assert client.post(f"/en/data/?t={link}", headers=headers).status_code == 403
    assert client.get(f"/en/data/?t={link}").status_code == 200


def test_a_cookie_that_somebody_planted_does_not_get_the_session(
    client: FlaskClient, publication: PublicationFolder, link: str
) -> None:
    planted = "__Host-session=chosen-by-somebody-else"
    fresh = cookie_of(post(client, f"/en/data/?t={link}", planted))
    assert fresh != planted
    assert get(client, "/en/data/", planted).status_code == 403
    assert get(client, "/en/data/", fresh).status_code == 200
    # The database has a hash of it only.
    (row,) = publication.rows(subscriber_session)
    assert fresh.partition("=")[2] not in str(row)
    assert re.fullmatch("[0-9a-f]{64}", row["digest"])


def test_without_a_session_nothing_is_shown_and_nothing_changes(
    client: FlaskClient, publication: PublicationFolder, cookie: str, app: flask.Flask
) -> None:
    for path in ("/en/data/", "/en/address/"):
        assert client.get(path).status_code == 403
    assert client.get("/en/data/subscriber.json").status_code == 303
    assert post(client, "/en/address/", email=NEW).headers["Location"] == "/en/address/"
    assert post(client, "/en/data/", action="erase", sure="yes").status_code == 303
    assert len(publication.rows(subscriber)) == 1
    # It ends after half an hour, or when one closes it.
    context = app.extensions["publisher"]
    for minutes, status in ((30, 403), (0, 200)):
        object.__setattr__(context, "clock", FixedClock(NOW + timedelta(minutes=minutes)))
        assert get(client, "/en/data/", cookie).status_code == status
    assert post(client, "/en/data/", cookie, action="close").status_code == 303
    assert get(client, "/en/data/", cookie).status_code == 403


def test_publications_below_paths_of_one_host_have_cookies_of_their_own(
    app: flask.Flask, publication: PublicationFolder
) -> None:
    def name(url: str) -> str:
        publication.reload(url=url)
        with app.app_context():
            answer = set_session_cookie(flask.Response(), publication.settings, "")
        return answer.headers["Set-Cookie"].partition("=")[0]

    names = [name(f"https://example.org{path}") for path in ("", "/one", "/two")]
    assert names[0] == "__Host-session"
    assert len(set(names)) == 3


# --- data


def test_the_page_and_the_file_show_what_is_stored(
    client: FlaskClient, publication: PublicationFolder, cookie: str
) -> None:
    ready(publication)
    send(publication)
    with publication.database.writing() as connection:
        unsubscribe(connection, ANN, "weekly", NOW)
    page = get(client, "/en/data/", cookie).text
    for words in (ANN, "The week", "January 9, 2026", "unsubscribed", "sent"):
        assert words in page
    file = get(client, "/en/data/subscriber.json", cookie)
    assert file.headers["Content-Disposition"] == 'attachment; filename="subscriber.json"'
    assert json.loads(file.data)["subscriber"]["address"] == ANN
    for language in ("zh-Hant", "ar"):
        assert english_words(get(client, f"/{language}/data/", cookie).text) == []


def test_erasing_needs_a_tick_and_leaves_nobody_and_no_mail(
    client: FlaskClient, publication: PublicationFolder, cookie: str
) -> None:
    unsure = post(client, "/en/data/", cookie, action="erase")
    assert (unsure.status_code, 'href="#sure"' in unsure.text) == (422, True)
    answer = post(client, "/en/data/", cookie, action="erase", sure="yes")
    assert "Everything about you is erased." in client.get(answer.headers["Location"]).text
    assert (publication.rows(subscriber), publication.rows(notice)) == ([], [])
    assert get(client, "/en/data/", cookie).status_code == 403


# --- address


def test_an_address_is_changed_by_three_buttons_and_undone_by_one(
    client: FlaskClient, publication: PublicationFolder, cookie: str
) -> None:
    answer = post(client, "/en/address/", cookie, email=NEW)
    assert answer.headers["Location"] == "/en/address/?done=sent"
    number = token_of(publication, "confirm-address")
    confirm = f"/en/address/?t={sign_link(SECRET, 'address', 1, number=number)}"
    undo = f"/ar/address/?t={sign_link(SECRET, 'undo-address', 1, generation=5, number=number)}"
    assert client.get(undo).status_code == 410
    for _look in range(2):
        assert "Yes, this is my address" in client.get(confirm).text
    assert find(publication, NEW) is None
    for _twice in range(2):
        assert post(client, confirm).headers["Location"] == confirm
    assert "now." in client.get(confirm).text
    assert find(publication, NEW) is not None
    # The session has ended together with the old links.
    assert get(client, "/en/address/", cookie).status_code == 403
    assert client.get(undo).status_code == 200
    for _twice in range(2):
        assert post(client, undo).status_code == 303
    assert (find(publication, ANN) is not None, find(publication, NEW)) == (True, None)
    assert client.get(confirm).status_code == 410


def find(publication: PublicationFolder, address: str) -> object:
    with publication.database.reading() as connection:
        return find_subscriber(connection, address)


def test_the_present_address_and_a_wrong_one_are_named(
    client: FlaskClient, cookie: str
) -> None:
    same = post(client, "/en/address/", cookie, email=ANN.upper()).headers["Location"]
    assert same == "/en/address/?done=same"
    assert "This is your address already." in get(client, same, cookie).text
    answer = post(client, "/en/address/", cookie, email="ann@@example")
    assert (answer.status_code, 'value="ann@@example"' in answer.text) == (422, True)
    for token in ("x", *(sign_link(SECRET, kind, 1) for kind in OTHER_KINDS)):
        assert post(client, f"/en/address/?t={token}").status_code == 410
        assert client.get(f"/en/address/?t={token}").status_code == 410
