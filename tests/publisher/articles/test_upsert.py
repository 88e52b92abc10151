"""What files stand for: one article per story and language, what is news, what keeps its name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from publisher.articles import upsert
from publisher.articles.model import Origin
from publisher.articles.story_keys import story_slug
from publisher.articles.tables import source_file, story
from tests.publisher.conftest import NOW, House
from tests.publisher.printing import pipeline_of, public

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


# Two files for one article


def test_the_second_file_for_one_article_is_quarantined_naming_the_first(house: House) -> None:
    house.write("a.md", title="First", key="ferry")
    house.write("b.md", title="Second", key="ferry")
    done = house.pick_up()
    assert (done.new, done.quarantined) == (1, 1)
    assert house.one("ferry").title == "First"
    assert house.quarantine() == {
        "b.md": "story 'ferry' has its en article in a.md already; give one of them a key of its own"
    }


def test_the_second_file_gets_the_story_when_the_first_is_removed(house: House) -> None:
    first = house.write("a.md", title="First", key="ferry")
    house.write("b.md", title="Second", key="ferry")
    house.write("c.md", title="Third", key="ferry")
    house.pick_up()
    before = house.one("ferry")
    first.unlink()
    done = house.pick_up()
    assert (done.removed, done.quarantined, list(house.quarantine())) == (0, 1, ["c.md"])
    assert (house.one("ferry").title, house.one("ferry").id) == ("Second", before.id)


def test_a_story_that_becomes_free_is_taken_in_the_same_pick_up(house: House) -> None:
    house.write("c.md", title="First", key="ferry")
    house.pick_up()
    house.write("a.md", title="Third", key="ferry")
    house.write("b.md", title="Second", key="boat")
    house.write("c.md", title="First", key="map")
    done = house.pick_up()
    assert (done.new, done.changed, done.quarantined) == (2, 1, 0)
    assert {key: one.title for (key, _), one in house.all().items()} == {
        "map": "First",
        "boat": "Second",
        "ferry": "Third",
    }


def test_a_copy_in_another_languages_folder_is_not_taken_for_a_rename(house: House) -> None:
    house.write("en/ferry.md", title="The ferry", date="2026-01-08")
    house.write("ar/ferry.md", title="A ferry in Arabic", date="2026-01-08")
    house.pick_up()
    arabic = house.one("ferry", "ar")
    (house.articles / "en/ferry.md").rename(house.articles / "ar/boat.md")
    house.pick_up()
    assert house.one("ferry", "ar").id == arabic.id
    assert house.one("ferry", "ar").title == arabic.title
    assert house.one("boat", "ar").title == "The ferry"


def test_a_later_file_of_an_earlier_name_does_not_replace_the_first_one(house: House) -> None:
    house.write("z.md", title="First", key="ferry")
    house.pick_up()
    house.write("a.md", title="Second", key="ferry")
    house.pick_up()
    assert list(house.quarantine()) == ["a.md"]
    assert house.one("ferry").title == "First"


# Stories and their names


def test_translations_are_linked_by_key_permalink_or_path(house: House) -> None:
    house.write("en/ferry.md", title="The ferry")
    house.write("ar/ferry.md", title="A ferry in Arabic")
    house.write("boat.zh_TW.md", title="A ferry in Chinese", translation_of="en/ferry.md")
    house.write("note.zh-CN.md", title="A ferry in Hans", permalink="/zh-CN/ferry/")
    house.pick_up()
    assert set(house.all()) == {("ferry", tag) for tag in ("en", "ar", "zh-Hant", "zh-Hans")}
    assert {one.slug for one in house.all().values()} == {"ferry"}
    assert len(house.rows(story)) == 1


def test_any_number_of_keys_with_the_same_slug_get_different_slugs(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = ["a/b", "a b", "a-b", "a.b", "a_b"]
    # As if their hashes clashed too, up to the fourth attempt.
    monkeypatch.setattr(upsert, "story_slug", lambda _key, attempt: f"a-b-{min(attempt, 4)}")
    for number, key in enumerate(keys):
        house.write(f"{number}.md", title=f"{number}", key=key)
    done = house.pick_up()
    assert (done.new, done.quarantined) == (5, 0)
    assert [row["slug"] for row in house.rows(story)] == [f"a-b-{n}" for n in range(5)]


def test_a_key_that_is_just_another_ones_second_slug_gets_a_slug_of_its_own(
    house: House,
) -> None:
    for key in (story_slug("a b", 1), story_slug("a b", 2), "a-b", "a b"):
        house.write(f"{key}.md", title=key, key=key)
        house.pick_up()
    slugs = {row["key"]: row["slug"] for row in house.rows(story)}
    assert slugs["a b"] == story_slug("a b", 3)
    assert len(set(slugs.values())) == 4


def test_a_slug_stays_when_title_and_path_change(house: House) -> None:
    house.write("en/ferry.md", title="The ferry", date="2026-01-08")
    house.write("ar/ferry.md", title="A ferry in Arabic", date="2026-01-08")
    house.pick_up()
    for tag in ("en", "ar"):
        (house.articles / tag / "ferry.md").rename(house.articles / tag / "boat.md")
    assert house.pick_up().moved == 2
    house.write("en/boat.md", title="The boat", date="2026-01-08")
    house.pick_up()
    assert {(key, one.slug) for (key, _), one in house.all().items()} == {("boat", "ferry")}


def test_a_new_story_under_a_renamed_ones_old_key_gets_a_slug_of_its_own(house: House) -> None:
    file = house.write("ferry.md", title="The ferry", date="2026-01-08")
    house.pick_up()
    file.rename(house.articles / "boat.md")
    house.pick_up()
    house.write("ferry.md", title="Another ferry", date="2026-01-08")
    house.pick_up()
    assert house.one("boat").slug == "ferry"
    assert house.one("ferry").slug.startswith("ferry-")


def test_a_file_whose_key_changes_to_a_known_story_leaves_its_old_article(
    house: House,
) -> None:
    gone = house.write("old.md", title="Old", key="boat", date="2026-01-08")
    house.write("a.md", title="New", key="ferry", date="2026-01-08")
    house.pick_up()
    boat = house.one("boat")
    gone.unlink()
    house.pick_up()
    house.write("a.md", title="New", key="boat", date="2026-01-08")
    assert house.pick_up().changed == 1
    assert {key: one.id for (key, _), one in house.all().items()} == {"boat": boat.id}


def test_a_file_whose_language_changes_keeps_its_article(house: House) -> None:
    house.write("a.md", title="A", lang="en")
    house.pick_up()
    before = house.one("a")
    house.write("a.md", title="A", lang="ar")
    later = NOW + DAY
    assert house.at(later).pick_up().changed == 1
    assert set(house.all()) == {("a", "ar")}
    found = house.one("a", "ar")
    assert (found.id, found.available_at) == (before.id, later)
    assert found.published_at == before.published_at


# What is news, and when


def test_a_late_translation_becomes_available_later_and_the_original_keeps_its_dates(
    house: House,
) -> None:
    house.write("en/ferry.md", title="The ferry", date="2026-01-08")
    house.pick_up()
    original = house.one("ferry")
    later = NOW + 21 * DAY
    house.write("ar/ferry.md", title="A ferry in Arabic", date="2026-01-08")
    house.at(later).pick_up()
    translation = house.one("ferry", "ar")
    assert (translation.available_at, translation.updated_at) == (later, later)
    assert translation.published_at == original.published_at
    assert translation.origin == Origin.TRANSLATION
    assert house.one("ferry") == original


def test_a_backlog_is_dated_by_its_documents(house: House) -> None:
    house.write("ferry.md", title="The ferry", date="2020-05-01")
    house.pick_up()
    found = house.one("ferry")
    assert found.published_at == found.updated_at == datetime(2020, 5, 1, tzinfo=UTC)
    assert found.available_at == NOW


def test_a_document_may_state_a_plausible_time_of_its_update(house: House) -> None:
    house.write("a.md", title="A", date="2026-01-02", updated="2026-01-05")
    house.write("b.md", title="B", date="2026-01-02", updated="2027-01-05")
    house.write("c.md", title="C", date="2026-01-02", updated="2025-01-05")
    house.pick_up()
    said = {key: one.updated_at.day for (key, _), one in house.all().items()}
    assert said == {"a": 5, "b": 9, "c": 2}


def test_a_later_version_may_state_its_update_too(house: House) -> None:
    house.write("a.md", title="A", date="2026-01-02")
    house.write("b.md", title="B", date="2026-01-02")
    house.pick_up()
    house.write("a.md", title="A2", date="2026-01-02", updated="2026-01-08")
    house.write("b.md", title="B2", date="2026-01-02", updated="2026-02-08")
    house.pick_up()
    assert house.one("a").updated_at == datetime(2026, 1, 8, tzinfo=UTC)
    assert house.one("b").updated_at == NOW


def test_an_undated_document_keeps_the_day_on_which_it_was_first_seen(house: House) -> None:
    house.write("a.md", title="A")
    house.pick_up()
    house.write("a.md", title="A, corrected")
    house.at(NOW + 3 * DAY).pick_up()
    assert house.one("a").published_at == NOW


def test_an_embargoed_article_is_not_visible_before_its_time(house: House) -> None:
    house.write("a.md", title="A", date="2026-01-10 08:00")
    house.pick_up()
    assert house.visible() == []
    time = datetime(2026, 1, 10, 8, tzinfo=UTC)
    assert house.at(time - timedelta(seconds=1)).visible() == []
    assert house.at(time).visible() == ["a"]
    assert house.one("a").available_at == house.one("a").updated_at == time


@pytest.mark.parametrize(
    ("date", "hidden_until"),
    [
        ("2026-01-20", datetime(2026, 1, 20, tzinfo=UTC)),
        ("2026-01-10 09:00", datetime(2026, 1, 10, 9, tzinfo=UTC)),
        ("2026-01-09", NOW),
        (None, NOW),
    ],
)
def test_an_embargo_may_be_moved_or_lifted(
    house: House, date: str | None, hidden_until: datetime
) -> None:
    house.write("a.md", title="A", date="2026-01-10 08:00")
    house.pick_up()
    house.write("a.md", title="A", **({"date": date} if date else {}))
    house.pick_up()
    found = house.one("a")
    assert found.available_at == hidden_until
    assert found.published_at <= found.updated_at <= hidden_until


def test_an_embargoed_article_that_was_removed_and_restored_is_unchanged(house: House) -> None:
    file = house.write("a.md", title="A", date="2026-01-20")
    house.pick_up()
    before = house.one("a")
    content = file.read_bytes()
    file.unlink()
    house.pick_up()
    file.write_bytes(content)
    house.pick_up()
    assert house.one("a") == before


def test_a_published_article_stays_published_when_it_is_corrected(house: House) -> None:
    house.write("a.md", title="A", date="2026-01-08")
    house.pick_up()
    house.write("a.md", title="A", date="2026-01-07")
    house.at(NOW + DAY).pick_up()
    assert house.one("a").available_at == NOW


# Drafts and what is withdrawn


def test_a_draft_is_not_picked_up_until_it_is_no_draft(house: House) -> None:
    house.write("a.md", title="A", draft="true")
    done = house.pick_up()
    assert (done.new, done.quarantined, house.all()) == (0, 0, {})
    house.write("a.md", title="A", draft="false")
    later = NOW + DAY
    assert house.at(later).pick_up().new == 1
    assert house.one("a").available_at == later


def test_an_article_that_becomes_a_draft_again_is_withdrawn_under_its_id(house: House) -> None:
    house.write("a.md", title="A", date="2026-01-08")
    house.pick_up()
    before = house.one("a")
    house.write("a.md", title="A", date="2026-01-08", draft="true")
    assert house.pick_up().changed == 1
    assert house.all() == {}
    house.write("a.md", title="A", date="2026-01-08")
    later = NOW + DAY
    assert house.at(later).pick_up().changed == 1
    assert (house.one("a").id, house.one("a").available_at) == (before.id, later)
    assert house.one("a").published_at == before.published_at


@pytest.mark.parametrize("status", ["withdrawn", "stale"])
def test_an_article_that_was_held_back_is_new_when_released(house: House, status: str) -> None:
    house.write("a.md", title="A", date="2026-01-08", status=status)
    house.pick_up()
    assert house.visible() == []
    house.write("a.md", title="A", date="2026-01-08", status="ready")
    later = NOW + DAY
    assert house.at(later).pick_up().changed == 1
    assert house.visible() == ["a"]
    assert house.one("a").available_at == later


def test_a_move_over_an_article_that_was_there_takes_that_ones_id(house: House) -> None:
    twin = house.write("boat.md", title="The boat", date="2026-01-08")
    file = house.write("ferry.md", title="The ferry", date="2026-01-08")
    house.pick_up()
    boat = house.one("boat").id
    twin.unlink()
    house.pick_up()
    file.rename(twin)
    assert house.pick_up().changed == 1
    assert {key: one.id for (key, _), one in house.all().items()} == {"boat": boat}
    assert [row["path"] for row in house.rows(source_file)] == ["boat.md"]


def test_a_file_of_another_source_keeps_the_article_too(
    make_house: Callable[..., House],
) -> None:
    sources = [{"kind": "folder", "path": path} for path in ("articles", "more")]
    house = make_house(sources=sources)
    house.write("a.md", title="First")
    house.write("../more/a.md", title="Second")
    assert house.pick_up().quarantined == 1
    assert house.one("a").title == "First"


# What comes back, in the editions

DAILY = [{"name": "daily", "schedule": "0 8 * * *", "title": {"en": "The morning lamp"}}]


@pytest.fixture
def daily(make_house: Callable[..., House]) -> House:
    """A publication in two languages with an edition each day, whose first has been sent."""
    house = make_house(newsletters=DAILY, languages=["en", "ar"])
    house.write("zero.md", title="Zero", date="2026-01-09")
    pipeline_of(house).run()
    return house.at(NOW + HOUR)


def carried(house: House, day: int, language: str = "en") -> list[str]:
    """Run a cycle on a day of January; return the stories that this day's edition carries."""
    pipeline_of(house.at(NOW + (day - 9) * DAY)).run()
    house.at(NOW + (day - 9) * DAY + HOUR)  # what is picked up from now on is for the next
    page = public(house) / f"{language}/daily/2026-01-{day:02}/index.html"
    text = page.read_text("utf-8") if page.is_file() else ""
    return [key for key in ("zero", "ferry", "map") if f"/stories/{key}/" in text]


