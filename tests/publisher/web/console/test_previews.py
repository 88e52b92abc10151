"""Previews in the console: who sees what, in which frames, and what hostile mails can do there."""

import re

import pytest
from sqlalchemy import update

from publisher.app.subscribers.actions import unsubscribe_somebody
from publisher.issues.tables import digest_table
from publisher.web.console.context import ConsoleContext
from subscribers.tables import subscriber
from tests.publisher.conftest import PublicationFolder, by_owner
from tests.publisher.delivery.mailing import number_of, outbox, subscribe
from tests.publisher.printing import pipeline_of
from tests.publisher.web.conftest import MadeReady
from tests.publisher.web.console.conftest import SignIn, audit_log

ISSUE = "weekly-en-2026-01-09"
PAGE = f"/issues/{ISSUE}/preview/"
ANN = "ann@example.com"
FRAME = {"Sec-Fetch-Dest": "iframe"}
HOSTILE = (
    "<html><head><base href='https://evil.example/'>"
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>"
    "<style>@import 'https://evil.example/x.css';</style></head><body>"
    "<script>parent.document.title='taken'</script>"
    "<form action=https://evil.example/><input name=a></form>"
    "<svg onload='alert(1)'><script>alert(2)</script></svg>"
    "<img src=https://evil.example/x.png onerror='alert(3)'></body></html>"
)


def two_of_three_languages(publication: PublicationFolder) -> None:
    """Have an issue in three languages, of which one has no article, and a subscriber."""
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    publication.write("ar/tides.md", "المد ينتظر.", title="المد", date="2026-01-05")
    publication.write("en/quay.md", "The quay sleeps.", title="Quay", date="2026-01-04")
    subscribe(publication, (ANN, "en"))
    pipeline_of(publication).prepare()


@pytest.fixture
def publication(made_ready: MadeReady) -> PublicationFolder:
    return made_ready(two_of_three_languages)


def frames(page: str) -> list[str]:
    return re.findall(r'<iframe src="([^"]+)" sandbox="" referrerpolicy="no-referrer"', page)


def test_a_page_shows_one_mail_in_one_s_own_language_and_renders_no_other(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    for client, words in (
        (sign_in("viewer"), "Tides"),
        (sign_in("viewer", pages="ar"), "المد"),
        # Roles say more of somebody's work than the language of the pages.
        (sign_in("approver", "ar"), "المد"),
    ):
        (address,) = frames(client.get(PAGE).text)
        assert address.endswith("/mail-light/")
        answer = client.get(address, headers=FRAME)
        assert (answer.status_code, answer.mimetype) == (200, "text/html")
        assert words in answer.text
        assert publication.settings.publication.url not in address


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("language=all", ["mail-light"] * 2),
        ("language=ar&language=en&look=inverted", ["mail-inverted"] * 2),
        ("look=dark&width=window&show=page", ["page-dark"]),
        ("show=text", []),
        ("show=source", []),
        ("show=what&look=x&width=0&language=xx&length=no", ["mail-light"]),
    ],
)
def test_the_choices_of_a_page_stand_in_its_address(
    sign_in: SignIn, query: str, shown: list[str]
) -> None:
    page = sign_in("viewer").get(f"{PAGE}?{query}").text
    assert [one.split("/")[3] for one in frames(page)] == shown
    assert page.count("<iframe") == len(shown)
    # In the third language there is no article.
    assert ("weekly in zh-Hant has no new articles" in page) == (query == "language=all")
    assert ('<pre class="text"' in page) == (query == "show=text")
    assert ("message.eml" in page) == (query == "show=source")


def test_a_choice_keeps_all_others(sign_in: SignIn) -> None:
    client = sign_in("editor")
    page = client.get(f"{PAGE}?language=ar&look=dark&more=en&done=saved").text
    assert f'href="{PAGE}?language=ar&amp;look=dark&amp;more=en&amp;show=text"' in page
    assert f'href="{PAGE}?look=dark&amp;more=en"' in page
    assert f'action="{PAGE}test/?language=ar&amp;look=dark&amp;more=en"' in page
    assert 'href="/issues/weekly-ar-2026-01-09/"' in page
    form = {"to": "eve@example.org", "language": "ar"}
    answer = client.post(f"{PAGE}test/?look=dark", data=form)
    assert answer.headers["Location"] == f"{PAGE}?look=dark&done=tests-sent"


