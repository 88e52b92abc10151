"""Articles and translations are written by programs: as they were read, and with the console's permissions."""

import pytest

from publisher.accounts.model import Grant, Role
from tests.publisher.conftest import PublicationFolder
from tests.publisher.web.api.conftest import NewKey, Program
from tests.publisher.web.conftest import MadeReady
from tests.publisher.web.console.test_writing_pages import SOURCE, one_story


@pytest.fixture
def publication(made_ready: MadeReady) -> PublicationFolder:
    return made_ready(one_story, sources=[SOURCE])


def test_an_article_is_begun_changed_as_read_and_published(
    program: Program, publication: PublicationFolder
) -> None:
    new = {"source": "articles", "language": "en", "title": "High water"}
    begun = program.post("/writing", new)
    path = f"/writing/{begun.get_json()['id']}"
    assert program.get(path).headers["ETag"] == begun.headers["ETag"]
    assert program.ask("PATCH", path, {"text": "Mine."}).status_code == 428
    tag = {"If-Match": begun.headers["ETag"]}
    changed = program.ask("PATCH", path, {"text": "It *comes*."}, tag)
    assert changed.get_json()["fields"]["text"] == "It *comes*."
    # What was read before is refused, whatever is done with it.
    for method, end, body in (
        ("PATCH", "", {"text": "x"}),
        ("DELETE", "", None),
        ("POST", "/publish", {}),
    ):
        old = program.ask(method, f"{path}{end}", body, tag)
        assert (old.status_code, "read it, and try again" in old.text) == (412, True)
        beyond = {"If-Match": f'"{"9" * 30}.{"0" * 32}"'}  # more than a column has
        assert program.ask(method, f"{path}{end}", body, beyond).status_code == 412
    assert [one["title"] for one in program.get("/writing").get_json()["drafts"]] == [
        "High water"
    ]
    tag = {"If-Match": changed.headers["ETag"]}
    assert program.ask("POST", f"{path}/publish", {}, tag).get_json() == {
        "path": "en/high-water.md",
        "not_committed": "",
    }
    publication.pick_up()
    assert "<em>comes</em>" in publication.one("high-water").html
    assert program.get(path).status_code == 404
    assert program.post("/writing", {**new, "source": "other"}).status_code == 409


def test_a_file_that_was_changed_meanwhile_is_read_before_it_is_replaced(
    program: Program, publication: PublicationFolder
) -> None:
    begun = program.post(f"/articles/{publication.one('tide').id}/write").get_json()
    path, tag = f"/writing/{begun['id']}", {"If-Match": f'"0.{"0" * 32}"'}
    assert (begun["path"], begun["changed_file"], begun["fields"]["title"]) == (
        "en/tide.md",
        None,
        "The tide",
    )
    changed = program.ask("PATCH", path, {"title": "Tides"}, tag)
    tag = {"If-Match": changed.headers["ETag"]}
    publication.write("en/tide.md", "Other.", title="On the disk")
    assert (
        program.ask("POST", f"{path}/publish", {"file": begun["file"]}, tag).status_code == 409
    )
    now = program.get(path).get_json()
    assert now["changed_file"]["title"] == "On the disk"
    assert program.ask("POST", f"{path}/publish", {"file": now["file"]}, tag).status_code == 200
    assert "Tides" in (publication.articles / "en/tide.md").read_text("utf-8")


def test_a_translator_writes_beside_the_original_and_in_no_other_language(
    new_key: NewKey, publication: PublicationFolder
) -> None:
    translator, story = new_key(Grant(Role.TRANSLATOR, "ar")), publication.one("tide").story_id
    begun = translator.post("/translations/ar/write", {"story_id": story})
    read = begun.get_json()
    assert read["original"]["paragraphs"][1] == "It comes."
    path, tag = f"/writing/{read['id']}", {"If-Match": begun.headers["ETag"]}
    for other in (new_key(Grant(Role.TRANSLATOR, "zh-Hant")), new_key(Grant(Role.VIEWER))):
        for method in ("GET", "DELETE"):
            assert other.ask(method, path, None, tag).status_code == 403
    assert (
        translator.post(
            "/writing", {"source": "articles", "language": "ar", "title": "x"}
        ).status_code
        == 403
    )
    no_picture = {"name": "a.png", "alt": "A boat", "content": ""}
    assert translator.post(f"{path}/pictures", no_picture).status_code == 409
    changed = translator.ask("PATCH", path, {"title": "المد", "text": "يأتي."}, tag)
    tag = {"If-Match": changed.headers["ETag"]}
    seen = {"original": read["original"]["sha256"]}
    assert translator.ask("POST", f"{path}/publish", {"original": "0"}, tag).status_code == 409
    assert translator.ask("POST", f"{path}/publish", seen, tag).status_code == 200
    publication.pick_up()
    assert publication.one("tide", "ar").title == "المد"
    chinese = new_key().post("/translations/zh-Hant/write", {"story_id": story})
    number = chinese.get_json()["id"]
    done = new_key().ask(
        "DELETE", f"/writing/{number}", None, {"If-Match": chinese.headers["ETag"]}
    )
    assert done.status_code == 200
