"""What subscribers choose is stored as they entered it, or not at all; and their own feed has it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import feedparser
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from publisher.app.articles import frequent_labels
from publisher.app.subscribers import feeds, preferences
from publisher.testing import SECRET
from subscribers.changes import suppress
from subscribers.consent_records import load_consent_records, load_history
from subscribers.errors import RefusedTransitionError
from subscribers.model import ConsentSource, SubscriberStatus
from subscribers.preferences import (
    Cadence,
    Preferences,
    TextLength,
    load_preferences,
    store_preferences,
)
from subscribers.store import known_subscriber
from tests.publisher.conftest import NOW, Make, PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import pipeline_of, renderer
from tests.subscribers.leaving import unsubscribe

ANN = "ann@example.org"
TOPICS, AUTHORS = ("Harbour", "Weather"), ("Ann", "Bob")
LANGUAGES = ("en", "zh-Hant", "ar")


NEWSLETTERS = [{"name": "weekly"}, {"name": "daily", "schedule": "0 8 * * *"}]


def fill(publication: PublicationFolder) -> None:
    for number, topics in enumerate((TOPICS, TOPICS[:1])):
        publication.write(
            f"en/{number}.md",
            title=f"Story {number}",
            date="2026-01-05",
            topics=list(topics),
            authors=list(AUTHORS[: number + 1]),
        )
    publication.pick_up()
    subscribe(publication, (ANN, "en"))


@pytest.fixture
def lantern(prepared_publication: Make) -> PublicationFolder:
    """Two newsletters in three languages, some articles, and one subscriber of the weekly."""
    return prepared_publication(fill, languages=list(LANGUAGES), newsletters=NEWSLETTERS)


def save(publication: PublicationFolder, **entered: Any) -> frozenset[str]:
    values = {"languages": ("en",), "newsletters": ("weekly",)} | entered
    with publication.database.writing() as connection:
        return preferences.save_choices(
            connection, publication.settings, 1, preferences.EnteredPreferences(**values), NOW
        )


def choices_of(
    publication: PublicationFolder, connection: Connection
) -> preferences.PreferenceChoices:
    ann = known_subscriber(connection, ANN)
    return preferences.read_choices(connection, publication.settings, ann, NOW)


def stored(publication: PublicationFolder) -> Preferences:
    with publication.database.reading() as connection:
        return load_preferences(connection, 1)


def test_what_is_offered_comes_from_the_settings_and_the_articles(
    lantern: PublicationFolder,
) -> None:
    with lantern.database.reading() as connection:
        choices = choices_of(lantern, connection)
        assert frequent_labels(connection, ["ar"], NOW)[0] == ()
    assert choices.masked_address == "a•••@example.org"
    assert choices.languages == LANGUAGES
    assert (choices.chosen_languages, choices.topics) == (("en",), TOPICS)
    assert choices.authors == AUTHORS
    assert [one.is_wanted for one in choices.newsletters] == [True, False]
    assert not choices.is_paused


def subsets(values: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), unique=True).map(tuple)


ENTERED = st.builds(
    preferences.EnteredPreferences,
    languages=st.lists(st.sampled_from(LANGUAGES), min_size=1, unique=True).map(tuple),
    newsletters=subsets(("weekly", "daily")),
    cadences=st.fixed_dictionaries(
        {},
        optional={
            "weekly": st.sampled_from([Cadence.ISSUE, Cadence.MONTHLY]),
            "daily": st.sampled_from([Cadence.ISSUE, Cadence.WEEKLY, Cadence.MONTHLY]),
        },
    ),
    topics=subsets(TOPICS),
    authors=subsets(AUTHORS),
    hour=st.sampled_from(["", *map(str, range(24))]),
    timezone=st.sampled_from(["", "Asia/Hong_Kong", "America/Argentina/Buenos_Aires", "UTC"]),
    length=st.sampled_from(["", *TextLength]),
    machine_translations=st.booleans(),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entered=ENTERED)
def test_every_combination_that_is_saved_is_read_back(
    lantern: PublicationFolder, entered: preferences.EnteredPreferences
) -> None:
    with lantern.database.writing() as connection:
        preferences.save_choices(connection, lantern.settings, 1, entered, NOW)
        found = choices_of(lantern, connection)
        again = preferences.save_choices(connection, lantern.settings, 1, entered, NOW)
    chosen = found.preferences
    assert again == frozenset()
    assert found.chosen_languages == entered.languages
    assert (chosen.timezone or "") == entered.timezone
    wanted = [one.newsletter.name for one in found.newsletters if one.is_wanted]
    assert set(wanted) == set(entered.newsletters)
    assert dict(chosen.cadences) == {
        name: cadence
        for name, cadence in entered.cadences.items()
        if cadence is not Cadence.ISSUE and name in entered.newsletters
    }
    assert (chosen.topics, chosen.authors) == (entered.topics, entered.authors)
    assert ("" if chosen.hour is None else str(chosen.hour)) == entered.hour
    assert (chosen.length or "") == entered.length
    assert chosen.machine_translations == entered.machine_translations


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("languages", ("xx",)),
        ("languages", ()),
        ("newsletters", ("weekly", "secret")),
        ("cadences", {"weekly": "hourly"}),
        # It comes once a week: a digest of a day would be the issue itself.
        ("cadences", {"weekly": "daily"}),
        ("cadences", {"secret": "daily"}),
        ("topics", ("Harbour", "<script>")),
        ("authors", ("Eve",)),
        ("hour", "24"),
        ("hour", "08"),
        ("timezone", "Mars/Olympus"),
        ("length", "endless"),
    ],
)
def test_a_value_that_is_not_offered_is_refused_and_nothing_is_stored(
    lantern: PublicationFolder, field: str, value: Any
) -> None:
    before = stored(lantern)
    good: dict[str, Any] = {"newsletters": (), "timezone": "UTC", "hour": "7"}
    with pytest.raises(preferences.PreferenceError) as refused:
        save(lantern, **good | {field: value})
    assert refused.value.fields == (field,)
    assert stored(lantern) == before


def test_a_cadence_that_is_offered_no_more_can_be_kept_and_not_chosen(
    lantern: PublicationFolder,
) -> None:
    save(lantern, newsletters=("daily",), cadences={"daily": "weekly"})
    newsletters = tuple(
        one.model_copy(update={"digests": ()}) for one in lantern.settings.newsletters
    )
    lantern.settings = replace(lantern.settings, newsletters=newsletters)
    assert save(lantern, newsletters=("daily",), cadences={"daily": "weekly"}) == frozenset()
    with lantern.database.reading() as connection:
        choices = choices_of(lantern, connection).newsletters
    offered = {one.newsletter.name: one.cadences for one in choices}
    assert offered == {"weekly": ("issue",), "daily": ("issue", "weekly")}
    with pytest.raises(preferences.PreferenceError):
        save(lantern, newsletters=("daily",), cadences={"daily": "monthly"})


def test_subscribing_from_the_page_is_confirmed_consent_and_recorded(
    lantern: PublicationFolder,
) -> None:
    assert save(lantern, newsletters=("weekly", "daily")) == {"newsletters"}
    assert save(lantern, newsletters=("daily",), cadences={"daily": "weekly"}) == {
        "newsletters",
        "cadences",
    }
    with lantern.database.reading() as connection:
        history = load_history(connection, 1)
        (record,) = load_consent_records(connection, 1)
    assert record.wish.newsletters == ("daily",)
    daily, weekly = history.subscriptions
    assert (daily.status, daily.source) == (SubscriberStatus.ACTIVE, ConsentSource.SUBSCRIBER)
    assert (daily.consented_at, weekly.status) == (NOW, SubscriberStatus.UNSUBSCRIBED)
    # After a complaint nothing can be subscribed.
    with lantern.database.writing() as connection:
        suppress(connection, ANN, SubscriberStatus.COMPLAINED, NOW)
    with pytest.raises(RefusedTransitionError):
        save(lantern)


def test_a_language_comes_first_for_good_and_the_others_stay_with_their_countries(
    lantern: PublicationFolder,
) -> None:
    save(lantern, languages=("en", "ar"))
    with lantern.database.writing() as connection:
        assert preferences.switch_language(connection, lantern.settings, 1, "zh-TW", NOW)
        assert not preferences.switch_language(connection, lantern.settings, 1, "zh-Hant", NOW)
        with pytest.raises(preferences.PreferenceError):
            preferences.switch_language(connection, lantern.settings, 1, "fr", NOW)
    assert stored(lantern).languages == ("zh-Hant", "en", "ar")
    subscribe(lantern, ("bob@example.org", "en-GB"))
    with lantern.database.writing() as connection:
        number = known_subscriber(connection, "bob@example.org").id
        entered = preferences.EnteredPreferences(languages=("ar", "en"))
        preferences.save_choices(connection, lantern.settings, number, entered, NOW)
        assert load_preferences(connection, number).languages == ("ar", "en-GB")


def test_a_pause_ends_at_a_local_midnight_and_other_choices_stay(
    lantern: PublicationFolder,
) -> None:
    save(lantern, timezone="Asia/Hong_Kong", topics=TOPICS)
    with lantern.database.writing() as connection:

        def end(period: str, day: str = "") -> datetime:
            return preferences.pause_end(connection, lantern.settings, 1, period, day, NOW)

        assert end("week") == datetime(2026, 1, 15, 16, tzinfo=UTC)
        until = end("day", "2026-02-01")
        for day in ("2026-01-09", "2028-01-01", "soon", ""):
            with pytest.raises(preferences.PreferenceError):
                end("day", day)
        with pytest.raises(preferences.PreferenceError):
            end("for ever", "2026-02-01")
        preferences.pause_mails(connection, 1, until, NOW)
        assert choices_of(lantern, connection).is_paused
        with pytest.raises(preferences.PreferenceError):
            preferences.pause_mails(connection, 1, NOW, NOW)
    save(lantern, topics=TOPICS)
    chosen, later = stored(lantern), NOW + timedelta(days=1)
    assert chosen.paused_until == datetime(2026, 1, 31, 16, tzinfo=UTC)
    assert chosen.topics == TOPICS
    with lantern.database.writing() as connection:
        preferences.resume_mails(connection, 1, later)
        ann = known_subscriber(connection, ANN)
        assert not preferences.read_choices(connection, lantern.settings, ann, later).is_paused


# --- her own feed has what her preferences select, each story once, newest first


def publish_two(publication: PublicationFolder) -> None:
    tides: dict[str, Any] = {"key": "tides", "topics": ["Harbour"], "date": "2026-01-05"}
    publication.write("en/tides.md", title="Tides", **tides)
    publication.write("ar/tides.md", title="المدّ", **tides)
    publication.write("ar/ropes.md", title="حبال", key="ropes", date="2026-01-06")
    subscribe(publication, (ANN, "en"))
    pipeline_of(publication).prepare()


@pytest.fixture
def two_stories(prepared_publication: Make) -> PublicationFolder:
    """Two stories: one in two languages, one in Arabic only, published in that order."""
    return prepared_publication(publish_two, languages=list(LANGUAGES))


def token_of(publication: PublicationFolder) -> str:
    with publication.database.reading() as connection:
        token = feeds.private_feed_token(SECRET, known_subscriber(connection, ANN))
    found = feeds.private_feed_urls(publication.settings, token, "en")
    assert list(found) == ["RSS", "Atom", "JSON Feed"]
    address = found["RSS"]
    assert address.startswith(f"{publication.settings.publication.url}/en/feeds/of/v2.")
    return address.rpartition("/")[2].removesuffix(".rss")


def read(publication: PublicationFolder) -> feeds.PrivateFeed | None:
    token = token_of(publication)
    with publication.database.reading() as connection:
        return feeds.read_private_feed(
            connection, publication.settings, SECRET, token, "en", NOW
        )


def document(publication: PublicationFolder, name: str) -> bytes:
    found = read(publication)
    assert found is not None
    with publication.database.reading() as connection:
        return feeds.render_private_feed(
            connection, publication.settings, renderer(publication), found, name
        )


def titles(publication: PublicationFolder) -> list[str]:
    return [one["title"] for one in json.loads(document(publication, "json"))["items"]]


def prefer(publication: PublicationFolder, **changes: Any) -> None:
    with publication.database.writing() as connection:
        chosen = replace(load_preferences(connection, 1), **changes)
        store_preferences(connection, 1, chosen, NOW)


def test_each_story_comes_once_in_its_best_language_if_topics_and_newsletters_choose_it(
    two_stories: PublicationFolder,
) -> None:
    assert titles(two_stories) == ["Tides"]
    prefer(two_stories, languages=("en", "ar"))
    assert titles(two_stories) == ["حبال", "Tides"]
    prefer(two_stories, languages=("ar", "en"))
    assert titles(two_stories) == ["حبال", "المدّ"]
    prefer(two_stories, languages=("en", "ar"), topics=("harbour",))
    assert titles(two_stories) == ["Tides"]
    with two_stories.database.writing() as connection:
        unsubscribe(connection, ANN, "weekly", NOW)
    assert titles(two_stories) == []


def test_the_documents_are_valid_and_have_the_entries_of_the_public_feeds(
    two_stories: PublicationFolder,
) -> None:
    prefer(two_stories, languages=("en", "ar"))
    ids = [one["id"] for one in json.loads(document(two_stories, "json"))["items"]]
    for name in ("rss", "atom"):
        parsed = feedparser.parse(document(two_stories, name))
        assert not parsed.bozo
        assert parsed.feed.title == "The Lantern (a•••@example.org)"
        assert [one.id for one in parsed.entries] == ids
    public = two_stories.settings.folders.public / "feeds/en.atom.xml"
    assert ids[-1] in public.read_text("utf-8")
    assert feeds.private_feed_type("json") == "application/feed+json"
    assert feeds.private_feed_type("html") is None


def test_a_withdrawn_article_stays_as_a_sentence_if_the_subscriber_would_have_it(
    two_stories: PublicationFolder,
) -> None:
    prefer(two_stories, languages=("en", "ar"), topics=("harbour",))
    two_stories.write("en/walls.md", title="Walls", date="2026-01-07", topics=["Harbour"])
    two_stories.write("en/nets.md", title="Nets", date="2026-01-07", topics=["Fish"])
    pipeline_of(two_stories).prepare()
    assert titles(two_stories) == ["Walls", "Tides"]
    for name in ("walls", "nets"):
        two_stories.settings.folders.root.joinpath(f"articles/en/{name}.md").unlink()
    pipeline_of(two_stories).prepare()
    items = json.loads(document(two_stories, "json"))["items"]
    assert [one["url"].split("/")[-2] for one in items] == ["tides", "walls"]
    assert "This article was withdrawn." in items[1]["content_html"]
    assert "Walls" not in json.dumps(items)


def test_a_feed_has_the_newest_entries_only(two_stories: PublicationFolder) -> None:
    for number in range(feeds.MAX_ENTRIES + 5):
        two_stories.write(f"en/story-{number}.md", title=f"Story {number}", date="2026-01-07")
    pipeline_of(two_stories).prepare()
    assert len(titles(two_stories)) == feeds.MAX_ENTRIES
    assert "Tides" not in titles(two_stories)