def test_stories_stand_beside_their_translations_without_frames(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    client = sign_in("viewer")

    def rows(path: str) -> list[str]:
        page = client.get(path).text
        assert "<iframe" not in page
        return [" ".join(re.sub("<[^>]+>", " ", row).split()) for row in page.split("<tr")[2:]]

    tides, quay = rows(f"{PAGE}?show=compare")
    for words in ("Tides", "The tide waits.", "المد", "المد ينتظر.", "No translation"):
        assert words in tides
    assert quay.count("No translation") == 2
    # A translation that came after the issue was made is not in it.
    publication.pick_up_file("ar/quay.md", "ينام.", title="الرصيف", date="2026-01-09")
    _tides, quay = rows(f"{PAGE}?show=compare&language=en&language=ar")
    assert ("Not in this issue: الرصيف" in quay, "No translation" in quay) == (True, False)
    publication.pick_up_file("en/ferry.md", "It sails.", title="Ferry", date="2026-01-09")
    coming = rows("/next/weekly/?show=compare&language=en&language=ar")
    assert [one for one in coming if "Ferry" in one and "No translation" in one] == coming[:1]
    assert len([one for one in coming if "الرصيف" in one]) == 1


def test_a_frame_runs_nothing_and_is_no_page_by_itself(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    client = sign_in("viewer")
    with publication.database.writing() as connection:
        connection.execute(
            update(digest_table).values(html=HOSTILE, subject="<script>x</script>")
        )
    page = client.get(f"{PAGE}?language=all").text
    assert "<script>" not in page
    assert "&lt;script&gt;x&lt;/script&gt;" in page
    address = frames(page)[0]
    answer = client.get(address, headers=FRAME)
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert policy == [
        "sandbox",
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "img-src data: http://localhost/-/pictures/",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'self'",
    ]
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Content-Disposition" not in answer.headers
    for headers in ({}, {"Sec-Fetch-Dest": "document"}, {"Sec-Fetch-Dest": "embed"}):
        alone = client.get(address, headers=headers)
        assert alone.headers["Content-Disposition"] == "attachment"
        assert "sandbox" in alone.headers["Content-Security-Policy"]


def test_a_preview_as_a_subscriber_is_for_those_who_may_see_subscribers(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    number = number_of(publication.database, ANN)
    clerk, editor = sign_in("subscriber-desk"), sign_in("editor")
    assert "Address of a subscriber" not in editor.get(PAGE).text
    assert editor.post(PAGE, data={"address": ANN}).status_code == 403
    assert editor.get(f"{PAGE}?as={number}").status_code == 403
    answer = clerk.post(PAGE, data={"address": " ANN@example.com "})
    assert answer.headers["Location"] == f"{PAGE}?as={number}"
    page = clerk.get(f"{answer.headers['Location']}&language=all").text
    assert "This is what one subscriber gets." in page
    # In Arabic she gets nothing: the English edition serves her.
    assert "gets the issue in another language" in page
    # Nor does her frame open for others, who may guess its address.
    frame = frames(page)[0]
    assert clerk.get(frame, headers=FRAME).status_code == 200
    assert editor.get(frame, headers=FRAME).status_code == 403
    message = frame.rpartition("/mail")[0] + "/message.eml"
    assert b"To: Ann Example <ann@example.com>" in clerk.get(message).data
    assert editor.get(message).status_code == 403
    with publication.database.writing() as connection:
        connection.execute(update(subscriber).values(name='"><script>x</script>'))
    assert "<script>" not in clerk.get(f"{PAGE}?as={number}").text


def test_an_unknown_address_is_told_at_the_field_and_an_unknown_number_is_no_page(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    client = sign_in()
    answer = client.post(PAGE, data={"address": "nobody@example.com"})
    assert answer.status_code == 422
    assert 'id="address-error">No subscriber has this address.' in answer.text
    assert '<a href="#address">No subscriber has this address.</a>' in answer.text
    unsubscribe_somebody(*by_owner(publication), ANN, None)
    page = client.get(f"{PAGE}?as={number_of(publication.database, ANN)}").text
    assert "is not subscribed" in page
    for query in ("as=x", "as=999999", "as=1%00"):
        assert client.get(f"{PAGE}?{query}").status_code == 404


def test_tests_go_to_all_addresses_in_the_chosen_languages(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    client = sign_in("editor")
    lacking: list[tuple[dict[str, str], str]] = [
        ({"to": "eve@example.org"}, "Choose a language."),
        ({"language": "en"}, "Enter an address."),
        ({"language": "en", "to": "eve"}, "One of these is no e-mail address."),
    ]
    for fields, problem in lacking:
        refused = client.post(f"{PAGE}test/", data=fields)
        assert (refused.status_code, problem in refused.text) == (422, True), problem
    assert outbox(publication) == {}
    form = {"to": "eve@example.org\n dan@example.org", "language": ["en", "ar"]}
    answer = client.post(f"{PAGE}test/", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{PAGE}?done=tests-sent")
    assert "The test mails were sent." in client.get(answer.headers["Location"]).text
    sent = outbox(publication)
    assert sorted(path.split("/")[1] for path in sent) == ["ar", "ar", "en", "en"]
    (entry,) = audit_log(publication)
    assert (entry.verb, entry.details["addresses"]) == ("send-test", 2)


def test_tests_are_limited_and_only_for_one_s_languages(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    arab = sign_in("editor", "ar")
    page = arab.get(PAGE).text
    assert ('id="language-ar"' in page, 'id="language-en"' in page) == (True, False)
    assert "\neditor-ar-en@example.org</textarea>" in page
    form = {"to": "eve@example.org", "language": "en"}
    assert arab.post(f"{PAGE}test/", data=form).status_code == 403
    many = "\n".join(f"a{number}@example.org" for number in range(31))
    answer = arab.post(f"{PAGE}test/", data={"to": many, "language": "ar"})
    assert (answer.status_code, "Retry-After" in answer.headers) == (429, True)
    assert outbox(publication) == {}


def test_the_next_issue_of_a_newsletter_is_shown_as_it_would_be_now(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    publication.pick_up_file("en/ferry.md", "It sails.", title="Ferry", date="2026-01-09")
    client = sign_in("editor")
    page = client.get("/next/weekly/?length=full&more=ar&language=all").text
    assert "as it would be made now" in page
    mails = {client.get(one, headers=FRAME).text for one in frames(page) if "mail-light" in one}
    assert any("Ferry" in mail for mail in mails)
    assert client.get("/next/monthly/").status_code == 404
    form = {"to": "eve@example.org", "language": "en"}
    assert client.post("/next/weekly/test/", data=form).status_code == 303
    answer = sign_in().post("/next/weekly/", data={"address": ANN})
    assert answer.headers["Location"].startswith("/next/weekly/?as=")


def test_a_preview_that_is_gone_says_so_within_its_frame(
    console_context: ConsoleContext, publication: PublicationFolder, sign_in: SignIn
) -> None:
    client = sign_in()
    address = frames(client.get(PAGE).text)[0]
    console_context.opened.previews._kept.clear()
    answer = client.get(address, headers=FRAME)
    assert (answer.status_code, "Load the page again" in answer.text) == (404, True)
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert publication.settings.publication.url


def test_pictures_of_the_publication_come_from_the_console(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    folder = publication.settings.folders.public / "media"
    folder.mkdir(exist_ok=True)
    (folder / "x.svg").write_bytes(b"<svg><script>alert(1)</script></svg>")
    client = sign_in("viewer")
    answer = client.get("/-/pictures/media/x.svg")
    assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    # Frames have an origin of their own.
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert client.get("/-/pictures/en/index.html").status_code == 404
