"""Pages that are not to be seen, or were lost: removed, and written again."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from publisher.articles import store
from publisher.articles.tables import article
from publisher.site import removal
from publisher.site.removal import remove_hidden_pages
from publisher.site.writer import SiteReport
from publisher.urls import GONE_NAME
from tests.processes import tree
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import changes, pipeline_of, public, shown
from tests.publisher.serving.test_static_site import asked_of

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MANY = 60


def page(publication: PublicationFolder, key: str = "a", language: str = "en") -> Path:
    return public(publication) / language / "stories" / key / "index.html"


def write(publication: PublicationFolder, name: str = "a", **matter: Any) -> None:
    publication.write(f"en/{name}.md", "Words.", title=f"Title {name}", **matter)


def test_a_later_embargo_removes_the_page_until_it_ends(publication: PublicationFolder) -> None:
    write(publication, date="2026-01-08")
    shown(publication)
    before = page(publication).read_bytes()
    write(publication, date="2026-01-12")
    assert shown(publication.at(NOW + HOUR)).articles == 1
    assert not page(publication).exists()
    assert shown(publication.at(NOW + 2 * HOUR)) == SiteReport()
    shown(publication.at(NOW + 4 * DAY))
    assert page(publication).read_bytes() != before
    assert b"Title a" in page(publication).read_bytes()


@pytest.mark.parametrize("was_out", [True, False])
def test_an_article_withdrawn_during_its_embargo_gets_no_page(
    publication: PublicationFolder, was_out: bool
) -> None:
    write(publication, date="2026-01-08" if was_out else "2026-01-12")
    shown(publication)
    write(publication, date="2026-01-12")
    shown(publication.at(NOW + HOUR))
    (publication.articles / "en/a.md").unlink()
    shown(publication.at(NOW + 2 * HOUR))
    assert not page(publication).exists()
    assert shown(publication.at(NOW + 5 * DAY)).articles == 0
    assert not page(publication).exists()
    write(publication, date="2026-01-12")
    assert shown(publication.at(NOW + 6 * DAY)).articles == 1
    assert page(publication).is_file()


@pytest.mark.parametrize("status", ["withdrawn", "stale"])
def test_a_held_back_article_loses_its_page_until_it_is_released(
    publication: PublicationFolder, status: str
) -> None:
    write(publication, date="2026-01-08")
    shown(publication)
    ask = asked_of(lambda: publication.settings)
    write(publication, date="2026-01-08", status=status)
    assert shown(publication.at(NOW + HOUR)).articles == 1
    assert not page(publication).exists()
    answer = ask("/en/stories/a/")
    if status == "withdrawn":
        assert answer.status_code == 410
        assert b"This article was withdrawn." in answer.data
        assert b"Words." not in answer.data
    else:
        assert answer.status_code == 404
    write(publication, date="2026-01-08")
    shown(publication.at(NOW + 2 * HOUR))
    assert ask("/en/stories/a/").status_code == 200
    assert [file.name for file in page(publication).parent.iterdir()] == ["index.html"]


def test_an_article_that_gets_a_url_elsewhere_loses_its_page_until_the_url_is_removed(
    publication: PublicationFolder,
) -> None:
    write(publication, date="2026-01-08")
    shown(publication)
    write(publication, date="2026-01-08", url="https://example.net/a")
    shown(publication.at(NOW + HOUR))
    assert not page(publication).exists()
    with changes(public(publication)) as found:
        assert shown(publication.at(NOW + 2 * HOUR)) == SiteReport()
    assert found == set()
    write(publication, date="2026-01-08")
    shown(publication.at(NOW + 3 * HOUR))
    assert page(publication).is_file()


def test_an_article_published_elsewhere_has_no_page(publication: PublicationFolder) -> None:
    write(publication, date="2026-01-08", url="https://example.net/a")
    assert shown(publication).articles == 0
    assert not page(publication).exists()
    with publication.database.reading() as connection:
        assert store.count_articles_without_page(connection, NOW) == 0


def test_a_language_that_is_added_again_gets_its_pages_again(
    publication: PublicationFolder,
) -> None:
    publication.write("ar/a.md", "Words.", title="A", date="2026-01-08")
    languages = list(publication.settings.publication.languages)
    shown(publication)
    publication.reload(languages=["en"])
    shown(publication)
    assert not page(publication, language="ar").exists()
    publication.reload(languages=languages)
    shown(publication)
    assert page(publication, language="ar").is_file()


def test_a_recommended_story_has_its_new_title(publication: PublicationFolder) -> None:
    for name in ("a", "b"):
        write(publication, name, date="2026-01-08", topics="[Rivers]")
    shown(publication)
    publication.write("en/a.md", "Words.", title="New name", date="2026-01-08", topics="[Cats]")
    shown(publication.at(NOW + HOUR))
    assert "Title a" not in page(publication, "b").read_text("utf-8")
    publication.write("en/a.md", "Words.", title="New", date="2026-01-08", topics="[Rivers]")
    publication.write("en/b.md", "Words.", title="B", date="2026-01-08", topics="[Rivers]")
    shown(publication.at(NOW + 2 * HOUR))
    publication.write("en/a.md", "Words.", title="Newer", date="2026-01-08", topics="[Rivers]")
    shown(publication.at(NOW + 3 * HOUR))
    assert "Newer" in page(publication, "b").read_text("utf-8")


def test_no_page_of_another_subject_or_language_is_written_again(
    publication: PublicationFolder,
) -> None:
    write(publication, "a", date="2026-01-08", topics="[Rivers]")
    write(publication, "b", date="2026-01-07", topics="[Cats]")
    write(publication, "d", date="2026-01-06", topics="[Cats]")
    publication.write("ar/c.md", "Words.", title="C", date="2026-01-08", topics="[Rivers]")
    shown(publication)
    (publication.articles / "en/a.md").unlink()
    publication.pick_up()
    remove_hidden_pages(publication.settings, publication.database, NOW, str, print)
    with publication.database.reading() as connection:
        due = store.articles_without_page(connection, NOW, 10)
    # It was next to the other one.
    assert [one.slug for one in due] == ["b"]


def test_only_pages_that_recommend_a_story_are_written_again_for_its_title(
    publication: PublicationFolder,
) -> None:
    for number in range(1, 7):
        write(publication, f"s{number}", date=f"2026-01-0{number}", topics="[Rivers]")
    shown(publication)
    # The newest three are recommended: by the others, and by each other. All are linked by those next to them.
    for name, linking in (
        ("s2", {"s1", "s2", "s3"}),
        ("s5", {"s1", "s2", "s3", "s4", "s5", "s6"}),
    ):
        day = f"2026-01-0{name[1]}"
        publication.write(f"en/{name}.md", "Words.", title="New", date=day, topics="[Rivers]")
        publication.at(NOW + HOUR).pick_up()
        with publication.database.reading() as connection:
            due = store.articles_without_page(connection, NOW + HOUR, 10)
        assert {one.slug for one in due} == linking
        shown(publication)


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect all SQL statements with their values while the block runs."""
    found: list[str] = []

    def note(*context: Any) -> None:
        found.append(f"{context[2]} {context[3]}")

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_pages_related_to_many_hidden_articles_are_marked_in_one_statement(
    publication: PublicationFolder,
) -> None:
    # The loss of more than half of a source would be held.
    for number in range(2 * MANY):
        write(publication, f"s{number}", date="2026-01-08", topics="[Rivers]")
    publication.pick_up()
    with publication.database.writing() as connection:
        ids = [one.id for one in store.all_articles(connection)]
        store.mark_article_pages_written(connection, ids)
    for number in range(MANY):
        file = page(publication, f"s{number}")
        file.parent.mkdir(parents=True)
        file.touch()
        (publication.articles / f"en/s{number}.md").unlink()
    publication.pick_up()
    with statements() as found:
        here = publication.settings, publication.database
        assert remove_hidden_pages(*here, NOW, str, print) == MANY
    # Begin, look for, commit: a few, however many go.
    assert len(found) < 18
    assert sum(one.startswith("UPDATE article") for one in found) == 2
    due = [row for row in publication.rows(article) if row["page_hash"] is None]
    assert len(due) == MANY
    assert not [*(public(publication) / "en/stories").rglob("index.html")]


