"""What files stand for: one article per story and language, what is news, what keeps its name."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from publisher.articles.model import Origin
from publisher.articles.tables import story
from publisher.ingest.pickup import upsert
from publisher.ingest.tables import source_item
from publisher.urls import story_slug
from tests.publisher.conftest import NOW, Make, PublicationFolder

DAY = timedelta(days=1)


# Two files for one article


def test_the_second_file_for_one_article_is_quarantined_naming_the_first(
    publication: PublicationFolder,
) -> None:
    publication.write("a.md", title="First", key="ferry")
    done = publication.pick_up_file("b.md", title="Second", key="ferry")
    assert (done.new, done.quarantined) == (1, 1)
    assert publication.one("ferry").title == "First"
    assert publication.quarantine() == {
        "b.md": "story 'ferry' has its en article in a.md already; give one of them a key of its own"
    }


def test_the_second_file_gets_the_story_when_the_first_is_removed(
    publication: PublicationFolder,
) -> None:
    first = publication.write("a.md", title="First", key="ferry")
    publication.write("b.md", title="Second", key="ferry")
    publication.pick_up_file("c.md", title="Third", key="ferry")
    before = publication.one("ferry")
    first.unlink()
    done = publication.pick_up()
    assert (done.removed, done.quarantined, list(publication.quarantine())) == (0, 1, ["c.md"])
    found = publication.one("ferry")
    assert (found.title, found.id) == ("Second", before.id)


def test_a_story_that_becomes_free_is_taken_in_the_same_pick_up(
    publication: PublicationFolder,
) -> None:
    publication.pick_up_file("c.md", title="First", key="ferry")
    publication.write("a.md", title="Third", key="ferry")
    publication.write("b.md", title="Second", key="boat")
    done = publication.pick_up_file("c.md", title="First", key="map")
    assert (done.new, done.changed, done.quarantined) == (2, 1, 0)
    titles = {key: one.title for (key, _), one in publication.all().items()}
    assert titles == {"map": "First", "boat": "Second", "ferry": "Third"}


def test_a_copy_in_another_languages_folder_is_not_taken_for_a_rename(
    publication: PublicationFolder,
) -> None:
    publication.write("en/ferry.md", title="The ferry", date="2026-01-08")
    publication.pick_up_file("ar/ferry.md", title="A ferry in Arabic", date="2026-01-08")
    arabic = publication.one("ferry", "ar")
    (publication.articles / "en/ferry.md").rename(publication.articles / "ar/boat.md")
    publication.pick_up()
    assert publication.one("ferry", "ar").id == arabic.id
    assert publication.one("ferry", "ar").title == arabic.title
    assert publication.one("boat", "ar").title == "The ferry"


def test_a_later_file_of_an_earlier_name_does_not_replace_the_first_one(
    publication: PublicationFolder,
) -> None:
    publication.pick_up_file("z.md", title="First", key="ferry")
    publication.pick_up_file("a.md", title="Second", key="ferry")
    assert list(publication.quarantine()) == ["a.md"]
    assert publication.one("ferry").title == "First"


# Stories and their names


def test_translations_are_linked_by_key_permalink_path(publication: PublicationFolder) -> None:
    publication.write("en/ferry.md", title="The ferry")
    publication.write("ar/ferry.md", title="A ferry in Arabic")
    publication.write("boat.zh_TW.md", title="A ferry in Chinese", translation_of="en/ferry.md")
    publication.pick_up_file(
        "note.zh-CN.md", title="A ferry in Hans", permalink="/zh-CN/ferry/"
    )
    languages = ("en", "ar", "zh-Hant", "zh-Hans")
    assert set(publication.all()) == {("ferry", tag) for tag in languages}
    assert {one.slug for one in publication.all().values()} == {"ferry"}
    assert len(publication.rows(story)) == 1


def test_any_number_of_keys_with_the_same_slug_get_different_slugs(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = ["a/b", "a b", "a-b", "a.b", "a_b"]
    # As if their hashes clashed too, up to the fourth attempt.
    monkeypatch.setattr(upsert, "story_slug", lambda _key, attempt: f"a-b-{min(attempt, 4)}")
    for number, key in enumerate(keys):
        publication.write(f"{number}.md", title=f"{number}", key=key)
    done = publication.pick_up()
    assert (done.new, done.quarantined) == (5, 0)
    assert [row["slug"] for row in publication.rows(story)] == [f"a-b-{n}" for n in range(5)]


def test_a_key_that_is_just_another_ones_second_slug_gets_a_slug_of_its_own(
    publication: PublicationFolder,
) -> None:
    for key in (story_slug("a b", 1), story_slug("a b", 2), "a-b", "a b"):
        publication.pick_up_file(f"{key}.md", title=key, key=key)
    slugs = {row["key"]: row["slug"] for row in publication.rows(story)}
    assert slugs["a b"] == story_slug("a b", 3)
    assert len(set(slugs.values())) == 4


def test_a_slug_stays_when_title_and_path_change(publication: PublicationFolder) -> None:
    publication.write("en/ferry.md", title="The ferry", date="2026-01-08")
    publication.pick_up_file("ar/ferry.md", title="A ferry in Arabic", date="2026-01-08")
    for tag in ("en", "ar"):
        (publication.articles / tag / "ferry.md").rename(publication.articles / tag / "boat.md")
    assert publication.pick_up().moved == 2
    publication.pick_up_file("en/boat.md", title="The boat", date="2026-01-08")
    names = {(key, one.slug) for (key, _), one in publication.all().items()}
    assert names == {("boat", "ferry")}


def test_a_new_story_under_a_renamed_ones_old_key_gets_a_slug_of_its_own(
    publication: PublicationFolder,
) -> None:
    file = publication.write("ferry.md", title="The ferry", date="2026-01-08")
    publication.pick_up()
    file.rename(publication.articles / "boat.md")
    publication.pick_up()
    publication.pick_up_file("ferry.md", title="Another ferry", date="2026-01-08")
    assert publication.one("boat").slug == "ferry"
    assert publication.one("ferry").slug.startswith("ferry-")


def test_a_file_whose_key_changes_to_a_known_story_leaves_its_old_article(
    publication: PublicationFolder,
) -> None:
    gone = publication.write("old.md", title="Old", key="boat", date="2026-01-08")
    publication.pick_up_file("a.md", title="New", key="ferry", date="2026-01-08")
    boat = publication.one("boat")
    gone.unlink()
    publication.pick_up()
    publication.write("a.md", title="New", key="boat", date="2026-01-08")
    assert publication.pick_up().changed == 1
    assert {key: one.id for (key, _), one in publication.all().items()} == {"boat": boat.id}


def test_a_file_that_changes_language_keeps_its_article(publication: PublicationFolder) -> None:
    publication.pick_up_file("a.md", title="A", lang="en")
    before = publication.one("a")
    publication.write("a.md", title="A", lang="ar")
    later = NOW + DAY
    assert publication.at(later).pick_up().changed == 1
    assert set(publication.all()) == {("a", "ar")}
    found = publication.one("a", "ar")
    assert (found.id, found.available_at) == (before.id, later)
    assert found.published_at == before.published_at


# What is news, and when


def test_a_late_translation_becomes_available_later_and_the_original_keeps_its_dates(
    publication: PublicationFolder,
) -> None:
    publication.pick_up_file("en/ferry.md", title="The ferry", date="2026-01-08")
    original = publication.one("ferry")
    later = NOW + 21 * DAY
    publication.at(later).pick_up_file("ar/ferry.md", title="In Arabic", date="2026-01-08")
    translation = publication.one("ferry", "ar")
    assert (translation.available_at, translation.updated_at) == (later, later)
    assert translation.published_at == original.published_at
    assert translation.origin == Origin.TRANSLATION
    assert publication.one("ferry") == original


def test_an_article_has_the_times_that_its_document_says_if_they_can_be(
    publication: PublicationFolder,
) -> None:
    publication.write("old.md", title="Old", date="2020-05-01")
    publication.write("none.md", title="None")
    publication.write("a.md", title="A", date="2026-01-02", updated="2026-01-05")
    publication.write("b.md", title="B", date="2026-01-02", updated="2027-01-05")
    publication.pick_up_file("c.md", title="C", date="2026-01-02", updated="2025-01-05")
    old = publication.one("old")
    assert old.published_at == old.updated_at == datetime(2020, 5, 1, tzinfo=UTC)
    assert old.available_at == NOW
    said = {key: one.updated_at.day for (key, _), one in publication.all().items()}
    assert said == {"old": 1, "none": 9, "a": 5, "b": 9, "c": 2}
    # A later version may state its update, too; an undated one keeps the day on which it was seen first.
    publication.write("a.md", title="A2", date="2026-01-02", updated="2026-01-08")
    publication.write("none.md", title="None, corrected")
    later = NOW + 3 * DAY
    publication.at(later).pick_up_file(
        "b.md", title="B2", date="2026-01-02", updated="2026-02-08"
    )
    assert publication.one("a").updated_at == datetime(2026, 1, 8, 12, tzinfo=UTC)
    assert publication.one("b").updated_at == later
    assert publication.one("none").published_at == NOW


def test_an_embargoed_article_is_not_visible_before_its_time_and_returns_unchanged(
    publication: PublicationFolder,
) -> None:
    file = publication.write("a.md", title="A", date="2026-01-10 08:00")
    publication.pick_up()
    before = publication.one("a")
    content = file.read_bytes()
    file.unlink()
    publication.pick_up()
    file.write_bytes(content)
    publication.pick_up()
    assert publication.one("a") == before
    assert publication.visible() == []
    time = datetime(2026, 1, 10, 8, tzinfo=UTC)
    assert publication.at(time - timedelta(seconds=1)).visible() == []
    assert publication.at(time).visible() == ["a"]
    assert publication.one("a").available_at == publication.one("a").updated_at == time


@pytest.mark.parametrize(
    ("date", "hidden_until"),
    [
        ("2026-01-20", datetime(2026, 1, 20, tzinfo=UTC)),
        *(("2026-01-10 09:00", datetime(2026, 1, 10, 9, tzinfo=UTC)), ("2026-01-09", NOW)),
        (None, NOW),
    ],
)
def test_an_embargo_may_be_moved_or_lifted(
    publication: PublicationFolder, date: str | None, hidden_until: datetime
) -> None:
    publication.pick_up_file("a.md", title="A", date="2026-01-10 08:00")
    publication.pick_up_file("a.md", title="A", **({"date": date} if date else {}))
    found = publication.one("a")
    assert found.available_at == hidden_until
    assert found.published_at <= found.updated_at <= hidden_until


# Drafts and what is withdrawn


def test_a_draft_is_not_picked_up_until_it_is_no_draft(publication: PublicationFolder) -> None:
    done = publication.pick_up_file("a.md", title="A", draft="true")
    assert (done.new, done.quarantined, publication.all()) == (0, 0, {})
    publication.write("a.md", title="A", draft="false")
    later = NOW + DAY
    assert publication.at(later).pick_up().new == 1
    assert publication.one("a").available_at == later


def withdraw_file(publication: PublicationFolder) -> None:
    (publication.articles / "ferry.md").unlink()


def withdraw_as_draft(publication: PublicationFolder) -> None:
    publication.write("ferry.md", title="The ferry", date="2026-01-09", draft="true")


@pytest.mark.parametrize("withdraw", [withdraw_file, withdraw_as_draft])
def test_an_article_whose_file_goes_or_is_a_draft_again_is_withdrawn_and_returns_as_itself(
    publication: PublicationFolder, withdraw: Callable[[PublicationFolder], None]
) -> None:
    publication.pick_up_file("ferry.md", title="The ferry", date="2026-01-09")
    before = publication.one("ferry")
    withdraw(publication)
    done = publication.pick_up()
    assert (done.new, done.changed + done.removed) == (0, 1)
    assert (publication.all(), publication.visible()) == ({}, [])
    publication.write("ferry.md", title="The ferry", date="2026-01-09")
    later = NOW + DAY
    assert publication.at(later).pick_up().changed == 1
    found = publication.one("ferry")
    assert (found.id, found.slug, found.available_at) == (before.id, before.slug, later)
    assert found.published_at == before.published_at


@pytest.mark.parametrize("status", ["withdrawn", "stale"])
def test_an_article_that_was_held_back_is_new_when_released(
    publication: PublicationFolder, status: str
) -> None:
    publication.pick_up_file("a.md", title="A", date="2026-01-08", status=status)
    assert publication.visible() == []
    publication.write("a.md", title="A", date="2026-01-08", status="ready")
    later = NOW + DAY
    assert publication.at(later).pick_up().changed == 1
    assert publication.visible() == ["a"]
    assert publication.one("a").available_at == later


def test_a_move_over_an_article_that_was_there_takes_that_ones_id(
    publication: PublicationFolder,
) -> None:
    twin = publication.write("boat.md", title="The boat", date="2026-01-08")
    file = publication.write("ferry.md", title="The ferry", date="2026-01-08")
    publication.pick_up()
    boat = publication.one("boat").id
    twin.unlink()
    publication.pick_up()
    file.rename(twin)
    assert publication.pick_up().changed == 1
    assert {key: one.id for (key, _), one in publication.all().items()} == {"boat": boat}
    assert [row["key"] for row in publication.rows(source_item)] == ["boat.md"]


def test_a_file_of_another_source_keeps_the_article_too(new_publication: Make) -> None:
    sources = [{"kind": "folder", "path": path} for path in ("articles", "more")]
    publication = new_publication(sources=sources)
    publication.write("a.md", title="First")
    publication.write("../more/a.md", title="Second")
    assert publication.pick_up().quarantined == 1
    assert publication.one("a").title == "First"
