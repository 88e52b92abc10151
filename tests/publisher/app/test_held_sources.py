import json
from collections.abc import Callable

import pytest

from publisher.app.articles import accept_lost_articles
from publisher.app.status import take_snapshot
from publisher.errors import UsageError
from publisher.ingest.held_sources import HeldSource, is_sudden_loss
from tests.publisher.cli.conftest import run
from tests.publisher.conftest import NOW, PublicationFolder

__all__ = ["run"]

NAMES = ["ebb", "ferry", "harbour", "lamp", "tide"]


@pytest.fixture
def five(publication: PublicationFolder) -> PublicationFolder:
    """A publication of five articles, picked up."""
    for name in NAMES:
        publication.write(f"{name}.md", title=name.title(), date="2026-01-05")
    assert publication.pick_up().new == len(NAMES)
    return publication


def remove(publication: PublicationFolder, *names: str) -> None:
    for name in names:
        (publication.articles / f"{name}.md").unlink()


def held(publication: PublicationFolder) -> tuple[HeldSource, ...]:
    return take_snapshot(publication.settings, publication.database, NOW).held_sources


def test_most_articles_or_all_is_a_sudden_loss_and_a_few_are_none() -> None:
    assert is_sudden_loss(3, 5)
    assert is_sudden_loss(3, 3)
    assert not is_sudden_loss(2, 2)
    assert not is_sudden_loss(5, 10)


def test_a_source_that_is_suddenly_empty_keeps_its_articles(five: PublicationFolder) -> None:
    remove(five, *NAMES)
    assert five.pick_up().removed == 0
    assert five.pick_up().removed == 0
    assert len(five.all()) == len(NAMES)
    (one,) = held(five)
    assert (one.lost, one.articles) == (5, 5)


def test_what_is_new_and_changed_in_a_held_source_is_published(five: PublicationFolder) -> None:
    remove(five, *NAMES[1:])
    five.write("ebb.md", title="Ebb again", date="2026-01-05")
    done = five.pick_up()
    assert (done.changed, done.removed) == (1, 0)
    assert five.one("ebb").title == "Ebb again"


def test_an_accepted_loss_is_withdrawn_by_the_next_cycle(five: PublicationFolder) -> None:
    remove(five, *NAMES[1:])
    five.pick_up()
    assert (
        accept_lost_articles(five.settings, five.database, "articles", five.clock.now()).lost
        == 4
    )
    assert five.pick_up().removed == 4
    assert [key for key, _language in five.all()] == ["ebb"]
    assert held(five) == ()


def test_more_than_was_accepted_is_held_again(five: PublicationFolder) -> None:
    remove(five, *NAMES[2:])
    five.pick_up()
    accept_lost_articles(five.settings, five.database, "articles", five.clock.now())
    remove(five, *NAMES[:2])
    assert five.pick_up().removed == 0
    assert held(five)[0].lost == 5


def test_articles_that_are_back_end_the_hold(five: PublicationFolder) -> None:
    files = {name: (five.articles / f"{name}.md").read_bytes() for name in NAMES}
    remove(five, *NAMES)
    five.pick_up()
    for name, content in files.items():
        five.write(f"{name}.md", content)
    five.pick_up()
    assert held(five) == ()
    assert len(five.all()) == len(NAMES)


def test_half_of_the_articles_and_renamed_files_are_no_loss(five: PublicationFolder) -> None:
    remove(five, *NAMES[:2])
    assert five.pick_up().removed == 2
    for name in NAMES[2:]:
        file = five.articles / f"{name}.md"
        file.rename(five.articles / f"old-{name}.md")
    five.pick_up()
    assert held(five) == ()


def test_a_source_that_is_not_held_has_nothing_to_accept(five: PublicationFolder) -> None:
    with pytest.raises(UsageError, match="articles: is not held; no source is held"):
        accept_lost_articles(five.settings, five.database, "articles", five.clock.now())


def test_a_held_source_is_shown_and_accepted_by_command(
    run: Callable[..., tuple[int, str, str]], five: PublicationFolder
) -> None:
    root = five.settings.folders.root
    remove(five, *NAMES)
    code, out, _err = run("run", "--once", root)
    assert code == 3
    assert "Source articles is held: 5 of 5 articles are gone" in out
    assert "publisher articles accept articles" in " ".join(out.split())
    (one,) = json.loads(run("status", "--json", root)[1])["held_sources"]
    assert one == {"source": "articles", "lost": 5, "articles": 5}
    code, out, _err = run("articles", "accept", "articles", root)
    assert (code, out) == (0, "articles: the next cycle withdraws 5 articles of 5\n")
    assert run("run", "--once", root)[0] == 0
    assert five.all() == {}
