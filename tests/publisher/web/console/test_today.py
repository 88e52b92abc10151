"""What the first page says: issues that come next, and what needs somebody in several languages."""

import re
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from publisher.accounts.model import Grant, Role
from publisher.app.issues.approvals import request_changes
from publisher.app.issues.sending import hold_issue
from publisher.app.operation.attention import find_attention
from publisher.app.operation.status import take_snapshot
from publisher.app.operation.today import TodayTask, today_lines
from publisher.app.translations import start_translation
from publisher.issues.tables import digest_table
from tests.publisher.app.approving import (
    DAY,
    DUE,
    HOUR,
    TERMINAL,
    approve,
    cycle,
    manifest_of,
    newsletter,
    person,
)
from tests.publisher.conftest import PublicationFolder, editing_state
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.starting_points import Point, StartingPoint
from tests.publisher.web.console.conftest import SignIn
from tests.publisher.web.console.test_console_sending import words

ENGLISH, ARABIC = "weekly-en-2026-01-09", "weekly-ar-2026-01-09"


@pytest.fixture
def publication(starting_point: StartingPoint) -> PublicationFolder:
    """Issues in two languages that are made a day before they are due; one of them is approved."""
    made = starting_point(Point.WAITING, "en", "ar", before=HOUR, lead=24)
    approve(made, person(made, "ann"), ARABIC)
    return made


def coming(client: FlaskClient) -> list[str]:
    agenda = client.get("/").text.partition('<ol class="agenda">')[2].partition("</ol>")[0]
    return re.findall(r"<li>(.*?)</li>", agenda, re.DOTALL)


