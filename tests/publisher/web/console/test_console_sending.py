"""Pages about whom an issue goes to: the plan, sending with its verbs, the report and doubts."""

from __future__ import annotations

import html
import re

import pytest
from sqlalchemy import update

from publisher.accounts import audit
from publisher.app.feed_followers import count_feed_followers
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from publisher.issues.model import IssueState
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.ledger.open_ledgers import OpenLedger, open_test_ledger
from tests.publisher.delivery.mailing import ready, state_of, subscribe
from tests.publisher.printing import pipeline_of
from tests.publisher.syndication.test_follower_log import FEEDLY, READER, nginx
from tests.publisher.web.console.conftest import SignIn

S = DeliveryState
NAME = "weekly-en-2026-01-09"
ADDRESSES = [f"reader.{number}@mail.example" for number in range(9)]
HOSTILE = '550 <script>alert("no")</script> &amp; <meta http-equiv=refresh>'


def words(page: str) -> str:
    """Give what a page says, without its marks."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


@pytest.fixture
def ledger(publication: PublicationFolder, sign_in: SignIn) -> OpenLedger:  # noqa: ARG001  # it sets the languages
    return open_test_ledger(publication, *ADDRESSES)


def test_the_plan_shows_who_gets_it_and_why_others_do_not(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    client = sign_in("viewer")
    subscribe(
        publication,
        ("ann@mail.example", "en"),
        ("bob@x.example", "ar"),
        ("cyd@x.example", "fr"),
    )
    ready(publication)
    page = client.get(f"/issues/{NAME}/plan/").text
    assert "3 subscribers are on record." in words(page)
    assert "There is no edition in a language of theirs français · 1" in words(page)
    assert "x.example 1" in words(page)
    assert re.search(r"[0-9a-f]{64}", page)
    assert "Who gets it" in words(client.get(f"/issues/{NAME}/").text)


def test_who_gets_an_issue_that_is_being_sent_is_in_its_report(
    ledger: OpenLedger, sign_in: SignIn
) -> None:
    answer = sign_in("viewer").get(f"/issues/{ledger.issue.name}/plan/")
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/issues/{NAME}/report/"


def test_a_page_about_sending_loads_itself_again_while_anything_changes(
    ledger: OpenLedger, sign_in: SignIn
) -> None:
    ledger.settle(ledger.begin(3), S.SENT)
    ledger.begin(2)
    client = sign_in("viewer")
    page = client.get(f"/issues/{NAME}/sending/").text
    assert f'<meta http-equiv="refresh" content="5; url=/issues/{NAME}/sending/">' in page
    assert "3 sent, 2 under way, 4 waiting" in words(page)
    # A viewer can only look.
    assert "<form" not in page.partition("</main>")[0]


def test_the_part_that_is_fetched_again_is_that_of_the_page(
    ledger: OpenLedger, sign_in: SignIn
) -> None:
    ledger.settle(ledger.begin(3), S.SENT)
    client, arabic = sign_in("viewer"), sign_in("viewer", pages="ar")
    page, path = (
        client.get(f"/issues/{NAME}/sending/").text,
        f"/issues/{NAME}/sending/progress/",
    )
    answer = client.get(path)
    assert f'hx-get="{path}"' in page
    assert answer.text in page
    assert answer.text.startswith('<div id="progress"')
    assert "3 sent, 0 under way, 6 waiting" in words(answer.text)
    assert answer.headers["Content-Language"] == "en"
    # Others share the counts, and not the words.
    assert "3 sent" not in arabic.get(path).text
    assert client.get(path).text == answer.text
    ledger.settle(ledger.begin(2), S.SENT)
    assert sign_in("editor").post(f"/issues/{NAME}/pause/").status_code == 303
    later = client.get(path).text
    assert "5 sent, 0 under way, 4 waiting" in words(later)
    assert "hx-get" not in later


def test_sending_is_paused_continued_and_cancelled_by_who_may(
    publication: PublicationFolder, ledger: OpenLedger, sign_in: SignIn
) -> None:
    editor, approver = sign_in("editor", "en"), sign_in("approver", "en")
    ledger.settle(ledger.begin(3), S.SENT)
    answer = editor.post(f"/issues/{NAME}/pause/")
    assert (answer.status_code, state_of(publication)) == (303, IssueState.PAUSED)
    page = words(editor.get(answer.headers["Location"]).text)
    assert "Sending is paused." in page
    assert "3 sent, 0 under way, 6 waiting" in page
    assert "Continue sending" not in page
    assert editor.post(f"/issues/{NAME}/resume/").status_code == 403
    again = editor.post(f"/issues/{NAME}/pause/")
    assert (again.status_code, "is paused already" in again.text) == (409, True)
    assert "Continue sending" in words(approver.get(f"/issues/{NAME}/sending/").text)
    approver.post(f"/issues/{NAME}/resume/")
    assert state_of(publication) is IssueState.SENDING
    approver.post(f"/issues/{NAME}/cancel/", data={"reason": "a wrong date"})
    assert ledger.counts == {"sent": 3, "cancelled": 6}
    page = approver.get(f"/issues/{NAME}/sending/").text
    assert "a wrong date" in page
    assert "http-equiv" not in page
    assert "hx-get" not in page
    with publication.database.reading() as connection:
        verbs = [entry.verb for _number, entry in audit.read_log(connection)]
    assert verbs[:3] == ["cancel", "resume", "pause"]


def test_what_mail_servers_say_is_shown_and_does_nothing(
    publication: PublicationFolder, ledger: OpenLedger, sign_in: SignIn
) -> None:
    ledger.settle(ledger.begin(2), S.BOUNCED, reason_key="full", reason=HOSTILE)
    page = sign_in("viewer").get(f"/issues/{NAME}/report/").text
    assert f'<code dir="ltr">{html.escape(HOSTILE).replace("&quot;", "&#34;")}</code>' in page
    assert "<script" not in page
    assert "the mailbox is full" in page
    assert "mail.example 9 2 7" in words(page)
    assert publication.settings.publication.languages[0] == "en"


def test_the_report_has_the_latest_number_of_readers_of_each_feed(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    client = sign_in("viewer")
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    pipeline_of(publication).run()
    path = f"/issues/{NAME}/report/"
    assert "Readers of feeds" not in client.get(path).text
    friday = [
        nginx(FEEDLY.format(1200), path="/feeds/all.json"),
        nginx(FEEDLY.format(31), path="/feeds/en.json"),
        nginx(READER, "192.0.2.7"),
    ]
    saturday = nginx("Other/2", "192.0.2.8").replace("09/Jan", "10/Jan")
    count_feed_followers(publication.database, [*friday, saturday])
    page = client.get(path).text
    assert "Feed Day As aggregators state Other clients all Fri, Jan 9, 2026 1,200 0" in words(
        page
    )
    # Friday's numbers of this feed are others; the last day counts.
    assert "en Sat, Jan 10, 2026 0 1" in words(page)
    assert "192.0.2" not in page


def test_doubts_are_decided_on_the_report(
    publication: PublicationFolder, ledger: OpenLedger, sign_in: SignIn
) -> None:
    with publication.database.writing() as connection:
        connection.execute(update(delivery).values(state=S.IN_DOUBT, reason_key="unanswered"))
    assert ledger.finish() is not None
    viewer, administrator = sign_in("viewer"), sign_in()
    assert "Send those in doubt again" not in viewer.get(f"/issues/{NAME}/report/").text
    assert "Send those in doubt again" in administrator.get(f"/issues/{NAME}/report/").text
    assert viewer.post(f"/issues/{NAME}/doubts/mark-sent/").status_code == 403
    answer = administrator.post(f"/issues/{NAME}/doubts/mark-sent/")
    assert (
        "The mails in doubt are decided." in administrator.get(answer.headers["Location"]).text
    )
    assert ledger.counts == {"sent": 9}
    assert state_of(publication) is IssueState.SENT


def test_what_is_paused_or_in_doubt_leads_from_the_first_page_to_its_own(
    ledger: OpenLedger, sign_in: SignIn
) -> None:
    ledger.pause()
    assert f'href="/issues/{NAME}/sending/"' in sign_in("viewer").get("/").text
