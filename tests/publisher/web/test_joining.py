"""The form to subscribe: one answer for every address, and its protection against programs."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
from altcha import Challenge, Payload, solve_challenge
from flask.testing import FlaskClient
from pydantic import SecretStr
from sqlalchemy import update
from werkzeug.test import TestResponse

from publisher.app.operation import page_servers
from publisher.app.subscribers.actions import erase_somebody
from publisher.app.subscribers.join_protection import offer_form
from publisher.app.subscribers.joining import (
    SubscriptionRequest,
    confirm_by_code,
    confirm_by_link,
    request_subscription,
)
from publisher.config import web
from publisher.database.retry_queue import queue_item as notice
from publisher.mail.signed_addresses import sign_link
from publisher.secrets import load_secret
from subscribers.changes import suppress
from subscribers.consent_records import ConsentChannel, ConsentOrigin
from subscribers.model import JoinWish, SubscriberStatus
from subscribers.pending_requests import cancel_requests
from subscribers.tables import (
    consent_record,
    consent_wording,
    erased_address,
    join_request,
    subscriber,
)
from tests.publisher.conftest import NOW, PublicationFolder, by_owner
from tests.publisher.delivery.mailing import outbox, subscribe
from tests.publisher.printing import pipeline_of
from tests.publisher.web.conftest import everything

PATH = "/en/subscribe/"
ANN = "ann@example.com"
CLIENT = {"REMOTE_ADDR": "192.0.2.7"}
BY_MAIL = ConsentOrigin(source=ConsentChannel.MAIL)
WEEKLY = JoinWish(("weekly",), "en")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a locked database up soon."""
    monkeypatch.setattr(page_servers, "_PAGES_BUSY_SECONDS", 0.2)


def stamp(publication: PublicationFolder, age: timedelta = timedelta(minutes=1)) -> str:
    with publication.database.reading() as connection:
        return offer_form(connection, publication.settings, NOW - age).stamp


def post(
    client: FlaskClient, publication: PublicationFolder, email: str = ANN, **fields: Any
) -> TestResponse:
    data = {"email": email, "newsletter": "weekly", "stamp": stamp(publication)} | fields
    return client.post(PATH, data=data, environ_overrides=CLIENT)


def confirmation(publication: PublicationFolder) -> str:
    """Give the path of the only request's link."""
    (row,) = publication.rows(join_request)
    return f"/en/confirm/?t={token(publication, row)}"


def set_joining(publication: PublicationFolder, **changes: Any) -> None:
    joining = publication.settings.joining.model_copy(update=changes)
    publication.settings = replace(publication.settings, joining=joining)


def titled(*names: str) -> list[dict[str, str]]:
    """Return newsletters whose titles are their names."""
    return [{"name": one, "title": one.title(), "schedule": "0 8 * * *"} for one in names]


def mails(publication: PublicationFolder) -> list[str]:
    return [row["kind"] for row in publication.rows(notice)]


# --- the form


def test_the_form_asks_for_an_address_also_where_another_site_s_form_leads(
    client: FlaskClient,
) -> None:
    page = client.get(PATH)
    assert page.status_code == 200
    assert "script" not in page.text.lower()
    assert "Set-Cookie" not in page.headers
    assert 'autocomplete="email"' in page.text
    assert re.search(r'name="language" type="radio" value="en" checked', page.text)
    assert 'name="newsletter" value="weekly"' in page.text
    page = client.post(
        PATH,
        data={"email": ANN},
        headers={"Sec-Fetch-Site": "cross-site", "Origin": "https://elsewhere.example"},
    )
    assert page.status_code == 200
    assert f'value="{ANN}"' in page.text
    assert "Error" not in page.text


