"""Sources as editors see them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from publisher.accounts.actor import Actor, terminal_actor
from publisher.accounts.model import Grant, Role
from publisher.app.attention import list_attention
from publisher.app.editing_state import EditingState, open_editing_state
from publisher.app.source_status import accept_source_loss, read_sources
from publisher.errors import ForbiddenError, UsageError
from publisher.ingest.item_state import count_articles_of_sources
from tests.publisher.conftest import PublicationFolder

ANN = terminal_actor()


@pytest.fixture
def state(publication: PublicationFolder) -> Iterator[EditingState]:
    with open_editing_state(publication.settings, publication.clock) as state:
        yield state


def lose_most(publication: PublicationFolder) -> None:
    files = [
        publication.write(f"en/{n}.md", f"Words {n}.", title=f"Story {n}", date="2026-01-05")
        for n in range(6)
    ]
    publication.write("en/broken.md", "---\ntitle: [\n---\n")
    publication.pick_up()
    for file in files[:4]:
        file.unlink()
    publication.pick_up()


def kinds(state: EditingState) -> set[str]:
    return {one.kind for one in list_attention(state, terminal_actor())[1]}


def test_a_source_that_was_never_read_says_so(state: EditingState) -> None:
    (source,) = read_sources(state).sources
    assert (source.is_known, source.articles, source.held) == (False, 0, None)


def test_a_loss_is_shown_and_accepted_as_it_was_seen(
    state: EditingState, publication: PublicationFolder
) -> None:
    lose_most(publication)
    found = read_sources(state)
    (source,) = found.sources
    assert source.is_known
    assert source.held is not None
    assert (source.held.lost, source.held.articles) == (4, 6)
    assert [path for path, _reason in found.quarantine] == ["en/broken.md"]
    with state.database.reading() as connection:
        assert count_articles_of_sources(connection) == {"articles": source.articles}
    assert "lost" in kinds(state)
    with pytest.raises(UsageError, match="4 articles are gone by now, not 3"):
        accept_source_loss(state, ANN, "articles", 3)
    assert "lost" in kinds(state)
    accept_source_loss(state, ANN, "articles", 4)
    assert "lost" not in kinds(state)
    publication.pick_up()
    assert len(publication.visible()) == 2
    with pytest.raises(UsageError, match="not held"):
        accept_source_loss(state, ANN, "articles", 4)


def test_accepting_takes_a_role(state: EditingState) -> None:
    editor = Actor(name="e@example.org", via="console", grants=(Grant(Role.EDITOR),))
    with pytest.raises(ForbiddenError):
        accept_source_loss(state, editor, "articles", 4)
