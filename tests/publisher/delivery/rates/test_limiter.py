"""Limits, throttles and warm-ups as processes share them in a database."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from random import Random
from typing import Any

import pytest

from publisher.database import Database
from publisher.delivery import causes
from publisher.delivery.transports.base import Outcome, SendStatus, ThrottleScope
from tests.publisher.delivery.rates.conftest import NOW, Post

TIGHT: dict[str, Any] = {
    "rate": {"per_second": 20, "per_hour": 36_000},
    "domain": [
        {"names": ["gmail.com", "googlemail.com"], "per_second": 5},
        {"names": ["outlook.com"], "per_hour": 300},
    ],
}


def test_without_limits_all_may_go_and_nothing_is_written(
    database: Database, statements: list[str]
) -> None:
    post = Post(database, {})
    assert post.allowed(64, NOW) == 64
    statements.clear()
    for number in range(50):
        assert post.allowed(64, NOW + number / 100) == 64
    assert statements == []
    assert post.tats() == {}


@pytest.mark.parametrize("count", [1, 64, 5000])
def test_a_grant_takes_two_statements_for_any_number_of_candidates(
    database: Database, statements: list[str], count: int
) -> None:
    post = Post(database, TIGHT)
    domains = [["gmail.com", "outlook.com", f"{n}.example"][n % 3] for n in range(count)]
    post.ask(domains, NOW)
    statements.clear()
    assert post.allowed(domains, NOW + 0.5) > 0
    assert len(statements) == 2


def test_limits_survive_a_restart(database: Database) -> None:
    post = Post(database, TIGHT)
    assert post.allowed(64, NOW) == 20
    post.start_again()
    assert post.allowed(64, NOW) == 0
    assert post.allowed(64, NOW + 0.5) == 10


def test_a_rolled_back_grant_does_not_count(database: Database) -> None:
    post = Post(database, TIGHT)
    with suppress(ZeroDivisionError), database.writing() as connection:
        assert len(post.rates.grant(connection, ["a.example"] * 64, NOW).allowed) == 20
        raise ZeroDivisionError
    assert post.allowed(64, NOW) == 20


def test_a_clock_set_forward_gives_one_burst(database: Database) -> None:
    post = Post(database, TIGHT)
    post.allowed(64, NOW)
    assert post.allowed(64, NOW + 3600) == 20
    assert post.allowed(64, NOW + 3600) == 0


def test_queued_instants_are_dropped_when_the_clock_is_set_back(database: Database) -> None:
    post = Post(database, TIGHT)
    post.ask(["gmail.com"] * 500, NOW)
    back = post.ask(["gmail.com"] * 10, NOW - 3600)
    assert max(back.postponed.values()) < 5


# --- slowing


def test_a_complaining_server_slows_all_mail(database: Database) -> None:
    post = Post(database, TIGHT)
    post.slow_down(None, NOW)
    grant = post.ask(["a.example", "b.example"] * 10, NOW)
    assert len(grant.allowed) == 5
    assert len(grant.held) == 15
    assert grant.reasons == ("smtp: slowed to 5 a second until 08:03 UTC",)


def test_a_rate_is_halved_once_in_ten_seconds(
    database: Database, statements: list[str]
) -> None:
    post = Post(database, TIGHT)
    post.slow_down("gmail.com", NOW)
    statements.clear()
    for number in range(99):
        post.slow_down("gmail.com", NOW + number / 10)
    assert statements == []
    assert post.allowed(["gmail.com"] * 10, NOW + 9.9) == 2


def test_other_processes_apply_a_throttle_within_a_second(database: Database) -> None:
    first, second = Post(database, {}), Post(database, {})
    assert second.allowed(10, NOW) == 10
    first.slow_down("a.example", NOW)
    first.slow_down(None, NOW)
    assert second.allowed(10, NOW + 1) <= 1
    second.slow_down("a.example", NOW + 2)  # known already
    assert (
        second.ask(10, NOW + 2).reasons[0]
        == "a.example: slowed to 0.5 a second until 08:03 UTC"
    )


def test_a_throttle_survives_a_restart_and_is_deleted_when_it_has_ended(
    database: Database,
) -> None:
    post = Post(database, {})
    post.slow_down("a.example", NOW)
    post.start_again()
    assert post.allowed(5, NOW) == 1
    assert post.allowed(5, NOW + 1) == 0
    assert (post.slowings(), [*post.tats()]) == (["smtp/a.example"], ["smtp/a.example/slowed"])
    # 0.5 becomes 1 in little more than three minutes.
    assert post.allowed(100, NOW + 240) == 100
    assert (post.slowings(), post.tats()) == ([], {})


def test_a_throttle_from_the_future_recovers_from_now_on(database: Database) -> None:
    post = Post(database, TIGHT)
    post.slow_down("gmail.com", NOW + 3600)
    post.start_again()
    assert post.allowed(["gmail.com"] * 10, NOW) <= 2
    post.slow_down("gmail.com", NOW + 11)
    assert post.allowed(["gmail.com"] * 10, NOW + 20) <= 2
    assert post.allowed(["gmail.com"] * 10, NOW + 900) == 5


# --- what slows

TROUBLE = Outcome(
    SendStatus.DEFERRED, "451 4.3.0", causes.TROUBLE, throttle=ThrottleScope.TRANSPORT
)
TOO_FAST = Outcome(
    SendStatus.DEFERRED, "451 4.7.28", causes.TOO_FAST, throttle=ThrottleScope.DOMAIN
)
MANY_DOMAINS = [f"{n}.example" for n in range(50)]


def send_forty_a_second(
    post: Post, share: float, refusing: Sequence[str], outcome: Outcome
) -> dict[str, int]:
    """Send for a minute to many domains, some of which refuse a share; count what left."""
    random, left = Random(4), Counter[str]()
    for tick in range(600):
        now = NOW + tick / 10
        asked = random.choices(MANY_DOMAINS, k=4)
        allowed = [asked[number] for number in post.ask(asked, now).allowed]
        left.update(allowed)
        refused = [one for one in allowed if one in refusing and random.random() < share]
        post.refuse(refused, now, outcome)
    return left


@pytest.mark.parametrize("share", [0.001, 0.01, 0.05])
@pytest.mark.parametrize("refusing", [MANY_DOMAINS, MANY_DOMAINS[:1]])
def test_a_server_that_refuses_a_few_messages_for_now_slows_nothing(
    database: Database, share: float, refusing: list[str]
) -> None:
    post = Post(database, {})
    assert sum(send_forty_a_second(post, share, refusing, TROUBLE).values()) == 2400
    assert post.slowings() == []


def test_a_server_that_refuses_much_is_sent_less(database: Database) -> None:
    post = Post(database, {})
    assert sum(send_forty_a_second(post, 0.3, MANY_DOMAINS, TROUBLE).values()) < 1200
    assert post.slowings() == ["smtp"]


def test_a_domain_that_refuses_everything_slows_no_other(database: Database) -> None:
    post = Post(database, {})
    left = send_forty_a_second(post, 1, ["0.example"], TROUBLE)
    assert post.slowings() == ["smtp/0.example"]
    assert left["0.example"] < 30
    assert sum(left.values()) - left["0.example"] > 2300


def test_a_domain_that_says_too_fast_is_sent_less_at_once(database: Database) -> None:
    post = Post(database, {})
    post.ask(["a.example"] * 20, NOW)
    post.refuse(["a.example"], NOW, TOO_FAST)
    assert post.slowings() == ["smtp/a.example"]


def test_answers_to_what_was_under_way_do_not_halve_a_rate_again(database: Database) -> None:
    post = Post(database, {})
    post.ask(["a.example"] * 400, NOW)
    post.refuse(["a.example"] * 100, NOW + 9, TOO_FAST)
    post.ask(["a.example"] * 40, NOW + 20)
    post.refuse(["a.example"], NOW + 20, TROUBLE)
    assert "slowed to 23 a second" in post.ask(["a.example"] * 100, NOW + 20).reasons[0]


# --- warm-up

MIDNIGHT = datetime(2027, 1, 16, tzinfo=UTC).timestamp()
WARMUP: dict[str, Any] = {
    "warmup": {"start": date(2027, 1, 15), "first": 100, "growth": 2, "until": 300}
}


def test_a_warm_up_quota_is_shared_by_processes_and_restarts(database: Database) -> None:
    first, second = Post(database, WARMUP), Post(database, WARMUP)
    # Before a warm-up the quota of its first day applies.
    assert first.allowed(500, MIDNIGHT - 10 * 86400) == 100
    assert first.allowed(60, NOW) == 60
    assert second.allowed(60, NOW) == 40
    first.start_again()
    assert first.allowed(60, NOW) == 0


def test_a_finished_warm_up_costs_nothing(database: Database, statements: list[str]) -> None:
    post, later = Post(database, WARMUP), MIDNIGHT + 30 * 86400
    assert post.allowed(500, later) == 500
    statements.clear()
    assert post.allowed(500, later + 0.5) == 500
    assert statements == []


def test_warm_up_and_rates_hold_together(database: Database) -> None:
    post = Post(database, WARMUP | {"rate": {"per_second": 30}})
    assert [post.allowed(500, NOW + n) for n in range(5)] == [30, 30, 30, 10, 0]


def test_unsent_mail_is_given_back_to_the_day_s_quota(database: Database) -> None:
    post, other = Post(database, WARMUP), Post(database, WARMUP)
    assert post.allowed(100, NOW) == 100
    post.refund_quota(30, NOW)
    assert other.allowed(100, NOW) == 30
    # Over midnight there may be more to give back than has gone.
    post.refund_quota(30, MIDNIGHT)
    assert other.allowed(500, MIDNIGHT) == 200


# --- whether anything may be sent


@pytest.mark.parametrize(
    ("settings", "gone", "wait", "reasons"),
    [
        ({}, 5, None, ()),
        ({"rate": {"per_hour": 12}}, 0, None, ()),
        ({"rate": {"per_hour": 12}}, 1, 300.0, ("smtp: 12 an hour",)),
        (WARMUP, 100, MIDNIGHT - NOW, ("warm-up: 100 a day",)),
        ({"domain": [{"names": ["a.example"], "per_hour": 12}]}, 1, None, ()),
    ],
)
def test_a_closed_transport_says_for_how_long(
    database: Database,
    settings: dict[str, Any],
    gone: int,
    wait: float | None,
    reasons: tuple[str, ...],
) -> None:
    post = Post(database, settings)
    assert post.allowed(gone, NOW) == gone
    for _time in range(2):
        with database.writing() as connection:
            found = post.rates.closed(connection, NOW)
        assert found.transport_wait == (wait if wait is None else pytest.approx(wait))
        assert found.reasons == reasons
