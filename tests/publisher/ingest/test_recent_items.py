"""A source that shows only its newest items: one module, its settings, and one line."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from publisher.articles.tables import article
from publisher.config.sources import SOURCE_KINDS
from publisher.errors import ConfigError, SourceError
from publisher.ingest.sources.base import Item, RawItem
from publisher.ingest.tables import source_item
from publisher.testing import RECENT_ITEMS, RecentItemsSource, make_publication
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import outbox, subscribe
from tests.publisher.mail.samples import parsed
from tests.publisher.printing import atom, pipeline_of

COAST = "https://coast.example.org/recent"
RECENT = {"kind": "recent", "name": "coast", "url": COAST}
FOLDER = {"kind": "folder", "path": "articles"}


def document(title: str, text: str = "The tide waits.") -> str:
    return f"---\ntitle: {title}\ndate: 2026-01-05\n---\n{text}\n"


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> RecentItemsSource:
    """Add the kind, and put up a site of it."""
    monkeypatch.setitem(SOURCE_KINDS, "recent", RECENT_ITEMS)
    return RecentItemsSource(COAST)


@pytest.fixture
def coast(
    site: RecentItemsSource,  # noqa: ARG001  # the kind must be known
    new_publication: Callable[..., PublicationFolder],
) -> PublicationFolder:
    return new_publication(sources=[RECENT])


def test_a_new_kind_of_source_goes_from_the_settings_to_feeds_pages_and_mail(
    site: RecentItemsSource, coast: PublicationFolder
) -> None:
    subscribe(coast, ("ann@example.com", "en"))
    site.publish("tides", document("Tides"))
    report = pipeline_of(coast).run()
    assert (report.picked_up.new, report.sent.messages, report.problems) == (1, 1, [])
    assert [entry.title for entry in atom(coast, "en").entries] == ["Tides"]
    (message,) = outbox(coast).values()
    assert "The tide waits." in str(parsed(message))
    page = coast.settings.folders.public / "en/stories/tides/index.html"
    assert "The tide waits." in page.read_text("utf-8")


def test_all_of_a_thousand_items_are_kept_though_twenty_are_shown_at_a_time(
    site: RecentItemsSource, coast: PublicationFolder
) -> None:
    polls = 0
    for first in range(0, 1000, 16):
        for number in range(first, min(first + 16, 1000)):
            site.publish(f"story-{number}", document(f"Story {number}"))
        if first:  # one that was shown before, and still is
            site.publish(f"story-{first - 1}", document(f"Story {first - 1}", "Corrected."))
        done = coast.pick_up()
        polls += 1
        assert (done.new, done.changed) == (min(16, 1000 - first), bool(first))
        assert (done.moved, done.removed, done.problems) == (0, 0, [])
    found = coast.all()
    assert sorted(found) == sorted((f"story-{number}", "en") for number in range(1000))
    corrected = {key for (key, _language), one in found.items() if one.text == "Corrected."}
    assert corrected == {f"story-{first - 1}" for first in range(16, 1000, 16)}
    # Each poll got the mark of the one before, and only what is new or edited was read.
    assert site.marks == ["", *(str(number) for number in range(1, polls))]
    assert len(site.read_keys) == 1000 + polls - 1


def test_items_that_are_shown_again_unchanged_are_not_read_and_change_nothing(
    site: RecentItemsSource, coast: PublicationFolder
) -> None:
    site.publish("tides", document("Tides"))
    coast.pick_up()
    before = coast.everything()
    done = coast.pick_up()
    assert (done.unchanged, done.has_changes) == (1, False)
    assert (site.read_keys, coast.everything()) == (["tides"], before)


def test_an_incomplete_listing_withdraws_only_what_it_says_is_deleted(
    site: RecentItemsSource, coast: PublicationFolder
) -> None:
    site.shown = 1
    for key in ("tides", "ferry", "map"):
        site.publish(key, document(key))
        coast.pick_up()
    site.delete("ferry")
    for removed in (1, 0):
        assert coast.pick_up().removed == removed
    assert {key for key, _language in coast.all()} == {"tides", "map"}
    site.publish("ferry", document("ferry"))
    site.shown = 0
    coast.pick_up()
    assert {key for key, _language in coast.all()} == {"tides", "map"}


def test_a_source_that_can_t_be_reached_withdraws_nothing_and_stops_no_other(
    site: RecentItemsSource, new_publication: Callable[..., PublicationFolder]
) -> None:
    publication = new_publication(sources=[FOLDER, RECENT])
    site.publish("tides", document("Tides"))
    publication.pick_up()
    site.is_reachable = False
    publication.write("ferry.md", title="The ferry")
    done = publication.pick_up()
    assert (done.new, done.removed, done.problems) == (1, 0, ["the site can't be reached"])
    assert {key for key, _language in publication.all()} == {"tides", "ferry"}
    site.is_reachable = True
    assert publication.pick_up().problems == []
    # The poll that failed got no mark to keep.
    assert site.marks == ["", "1"]


def unreachable(_item: Item) -> RawItem:
    raise SourceError("the site can't be reached")


def test_a_source_that_fails_in_the_middle_is_polled_from_the_same_mark_again(
    site: RecentItemsSource, coast: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    coast.pick_up()
    site.publish("tides", document("Tides"))
    with monkeypatch.context() as patch:
        patch.setattr(site, "read", unreachable)
        assert coast.pick_up().problems == ["the site can't be reached"]
    assert coast.pick_up().new == 1
    assert site.marks == ["", "1", "1"]


def test_a_source_keeps_its_articles_under_another_name(
    site: RecentItemsSource, coast: PublicationFolder
) -> None:
    site.shown = 1
    for key in ("tides", "ferry"):
        site.publish(key, document(key))
        coast.pick_up()
    before = coast.rows(article)
    coast.reload(sources=[{**RECENT, "name": "shore"}])
    done = coast.pick_up()
    assert (done.new, done.moved, done.removed, done.unchanged) == (0, 0, 0, 1)
    assert coast.rows(article) == before
    assert {row["source"] for row in coast.rows(source_item)} == {"shore"}


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({**RECENT, "kind": "rcent"}, "'rcent' is no kind of source; did you mean recent?"),
        ({**RECENT, "ulr": "x"}, "source[0].ulr: unknown key; did you mean url?"),
        ({**RECENT, "url": "coast"}, "source[0].url: 'coast' is not a web address"),
        ({"kind": "recent", "url": COAST}, "source[0].name: missing; add name = ..."),
        (
            {**RECENT, "path": "a"},
            "unknown key; the keys here are kind, name, language, first_import, addresses, problems, url",
        ),
    ],
)
def test_mistakes_in_the_settings_of_a_new_kind_are_explained(
    publication: PublicationFolder, table: dict[str, str], problem: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        make_publication(publication.settings.folders.root, sources=[table])
    assert problem in str(caught.value)