def withdraw_file(house: House) -> None:
    (house.articles / "ferry.md").unlink()


def withdraw_as_draft(house: House) -> None:
    house.write("ferry.md", title="The ferry", date="2026-01-09", draft="true")


@pytest.mark.parametrize("withdraw", [withdraw_file, withdraw_as_draft])
def test_a_restored_article_is_sent_if_its_story_was_not(
    daily: House, withdraw: Callable[[House], None]
) -> None:
    house = daily
    house.write("ferry.md", title="The ferry", date="2026-01-09")
    house.pick_up()
    withdraw(house)
    assert carried(house, 10) == []
    house.write("ferry.md", title="The ferry", date="2026-01-09")
    house.pick_up()
    assert carried(house, 11) == ["ferry"]
    withdraw(house)
    house.pick_up()
    house.write("ferry.md", title="The ferry", date="2026-01-09")
    house.write("map.md", title="The map", date="2026-01-11")
    house.pick_up()
    assert "ferry" in house.visible()
    assert carried(house, 12) == ["map"]


def test_an_article_whose_language_changes_is_new_in_that_edition(
    daily: House,
) -> None:
    house = daily
    house.write("ferry.md", title="The ferry", date="2026-01-09", lang="en")
    house.pick_up()
    assert carried(house, 10) == ["ferry"]
    house.write("ferry.md", title="The ferry", date="2026-01-09", lang="ar")
    house.pick_up()
    assert carried(house, 11, "ar") == ["ferry"]
    house.write("ferry.md", title="The ferry", date="2026-01-09", lang="en")
    house.write("map.md", title="The map", date="2026-01-11")
    house.pick_up()
    assert carried(house, 12) == ["map"]
