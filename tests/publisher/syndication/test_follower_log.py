"""Readers of feeds in access logs of nginx and Caddy."""

import json
from datetime import date

import pytest

from publisher.syndication.followers import FeedDay, FollowerNumbers, count_followers

DAY = date(2026, 1, 9)
FEEDLY = (
    "Feedly/1.0 (+http://www.feedly.com/fetcher.html; {} subscribers; like FeedFetcher-Google)"
)
BLUR = "NewsBlur Feed Fetcher - {} subscribers - http://www.newsblur.com/site/1/x"
READER = "Mozilla/5.0 (X11; Linux) NetNewsWire/6.1"


def nginx(
    agent: str, client: str = "192.0.2.1", path: str = "/feeds/en.atom.xml", status: int = 200
) -> str:
    at = "09/Jan/2026:08:00:00 +0000"
    return f'{client} - - [{at}] "GET {path} HTTP/2.0" {status} 512 "-" "{agent}"\n'


def caddy(agent: str, client: str, path: str = "/feeds/en.atom.xml", **more: object) -> str:
    headers = {"User-Agent": [agent]}
    request = {"method": "GET", "uri": path, "client_ip": client, "headers": headers}
    return json.dumps({"ts": 1767945600.5, "status": 200, "request": request} | more)


def test_aggregators_are_taken_at_their_word_and_other_clients_count_once_a_day() -> None:
    lines = [
        *(nginx(FEEDLY.format(count)) for count in (12, 14, 13)),
        nginx(BLUR.format(3), "192.0.2.9"),
        *(nginx(READER) for _hour in range(24)),
        nginx(READER, "192.0.2.2", status=304),
        nginx("Other/1", "192.0.2.2", "/feeds/en.json?x=1"),
    ]
    counted, unread = count_followers(lines)
    assert counted == {FeedDay("en", DAY): FollowerNumbers(stated=17, clients=3)}
    assert unread == 0


def test_caddy_s_log_says_the_same() -> None:
    lines = [
        caddy(FEEDLY.format("1"), "::1"),
        caddy(READER, "192.0.2.1"),
        caddy(READER, "192.0.2.1", ts="2026-01-09T08:00:00Z"),
        caddy(READER, "192.0.2.2", status=404),
        json.dumps({"level": "info", "msg": "started"}),
    ]
    assert count_followers(lines)[0] == {
        FeedDay("en", DAY): FollowerNumbers(stated=1, clients=1)
    }


@pytest.mark.parametrize(
    "line",
    [
        nginx(READER, path="/en/weekly/2026-01-09/"),
        nginx(READER, path="/en/feeds/of/secret.atom.xml"),
        nginx(READER, path="/feeds/en/archive/3.atom.xml"),
        nginx(READER, path="/feeds/index.opml"),
        nginx(READER, status=404),
        nginx("Googlebot/2.1 (+http://www.google.com/bot.html)"),
        nginx(READER).replace("GET", "HEAD"),
    ],
)
def test_what_is_no_reading_of_a_feed_is_not_counted(line: str) -> None:
    assert count_followers([line]) == ({}, 0)


def test_the_day_is_that_of_utc_and_lines_of_no_known_form_are_said() -> None:
    assert count_followers(["what is this\n", "{\n", '{"request": 5}', "\n"]) == ({}, 3)
    line = nginx(READER, path="/feeds/en/topics/harbour.rss.xml")
    late = line.replace("09/Jan/2026:08:00:00 +0000", "09/Jan/2026:23:30:00 -0100")
    (one,) = count_followers([late])[0]
    assert one == FeedDay("en/topics/harbour", date(2026, 1, 10))
