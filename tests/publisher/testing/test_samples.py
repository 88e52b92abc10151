"""What other tests stand on: sample publications and articles, and a transport in memory."""

from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest

from publisher.config import load_settings
from publisher.delivery.transports.base import OutgoingMessage, SendStatus
from publisher.errors import ConfigError
from publisher.mail import Message
from publisher.testing import MemoryTransport, make_publication, sample_article


def test_a_sample_publication_can_be_loaded_again_unless_it_is_invalid(tmp_path: Path) -> None:
    made = make_publication(tmp_path / "deep" / "publication")
    assert made.publication.title("zh-Hans") == "灯笼"
    assert [newsletter.name for newsletter in made.newsletters] == ["weekly"]
    assert (tmp_path / "deep/publication/articles").is_dir()
    assert load_settings(made.folders.root, {}).publication == made.publication
    with pytest.raises(ConfigError, match="colour"):
        make_publication(tmp_path, colour="green")


def test_a_sample_publication_with_changes(tmp_path: Path) -> None:
    monthly = {
        "name": "monthly",
        "schedule": "FREQ=MONTHLY",
        "at": time(7, 30),
        "start": date(2026, 1, 2),
        "max_articles": 3,
    }
    made = make_publication(
        tmp_path,
        title='A "quoted" \\ title',
        languages=["ar"],
        sources=[{"kind": "folder", "path": "texts/new"}],
        newsletters=[monthly],
    )
    assert made.publication.title("ar") == 'A "quoted" \\ title'
    (edition,) = made.editions(made.newsletters[0])
    assert (edition.schedule.at, edition.schedule.start) == (time(7, 30), date(2026, 1, 2))
    assert edition.max_articles == 3
    assert (tmp_path / "texts/new").is_dir()


def test_a_sample_article_is_consistent() -> None:
    at = datetime(2026, 2, 3, 4, tzinfo=UTC)
    one = sample_article(story_id=7, published_at=at, title="T")
    assert (one.id, one.story_key, one.slug, one.title) == (7, "story-7", "story-7", "T")
    assert one.published_at == one.available_at == one.updated_at == at
    assert one.published_on == date(2026, 2, 3)


def test_nothing_is_sent_in_memory_without_a_lease_or_after_close() -> None:
    memory, message = MemoryTransport(), Message(1, "m1", b"words")
    one = OutgoingMessage(1, "weekly", "digest@news.example.org", "ann@example.org", message)
    assert memory.connect(1, lambda: False).send(one).status is SendStatus.NOT_SENT
    closed = memory.connect(1, lambda: True)
    closed.close()
    assert not closed.is_open
    assert closed.send(one).status is SendStatus.NOT_SENT
    assert memory.offered == []
