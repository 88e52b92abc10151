"""Limits on requests, in the database."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, select

from publisher.request_limits import Limit, LimitKeys, check_limit, rate_limit

NOW = datetime(2026, 1, 9, 12, tzinfo=UTC)
HOURLY = Limit(per=2, burst=2, period=timedelta(hours=1))
KEYS = LimitKeys("a secret")


def test_a_burst_passes_and_then_one_each_interval_also_if_the_clock_was_set_back(
    connection: Connection,
) -> None:
    key = KEYS.key("link by address", "ann@example.com")
    assert [check_limit(connection, key, HOURLY, NOW) for _ in range(3)] == [None, None, 1800]
    later = NOW + timedelta(minutes=10)
    assert check_limit(connection, key, HOURLY, later) == 1200
    later = NOW + timedelta(minutes=30)
    assert check_limit(connection, key, HOURLY, later) is None
    assert check_limit(connection, key, HOURLY, later) == 1800
    key = KEYS.key("link", "ann")
    check_limit(connection, key, HOURLY, NOW + timedelta(days=300))
    assert check_limit(connection, key, HOURLY, NOW) == 1800


def test_each_address_has_limits_of_its_own_and_each_limit_addresses_of_its_own(
    connection: Connection,
) -> None:
    once = Limit(per=1, burst=1, period=timedelta(hours=1))
    keys = [KEYS.key(limit, who) for limit in ("one", "two") for who in ("ann", "bob")]
    assert len({*keys}) == 4
    assert [check_limit(connection, key, once, NOW) for key in keys] == [None] * 4


def test_addresses_and_networks_are_not_stored_in_clear(connection: Connection) -> None:
    check_limit(connection, KEYS.key("link by network", "192.0.2.0/24"), HOURLY, NOW)
    (key,) = connection.execute(select(rate_limit.c.key)).scalars()
    assert "192" not in key
    assert key != LimitKeys("another secret").key("link by network", "192.0.2.0/24")


def test_buckets_that_are_full_again_are_deleted(connection: Connection) -> None:
    check_limit(connection, KEYS.key("link", "ann"), HOURLY, NOW)
    keys = select(rate_limit.c.key)
    for minutes, bob in ((29, "bob"), (61, "cyd")):
        key = KEYS.key("link", bob)
        check_limit(connection, key, HOURLY, NOW + timedelta(minutes=minutes))
    # Ann's was full after half an hour, and Bob's an hour after the first.
    assert connection.execute(keys).scalars().all() == [key]
