"""What subscribers choose by themselves is stored as they entered it, or not at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from publisher.app.article_labels import frequent_labels
from publisher.app.preferences import (
    EnteredPreferences,
    PreferenceChoices,
    PreferenceError,
    pause_end,
    pause_mails,
    read_choices,
    resume_mails,
    save_choices,
    switch_language,
)
from subscribers import (
    Cadence,
    ConsentSource,
    Preferences,
    RefusedTransitionError,
    SubscriberStatus,
    TextLength,
    known_subscriber,
    load_consent_records,
    load_history,
    load_preferences,
    suppress,
)
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import subscribe

ANN = "ann@example.org"
TOPICS, AUTHORS = ("Harbour", "Weather"), ("Ann", "Bob")
LANGUAGES = ("en", "zh-Hant", "ar")


@pytest.fixture
def lantern(publication: PublicationFolder) -> PublicationFolder:
    """Two newsletters in three languages, some articles, and one subscriber of the weekly."""
    newsletters = [{"name": "weekly"}, {"name": "daily", "schedule": "0 8 * * *"}]
    publication.reload(languages=list(LANGUAGES), newsletters=newsletters)
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
    return publication


def save(publication: PublicationFolder, **entered: Any) -> frozenset[str]:
    values = {"languages": ("en",), "newsletters": ("weekly",)} | entered
    with publication.database.writing() as connection:
        return save_choices(
            connection, publication.settings, 1, EnteredPreferences(**values), NOW
        )


def choices_of(publication: PublicationFolder, connection: Connection) -> PreferenceChoices:
    ann = known_subscriber(connection, ANN)
    return read_choices(connection, publication.settings, ann, NOW)


def stored(publication: PublicationFolder) -> Preferences:
    with publication.database.reading() as connection:
        return load_preferences(connection, 1)


def test_what_is_offered_comes_from_the_settings_and_the_articles(
    lantern: PublicationFolder,
) -> None:
    with lantern.database.reading() as connection:
        choices = choices_of(lantern, connection)
        assert frequent_labels(connection, ["ar"], NOW).topics == ()
    assert choices.masked_address == "a•••@example.org"
    assert choices.languages == LANGUAGES
    assert (choices.chosen_languages, choices.topics) == (("en",), TOPICS)
    assert choices.authors == AUTHORS
    assert [one.is_wanted for one in choices.newsletters] == [True, False]
    assert not choices.is_paused


def subsets(values: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), unique=True).map(tuple)


ENTERED = st.builds(
    EnteredPreferences,
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
    lantern: PublicationFolder, entered: EnteredPreferences
) -> None:
    with lantern.database.writing() as connection:
        save_choices(connection, lantern.settings, 1, entered, NOW)
        found = choices_of(lantern, connection)
        again = save_choices(connection, lantern.settings, 1, entered, NOW)
    chosen = found.preferences
    assert again == frozenset()
    assert (found.chosen_languages, chosen.timezone or "") == (
        entered.languages,
        entered.timezone,
    )
    wanted = [one.newsletter.name for one in found.newsletters if one.is_wanted]
    assert set(wanted) == set(entered.newsletters)
    assert dict(chosen.cadences) == {
        name: cadence
        for name, cadence in entered.cadences.items()
        if cadence is not Cadence.ISSUE and name in entered.newsletters
    }
    assert (chosen.topics, chosen.authors) == (entered.topics, entered.authors)
    assert ("" if chosen.hour is None else str(chosen.hour)) == entered.hour
    assert (chosen.length or "", chosen.machine_translations) == (
        entered.length,
        entered.machine_translations,
    )


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
    with pytest.raises(PreferenceError) as refused:
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
    with pytest.raises(PreferenceError):
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


def test_after_a_complaint_nothing_can_be_subscribed(lantern: PublicationFolder) -> None:
    with lantern.database.writing() as connection:
        suppress(connection, ANN, SubscriberStatus.COMPLAINED, NOW)
    with pytest.raises(RefusedTransitionError):
        save(lantern)


def test_a_language_comes_first_for_good_and_the_others_stay(
    lantern: PublicationFolder,
) -> None:
    save(lantern, languages=("en", "ar"))
    with lantern.database.writing() as connection:
        assert switch_language(connection, lantern.settings, 1, "zh-TW", NOW)
        assert not switch_language(connection, lantern.settings, 1, "zh-Hant", NOW)
        with pytest.raises(PreferenceError):
            switch_language(connection, lantern.settings, 1, "fr", NOW)
    assert stored(lantern).languages == ("zh-Hant", "en", "ar")


def test_a_tag_of_a_country_stays_if_its_language_is_chosen_again(
    lantern: PublicationFolder,
) -> None:
    subscribe(lantern, ("bob@example.org", "en-GB"))
    with lantern.database.writing() as connection:
        number = known_subscriber(connection, "bob@example.org").id
        entered = EnteredPreferences(languages=("ar", "en"))
        save_choices(connection, lantern.settings, number, entered, NOW)
        assert load_preferences(connection, number).languages == ("ar", "en-GB")


def test_a_pause_ends_at_a_local_midnight_and_other_choices_stay(
    lantern: PublicationFolder,
) -> None:
    save(lantern, timezone="Asia/Hong_Kong", topics=TOPICS)
    with lantern.database.writing() as connection:

        def end(period: str, day: str = "") -> datetime:
            return pause_end(connection, lantern.settings, 1, period, day, NOW)

        assert end("week") == datetime(2026, 1, 15, 16, tzinfo=UTC)
        until = end("day", "2026-02-01")
        for day in ("2026-01-09", "2028-01-01", "soon", ""):
            with pytest.raises(PreferenceError):
                end("day", day)
        with pytest.raises(PreferenceError):
            end("for ever", "2026-02-01")
        pause_mails(connection, 1, until, NOW)
        assert choices_of(lantern, connection).is_paused
        with pytest.raises(PreferenceError):
            pause_mails(connection, 1, NOW, NOW)
    save(lantern, topics=TOPICS)
    chosen = stored(lantern)
    assert (chosen.paused_until, chosen.topics) == (
        datetime(2026, 1, 31, 16, tzinfo=UTC),
        TOPICS,
    )
    with lantern.database.writing() as connection:
        resume_mails(connection, 1, NOW + timedelta(days=1))
        later = NOW + timedelta(days=1)
        ann = known_subscriber(connection, ANN)
        assert not read_choices(connection, lantern.settings, ann, later).is_paused
