"""Issues of a month and to come, the page of a day, the file for other programs, and the form for corrections."""

import re
from datetime import date, timedelta
from urllib.parse import quote

import flask
import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, insert, select

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

DAY = "/issues/day/weekly/2026-01-16/"


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


def lines_of(client: FlaskClient, query: str = "") -> list[str]:
    """Give the lines of the list of issues, as text."""
    page = client.get(f"/issues/?view=list{query}").text
    lines = re.findall(
        r'<li class="issue-line.*?</li>|<li class="folded">.*?</summary>', page, re.DOTALL
    )
    words = (" ".join(re.sub(r"<[^>]+>", " ", one).split()) for one in lines)
    return [one.replace("\u00a0", " ").replace(" :", ":") for one in words]


SENT = "The week: Tides ✓ English: sent – 繁體中文: skipped – العربية: skipped 1 of 3 sent, 2 readers"
PLANNED = "○ English: planned ○ 繁體中文: planned ○ العربية: planned planned, 2 readers"


def test_a_month_shows_what_was_and_what_comes_and_drafts_below(sign_in: SignIn) -> None:
    client = sign_in("viewer")
    page = client.get("/issues/").text
    assert page.partition("</table>")[0].count("<td") == 35
    assert 'href="/issues/weekly-en-2026-01-09/"' in page
    assert 'href="/issues/day/weekly/2026-01-16/"' in page
    words = text_of(client, "/issues/")
    assert "Half a &lt;thought&gt;" in words
    assert "articles: en/half.md" in words
    assert lines_of(client)[:2] == [
        f"Fri, Jan 9 8:00 AM The week {SENT}",
        f"Fri, Jan 16 8:00 AM The week {PLANNED}",
    ]
    march = text_of(client, "/issues/?from=2026-03-18")
    assert ("March 2026" in march, "The week: Tides" in march) == (True, False)
    assert "January 2026" in text_of(client, "/issues/?from=2026-01")
    for wrong in ("soon", "0001-01-01", "9999-12-31"):
        assert "January 2026" in text_of(client, f"/issues/?from={wrong}")


def test_earlier_and_later_lead_past_months_of_nothing_but_skipped_issues(
    sign_in: SignIn, publication: PublicationFolder
) -> None:
    client = sign_in("viewer")
    assert 'rel="prev">Earlier: December 2025</a>' in client.get("/issues/").text
    with publication.database.writing() as connection:
        for number in range(1, 31):
            copy_issue(connection, number, "sent" if number == 30 else "skipped")
    january = client.get("/issues/").text
    assert 'rel="prev">Earlier: June 2025</a>' in january
    assert 'rel="next">Later: February 2026</a>' in january
    june = client.get("/issues/?from=2025-06").text
    assert 'rel="prev">Earlier: May 2025</a>' in june
    assert 'rel="next">Later: January 2026</a>' in june
    assert 'rel="next">Later: April 2026</a>' in client.get("/issues/?from=2026-03").text
    folded, *shown = lines_of(client, "&from=2025-09")
    assert folded == "4 skipped, Fri, Sep 5 to Fri, Sep 26"
    assert len(shown) == 4
    assert "with all &lt;it&gt; has" in client.get("/issues/?from=2025-09").text
    skipped = client.get("/issues/?state=skipped").text
    assert 'rel="prev">Earlier: December 2025</a>' in skipped


def test_issues_are_filtered_and_searched_by_subject(
    sign_in: SignIn, publication: PublicationFolder
) -> None:
    client = sign_in("viewer")
    (arabic,) = lines_of(client, "&language=ar&state=skipped")[-1:]
    assert "English" not in arabic
    assert lines_of(client, "&state=failed") == []
    assert "No issue is like this." in text_of(client, "/issues/?state=failed")
    assert len(lines_of(client, "&newsletter=other&state=what")) == len(lines_of(client))
    for words, found in (("TIDES", 1), ("%", 0), ("ferry", 0)):
        assert len(lines_of(client, f"&q={quote(words)}")) == found
    (found_line,) = lines_of(client, "&q=tides")
    assert found_line.startswith("Fri, Jan 9 8:00 AM The week The week: Tides")
    assert lines_of(client, "&q=tides&language=ar") == []
    assert lines_of(client, f"&q={'x' * 60_000}") == []
    # Each page of what was found leads on, and has each issue once.
    with publication.database.writing() as connection:
        for number in range(1, 45):
            copy_issue(connection, number, "sent")
    first = client.get("/issues/?q=tides").text
    (older,) = re.findall(r'href="(/issues/[^"]*)" rel="next"', first)
    second = client.get(older.replace("&amp;", "&")).text
    names = [re.findall(r'"what"><a href="/issues/([^/]+)/"', page) for page in (first, second)]
    assert [len(one) for one in names] == [30, 15]
    assert len({*names[0], *names[1]}) == 45