def test_the_run_after_a_killed_one_removes_the_page(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Stands for a kill."""

    def kill(*_: object) -> None:
        raise Killed

    write(publication, date="2026-01-08")
    shown(publication)
    (publication.articles / "en/a.md").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(removal, "remove_file", kill)
        with pytest.raises(Killed):
            shown(publication)
    assert page(publication).is_file()
    shown(publication)
    assert not page(publication).exists()


def test_a_page_that_can_t_be_written_stops_no_other_and_is_tried_again(
    publication: PublicationFolder,
) -> None:
    for name in ("a", "b"):
        write(publication, name, date="2026-01-08")
    shown(publication)
    first, second = (page(publication, name).with_name(GONE_NAME) for name in ("a", "b"))
    (first / "in the way").mkdir(parents=True)
    for name in ("a", "b"):
        write(publication, name, date="2026-01-08", status="withdrawn")
    (problem,) = shown(publication.at(NOW + HOUR)).problems
    assert "/en/stories/a/" in problem
    assert (page(publication).exists(), second.is_file()) == (False, True)
    shutil.rmtree(first)
    assert shown(publication.at(NOW + 2 * HOUR)).problems == []
    assert first.is_file()


def test_a_restored_web_root_has_no_hidden_pages_and_says_what_was_withdrawn(
    publication: PublicationFolder,
) -> None:
    write(publication, date="2026-01-08")
    pipeline_of(publication).run()
    (publication.articles / "en/a.md").unlink()
    pipeline_of(publication.at(NOW + HOUR)).run()
    shutil.rmtree(public(publication))
    pipeline_of(publication).run()
    assert [file.name for file in page(publication).parent.iterdir()] == [GONE_NAME]
    assert pipeline_of(publication.at(NOW + 2 * HOUR)).run().written.articles == 0


PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c4944415408d763f8cfc000000301010018dd8db00000000049454e44ae426082"
)


def test_a_deleted_web_root_is_restored_with_equal_bytes(
    publication: PublicationFolder,
) -> None:
    (publication.articles / "en").mkdir(parents=True, exist_ok=True)
    (publication.articles / "en" / "dot.png").write_bytes(PIXEL)
    publication.write(
        "en/tides.md", "![A dot](dot.png)\n\nWords.", title="Tides", date="2026-01-05"
    )
    subscribe(publication, ("ann@example.com", "en"))
    pipeline_of(publication).run()
    before = tree(public(publication))
    assert any(name.startswith("media/") for name in before)
    shutil.rmtree(public(publication))
    report = pipeline_of(publication).run()
    assert tree(public(publication)) == before
    assert (report.picked_up.new, report.picked_up.changed, report.sent.messages) == (0, 0, 0)