def test_issues_that_are_made_ahead_come_next_with_state_and_link(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    client = sign_in("viewer")
    first, second = coming(client)[:2]
    assert "English · awaits approval" in words(first)
    assert "العربية · ready" in words(first)
    assert f'href="/issues/{ENGLISH}/"' in first
    assert f'href="/issues/{ARABIC}/"' in first
    assert DUE.isoformat() in first
    # The one after it is not made yet.
    assert 'href="/next/weekly/"' in second
    assert "English ·" not in words(second)
    assert "2 readers" in words(second)
    hold_issue(editing_state(publication), TERMINAL, ARABIC)
    assert "العربية · held" in words(coming(client)[0])


def parts(client: FlaskClient) -> dict[str, str]:
    """Give the words of each part of the page, by its heading."""
    main = client.get("/").text.partition("<main")[2].partition("Comes next")[0]
    found = main.split("<h2")[1:]
    return {words(one).removeprefix("> ").partition("  ")[0]: words(one) for one in found}


def part(client: FlaskClient, heading: str) -> str:
    return next((text for text in parts(client).values() if heading in text[:40]), "")


def test_what_waits_is_by_role_with_newsletter_readers_time_and_button(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    subscribe(publication, ("ann@example.com", "en"), ("noor@example.com", "en"))
    approver, editor = sign_in("approver", "en"), sign_in("editor")
    mine = part(approver, "Waits for you")
    for said in (
        "weekly · Awaits approval · in 1 hour",
        "English",
        "3 readers",
        "Read and approve",
    ):
        assert said in mine.replace("The week", "weekly"), mine
    assert "Awaits approval" not in part(editor, "Waits for you")
    others = part(editor, "Waits for others")
    # By name, and not for administrators, who may do everything.
    assert "Waits for: ann , Ann approver" in others
    assert "Ann administrator" not in others
    assert 'class="button" href="/issues/weekly-en-2026-01-09/"' in approver.get("/").text


def test_changes_that_are_asked_for_wait_for_editors(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    ann = person(publication, "bob", Grant(Role.APPROVER))
    manifest = manifest_of(publication, ENGLISH)
    request_changes(editing_state(publication), ann, ENGLISH, manifest, "Say which ferry")
    mine = part(sign_in("editor", "en"), "Waits for you")
    assert "Changes are asked for" in mine
    assert "bob: Say which ferry" in mine
    assert "Read and change" in mine
    assert "Changes are asked for" in part(sign_in("editor", "ar"), "Waits for others")


def test_a_translator_sees_her_language_first_and_what_she_has_promised(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    for name in ("rain", "kites"):
        publication.write(f"en/{name}.md", "Rain.", title=f"The {name}", date="2026-01-08")
    publication.pick_up()
    client = sign_in("translator", "ar")
    mine = part(client, "Waits for you")
    assert "stories have no translation" in mine
    assert "English" not in mine
    omar = replace(TERMINAL, name="translator-ar-en@example.org", via="console", account_id=2)
    start_translation(editing_state(publication), omar, "rain", "ar")
    assert "You have promised 1 translation" in part(client, "Waits for you")
    assert [*re.findall(r"English|العربية", words(coming(client)[1]))] == ["العربية", "English"]
    assert "promised" not in part(sign_in("translator", "en"), "Waits for you")


def test_one_newsletter_and_day_is_one_line_however_many_approvals_each_language_needs(
    publication: PublicationFolder,
) -> None:
    shown = take_snapshot(publication.settings, publication.database, publication.clock.now())
    (english,) = (one for one in find_attention(shown, DUE - HOUR) if one.kind == "approval")
    arabic = replace(english, language="ar", name=ARABIC, text="0 of 2 approvals")
    tasks = [TodayTask(one, ()) for one in (english, arabic)]
    (line,) = today_lines(tasks, {("weekly", "en"): 3, ("weekly", "ar"): 4}, frozenset({"ar"}))
    assert [one.language for one in line.items] == ["ar", "en"]
    assert (line.subscribers, line.item.text) == (7, "")


def test_an_edition_without_the_program_s_words_is_named_with_the_way_to_add_them(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    publication.reload(languages=["en", "sw"], newsletters=[newsletter(approval="none")])
    said = part(sign_in(), "What the program says")
    assert "These languages go out with the program's own words in English" in said
    assert "Kiswahili" in said
    assert "docs/how-to/add-a-language-to-the-program.md" in said
    # So does each mail of it.
    publication.write("sw/tides.md", "Maji.", title="Maji", date="2026-01-08")
    subscribe(publication, ("juma@example.com", "sw"))
    cycle(publication, DUE + 7 * DAY)
    codes = {
        row["subject"]: {one["code"] for one in row["findings"]}
        for row in publication.rows(digest_table)
    }
    assert [name for name, found in codes.items() if "program-words" in found] == [
        "The week: Maji"
    ]


def test_what_the_program_says_is_put_aside_by_a_person_until_it_says_something_else(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    publication.write("en/broken.md", "---\ntitle: [\n---\n")
    publication.pick_up()
    client, other = sign_in("editor"), sign_in("viewer")
    sentence = "1 file can't be read as an article"
    form = client.get("/").text.partition(sentence)[2].partition("</form>")[0]
    (fingerprint,) = re.findall(r'name="fingerprint" value="([0-9a-f]{32})"', form)
    fields = {"fingerprint": fingerprint, "again": ""}
    answer = client.post("/aside/", data=fields)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/#machine")
    assert sentence in part(client, "What the program says").partition("Put aside · 1")[2]
    assert "Put aside · 1" not in part(other, "What the program says")
    client.post("/aside/", data=fields | {"again": "yes"})
    assert "Put aside · 1" not in part(client, "What the program says")
    client.post("/aside/", data=fields)
    publication.write("en/worse.md", "---\ntitle: [\n---\n")
    publication.pick_up()
    changed = part(client, "What the program says")
    assert "2 files can't be read as articles" in changed
    assert "Put aside · 1" not in changed
    # What is urgent stays, and what is not there any more changes nothing.
    service = client.get("/").text.partition("The service has")[2].partition("</li>")[0]
    assert "/aside/" not in service
    assert client.post("/aside/", data={"fingerprint": "0" * 32}).status_code == 303
