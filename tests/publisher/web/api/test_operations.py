"""What operations do, each with what it leaves behind."""

from datetime import date, timedelta

from werkzeug.test import TestResponse

from publisher.accounts.model import Grant, Role
from publisher.accounts.tables import api_answer_table
from publisher.delivery.transports.base import Outcome, SendStatus
from publisher.issues.model import Issue
from publisher.issues.store import add_occurrence
from publisher.testing import MemoryTransport
from publisher.web.api.requests import ApiContext
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import ready, subscribe
from tests.publisher.printing import pipeline_of
from tests.publisher.web.api.conftest import NewKey, Program
from tests.publisher.web.api.test_requests import detail
from tests.sizes import PATIENCE

ANN = "ann@example.com"
ISSUE = "/issues/weekly-en-2026-01-09"


def test_lists_are_walked_by_their_cursors(
    program: Program, publication: PublicationFolder
) -> None:
    for number in range(5):
        # Two on each day, in two languages.
        day = f"2026-01-0{1 + number // 2}"
        for name in (f"en/tides-{number}.md", f"ar/tides-{number}.md"):
            publication.write(name, "The tide waits.", title="Tides", date=day)
    publication.pick_up()
    cursor, found = "", []
    for _page in range(5):
        page = program.get(f"/articles?language=en&limit=2{cursor}").get_json()
        assert len(page["articles"]) <= 2
        found += [one["url"] for one in page["articles"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    url = publication.settings.publication.url
    assert found == [f"{url}/en/stories/tides-{number}/" for number in (4, 3, 2, 1, 0)]


def test_an_issue_is_read_with_its_numbers(
    program: Program, publication: PublicationFolder
) -> None:
    planned = Issue(newsletter="weekly", language="en", day=date(2026, 1, 16), due_at=NOW)
    with publication.database.writing() as connection:
        add_occurrence(connection, planned)
    early = program.get("/issues/weekly-en-2026-01-16").get_json()
    assert (early["subject"], early["digest_hash"]) == (None, None)
    subscribe(publication, (ANN, "en"))
    ready(publication)
    issue = program.get(ISSUE).get_json()
    assert (issue["state"], issue["day"]) == ("ready", "2026-01-09")
    assert sum(issue["deliveries"].values()) == 0
    assert issue["due_at"].endswith("Z")
    assert issue["subject"]
    (listed,) = program.get("/issues?state=ready&newsletter=weekly").get_json()["issues"]
    assert issue.items() >= listed.items()
    assert program.get("/issues?state=sent").get_json()["issues"] == []
    pipeline_of(publication).deliver()
    sent = program.get(ISSUE).get_json()
    assert sent["deliveries"]["sent"] == sum(sent["deliveries"].values()) == 1


def test_a_translation_is_promised_begun_and_given_up(
    new_key: NewKey, publication: PublicationFolder
) -> None:
    publication.pick_up_file("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    arabic = new_key(Grant(Role.TRANSLATOR, "ar"))
    body = {"story": "tides", "until": "2026-01-12"}
    assert arabic.post("/translations/ar/claim", body).get_json() == {}
    (story,) = arabic.get("/translations?state=promised").get_json()["stories"]
    cells = {one["language"]: one for one in story["languages"]}
    assert cells["ar"]["state"] == "promised"
    assert cells["ar"]["claimed_until"].startswith("2026-01-1")
    for verb, more in (("start", {}), ("give-up", {"reason": "no time"}), ("release", {})):
        answer = arabic.post(f"/translations/ar/{verb}", {"story": "tides", **more})
        assert answer.get_json() == {}
    assert "nobody has claimed it" in detail(
        arabic.post("/translations/ar/release", {"story": "tides"}), 409
    )
    assert "is no place" in detail(arabic.get("/translations?cursor=x"), 422)
    detail(new_key().post("/translations/fi/release", {"story": "tides"}), 404)


def test_statistics_of_translations_are_those_of_the_languages_of_the_key(
    new_key: NewKey, publication: PublicationFolder
) -> None:
    publication.at(NOW - timedelta(hours=2)).write(
        "en/tides.md", "The tide waits.", title="Tides", date="2026-01-05"
    )
    publication.pick_up()
    publication.at(NOW)
    publication.pick_up_file("ar/tides.md", "المد ينتظر.", title="المد", translator="Omar")
    subscribe(publication, ("omar@example.com", "ar"), ("aino@example.com", "fi"))
    path = "/translations/statistics?days=30"
    arabic = new_key(languages=("ar",)).get(path).get_json()
    assert arabic["since"] == "2025-12-10T12:00:00Z"
    assert arabic["subscribers"] == {"first": 1, "other": 0, "none": 1}
    assert arabic["stories_of_subscribers"] == {"first": 1, "other": 0, "none": 1}
    assert arabic["languages"] == [
        {
            "language": "ar",
            "states": {"translation": 1},
            "translations": 1,
            "median_lag_seconds": 7200,
            "p95_lag_seconds": 7200,
        }
    ]


def test_an_issue_is_moved_skipped_and_restored(program: Program) -> None:
    path = "/calendar?first=2026-01-10&last=2026-02-10&language=en"
    first = program.get(path).get_json()["entries"][0]
    about = {"newsletter": first["newsletter"], "day": first["day"]}
    moved = program.post("/calendar/en/move", {**about, "to": f"{first['day']}T22:30:00"})
    assert moved.status_code == 200
    changed = program.get(path).get_json()["entries"][0]
    assert changed["scheduled_at"] == first["due_at"]
    assert changed["local"].startswith(f"{first['day']}T22:30")
    skipped = program.post("/calendar/en/skip", {**about, "reason": "a holiday"})
    assert skipped.get_json()["skip_reason"] == "a holiday"
    assert program.post("/calendar/en/restore", about).get_json()["due_at"] == first["due_at"]
    detail(program.post("/calendar/en/restore", about), 404)
    offset = {**about, "to": f"{first['day']}T22:30:00Z"}
    assert "/to: " in detail(program.post("/calendar/en/move", offset), 422)
    assert "365 days" in detail(program.get("/calendar?first=2026-01-01&last=2027-01-02"), 422)


def test_what_is_wrong_with_files_is_listed(
    program: Program, publication: PublicationFolder
) -> None:
    publication.write("en/broken.md", b"\xff\xfe\xfa")
    publication.pick_up_file(
        "en/tides.md", "Text.\n\n![](missing.png)", title="Tides", date="2026-01-05"
    )
    answer = program.get("/sources").get_json()
    assert [one["kind"] for one in answer["sources"]] == ["folder"]
    assert len(answer["quarantine"]) == 1
    problems = program.get("/articles/problems").get_json()["kinds"]
    assert [one["kind"] for one in problems if one["problems"]]
    refused = program.post("/sources/articles/accept-loss", {"lost": 1})
    assert "is not held" in detail(refused, 404)
    assert all(one["remedy"] for one in problems)


def test_a_source_is_tested_and_its_notices_are_listed(
    program: Program, publication: PublicationFolder, api_context: ApiContext
) -> None:
    publication.write("en/tides.md", "Text.", title="Tides", date="2026-01-05")
    publication.write("en/draft.md", "Text.", title="Draft", draft=True)
    path = "/sources/articles/test"
    assert "was not tested" in detail(program.get(path), 404)
    assert program.post(path).get_json()["state"] in {"running", "done"}
    api_context.opened.source_tests.wait(PATIENCE)
    answer = program.get(path).get_json()
    assert answer["state"] == "done"
    found = answer["result"]
    assert (found["new"], found["left_out"], found["place"]) == (1, {"draft": 1}, "articles")
    assert [one["title"] for one in found["articles"]] == ["Tides"]
    detail(program.post("/sources/none/test"), 404)
    publication.pick_up()
    (source,) = program.get("/sources").get_json()["sources"]
    assert source["state"] == "in-order"
    assert [one["kind"] for one in source["notices"]] == ["left-out draft"]


def test_a_subscriber_is_found_unsubscribed_and_erased(
    program: Program, new_key: NewKey, publication: PublicationFolder
) -> None:
    subscribe(publication, ("bob@example.com", "en"), (ANN, "en"))
    asked = program.post(
        "/subscribers/search", {"address": "ANN@example.com"}, Idempotency_Key="k"
    )
    found = asked.get_json()
    assert (found["address"], found["subscriptions"]) == (ANN, {"weekly": "active"})
    path = f"/subscribers/{found['subscriber']}"
    assert program.get(path).get_json() == found
    body = {"newsletter": "weekly", "note": "asked"}
    left = program.post(f"{path}/unsubscribe", body, Idempotency_Key="l")
    assert left.get_json()["subscriptions"] == {"weekly": "unsubscribed"}
    # No answer with an address is kept.
    assert publication.rows(api_answer_table) == []
    arabic = new_key(languages=("ar",))
    for answer in (arabic.get(path), arabic.ask("DELETE", path)):
        detail(answer, 403)
    detail(arabic.post("/subscribers/search", {"address": ANN}), 404)
    assert program.ask("DELETE", path).status_code == 200
    assert "this address" in detail(program.post("/subscribers/search", {"address": ANN}), 404)
    for answer in (program.get(path), program.ask("DELETE", path)):
        assert "no such subscriber" in detail(answer, 404)
    assert "/address" in str(
        program.post("/subscribers/search", {"address": "no address"}).get_json()["errors"]
    )
    for number in ("x", "-1", "1" * 30, "\u0661"):
        detail(program.get(f"/subscribers/{number}"), 404)


def test_an_issue_is_edited_as_it_was_read(
    program: Program, publication: PublicationFolder
) -> None:
    for name in ("tides", "ferry"):
        publication.write(f"en/{name}.md", "Words.", title=name.title(), date="2026-01-05")
    pipeline_of(publication).prepare()
    path = ISSUE
    first = program.get(f"{path}/contents")
    second = first.get_json()["stories"][1]["story_id"]
    move = {"kind": "move", "value": "1", "story_id": second}
    detail(program.post(f"{path}/edits", move), 428)
    for wrong in ("*", "x", '"0.' + "0" * 32 + '"', first.headers["ETag"].replace('"', "")):
        answer = program.ask("POST", f"{path}/edits", move, {"If-Match": wrong})
        assert "read it again" in detail(answer, 412)
    tag = {"If-Match": first.headers["ETag"]}
    moved = program.ask("POST", f"{path}/edits", move, {**tag, "Idempotency-Key": "k"})
    assert moved.get_json()["stories"][0]["story_id"] == second
    assert moved.get_json()["problem"] is None
    # The same request again is answered as before, another one is not made.
    again = program.ask("POST", f"{path}/edits", move, {**tag, "Idempotency-Key": "k"})
    assert (again.get_json(), again.headers["ETag"]) == (
        moved.get_json(),
        moved.headers["ETag"],
    )
    assert "was changed since" in detail(program.ask("POST", f"{path}/edits", move, tag), 412)
    now = {"If-Match": program.get(path).headers["ETag"]}
    number = moved.get_json()["edits"][0]["edit"]
    undone = program.ask("DELETE", f"{path}/edits/{number}", None, now)
    assert undone.get_json()["stories"] == first.get_json()["stories"]
    latest = {"If-Match": undone.headers["ETag"]}
    assert "no edit" in detail(
        program.ask("DELETE", f"{path}/edits/{number}", None, latest), 409
    )
    detail(program.ask("DELETE", f"{path}/edits/x", None, latest), 404)


def test_who_will_get_an_issue_is_planned_for_the_languages_of_the_key(
    program: Program, new_key: NewKey, publication: PublicationFolder
) -> None:
    subscribe(publication, (ANN, "en"), ("bob@example.com", "ar"))
    answer = program.get("/newsletters/weekly/plan").get_json()
    plan = answer["plan"]
    assert (plan["subscribers"], len(answer["hash"])) == (2, 64)
    assert {one["language"] for one in plan["editions"]} == {"en", "zh-Hant", "ar"}
    arabic = new_key(languages=("ar",)).get("/newsletters/weekly/plan").get_json()["plan"]
    assert [one["language"] for one in arabic["editions"]] == ["ar"]
    detail(new_key(languages=("ar",)).get("/newsletters/weekly/plan?language=en"), 403)
    detail(program.get("/newsletters/hourly/plan"), 404)


def test_an_issue_that_was_sent_is_reported_and_corrected_and_its_doubts_are_decided(
    program: Program, publication: PublicationFolder
) -> None:
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    subscribe(publication, (ANN, "en"))
    unknown = Outcome(SendStatus.UNKNOWN, "no answer came")
    pipeline = pipeline_of(publication, MemoryTransport("ambiguous", outcomes={ANN: unknown}))
    pipeline.prepare()
    body = {"newsletter": "weekly", "day": "2026-01-09", "web_only": True}
    body |= {"subject": "A correction", "text": "The tide does *not* wait."}
    detail(program.post("/corrections/en", body), 409)
    pipeline.deliver()
    decided = program.post(f"{ISSUE}/doubts", {"decision": "mark-sent"})
    assert decided.get_json() == {"deliveries": 1}
    assert program.get(ISSUE).get_json()["state"] == "sent"
    answer = program.get(f"{ISSUE}/report").get_json()
    assert (answer["report"]["planned"], answer["report"]["sent"]) == (1, 1)
    corrected = program.post("/corrections/en", body).get_json()
    assert corrected == {"issue": "weekly-en-2026-01-09", "mailed": None}


def test_an_issue_is_edited_in_several_languages_at_once_or_in_none(
    program: Program, publication: PublicationFolder
) -> None:
    for tag, titles in (("en", ("Tides", "Ferry")), ("ar", ("المدّ", "العبّارة"))):
        for name, title in zip(("tides", "ferry"), titles, strict=True):
            publication.write(f"{tag}/{name}.md", f"{title}.", title=title, date="2026-01-05")
    publication.write("en/light.md", "Light.", title="Light", date="2026-01-05")
    pipeline_of(publication).prepare()

    def send(story: str, *languages: str) -> TestResponse:
        read = program.get(f"{ISSUE}/contents")
        body = {"kind": "leave-out", "value": "old", "story": story, "languages": languages}
        return program.ask("POST", f"{ISSUE}/edits", body, {"If-Match": read.headers["ETag"]})

    def left_out() -> list[list[str]]:
        paths = (ISSUE, ISSUE.replace("-en-", "-ar-"))
        found = (program.get(f"{one}/contents").get_json()["left_out"] for one in paths)
        return [[row["story"] for row in rows] for rows in found]

    # Arabic does not have it.
    assert "is not in this issue" in detail(send("light", "ar"), 409)
    assert "not in all of these languages" in detail(send("ferry", "ar", "fr"), 404)
    assert left_out() == [[], []]
    done = send("ferry", "en", "ar")
    assert (done.status_code, done.get_json()["problem"]) == (200, None)
    assert left_out() == [["ferry"], ["ferry"]]
