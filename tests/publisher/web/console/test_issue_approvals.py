"""Approving an issue in the console, and deciding when it is sent."""

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from publisher.app.issues.approvals import read_approvals
from publisher.app.issues.corrections import CorrectionRequest, correct_issue
from publisher.issues.model import Issue
from publisher.issues.tables import issue_approval_table, issue_table
from tests.publisher.app.approving import DUE, HOUR, approve, cycle, issue_of, person
from tests.publisher.conftest import PublicationFolder, editing_state
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.starting_points import Point, StartingPoint
from tests.publisher.web.console.conftest import SignIn

ENGLISH, ARABIC = "weekly-en-2026-01-09", "weekly-ar-2026-01-09"
PAGE = f"/issues/{ENGLISH}/"


@pytest.fixture
def publication(starting_point: StartingPoint) -> PublicationFolder:
    """An issue in two languages that awaits approval, six hours before it is due."""
    return starting_point(Point.WAITING, "en", "ar", before=6 * HOUR, undo=5)


def manifest_of(client: FlaskClient, page: str = PAGE) -> str:
    """Give the hash that the form of a page posts."""
    found = re.search(
        r'/approve/".*?name="manifest" value="(\w+)"', client.get(page).text, re.DOTALL
    )
    assert found is not None
    return found[1]


def post(client: FlaskClient, verb: str, **form: object) -> int:
    return client.post(f"{PAGE}{verb}/", data=form).status_code


def english(publication: PublicationFolder) -> Issue:
    return issue_of(publication, ENGLISH)


