"""A whole cycle notifies hubs of changed feeds, after their files are in place."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from publisher.config import FeedSettings
from tests.publisher.conftest import NOW, House
from tests.publisher.printing import URL, pipeline_of, public
from tests.publisher.syndication.hub import Hub, Reply, running

SUFFIXES = ("rss.xml", "atom.xml", "json")


@pytest.fixture
def hub(house: House) -> Iterator[Hub]:
    """A hub of the publication that fetches the topics of which it is notified."""
    with running() as one:
        object.__setattr__(house.settings, "feeds", FeedSettings(hubs=(one.url,)))

        def read(topic: str) -> bytes | None:
            file = public(house) / topic.removeprefix(f"{URL}/")
            return file.read_bytes() if file.is_file() else None

        one.read = read
        yield one
        assert one.faults == []


def topics(*names: str) -> list[str]:
    return sorted(f"{URL}/feeds/{name}.{suffix}" for name in names for suffix in SUFFIXES)


def notified(house: House, hub: Hub, hours: int) -> list[str]:
    """Run a cycle some hours later; return the topics of which the hub was notified."""
    hub.pings.clear()
    report = pipeline_of(house.at(NOW + timedelta(hours=hours))).run()
    assert report.problems == []
    return sorted(hub.topics)


def test_hubs_are_notified_once_of_each_changed_feed_when_it_is_in_place(
    house: House, hub: Hub
) -> None:
    house.write("en/fog.md", title="Fog", date="2026-01-05", topics="[Sea]")
    everything = ("en", "ar", "zh-Hans", "zh-Hant", "all", "en/topics/sea")
    assert notified(house, hub, 0) == topics(*everything)
    before = {one.topic: one.content for one in hub.pings}
    assert notified(house, hub, 1) == []
    house.write("en/fog.md", "Other words.", title="Fog", date="2026-01-05", topics="[Sea]")
    assert notified(house, hub, 2) == topics("en", "all", "en/topics/sea")
    assert all(one.content not in (None, before[one.topic]) for one in hub.pings)


def test_every_document_links_to_the_hub_and_itself(house: House, hub: Hub) -> None:
    house.write("en/fog.md", title="Fog", date="2026-01-05")
    notified(house, hub, 0)
    for suffix in SUFFIXES:
        document = (public(house) / f"feeds/en.{suffix}").read_text()
        assert hub.url in document
        assert f"{URL}/feeds/en.{suffix}" in document


def test_an_unavailable_hub_is_notified_later(house: House, hub: Hub) -> None:
    house.write("en/fog.md", title="Fog", date="2026-01-05")
    hub.say(Reply(503))
    notified(house, hub, 0)
    hub.answer = lambda _topic: Reply()
    assert notified(house, hub, 12) == topics("en", "ar", "zh-Hans", "zh-Hant", "all")
    assert notified(house, hub, 24) == []


def test_without_hubs_nothing_is_sent(
    make_house: Callable[..., House],
) -> None:
    house = make_house()
    house.write("en/fog.md", title="Fog", date="2026-01-05")
    report = pipeline_of(house).run()
    assert (report.pinged.accepted, report.pinged.waiting) == (0, 0)
