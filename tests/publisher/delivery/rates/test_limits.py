from __future__ import annotations

from publisher.config.delivery import DeliverySettings
from publisher.delivery.rates.limits import RateLimits
from publisher.delivery.rates.throttle import Throttle

SETTINGS = DeliverySettings.model_validate(
    {
        "rate": {"per_second": 40, "per_hour": 36_000},
        "domain": [
            {"names": ["gmail.com", "googlemail.com"], "per_second": 2.5},
            {"names": ["Outlook.com"], "per_hour": 3000},
            {"names": ["icloud.com", "me.com"]},
        ],
    }
)


def test_each_limit_has_a_bucket_and_a_text() -> None:
    limits = RateLimits(SETTINGS, "smtp")
    found = [
        (one.bucket, one.text)
        for scope in (None, "gmail.com", "outlook.com")
        for one in limits.fixed(scope)
    ]
    assert found == [
        ("smtp/second", "smtp: 40 a second"),
        ("smtp/hour", "smtp: 36,000 an hour"),
        ("smtp/gmail.com/second", "gmail.com: 2.5 a second"),
        ("smtp/outlook.com/hour", "outlook.com: 3,000 an hour"),
    ]


def test_domains_of_one_table_share_a_limit() -> None:
    limits = RateLimits(SETTINGS, "smtp")
    assert limits.scope_of("googlemail.com") == limits.scope_of("gmail.com") == "gmail.com"
    assert limits.domains_of("icloud.com") == ("icloud.com", "me.com")
    assert limits.scope_of("example.org") == "example.org"
    assert limits.domains_of("example.org") == ("example.org",)


def test_the_tightest_limit_counts_in_the_long_run() -> None:
    limits = RateLimits(SETTINGS, "smtp")
    assert limits.max_per_second(None) == 10
    assert limits.max_per_second("gmail.com") == 2.5
    assert limits.max_per_second("icloud.com") is None
    assert limits.max_per_second("example.org") is None


def test_a_throttle_is_a_limit_that_grows() -> None:
    limits, slowing = RateLimits(SETTINGS, "smtp"), Throttle(0.5, 1000.0, 2.5)
    found = limits.throttled("gmail.com", slowing, 1000.0)
    assert (found.bucket, found.text) == (
        "smtp/gmail.com/slowed",
        "gmail.com: slowed to 0.5 a second",
    )
    assert (found.pace.per_second, found.pace.burst) == (0.5, 1)
    assert found.interval_at(1000.0) == 2
    assert found.interval_at(1060.0) == 1.6
    assert found.interval_at(1e9) == 0.4
    assert limits.throttled(None, slowing, 1000.0).text == "smtp: slowed to 0.5 a second"
