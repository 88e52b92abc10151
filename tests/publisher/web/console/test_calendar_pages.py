"""The calendar's pages, its file for other programs, and the form for corrections."""

import re
from datetime import date, timedelta

import flask
import pytest
from flask.testing import FlaskClient

from publisher.app.issues.calendar import read_calendar
from publisher.issues.tables import (
    correction_table,
    digest_table,
    issue_table,
    occurrence_change_table,
)
from tests.publisher.conftest import PublicationFolder, editing_state
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import pipeline_of
from tests.publisher.web.conftest import MadeReady
from tests.publisher.web.console.conftest import SignIn

DAY = "/calendar/weekly/2026-01-16/"


def sent_friday(publication: PublicationFolder) -> None:
    """Have an issue in English that was sent to two, and drafts."""
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    publication.write("en/half.md", "Words.", title="Half a <thought>", draft="true")
    subscribe(publication, ("ann@example.com", "en"), ("bob@example.com", "en"))
    pipeline_of(publication).run()


@pytest.fixture
def publication(made_ready: MadeReady) -> PublicationFolder:
    return made_ready(sent_friday)


def text_of(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def test_the_calendar_shows_weeks_states_and_drafts(sign_in: SignIn) -> None:
    client = sign_in("viewer")
    page = text_of(client, "/calendar/")
    assert "Fri, Jan 9, 2026" in page
    assert re.search(r"English · sent", page)
    assert "planned" in page
    assert "Half a &lt;thought&gt;" in page
    assert "articles: en/half.md" in page
    march = text_of(client, "/calendar/?from=2026-03-18")
    assert "Mon, Mar 16, 2026" in march
    assert "English · sent" not in march
    for wrong in ("soon", "0001-01-01", "9999-12-31"):
        assert "English · sent" in text_of(client, f"/calendar/?from={wrong}")


NIGHTLY = {"name": "nightly", "schedule": "30 2 * * *", "timezone": "Europe/Berlin"}


@pytest.mark.parametrize(
    ("day", "mark", "times"),
    [
        # Clocks skip the hour from two to three, and repeat it in October.
        ("2026-03-29", "the clocks skip this time", "3:30 AM Europe/Berlin"),
        ("2026-10-25", "the clocks repeat this time", "2:30 AM Europe/Berlin"),
        ("2026-03-28", "", "2:30 AM Europe/Berlin"),
    ],
)
def test_times_are_local_and_hours_that_clocks_skip_or_repeat_are_marked(
    sign_in: SignIn, publication: PublicationFolder, day: str, mark: str, times: str
) -> None:
    client = sign_in("viewer")
    publication.reload(languages=["en"], newsletters=[NIGHTLY])
    shown = words_of_day(client, day)
    of_day = text_of(client, f"/calendar/nightly/{day}/")
    for page in (shown, of_day):
        assert times in page.replace("\u00a0", " ")
        assert [one for one in MARKS if one in page] == ([mark] if mark else [])


MARKS = ("the clocks skip this time", "the clocks repeat this time")


def words_of_day(client: FlaskClient, day: str) -> str:
    """Give what the calendar says of a day, without the days after it."""
    page = client.get(f"/calendar/?from={day}").text
    _before, _link, rest = page.partition(f'href="/calendar/nightly/{day}/"')
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", rest.partition('href="/cal')[0]))


def test_issues_of_an_edition_within_an_hour_are_marked(
    sign_in: SignIn, publication: PublicationFolder
) -> None:
    client, mark = sign_in("editor"), "less than an hour from another"
    publication.reload(languages=["en"], newsletters=[{"name": "weekly"}])
    assert mark not in client.get("/calendar/").text
    state, day = editing_state(publication), date(2026, 1, 23)
    (next_one,) = read_calendar(state, day, day).entries
    to = next_one.at.replace(tzinfo=None) - timedelta(minutes=30)
    form = {"language": "en", "to": to.isoformat(timespec="minutes")}
    assert client.post(f"{DAY}move/", data=form).status_code == 303
    assert client.get("/calendar/").text.count(mark) == 2


def test_an_editor_moves_skips_and_restores(
    sign_in: SignIn, publication: PublicationFolder
) -> None:
    client = sign_in("editor")
    answer = client.post(
        f"{DAY}move/", data={"language": ["en", "ar"], "to": "2026-01-17T09:00"}
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{DAY}?done=saved")
    page = text_of(client, DAY)
    assert "moved from" in page
    assert "editor-all-en@example.org" in page
    assert "moved" in text_of(client, "/calendar/")
    client.post(f"{DAY}skip/", data={"language": "en", "why": "A <holiday>"})
    assert "A &lt;holiday&gt;" in client.get(DAY).text
    client.post(f"{DAY}restore/", data={"language": ["en", "ar"]})
    rows = publication.rows(occurrence_change_table)
    assert {(row["due_at"], row["skip_reason"]) for row in rows} == {(None, None)}


def test_what_can_not_be_changed_is_said_on_the_page(sign_in: SignIn) -> None:
    client = sign_in("editor")
    refused: list[tuple[str, dict[str, str], str]] = [
        ("move", {"language": "en", "to": "2026-01-08T09:00"}, "has passed"),
        ("move", {"language": "en", "to": "soon"}, "choose a date and a time"),
        ("move", {"to": "2026-01-17T09:00"}, "choose a language"),
        ("restore", {"language": "en"}, "neither moved nor skipped"),
    ]
    for verb, data, problem in refused:
        answer = client.post(f"{DAY}{verb}/", data=data)
        assert (answer.status_code, problem in answer.text) == (422, True), problem
    # What no schedule has is no page.
    for path in ("other/2026-01-16", "weekly/2026-01-17", "weekly/soon"):
        assert client.get(f"/calendar/{path}/").status_code == 404


def test_the_file_needs_no_session_but_its_address(
    sign_in: SignIn, console: flask.Flask
) -> None:
    client = sign_in("viewer")
    found = re.search(r"/calendar/[\w-]+\.ics", client.get("/calendar/").text)
    assert found is not None
    anybody = console.test_client()
    answer = anybody.get(found[0])
    assert (answer.status_code, answer.mimetype) == (200, "text/calendar")
    assert b"UID:weekly-en-2026-01-16@" in answer.data
    assert "Set-Cookie" not in answer.headers
    assert client.post("/calendar/address/").status_code == 303
    assert anybody.get(found[0]).status_code == 404


def test_a_correction_is_written_on_a_page_that_says_whom_it_reaches(
    sign_in: SignIn, publication: PublicationFolder
) -> None:
    client, path = sign_in("approver"), "/issues/weekly-en-2026-01-09/correct/"
    page = text_of(client, path)
    assert "get the correction 2" in page
    assert "Mail it to 2 subscribers" in page
    assert '<html lang="ar" dir="rtl"' in sign_in("approver", pages="ar").get(path).text
    editor, issue = sign_in("editor"), "/issues/weekly-en-2026-01-09/"
    assert f'href="{path}"' in client.get(issue).text
    assert (editor.get(path).status_code, "/correct/" in editor.get(issue).text) == (403, False)
    answer = client.post(path, data={"subject": "", "text": "words", "how": "mail"})
    assert (answer.status_code, "a subject" in answer.text) == (422, True)
    data = {"subject": "The <tide>", "text": "It was **wrong**.", "how": "mail"}
    assert client.post(path, data=data).status_code == 303
    assert client.post(path, data=data | {"how": "page"}).status_code == 303
    assert [row["issue_id"] is None for row in publication.rows(correction_table)] == [
        False,
        True,
    ]
    assert [row["kind"] for row in publication.rows(issue_table)][-1] == "correction"
    page = client.get(path).text
    assert "The &lt;tide&gt;" in page
    assert "on the page only" in page


def test_the_original_stays_visible_as_it_was_sent(
    sign_in: SignIn, publication: PublicationFolder
) -> None:
    client, here = sign_in("approver"), "/issues/weekly-en-2026-01-09/"
    page = client.get(f"{here}sent/").text
    assert "This is the original" not in page
    publication.write("en/tides.md", "The tide left.", title="Tides", date="2026-01-05")
    data = {"subject": "The <tide>", "text": "It was **wrong**.", "how": "mail"}
    assert client.post(f"{here}correct/", data=data).status_code == 303
    pipeline_of(publication).run()
    for linked in ("correct", "report"):
        assert f'href="{here}sent/"' in client.get(f"{here}{linked}/").text
    page = client.get(f"{here}sent/").text
    assert "This is the original" in page
    assert "The &lt;tide&gt;" in page
    sent = publication.rows(digest_table)[0]
    assert sent["sha256"] in page
    frame = re.search(r'<iframe src="([^"]+/mail-light/)" sandbox=""', page)
    assert frame is not None
    shown = client.get(frame[1], headers={"Sec-Fetch-Dest": "iframe"})
    assert "The tide waits." in shown.text
    assert "The tide left." not in shown.text
    assert shown.headers["Content-Security-Policy"].startswith("sandbox;")
    message = re.search(r'href="(/previews/\w+/message.eml)"', page)
    assert message is not None
    assert client.get(message[1]).mimetype == "message/rfc822"
    # The mail of the correction has such a page, too; what was not sent yet has previews.
    correction = re.search(r'href="(/issues/[\w-]+/sent/)">by mail', page)
    assert correction is not None
    assert client.get(correction[1]).location == correction[1].replace("/sent/", "/preview/")


def test_a_correction_stays_in_its_form_while_its_author_shows_a_factor(
    sign_in: SignIn, publication: PublicationFolder
) -> None:
    client = sign_in("approver", ago=timedelta(hours=1))
    path = "/issues/weekly-en-2026-01-09/correct/"
    data = {"subject": "The <tide>", "text": "It was **wrong**.", "how": "mail"}
    answer = client.post(path, data=data)
    assert answer.status_code == 403
    assert publication.rows(correction_table) == []
    assert f'href="/sign-in/again/?next={path}" target="_blank"' in answer.text
    assert 'value="The &lt;tide&gt;"' in answer.text
    assert "It was **wrong**." in answer.text
    assert 'target="_blank"' not in client.get(path).text
