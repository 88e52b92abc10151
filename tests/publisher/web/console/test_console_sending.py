"""Pages about whom an issue goes to: the plan, sending with its verbs, the report and doubts."""

import html
import re
from datetime import timedelta

import pytest
from sqlalchemy import update

from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from publisher.issues.model import IssueState
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.ledger.open_ledgers import OpenLedger, open_test_ledger
from tests.publisher.delivery.mailing import ready, state_of, subscribe
from tests.publisher.web.console.conftest import SignIn, audit_log

S = DeliveryState
NAME = "weekly-en-2026-01-09"
PATH = f"/issues/{NAME}/sending/progress/"
ADDRESSES = [f"reader.{number}@mail.example" for number in range(9)]
HOSTILE = '550 <script>alert("no")</script> &amp; <meta http-equiv=refresh>'


def words(page: str) -> str:
    """Give what a page says, without its marks."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


@pytest.fixture
def ledger(publication: PublicationFolder) -> OpenLedger:
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
    assert "There is no edition in a language of theirs Français · 1" in words(page)
    assert "x.example 1" in words(page)
    assert re.search(r"[0-9a-f]{64}", page)
    assert "Who gets it" in words(client.get(f"/issues/{NAME}/").text)


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
    # Who gets it is in the report by now.
    plan = client.get(f"/issues/{NAME}/plan/")
    assert (plan.status_code, plan.headers["Location"]) == (303, f"/issues/{NAME}/report/")
    ledger.pause()
    assert f'href="/issues/{NAME}/sending/"' in client.get("/").text


def test_the_part_that_is_fetched_again_is_that_of_the_page(
    ledger: OpenLedger, sign_in: SignIn
) -> None:
    ledger.settle(ledger.begin(3), S.SENT)
    client, arabic = sign_in("viewer"), sign_in("viewer", pages="ar")
    page, answer = client.get(f"/issues/{NAME}/sending/").text, client.get(PATH)
    assert f'hx-get="{PATH}"' in page
    assert answer.text in page
    assert answer.text.startswith('<div id="progress"')
    assert "3 sent, 0 under way, 6 waiting" in words(answer.text)
    assert answer.headers["Content-Language"] == "en"
    # Others share the counts, and not the words.
    assert "3 sent" not in arabic.get(PATH).text
    assert client.get(PATH).text == answer.text
    ledger.settle(ledger.begin(2), S.SENT)
    assert sign_in("editor").post(f"/issues/{NAME}/pause/").status_code == 303
    later = client.get(PATH).text
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
    assert [one.verb for one in audit_log(publication)][:3] == ["cancel", "resume", "pause"]


def test_cancelling_pauses_and_keeps_the_reason_while_a_factor_is_asked_for(
    publication: PublicationFolder, ledger: OpenLedger, sign_in: SignIn
) -> None:
    ledger.settle(ledger.begin(3), S.SENT)
    stale = sign_in("approver", "en", ago=timedelta(minutes=11))
    form = {"reason": "a wrong date"}
    asked = stale.post(f"/issues/{NAME}/cancel/", data=form)
    assert (asked.status_code, state_of(publication)) == (403, IssueState.PAUSED)
    assert 'value="a wrong date"' in asked.text
    assert f"/sign-in/again/?next=/issues/{NAME}/sending/" in asked.text
    assert "Sending is paused meanwhile." in words(asked.text)
    assert stale.post(f"/issues/{NAME}/cancel/", data=form).status_code == 403
    assert sign_in("approver").post(f"/issues/{NAME}/cancel/", data=form).status_code == 303
    assert ledger.counts == {"sent": 3, "cancelled": 6}


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
