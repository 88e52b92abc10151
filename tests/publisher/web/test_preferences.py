"""The page of preferences, and the one that mails the links: what they show, and what their buttons do."""

import gzip
import re
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from publisher.database.retry_queue import queue_item as notice
from publisher.mail.signed_addresses import sign_link
from publisher.testing import SECRET
from subscribers.changes import suppress
from subscribers.model import SubscriberStatus
from subscribers.preferences import Cadence, Preferences, TextLength, load_preferences
from subscribers.tables import subscriber, subscriber_event
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.web.conftest import english_words

ANN = "ann@example.org"
TOKEN = sign_link(SECRET, "preferences", 1)
PATH = f"/preferences/?t={TOKEN}"
LINK_PAGE = "/en/preferences/link/"


@pytest.fixture(autouse=True)
def ann(publication: PublicationFolder) -> None:
    """One subscriber of the weekly."""
    subscribe(publication, (ANN, "en"))


def press(client: FlaskClient, action: str, **fields: object) -> TestResponse:
    return client.post(f"/en{PATH}", data={"action": action} | fields)


def chosen(publication: PublicationFolder) -> Preferences:
    with publication.database.reading() as connection:
        return load_preferences(connection, 1)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_page_names_a_masked_address_is_small_has_no_script_and_sets_no_cookie(
    client: FlaskClient, language: str
) -> None:
    page = client.get(f"/{language}{PATH}")
    assert "a•••@example.org" in page.text
    assert ANN not in page.text
    assert not re.search(r"<script|style=|\son\w+=|https?://(?!news\.example\.org)", page.text)
    assert "Set-Cookie" not in page.headers
    assert page.headers["Cache-Control"] == "no-store"
    style = re.search(r'stylesheet" href="([^"]+)', page.text)
    assert style
    both = (page.data, client.get(style[1]).data)
    assert sum(len(gzip.compress(part)) for part in both) < 20_000
    assert sum(map(len, both)) < 50_000


def test_the_page_has_links_of_its_subscriber(client: FlaskClient) -> None:
    page = client.get(f"/ar{PATH}").text
    leave, feed = (sign_link(SECRET, kind, 1) for kind in ("unsubscribe", "feed"))
    links = (f"/preferences/?t={TOKEN}", f"/unsubscribe/?t={leave}", f"/feeds/of/{feed}.")
    assert [page.count(one) for one in links] == [2, 1, 3]


