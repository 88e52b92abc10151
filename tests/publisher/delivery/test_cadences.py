"""Whatever a subscriber chooses and when: each article once, and none is lost."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

import pytest

from subscribers import Cadence
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.cadence_run import CadenceRun

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Make = Callable[..., PublicationFolder]


def test_a_weekly_digest_has_the_week_once_and_a_change_back_loses_nothing(
    new_publication: Make,
) -> None:
    run = CadenceRun.start(new_publication)
    run.publish()
    run.go(DAY)
    run.publish()
    run.choose(Cadence.WEEKLY)
    run.go(DAY)
    run.publish()
    # Monday's digest, 2026-01-19, is opened on Sunday at 10:00 and sent at 08:00.
    run.go(3 * DAY)
    run.publish()
    run.go(2 * DAY)
    run.choose(Cadence.ISSUE)
    run.publish()
    run.go(2 * DAY)
    assert run.mails() == [("weekly", "0"), ("weekly.weekly", "1 2"), ("weekly", "3 4")]


def test_after_a_pause_one_issue_has_what_was_missed(new_publication: Make) -> None:
    run = CadenceRun.start(new_publication)
    run.publish()
    run.go(DAY)
    run.pause(3 * DAY)
    for _day in range(3):
        run.publish()
        run.go(DAY)
    run.publish()
    run.go(DAY)
    run.publish()
    run.go(DAY)
    assert run.mails() == [("weekly", "0"), ("weekly", "1 2 3 4"), ("weekly", "5")]


def test_a_pause_that_begins_after_the_opening_loses_nothing(new_publication: Make) -> None:
    run = CadenceRun.start(new_publication)
    run.choose(Cadence.DAILY)
    run.publish()
    # Opened for tomorrow at her hour, and not sent yet.
    run.go(6 * HOUR)
    run.pause(2 * DAY)
    run.go(3 * DAY)
    run.publish()
    run.go(3 * DAY)
    assert run.mails() == [("weekly.daily", "0 1")]


def test_a_pause_that_begins_while_a_digest_waits_for_her_hour_loses_nothing(
    new_publication: Make,
) -> None:
    run = CadenceRun.start(new_publication)
    run.choose(Cadence.WEEKLY)
    run.publish()
    # Monday's digest is opened on Sunday, with what came on Thursday.
    run.go(3 * DAY + 12 * HOUR)
    run.pause(2 * DAY)
    run.go(4 * DAY)
    run.publish()
    run.go(4 * DAY)
    assert run.mails() == [("weekly.weekly", "0 1")]


def test_a_digest_that_waits_for_her_hour_and_is_not_wanted_any_more_loses_nothing(
    new_publication: Make,
) -> None:
    run = CadenceRun.start(new_publication)
    run.choose(Cadence.WEEKLY, hour=20)
    run.publish()
    # The digest of Monday at 20:00 is opened on Sunday.
    run.go(3 * DAY + 12 * HOUR)
    run.choose(Cadence.ISSUE)
    run.publish()
    run.go(14 * HOUR)
    run.choose(Cadence.WEEKLY)
    run.go(2 * DAY)
    assert run.mails() == [("weekly", "0 1")]


@pytest.mark.parametrize("seed", range(3))
def test_random_choices_never_repeat_and_never_lose_an_article(
    new_publication: Make, seed: int
) -> None:
    chance = random.Random(seed)  # a test, not a secret
    run = CadenceRun.start(new_publication)
    for _turn in range(10):
        match chance.choice(["publish", "publish", "publish", "choose", "pause", "resume"]):
            case "publish":
                run.publish()
            case "choose":
                run.choose(chance.choice([*Cadence]))
            case "pause":
                run.pause(chance.randint(1, 200) * HOUR)
            case "resume":
                run.resume()
        run.go(chance.randint(1, 90) * HOUR)
    run.resume()
    run.choose(Cadence.ISSUE)
    run.publish()
    run.go(3 * DAY)
    got = [int(story) for _key, stories in run.mails() for story in stories.split()]
    assert sorted(got) == [*range(len(run.published))]