def copy_issue(connection: Connection, number: int, state: str) -> None:
    """Have the issue that was sent once more, some weeks before."""
    query = select(issue_table).where(issue_table.c.state == "sent", issue_table.c.id < 1000)
    row, shift = connection.execute(query).mappings().one(), timedelta(weeks=number)
    moved = {"day": row["day"] - shift, "due_at": row["due_at"] - shift}
    new = {"id": 1000 + number, "state": state, "reason": "with all <it> has", **moved}
    connection.execute(insert(issue_table).values({**row, **new}))
    if state == "sent":
        digest = connection.execute(select(digest_table).limit(1)).mappings().one()
        connection.execute(insert(digest_table).values({**digest, "issue_id": new["id"]}))


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
    of_day = text_of(client, f"/issues/day/nightly/{day}/")
    assert times in of_day.replace("\u00a0", " ")
    assert times.partition(" Europe")[0] in shown
    for page in (shown, of_day):
        assert [one for one in MARKS if one in page] == ([mark] if mark else [])


MARKS = ("the clocks skip this time", "the clocks repeat this time")


def words_of_day(client: FlaskClient, day: str) -> str:
    """Give what the list of issues says of a day."""
    name = f"{date.fromisoformat(day):%b} {date.fromisoformat(day).day} "
    (line,) = [one for one in lines_of(client, f"&from={day}") if f", {name}" in one]
    return line


def test_issues_of_an_edition_within_an_hour_are_marked(
    sign_in: SignIn, publication: PublicationFolder
) -> None:
    client, mark = sign_in("editor"), "less than an hour from another"
    publication.reload(languages=["en"], newsletters=[{"name": "weekly"}])
    assert mark not in client.get("/issues/?view=list").text
    state, day = editing_state(publication), date(2026, 1, 23)
    (next_one,) = read_calendar(state, day, day).entries
    to = next_one.at.replace(tzinfo=None) - timedelta(minutes=30)
    form = {"language": "en", "to": to.isoformat(timespec="minutes")}
    assert client.post(f"{DAY}move/", data=form).status_code == 303
    assert client.get("/issues/?view=list").text.count(mark) == 2


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
    assert '<td><bdi title="editor-all-en@example.org">' in client.get(DAY).text
    assert "moved" in words_of_day(client, "2026-01-17")
    # It is asked whether that is meant, in which languages, and why.
    wanted = {"language": ["en", "ar"], "why": ""}
    asked = client.post(f"{DAY}skip/", data=wanted)
    assert (asked.status_code, "Skip it in 2 languages?" in asked.text) == (200, True)
    refused = client.post(f"{DAY}skip/", data=wanted | {"sure": "yes"})
    assert (refused.status_code, "Say why it is skipped." in refused.text) == (422, True)
    assert {row["skip_reason"] for row in publication.rows(occurrence_change_table)} == {None}
    sure = {"language": "en", "why": "A <holiday>", "sure": "yes"}
    assert client.post(f"{DAY}skip/", data=sure).status_code == 303
    assert "A &lt;holiday&gt;" in client.get(DAY).text
    client.post(f"{DAY}restore/", data={"language": ["en", "ar"]})
    rows = publication.rows(occurrence_change_table)
    assert {(row["due_at"], row["skip_reason"]) for row in rows} == {(None, None)}


def test_what_can_not_be_changed_is_said_on_the_page(sign_in: SignIn) -> None:
    client = sign_in("editor")
    refused: list[tuple[str, dict[str, str], str]] = [
        ("move", {"language": "en", "to": "2026-01-08T09:00"}, "has passed"),
        ("move", {"language": "en", "to": "soon"}, "Choose a date and a time."),
        ("move", {"to": "2026-01-17T09:00"}, "Choose a language."),
        ("skip", {"language": "xx"}, "Choose a language."),
        ("skip", {"language": '"><script>'}, "Choose a language."),
        ("restore", {"language": "en"}, "neither moved nor skipped"),
    ]
    for verb, data, problem in refused:
        answer = client.post(f"{DAY}{verb}/", data=data)
        assert (answer.status_code, problem in answer.text) == (422, True), problem
    # What no schedule has is no page.
    for path in ("other/2026-01-16", "weekly/2026-01-17", "weekly/soon"):
        assert client.get(f"/issues/day/{path}/").status_code == 404


def test_the_file_needs_no_session_but_its_address(
    sign_in: SignIn, console: flask.Flask
) -> None:
    client = sign_in("viewer")
    found = re.search(r"/calendar/[\w-]+\.ics", client.get("/issues/").text)
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
    assert "This is the original" not in client.get(f"{here}preview/").text
    publication.write("en/tides.md", "The tide left.", title="Tides", date="2026-01-05")
    data = {"subject": "The <tide>", "text": "It was **wrong**.", "how": "mail"}
    assert client.post(f"{here}correct/", data=data).status_code == 303
    pipeline_of(publication).run()
    for linked in ("correct", "report"):
        assert f'href="{here}preview/"' in client.get(f"{here}{linked}/").text
    page = client.get(f"{here}preview/").text
    assert "This is the original" in page
    assert "The &lt;tide&gt;" in page
    assert re.search(r'href="/issues/[\w-]+-correction/preview/">by mail', page)
    frame = re.search(r'<iframe src="([^"]+/mail-light/)" sandbox=""', page)
    assert frame is not None
    shown = client.get(frame[1], headers={"Sec-Fetch-Dest": "iframe"})
    assert "The tide waits." in shown.text
    assert "The tide left." not in shown.text
    source = client.get(f"{here}preview/?show=source").text
    assert publication.rows(digest_table)[0]["sha256"] in source


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
