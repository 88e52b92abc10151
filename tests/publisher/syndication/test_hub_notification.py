"""A whole cycle notifies hubs of changed feeds, after their files are in place."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from publisher.config import FeedSettings
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.printing import URL, pipeline_of, public
from tests.publisher.syndication.hub import Hub, Reply, running

SUFFIXES = ("rss.xml", "atom.xml", "json")


@pytest.fixture
def hub(publication: PublicationFolder) -> Iterator[Hub]:
    """A hub of the publication that fetches the topics of which it is notified."""
    with running() as one:
        object.__setattr__(publication.settings, "feeds", FeedSettings(hubs=(one.url,)))

        def read(topic: str) -> bytes | None:
            file = public(publication) / topic.removeprefix(f"{URL}/")
            return file.read_bytes() if file.is_file() else None

        one.read = read
        yield one
        assert one.faults == []


def topics(*names: str) -> list[str]:
    return sorted(f"{URL}/feeds/{name}.{suffix}" for name in names for suffix in SUFFIXES)


def notified(publication: PublicationFolder, hub: Hub, hours: int) -> list[str]:
    """Run a cycle some hours later; return the topics of which the hub was notified."""
    hub.pings.clear()
    report = pipeline_of(publication.at(NOW + timedelta(hours=hours))).run()
    assert report.problems == []
    return sorted(hub.topics)


def test_hubs_are_notified_once_of_each_changed_feed_when_it_is_in_place(
    publication: PublicationFolder, hub: Hub
) -> None:
    publication.write("en/fog.md", title="Fog", date="2026-01-05", topics="[Sea]")
    everything = ("en", "ar", "zh-Hans", "zh-Hant", "all", "en/topics/sea")
    assert notified(publication, hub, 0) == topics(*everything)
    before = {one.topic: one.content for one in hub.pings}
    assert notified(publication, hub, 1) == []
    publication.write(
        "en/fog.md", "Other words.", title="Fog", date="2026-01-05", topics="[Sea]"
    )
    assert notified(publication, hub, 2) == topics("en", "all", "en/topics/sea")
    assert all(one.content not in (None, before[one.topic]) for one in hub.pings)


def test_every_document_links_to_the_hub_and_itself(
    publication: PublicationFolder, hub: Hub
) -> None:
    publication.write("en/fog.md", title="Fog", date="2026-01-05")
    notified(publication, hub, 0)
    for suffix in SUFFIXES:
        document = (public(publication) / f"feeds/en.{suffix}").read_text()
        assert hub.url in document
        assert f"{URL}/feeds/en.{suffix}" in document


def test_an_unavailable_hub_is_notified_later(publication: PublicationFolder, hub: Hub) -> None:
    publication.write("en/fog.md", title="Fog", date="2026-01-05")
    hub.say(Reply(503))
    notified(publication, hub, 0)
    hub.answer = lambda _topic: Reply()
    assert notified(publication, hub, 12) == topics("en", "ar", "zh-Hans", "zh-Hant", "all")
    assert notified(publication, hub, 24) == []


def test_without_hubs_nothing_is_sent(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    publication = new_publication()
    publication.write("en/fog.md", title="Fog", date="2026-01-05")
    report = pipeline_of(publication).run()
    assert (report.pinged.accepted, report.pinged.waiting) == (0, 0)