def test_among_several_newsletters_none_is_chosen_for_anybody(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    publication.reload(languages=["en", "ar"], newsletters=titled("daily", "news"))
    assert 'type="checkbox" value="daily">' in client.get(PATH).text
    one = client.get(f"{PATH}?newsletter=news").text
    assert ("checkbox" in one, 'name="newsletter" value="news"' in one) == (False, True)
    assert "Daily" not in one
    assert client.get(f"{PATH}?newsletter=other").text.count("checkbox") == 2
    arabic = client.get("/ar/subscribe/").text
    assert arabic.index('value="ar" checked') < arabic.index('value="en"')


def test_the_form_says_what_each_newsletter_is(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    newsletters = titled("daily", "news")
    publication.reload(
        newsletters=[newsletters[0] | {"description": "By boat."}, newsletters[1]]
    )
    several = client.get(PATH).text
    assert '<p class="hint" id="newsletter-hint">' in several
    assert several.count("By boat.") == 1
    single = client.get(f"{PATH}?newsletter=daily").text
    assert ("By boat." in single, 'value="news"' in single) == (True, False)


# --- a request


def test_a_request_is_stored_with_what_proves_the_consent(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    page = post(client, publication, language="ar")
    assert page.status_code == 200
    assert ANN in page.text
    assert mails(publication) == ["confirm"]
    (request,) = publication.rows(join_request)
    assert (request["newsletters"], request["language"]) == (["weekly"], "ar")
    (record,) = publication.rows(consent_record)
    (wording,) = publication.rows(consent_wording)
    assert record["network"] == "192.0.2.0/24"
    assert record["page"] == "https://news.example.org/en/subscribe/"
    assert record["wording_digest"] == wording["digest"]
    form = client.get(PATH).text
    for line in wording["text"].splitlines():
        assert line in form
    assert "192.0.2.7" not in str(publication.rows(consent_record))


def test_every_address_gets_the_same_answer_and_only_the_mail_differs(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    subscribe(publication, ("0act@example.com", "en"), ("3com@example.com", "en"))
    with publication.database.writing() as connection:
        suppress(connection, "3com@example.com", SubscriberStatus.COMPLAINED, NOW)
    trapped = post(client, publication, "8tra@example.com", subject="Buy this")
    answers = [trapped.data.replace(b"8tra", b"____")]
    # Who asks again at once gets no second mail.
    for name, kinds in (
        ("0act", ["already-subscribed"]),
        ("3com", []),
        ("7new", ["confirm"]),
        ("7new", []),
    ):
        before = mails(publication)
        page = post(client, publication, f"{name}@example.com")
        assert page.status_code == 200
        answers.append(page.data.replace(name.encode(), b"____"))
        assert mails(publication)[len(before) :] == kinds
    assert len(set(answers)) == 1


def token(publication: PublicationFolder, row: dict[str, Any]) -> str:
    secret = load_secret(publication.settings)
    return sign_link(secret, "confirm", row["subscriber_id"], number=row["id"])


def test_a_mistake_is_shown_at_its_field_and_what_was_entered_is_kept(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    mistakes: list[tuple[dict[str, str], str, str]] = [
        ({"email": ""}, "email", "Enter your e-mail address."),
        ({"email": "ann"}, "email", "This is not an e-mail address."),
        ({"email": "änn@example.org"}, "email", "only the letters a to z"),
        ({"email": "Digest+x@news.example.org"}, "email", "not the mailbox of a person"),
        ({"newsletter": "other"}, "newsletter", "Choose at least one newsletter."),
        ({"newsletter": ""}, "newsletter", "Choose at least one newsletter."),
    ]
    for fields, linked, words in mistakes:
        page = post(client, publication, **{"language": "ar"} | fields).text
        assert "<title>Error: " in page
        assert f'<a href="#{linked}">' in page
        assert page.count(words) == (2 if linked == "email" else 1), words
        assert 'value="ar" checked' in page
        if fields.get("email"):
            assert f'value="{fields["email"]}"' in page
    assert "<script" not in post(client, publication, '"><script>@example.org').text
    assert mails(publication) == []
    # White space is none.
    post(client, publication, "ann@example.org\n")
    assert mails(publication) == ["confirm"]


def test_the_answer_shows_the_domain_in_its_script_and_a_link_to_the_inbox_of_a_large_service(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    page = post(client, publication, "ann@xn--bcher-kva.example").text
    assert '<bdi class="mail" dir="ltr">ann@bücher.example</bdi>' in page
    assert 'name="email" value="ann@xn--bcher-kva.example"' in page
    assert "Open your inbox" not in page
    assert "https://mail.google.com/" in post(client, publication, "ann@gmail.com").text


# --- proof of work


def test_above_a_threshold_the_form_asks_for_a_proof_of_work_that_counts_once(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    set_joining(publication, proof_of_work_above=0)
    page = client.get(PATH)
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert "<noscript>" in page.text
    assert "mailto:" in page.text
    (script,) = re.findall(r'<script src="([^"]+)"', page.text)
    assert client.get(script).mimetype == "text/javascript"
    assert client.get("/-/proof.0.js").status_code == 404
    with publication.database.reading() as connection:
        offer = offer_form(connection, publication.settings, NOW)
    challenge = Challenge.from_dict(json.loads(offer.challenge))
    solution = solve_challenge(challenge)
    assert solution is not None
    proof = Payload(challenge, solution).to_base64()
    given = {"stamp": stamp(publication, timedelta(seconds=10))}
    assert "once more" in post(client, publication, **given).text
    assert "once more" in post(client, publication, proof="nonsense", **given).text
    assert "once more" not in post(client, publication, proof=proof, **given).text
    assert (
        "once more" in post(client, publication, "bob@example.com", proof=proof, **given).text
    )
    assert mails(publication) == ["confirm"]


def test_without_scripts_a_form_counts_that_was_open_for_half_a_minute_once_an_hour_for_a_network(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    set_joining(publication, proof_of_work_above=0)
    waited = stamp(publication, timedelta(seconds=30))
    early = stamp(publication, timedelta(seconds=29))
    assert "once more" in post(client, publication, stamp=early).text
    assert "once more" not in post(client, publication, stamp=waited).text
    assert "once more" in post(client, publication, "bob@example.com", stamp=waited).text
    assert mails(publication) == ["confirm"]


def test_the_form_links_to_the_privacy_notice(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    assert "How we handle your data" not in client.get(PATH).text
    joining = {"privacy": {"en": "https://example.org/en/privacy", "ar": "https://x.example/"}}
    set_joining(publication, privacy=web.JoiningSettings.model_validate(joining).privacy)
    page = client.get(PATH).text
    assert '<a href="https://example.org/en/privacy">How we handle your data</a>' in page
    with pytest.raises(ValueError, match="is no address of a page"):
        web.JoiningSettings.model_validate({"privacy": "javascript:alert(1)"})


# --- the confirmation


def test_the_link_shows_what_it_confirms_and_only_the_button_does(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    post(client, publication)
    path = confirmation(publication)
    page = client.get(path).text
    assert "a•••@example.com" in page
    assert "The week" in page
    assert "Never write to me again" in page
    assert publication.rows(subscriber)[0]["status"] == "pending"
    done = client.post(path, data={"choice": "confirm"})
    assert "You are subscribed" in done.text
    assert publication.rows(subscriber)[0]["status"] == "active"
    assert "You are subscribed" in client.post(path).text
    assert mails(publication) == ["confirm", "welcome"]


def test_the_mailbox_of_before_confirms_and_refuses_nothing(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    subscribe(publication, (ANN, "en"))
    secret = load_secret(publication.settings)
    client.post(f"/en/unsubscribe/?t={sign_link(secret, 'unsubscribe', 1)}")
    post(client, publication)
    path = confirmation(publication)
    with publication.database.writing() as connection:
        connection.execute(update(subscriber).values(generation=1))
        cancel_requests(connection, 1, None, NOW)
    for choice in ("refuse", "confirm"):
        page = client.post(path, data={"choice": choice})
        assert "a•••" not in page.text
    assert publication.rows(erased_address) == []
    assert publication.rows(subscriber)[0]["status"] == "unsubscribed"


def test_a_subscriber_ends_a_request_that_she_did_not_make_and_keeps_the_rest(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    subscribe(publication, (ANN, "en"))
    publication.reload(newsletters=titled("weekly", "news"))
    post(client, publication, newsletter="news")
    path = confirmation(publication)
    assert "Never write to me again" not in client.get(path).text
    assert "Nothing was changed" in client.post(path, data={"choice": "refuse"}).text
    assert publication.rows(subscriber)[0]["status"] == "active"


def test_a_code_confirms_and_a_wrong_one_is_the_same_for_any_address(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    post(client, publication)
    code = publication.rows(notice)[0]["payload"]["code"]
    wrong = [
        client.post("/en/confirm/", data={"email": email, "code": "x"})
        for email in (ANN, "bob@example.com")
    ]
    assert wrong[0].data.replace(b"ann", b"___") == wrong[1].data.replace(b"bob", b"___")
    assert "<title>Error: " in wrong[0].text
    assert "<title>Error: " in client.post("/en/confirm/", data={"email": "x"}).text
    # The form of the page may have been closed.
    page = client.get("/en/confirm/").text
    assert "<h1>Confirm your subscription</h1>" in page
    assert 'name="email" type="email"' in page
    assert "Check your mailbox" not in page
    spaced = f"{code[:3]} {code[3:]}"
    client.environ_base["HTTP_HOST"] = "localhost:8100"  # as a proxy may ask
    for _click in range(2):
        done = client.post("/en/confirm/", data={"email": ANN, "code": spaced})
        assert "You are subscribed" in done.text
    (_asked, record) = publication.rows(consent_record)
    assert (record["event"], record["source"]) == ("confirmed", "code")
    assert record["page"] == f"{publication.settings.publication.url}/en/confirm/"


def test_the_link_that_refuses_offers_that_first_and_does_nothing_by_itself(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    post(client, publication)
    path = confirmation(publication)
    buttons = [
        re.findall(r'name="choice" value="(\w+)" class="button( quiet)?"', client.get(one).text)
        for one in (path, f"{path}&choice=refuse")
    ]
    assert buttons == [
        [("confirm", ""), ("refuse", " quiet")],
        [("refuse", ""), ("confirm", " quiet")],
    ]
    assert publication.rows(subscriber)[0]["status"] == "pending"


def test_an_address_has_twenty_tries_an_hour(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    post(client, publication)
    code = publication.rows(notice)[0]["payload"]["code"]
    with publication.database.writing() as connection:
        for _try in range(20):
            confirm_by_code(connection, publication.settings, ANN, "x", BY_MAIL, NOW)
        connection.execute(update(join_request).values(code_attempts=0))
    page = client.post("/en/confirm/", data={"email": ANN, "code": code})
    assert "<title>Error: " in page.text


SENTENCES = {
    "open": ("Confirm your subscription", "تأكيد الاشتراك"),
    "confirmed": ("You are subscribed", "تم اشتراكك"),
    "expired": ("This link has expired", "انتهت صلاحية هذا الرابط"),
    "cancelled": ("This request has ended", "انتهى هذا الطلب"),
    "unknown": ("This link is not valid", "هذا الرابط غير صالح"),
}


@pytest.mark.parametrize("state", SENTENCES)
def test_each_state_of_a_link_has_its_sentence_in_each_language(
    client: FlaskClient, publication: PublicationFolder, state: str
) -> None:
    publication.reload(languages=["en", "ar"])
    settings = publication.settings
    earlier = NOW - timedelta(hours=73 if state == "expired" else 1)
    with publication.database.writing() as connection:
        request = SubscriptionRequest(ANN, WEEKLY, BY_MAIL)
        request_subscription(connection, settings, request, earlier)
    (row,) = publication.rows(join_request)
    link = token(publication, row)
    if state == "confirmed":
        with publication.database.writing() as connection:
            confirm_by_link(connection, settings, link, BY_MAIL, NOW)
    if state == "cancelled":
        with publication.database.writing() as connection:
            connection.execute(update(join_request).values(cancelled_at=NOW))
    if state == "unknown":
        erase_somebody(*by_owner(publication), ANN)
    for language, sentence in zip(("en", "ar"), SENTENCES[state], strict=True):
        page = client.get(f"/{language}/confirm/?t={link}").text
        assert f"<h1>{sentence}</h1>" in page


def test_while_the_database_is_busy_forms_clicks_and_webhooks_are_asked_to_come_back(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    subscribe(publication, ("bob@example.com", "en"))
    feedback = web.FeedbackSettings(postmark=web.PostmarkFeedback())
    secrets = {web.FEEDBACK_SECRET: SecretStr("a-long-secret")}
    publication.settings = replace(publication.settings, feedback=feedback, secrets=secrets)
    form = {"email": ANN, "newsletter": "weekly", "stamp": stamp(publication)}
    leave = (
        f"/en/unsubscribe/?t={sign_link(load_secret(publication.settings), 'unsubscribe', 1)}"
    )
    event = {"RecordType": "SpamComplaint", "ID": 7, "Email": "bob@example.com"}
    before = everything(publication)
    with publication.database.writing():
        answers = [
            client.post(PATH, data=form),
            client.post(leave, data=b"List-Unsubscribe=One-Click"),
            client.post("/feedback/postmark/a-long-secret/", json=event),
        ]
        # A token that names nothing needs nothing stored.
        assert client.post("/en/unsubscribe/?t=x").text == "OK\n"
    assert [(one.status_code, one.headers["Retry-After"]) for one in answers] == [
        (503, "10")
    ] * 3
    assert everything(publication) == before


def test_pages_of_the_site_link_to_the_form_if_there_is_one(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    pipeline_of(publication).prepare()
    public = publication.settings.folders.public
    pages = ["en/index.html", "en/feeds/index.html", "en/stories/tides/index.html"]
    for page in pages:
        assert 'href="/en/subscribe/"' in (public / page).read_text()
    # Where `publisher web` does not run, the address says to write a mail.
    assert "subject=subscribe" in (public / "en/subscribe/index.html").read_text()
    set_joining(publication, enabled=False)
    pipeline_of(publication).prepare()
    assert "/en/subscribe/" not in (public / pages[0]).read_text()
    assert "/en/subscribe/" not in (public / pages[2]).read_text()
    assert client.get(PATH).status_code == 404
    assert client.post(PATH, data={"email": ANN}).status_code == 404


def test_the_mail_that_is_sent_has_the_link_and_the_code_that_confirm(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    post(client, publication, language="ar")
    pipeline_of(publication).notify()
    (content,) = outbox(publication).values()
    mail = message_from_bytes(content, policy=default)
    text = mail.get_body(("plain",))
    assert text is not None
    words = text.get_content()
    (record,) = publication.rows(consent_record)
    assert mail["Message-ID"] == record["message_id"]
    links = set(re.findall(r"https://news\.example\.org(/ar/confirm/\?t=[^\s&]+)", words))
    (link,) = links
    assert "تأكيد الاشتراك" in client.get(link).text
    assert re.search(r"\b\d{6}\b", words)
    assert "تم اشتراكك" in client.post(link, data={"choice": "confirm"}).text
    pipeline_of(publication).notify()
    assert len(outbox(publication)) == 2