def test_an_approval_is_of_the_hash_that_was_shown_and_counts_once(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    client = sign_in("approver")
    page = client.get(PAGE).text
    manifest = manifest_of(client)
    assert f'<bdi class="code" dir="ltr">{manifest[:16]}</bdi>' in page
    answer = client.post(f"{PAGE}approve/", data={"manifest": manifest, "note": "<i>fine</i>"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{PAGE}?done=approved")
    assert english(publication).state == "ready"
    assert post(client, "approve", manifest=manifest) == 303
    shown = client.get(PAGE).text
    assert "you have approved it" in shown
    assert f'action="{PAGE}approve/"' not in shown
    assert "&lt;i&gt;fine&lt;/i&gt;" in shown
    assert "1 of 1" in shown


def test_what_was_read_in_the_preview_is_approved_there(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    client, editor, preview = sign_in("approver"), sign_in("editor"), f"{PAGE}preview/"

    def form_of(query: str = "") -> dict[str, list[str]]:
        (form,) = re.findall(
            r"<form[^>]*/approve(?:-all)?/.*?</form>",
            client.get(preview + query).text,
            re.DOTALL,
        )
        found: dict[str, list[str]] = {}
        for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form):
            found.setdefault(name, []).append(value)
        return found

    sent = form_of()
    assert sent["recipients"] == ["1"]
    assert form_of("?language=all")["name"] == [ENGLISH, ARABIC]
    for query, other in (("?length=full", client), ("?more=ar", client), ("", editor)):
        assert "/approve/" not in other.get(preview + query).text
    assert post(editor, "edits", kind="subject", value="Other words") == 303
    assert post(client, "approve", **sent) == 409
    assert post(client, "approve", **form_of()) == 303
    assert english(publication).state == "ready"
    assert "/approve/" not in client.get(preview).text


def test_who_gets_it_is_counted_for_pages_once_and_again_for_a_form(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    client = sign_in("approver")

    def read() -> str:
        found = re.search(r"<strong>(\d+) readers?</strong>", client.get(PAGE).text)
        return found[1] if found else ""

    assert read() == "1"
    subscribe(publication, ("late@example.com", "en"))
    assert read() == "1"
    refused = client.post(f"{PAGE}approve/", data={"manifest": "0" * 64})
    assert (refused.status_code, "2 readers" in refused.text) == (409, True)
    assert read() == "2"


def test_what_changed_since_it_was_read_is_not_approved_and_is_shown(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    approver, editor = sign_in("approver"), sign_in("editor")
    manifest = manifest_of(approver)
    form = {"kind": "subject", "value": "Other words"}
    assert editor.post(f"{PAGE}edits/", data=form).status_code == 303
    answer = approver.post(f"{PAGE}approve/", data={"manifest": manifest})
    assert answer.status_code == 409
    assert "changed meanwhile" in answer.text
    assert "What the last revision changed" in answer.text
    assert "Other words" in answer.text
    assert english(publication).state == "awaiting_approval"
    # Nor does a hash count that nobody was shown.
    assert post(approver, "approve", manifest="0" * 64) == 409
    assert post(approver, "approve") == 409
    manifest = manifest_of(approver)
    assert post(approver, "request-changes", manifest=manifest) == 409
    assert post(approver, "request-changes", manifest=manifest, changes="Too long") == 303
    page = approver.get(PAGE).text
    assert "asks for changes" in page
    assert "Too long" in page
    assert english(publication).state == "awaiting_approval"


def test_an_issue_that_changed_after_approval_says_so_with_what_changed_and_a_way_to_approve_again(
    sign_in: SignIn, publication: PublicationFolder
) -> None:
    approver, editor = sign_in("approver"), sign_in("editor")
    assert post(approver, "approve", manifest=manifest_of(approver)) == 303
    form = {"kind": "subject", "value": "Other words"}
    assert editor.post(f"{PAGE}edits/", data=form).status_code == 303
    today = approver.get("/").text
    assert "Changed after approval" in today.partition("Waits for you")[2].partition("<h2")[0]
    assert f'href="{PAGE}#changed">Read and approve</a>' in today
    page = approver.get(PAGE).text
    assert (
        '<bdi title="approver-all-en@example.org">' in page.partition("approved what it was")[0]
    )
    assert "<ins>" in page
    # Of what is approved, also what no mail shows.
    assert "what editors changed" in page
    assert "Approve again" in page
    assert "Approve again" not in editor.get(PAGE).text
    assert english(publication).state == "awaiting_approval"
    assert post(approver, "approve", manifest=manifest_of(approver)) == 303
    assert "Changed after approval" not in approver.get(PAGE).text


def test_the_plan_is_shown_beside_the_form_and_is_signed_with_it(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    subscribe(publication, *((f"old-{n}@example.com", "en") for n in range(9)))
    client = sign_in("approver")
    page = client.get(PAGE).text
    assert f'href="{PAGE}plan/"' in page
    form = dict(re.findall(r'name="(manifest|plan_hash|recipients)" value="(\w+)"', page))
    assert form["recipients"] == "10"
    subscribe(publication, *((f"new-{n}@example.com", "en") for n in range(10)))
    answer = client.post(f"{PAGE}approve/", data=form)
    assert answer.status_code == 409
    assert "recipients: 10 when it was read, 20 now" in answer.text
    assert client.post(f"{PAGE}approve/", data=form | {"recipients": "ten"}).status_code == 400
    shown = client.get(PAGE).text
    form = dict(re.findall(r'name="(manifest|plan_hash|recipients)" value="(\w+)"', shown))
    assert client.post(f"{PAGE}approve/", data=form).status_code == 303
    subscribe(publication, *((f"more-{n}@example.com", "en") for n in range(10)))
    assert "recipients: 20 when it was approved, 30 now" in client.get(PAGE).text
    # Whoever may not approve it is not shown whom it goes to.
    assert "plan_hash" not in sign_in("editor").get(PAGE).text


def test_a_correction_is_called_so_and_says_who_may_approve_it(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    ann = person(publication, "ann")
    approve(publication, ann)
    cycle(publication, DUE)
    wanted = CorrectionRequest(
        newsletter="weekly", day=DUE.date(), languages=("en",), subject="Ferry", text="At 8."
    )
    correct_issue(editing_state(publication), ann, wanted)
    cycle(publication, DUE)
    client, page = sign_in("approver"), f"/issues/{ENGLISH}-correction/"
    for path in ("/", "/issues/"):
        shown = client.get(path).text
        assert page in shown
        assert '<span class="chip">Correction</span>' in shown
    shown = client.get(page).text
    assert "<h1>Correction · " in shown
    assert "<title>Correction · " in shown
    assert f'<a href="{PAGE}">' in shown
    for senseless in ("not selected yet", "add another story", "Number of stories"):
        assert senseless not in shown
    view = read_approvals(editing_state(publication), ann, f"{ENGLISH}-correction")
    assert "somebody else has to approve it" in view.why_not
    assert view.others == ("approver-all-en@example.org",)


ANNOUNCE = "/issues/announce/"
WORDS = {
    "newsletter": "weekly",
    "when": "now",
    "subject-en": "The office is closed",
    "text-en": "Until *Monday*.",
}


def test_an_announcement_is_counted_made_approved_and_changed_where_issues_are(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    client, approver = sign_in("administrator"), sign_in("approver")
    assert f'href="{ANNOUNCE}"' in client.get("/issues/").text
    assert f'href="{ANNOUNCE}"' not in approver.get("/issues/").text
    assert approver.get(ANNOUNCE).status_code == 403
    assert 'name="text-ar"' in client.get(ANNOUNCE).text
    counted = client.post(ANNOUNCE, data={**WORDS, "do": "count"})
    assert (counted.status_code, "Who gets it" in counted.text) == (200, True)
    assert "Get another edition" in counted.text
    assert "Until *Monday*.</textarea>" in counted.text
    assert len(publication.rows(issue_table)) == 2
    answer = client.post(ANNOUNCE, data={**WORDS, "listed": "no", "do": "store"})
    # Its date is the day on which it is made.
    name = "weekly-en-2026-01-08-announcement"
    page = f"/issues/{name}/"
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{page}?done=announced")
    for path in ("/", "/issues/"):
        assert '<span class="chip">Announcement</span>' in client.get(path).text
    shown = client.get(page).text
    assert "<h1>Announcement · " in shown
    assert "By mail alone" in shown
    for senseless in ("Add another article", "Number of articles", "in their order"):
        assert senseless not in shown
    assert client.get(f"{page}plan/").status_code == 200
    assert client.get(f"{page}preview/").status_code == 200
    edit = {"kind": "opening", "value": "Until *Tuesday*.", "seen": "1"}
    assert client.post(f"{page}edits/", data=edit).status_code == 303
    manifest = manifest_of(approver, page)
    form = {"manifest": manifest} | dict(
        re.findall(r'name="(plan_hash|recipients)" value="(\w+)"', approver.get(page).text)
    )
    assert approver.post(f"{page}approve/", data=form).status_code == 303
    assert issue_of(publication, name).state == "ready"


def test_the_languages_of_an_announcement_are_tabs_of_its_page(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    client = sign_in("editor")
    both = WORDS | {"when": "held", "subject-ar": "المكتب مغلق", "text-ar": "حتى الإثنين."}
    answer = client.post(ANNOUNCE, data={**both, "do": "store"})
    page = client.get(answer.headers["Location"]).text
    tabs = page.partition('id="tabs"')[2].partition("</nav>")[0]
    assert re.findall(r'href="/issues/([\w-]+)/"( aria-current="page")?', tabs) == [
        ("weekly-en-2026-01-08-announcement", ' aria-current="page"'),
        ("weekly-ar-2026-01-08-announcement", ""),
    ]
    assert len(publication.rows(issue_table)) == 4


def test_what_was_typed_of_an_announcement_stays_if_it_is_refused(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    client = sign_in("administrator")
    for wrong, why in (
        ({"subject-en": ""}, "a subject and a text"),
        ({"when": "at", "at": "soon"}, "is no date and time"),
        ({"when": "at", "at": "2026-01-01T09:00"}, "is to come"),
    ):
        answer = client.post(ANNOUNCE, data={**WORDS, **wrong, "do": "store"})
        assert (answer.status_code, why in answer.text) == (422, True)
        assert "Until *Monday*.</textarea>" in answer.text
    long = {f"text-{tag}": "潮水 " * 2_300 + "the end" for tag in ("en", "ar")}
    answer = client.post(ANNOUNCE, data={**WORDS, **long, "do": "store"})
    assert (answer.status_code, answer.text.count("the end</textarea>")) == (422, 2)
    assert client.post(ANNOUNCE, data={**WORDS, "when": "never"}).status_code == 400
    assert len(publication.rows(issue_table)) == 2


def test_nobody_approves_an_edit_of_one_s_own(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    chief, other = sign_in("administrator"), sign_in("approver")
    form = {"kind": "subject", "value": "My words"}
    assert chief.post(f"{PAGE}edits/", data=form).status_code == 303
    page = chief.get(PAGE).text
    assert "Your approval would not count:" in page
    assert "you have edited it, so somebody else has to approve it" in page
    assert "approver-all-en@example.org" in page.partition("These may approve it:")[2]
    assert f'action="{PAGE}approve/"' not in page
    answer = chief.post(f"{PAGE}approve/", data={"manifest": manifest_of(other)})
    assert (answer.status_code, "has edited it" in answer.text) == (409, True)
    assert english(publication).state == "awaiting_approval"
    assert post(other, "approve", manifest=manifest_of(other)) == 303


def test_all_that_one_may_approve_is_approved_at_once(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    client = sign_in("approver")
    page = client.get(f"{PAGE}languages/").text
    (form,) = re.findall(r"<form[^>]*/approve-all/.*?</form>", page, re.DOTALL)
    values = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
    names = ("name", "manifest", "plan_hash", "recipients")
    sent = {name: [v for n, v in values if n == name] for name in names}
    assert (sent["name"], sent["recipients"]) == ([ENGLISH, ARABIC], ["1", "1"])
    assert client.post(f"{PAGE}approve-all/", data=sent | {"plan_hash": []}).status_code == 400
    # One that may not be approved, or a number that is none, keeps the others from it.
    arab = sign_in("approver", "ar")
    turned = {name: values[::-1] for name, values in sent.items()}
    assert arab.post(f"{PAGE}approve-all/", data=turned).status_code == 403
    wrong = sent | {"recipients": ["1", "one"]}
    assert client.post(f"{PAGE}approve-all/", data=wrong).status_code == 400
    stale = client.post(
        f"{PAGE}approve-all/", data=sent | {"manifest": [*sent["manifest"][:1], "0"]}
    )
    assert (stale.status_code, "none of the others was approved" in stale.text) == (409, True)
    assert not publication.rows(issue_approval_table)
    assert client.post(f"{PAGE}approve-all/", data=sent).status_code == 303
    assert [issue_of(publication, name).state for name in sent["name"]] == ["ready", "ready"]
    # Who may approve one language has no such button, and can't approve the other.
    assert "approve-all" not in arab.get(f"{PAGE}languages/").text
    assert arab.post(f"{PAGE}approve-all/", data=sent).status_code == 403


def test_send_now_counts_down_and_can_be_undone(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    client = sign_in("approver")
    assert post(client, "send-now") == 409
    post(client, "approve", manifest=manifest_of(client))
    assert "http-equiv" not in client.get(PAGE).text
    assert post(client, "send-now") == 303
    page = client.get(PAGE).text
    assert "The first mail leaves in 300 seconds." in page
    assert f'<meta http-equiv="refresh" content="15; url=/issues/{ENGLISH}/">' in page
    assert english(publication).send_at == DUE - 6 * HOUR + timedelta(minutes=5)
    assert post(client, "undo") == 303
    assert english(publication).send_at == DUE
    assert post(client, "undo") == 409
    assert "http-equiv" not in client.get(PAGE).text


def test_an_issue_is_scheduled_held_and_skipped_by_who_sees_its_forms(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    editor = sign_in("editor")
    assert "/approve/" not in editor.get(PAGE).text
    assert "/send-now/" not in editor.get(PAGE).text
    for role, verb in (("translator", "hold"), ("approver", "schedule"), ("viewer", "undo")):
        assert f"/{verb}/" not in sign_in(role).get(PAGE).text
    # Local time of the edition, which has UTC.
    assert post(editor, "schedule", at="2026-01-10T09:30") == 303
    assert english(publication).send_at == DUE + 33.5 * HOUR
    assert post(editor, "schedule", at="soon") == 409
    assert post(editor, "schedule", at="2020-01-01T00:00") == 409
    assert post(editor, "hold") == 303
    assert "It is held until somebody schedules it" in editor.get(PAGE).text
    assert post(editor, "hold") == 409
    assert post(editor, "skip") == 409
    assert post(editor, "skip", why="a holiday") == 303
    skipped = english(publication)
    assert (skipped.state, skipped.reason) == ("skipped", "a holiday")
