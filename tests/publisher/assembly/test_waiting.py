"""An issue waits for translations that are promised or in work, and nothing is lost or sent twice."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from publisher.accounts.model import terminal_actor
from publisher.app import translations
from publisher.app.editing_state import EditingState
from publisher.app.issues.lookup import list_upcoming
from publisher.articles import store as articles
from publisher.assembly.select import select_due
from publisher.config import Edition
from publisher.issues import store
from publisher.issues.model import Issue, IssueReason, IssueState
from publisher.issues.planner import plan_issues
from publisher.translations.delays import end_of_wait
from tests.publisher.conftest import Make, PublicationFolder
from tests.sizes import by_lane

DUE = datetime(2026, 1, 9, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
ROOT = terminal_actor()
WAITING = {"schedule": "0 8 * * FRI", "wait_for_translations": 6}


class Newsroom:
    """A newsletter in English, which goes out on time, and in Arabic, which waits six hours."""

    def __init__(self, publication: PublicationFolder) -> None:
        self.publication = publication.at(DUE - HOUR)

    @property
    def state(self) -> EditingState:
        one = self.publication
        return EditingState(
            settings=one.settings, database=one.database, secret="s", clock=one.clock
        )

    def write(self, language: str, key: str, **matter: Any) -> None:
        by = {} if language == "en" else {"translator": "Omar"}
        facts = {"title": f"{key} {language}", "date": "2026-01-08"} | by | matter
        self.publication.write(f"{language}/{key}.md", f"Words of {key} {language}.", **facts)

    def at(self, instant: datetime) -> Newsroom:
        self.publication.at(instant)
        one = self.publication
        one.pick_up()
        plan_issues(one.settings, one.database, instant)
        select_due(one.settings, one.database, instant)
        return self

    def issues(self) -> dict[str, Issue]:
        with self.publication.database.reading() as connection:
            return {one.name: one for one in store.latest_issues(connection, 500)}

    def issue(self, language: str = "ar", day: str = "2026-01-09") -> Issue:
        return self.issues()[f"weekly-{language}-{day}"]

    def carried(self, language: str = "ar", day: str = "2026-01-09") -> list[str]:
        with self.publication.database.reading() as connection:
            numbers = store.article_ids_of(connection, self.issue(language, day))
            found = articles.articles_by_id(connection, numbers)
        return sorted(f"{found[n].story_key} {found[n].language}" for n in numbers)


def newsroom(make: Make, **terms: Any) -> Newsroom:
    editions = {"edition": {"ar": terms}}
    weekly = WAITING | editions | {"name": "weekly"}
    return Newsroom(make(languages=["en", "ar"], newsletters=[weekly]))


@pytest.fixture
def room(new_publication: Make) -> Newsroom:
    found = newsroom(new_publication)
    found.write("en", "ferry")
    found.write("en", "bridge")
    found.write("ar", "bridge")
    return found.at(DUE - HOUR)


def test_an_issue_waits_for_what_is_promised_and_others_go_on_time(room: Newsroom) -> None:
    translations.claim_translation(room.state, ROOT, "ferry", "ar", DUE + 4 * HOUR)
    room.at(DUE)
    assert room.issue("en").state is IssueState.ASSEMBLING
    issue = room.issue()
    assert issue.state is IssueState.SCHEDULED
    assert issue.reason_key == IssueReason.WAITS_FOR_TRANSLATIONS
    assert issue.reason == "waits for 1 translation until Fri 2026-01-09 14:00 UTC"
    room.write("ar", "ferry")
    room.at(DUE + 2 * HOUR)
    assert room.issue().state is IssueState.ASSEMBLING
    assert (room.issue().reason, room.issue().reason_key) == (None, None)
    assert room.carried() == ["bridge ar", "ferry ar"]


def test_the_wait_ends_by_itself_and_the_translation_comes_in_the_next_issue(
    room: Newsroom,
) -> None:
    translations.start_translation(room.state, ROOT, "ferry", "ar")
    room.at(DUE + 5 * HOUR)
    assert room.issue().state is IssueState.SCHEDULED
    room.at(DUE + 6 * HOUR)
    assert room.carried() == ["bridge ar"]
    room.write("ar", "ferry")
    room.at(DUE + timedelta(days=7))
    assert room.carried(day="2026-01-16") == ["ferry ar"]


@pytest.mark.parametrize("verb", ["release", "give up", "let the promise expire"])
def test_nobody_waits_for_what_is_released_given_up_or_expired(
    room: Newsroom, verb: str
) -> None:
    translations.claim_translation(room.state, ROOT, "ferry", "ar", DUE + 2 * HOUR)
    room.at(DUE)
    assert room.issue().state is IssueState.SCHEDULED
    if verb == "release":
        translations.release_translation(room.state, ROOT, "ferry", "ar")
    elif verb == "give up":
        translations.give_up_translation(room.state, ROOT, "ferry", "ar", "no time")
    room.at(DUE + 2 * HOUR if verb == "let the promise expire" else DUE + HOUR)
    assert room.carried() == ["bridge ar"]


def test_nobody_waits_for_what_comes_too_late_or_was_carried_or_is_too_old(
    new_publication: Make,
) -> None:
    room = newsroom(new_publication, missing="fallback", fallback=["en"], max_age=3)
    for key, day in (("ferry", 8), ("bridge", 8), ("kites", 1)):
        room.write("en", key, date=f"2026-01-0{day}")
    room.at(DUE - HOUR)
    translations.claim_translation(room.state, ROOT, "ferry", "ar", DUE + 7 * HOUR)
    translations.start_translation(room.state, ROOT, "kites", "ar")
    room.at(DUE)
    # Neither of them: the issue shows the stories in English instead.
    assert room.carried() == ["bridge en", "ferry en"]
    translations.start_translation(room.state, ROOT, "bridge", "ar")
    room.write("en", "tides", date="2026-01-15")
    room.at(DUE + timedelta(days=7))
    assert room.carried(day="2026-01-16") == ["tides en"]


def test_a_conversion_is_shown_if_the_translation_does_not_come(new_publication: Make) -> None:
    terms = {"edition": {"zh-Hant": {"missing": "convert"}}, "name": "weekly"}
    publication = new_publication(
        languages=["zh-Hans", "zh-Hant"], newsletters=[WAITING | terms]
    )
    room = Newsroom(publication)
    room.write("zh-Hans", "ferry", translator="")
    room.at(DUE - HOUR)
    translations.start_translation(room.state, ROOT, "ferry", "zh-Hant")
    room.at(DUE)
    assert room.issue("zh-Hant").state is IssueState.SCHEDULED
    room.at(DUE + 6 * HOUR)
    assert room.carried("zh-Hant") == ["ferry zh-Hant"]


def test_a_wait_ends_when_the_next_issue_is_due(new_publication: Make) -> None:
    daily = WAITING | {"name": "weekly", "schedule": "0 8 * * *", "wait_for_translations": 30}
    room = Newsroom(new_publication(languages=["en", "ar"], newsletters=[daily]))
    edition = room.publication.settings.edition("weekly", "ar")
    assert isinstance(edition, Edition)
    assert end_of_wait(edition, DUE) == DUE + timedelta(days=1)
    room.write("en", "ferry")
    room.write("ar", "bridge")
    room.at(DUE - HOUR)
    translations.start_translation(room.state, ROOT, "ferry", "ar")
    room.at(DUE)
    room.write("ar", "tides", date="2026-01-09")
    room.at(DUE + timedelta(days=1))
    # Both are made then, the earlier one first: it has what there is.
    assert room.carried() == ["bridge ar", "tides ar"]
    assert room.issue(day="2026-01-10").state is IssueState.SCHEDULED


def test_an_issue_that_is_made_ahead_waits_until_it_is_due_at_most(
    new_publication: Make,
) -> None:
    room = newsroom(new_publication, lead=4)
    room.write("en", "ferry")
    room.write("ar", "bridge")
    room.at(DUE - 6 * HOUR)
    translations.start_translation(room.state, ROOT, "ferry", "ar")
    room.at(DUE - 4 * HOUR)
    assert room.issue().state is IssueState.SCHEDULED
    room.at(DUE)
    assert room.carried() == ["bridge ar"]


def test_the_plan_shows_what_an_issue_waits_for(room: Newsroom) -> None:
    translations.start_translation(room.state, ROOT, "ferry", "ar")
    now = DUE + HOUR
    room.at(now)
    one = room.publication
    (waiting, *_others) = list_upcoming(one.settings, one.database, now, 3)
    assert (waiting.edition.language, waiting.issue.state) == ("ar", IssueState.SCHEDULED)
    assert waiting.waits == "waits for 1 translation until Fri 2026-01-09 14:00 UTC"


@pytest.mark.parametrize("seed", range(2))
def test_each_translation_is_carried_once_whatever_is_promised(
    new_publication: Make, seed: int
) -> None:
    random = Random(seed)
    choices: list[dict[str, Any]] = [
        {"missing": "skip", "wait_for_translations": 30},
        {"missing": "fallback", "fallback": ["en"], "wait_for_translations": 2},
    ]
    r = newsroom(new_publication, **choices[seed % 2])
    keys = [f"story-{number}" for number in range(6)]
    late = {key: random.randrange(0, 15 * 24) for key in keys}
    step = by_lane(12, 6)
    for hour in range(0, 22 * 24, step):
        now = DUE - timedelta(days=1) + hour * HOUR
        for number, key in enumerate(keys):
            if hour == number * 48:
                r.write("en", key, date=f"{now:%Y-%m-%d}")
            if hour // step == (number * 48 + late[key]) // step:
                r.write("ar", key, date=f"{now:%Y-%m-%d}")
        r.at(now)
        for key in random.sample(keys, 2):
            _claim_if_possible(r, key, now, random)
    carried = [
        one.split()[0]
        for issue in r.issues().values()
        if issue.language == "ar"
        for one in r.carried("ar", issue.day.isoformat())
    ]
    came_in_time = {key for n, key in enumerate(keys) if n * 48 + late[key] < 14 * 24}
    assert len(carried) == len(set(carried))
    assert {*carried} >= came_in_time != set()


def _claim_if_possible(room: Newsroom, key: str, now: datetime, random: Random) -> None:
    from publisher.errors import TranslationError

    # It is claimed, or translated, or its original is not there yet.
    with suppress(TranslationError):
        translations.claim_translation(
            room.state, ROOT, key, "ar", now + random.randrange(1, 80) * HOUR
        )