def test_a_form_is_saved_and_leads_back_to_the_page(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    fields = {
        "language-1": "ar",
        "language-2": "",
        "language-3": "en",
        "newsletters": "weekly",
        "cadence-weekly": "monthly",
        "hour": "7",
        "timezone": "Asia/Hong_Kong",
        "length": "full",
    }
    for _twice in range(2):
        answer = press(client, "save", **fields)
        assert answer.status_code == 303
        assert answer.headers["Location"] == f"/en{PATH}&done=saved"
    assert chosen(publication) == Preferences(
        languages=("ar", "en"),
        timezone="Asia/Hong_Kong",
        length=TextLength.FULL,
        machine_translations=False,
        hour=7,
        cadences={"weekly": Cadence.MONTHLY},
    )
    page = client.get(answer.headers["Location"]).text
    assert 'role="status">Your choice is saved.' in page
    assert '<option value="7" selected>' in page
    assert publication.rows(subscriber_event) == []
    none = press(client, "save", **{"language-1": "en"}).headers["Location"]
    page = client.get(none).text
    assert "Your choice is saved. You do not get any newsletter now." in page


def test_a_fault_is_shown_with_what_was_entered_and_nothing_is_stored(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    before = chosen(publication)
    answer = press(client, "save", hour="99", timezone="Asia/Hong_Kong", **{"language-1": "ar"})
    assert answer.status_code == 422
    assert "<title>Error: " in answer.text
    assert '<a href="#hour">' in answer.text
    assert '<option value="Asia/Hong_Kong" selected>' in answer.text
    assert chosen(publication) == before


def test_fields_that_the_form_does_not_have_are_ignored(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    strangers = {"status": "complained", "id": "2", "generation": "9", "email": "eve@x.org"}
    answer = press(client, "save", newsletters="weekly", **{"language-1": "en"} | strangers)
    assert answer.status_code == 303
    (row,) = publication.rows(subscriber)
    assert (row["status"], row["id"], row["generation"], row["email"]) == ("active", 1, 0, ANN)
    assert press(client, "promote").status_code == 400


def test_tokens_of_other_kinds_and_generations_lead_to_the_form_for_a_new_link(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    with publication.database.writing() as connection:
        connection.execute(update(subscriber).values(generation=1))
    others = [sign_link(SECRET, kind, 1, generation=1) for kind in ("unsubscribe", "data")]
    for token in (TOKEN, *others, "é", f"{TOKEN}x"):
        for answer in (
            client.get(f"/en/preferences/?t={quote(token)}"),
            client.post(f"/en/preferences/?t={quote(token)}", data={"action": "resume"}),
            client.post(f"/en/preferences/?t={quote(token)}", data={"action": "code"}),
        ):
            assert answer.status_code == 410
            assert f'action="{LINK_PAGE}"' in answer.text
            assert "example.org" not in answer.text.replace("news.example.org", "").replace(
                "ann@example.org", ""
            )


def test_a_link_for_another_language_shows_its_button_which_puts_it_first(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    # A mail's link leads to the page of its issue's language.
    moved = client.get(f"/en{PATH}&language=ar").headers["Location"]
    assert moved == f"/ar{PATH}&language=ar"
    offer = client.get(moved).text
    assert 'value="language"' in offer
    assert 'value="language"' not in client.get(f"/en{PATH}&language=en").text
    assert 'value="language"' not in client.get(f"/en{PATH}&language=fr").text
    answer = press(client, "language", language="ar")
    assert answer.headers["Location"].endswith("&done=language")
    assert chosen(publication).languages == ("ar", "en")
    assert press(client, "language", language="fr").status_code == 422


def test_a_pause_is_shown_and_ended(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    answer = press(client, "pause", pause="day", until="2026-02-01")
    assert (
        "No issue comes until February 1, 2026." in client.get(answer.headers["Location"]).text
    )
    assert press(client, "pause", pause="day", until="2026-01-01").status_code == 422
    press(client, "resume")
    until = chosen(publication).paused_until
    assert until is not None
    assert until <= NOW


def test_whoever_complained_is_told_why_nothing_can_be_subscribed_or_mailed(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    with publication.database.writing() as connection:
        suppress(connection, ANN, SubscriberStatus.COMPLAINED, NOW)
    for answer in (
        press(client, "save", newsletters="weekly", **{"language-1": "en"}),
        press(client, "access"),
    ):
        assert "you reported our mail as spam" in client.get(answer.headers["Location"]).text


def test_hostile_values_are_shown_as_text(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    hostile = "<script>alert(1)</script>{{7*7}}"
    publication.pick_up_file(
        "en/bad.md", title="Bad", date="2026-01-05", topics=[f"'{hostile}'"], authors=["Ann"]
    )
    for text in (
        client.get(f"/en{PATH}").text,
        press(client, "save", topics=hostile, hour=hostile, timezone=hostile).text,
        client.post(LINK_PAGE, data={"email": hostile}).text,
    ):
        assert "<script" not in text
        assert "49" not in re.sub(r"\w{12}\.css|v2\.\S+", "", text) or "{{7*7}}" in text


def test_the_links_have_one_answer_for_every_address(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    answers = [
        client.post(LINK_PAGE, data={"email": address})
        for address in (ANN, "nobody@example.org", ANN)
    ]
    assert {(one.status_code, one.headers["Location"], one.data) for one in answers} == {
        (303, f"{LINK_PAGE}?done=sent", b"")
    }
    assert [row["kind"] for row in publication.rows(notice)] == ["links"]
    wrong = client.post(LINK_PAGE, data={"email": "ann@@example"})
    assert (wrong.status_code, 'value="ann@@example"' in wrong.text) == (422, True)


def test_no_english_is_left_in_other_languages(client: FlaskClient) -> None:
    for language in ("en", "zh-Hant", "ar"):
        offer = f"{PATH}&language={language}"
        said = (f"{PATH}&done=saved", f"{PATH}&done=sent")
        for path in (PATH, *said, offer, "/preferences/link/"):
            page, head = (look(f"/{language}{path}") for look in (client.get, client.head))
            assert (page.status_code, head.status_code) == (200, 200)
            assert language == "en" or english_words(page.text) == []


def test_the_code_of_the_mail_opens_the_data(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    sent = press(client, "access").headers["Location"]
    assert sent.endswith("&done=sent")
    # The field is far below what was just done.
    assert 'href="#code"' in client.get(sent).text
    with publication.database.reading() as connection:
        (content,) = connection.execute(select(notice.c.payload)).scalars()
    wrong = press(client, "code", code="000000" if content["code"] != "000000" else "000001")
    assert (wrong.status_code, 'href="#code"' in wrong.text) == (422, True)
    answer = press(client, "code", code=content["code"])
    assert (answer.status_code, answer.headers["Location"]) == (303, "/en/data/")
    assert answer.headers["Set-Cookie"].startswith("__Host-session=")


def test_links_of_subscribers_in_a_language_that_was_given_up_lead_to_the_page_in_the_first_one(
    client: FlaskClient,
) -> None:
    for path in (f"{PATH}&language=fr", "/address/?t=a%26b", "/feeds/of/ab%0Ac.atom"):
        for look in (client.get, client.head):
            response = look(f"/fr{path}")
            assert (response.status_code, response.headers["Location"]) == (302, f"/en{path}")
            assert response.headers["Cache-Control"] == "no-store"
        assert client.post(f"/fr{path}").status_code in {404, 405}
    for path in ("/fr/preferences/", "/fr/stories/?t=a", f"/fr/en{PATH}"):
        assert client.get(path).status_code == 404
    assert "a•••@example.org" in client.get(f"/fr{PATH}", follow_redirects=True).text
