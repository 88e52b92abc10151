"""Sources as editors see them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from publisher.accounts.actor import Actor, terminal_actor
from publisher.accounts.model import Grant, Role
from publisher.app.articles import problem_meaning
from publisher.app.attention import list_attention
from publisher.app.editing_state import EditingState, open_editing_state
from publisher.app.source_notices import SourceNotice, left_out_reason, notices_of
from publisher.app.source_status import accept_source_loss, read_sources
from publisher.article_problems import ProblemKind
from publisher.errors import ForbiddenError, UsageError
from publisher.ingest.item_state import count_articles_of_sources
from publisher.ingest.sites.base import LeftOutReason
from publisher.ingest.source_facts import SourceFacts
from tests.publisher.conftest import NOW, PublicationFolder

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


def notices(state: EditingState) -> dict[str, SourceNotice]:
    (source,) = read_sources(state).sources
    return {one.kind: one for one in source.notices}


def test_a_source_that_can_t_be_read_says_since_when_and_why_until_it_can(
    state: EditingState, publication: PublicationFolder
) -> None:
    publication.write("en/tides.md", "Words.", title="Tides", date="2026-01-05")
    publication.pick_up()
    assert notices(state) == {}
    elsewhere = publication.articles.with_name("elsewhere")
    publication.articles.rename(elsewhere)
    publication.pick_up()
    publication.at(NOW + timedelta(hours=3)).pick_up()
    (source,) = read_sources(state).sources
    (found,) = source.notices
    assert (source.state, source.articles) == ("unreadable", 1)
    assert (found.since, found.is_urgent) == (NOW, True)
    assert "articles: can't be read: No such file or directory" in found.what
    assert "its articles stay as they are" in found.remedy
    assert "unreadable" in kinds(state)
    elsewhere.rename(publication.articles)
    publication.pick_up()
    assert notices(state) == {}
    assert "unreadable" not in kinds(state)


def test_a_source_that_never_could_be_read_says_so(
    state: EditingState, publication: PublicationFolder
) -> None:
    assert [*notices(state)] == ["never-read"]
    publication.articles.rename(publication.articles.with_name("elsewhere"))
    publication.pick_up()
    assert [*notices(state)] == ["unreadable"]


def test_a_source_that_is_in_the_settings_no_more_is_not_unreadable(
    state: EditingState, publication: PublicationFolder
) -> None:
    publication.articles.rename(publication.articles.with_name("elsewhere"))
    publication.pick_up()
    sources = [{"kind": "folder", "name": "other", "path": "elsewhere"}]
    publication.reload(sources=sources)
    publication.pick_up()
    assert "unreadable" not in kinds(state)


def test_a_loss_is_a_notice_with_its_time(
    state: EditingState, publication: PublicationFolder
) -> None:
    lose_most(publication)
    publication.at(NOW + timedelta(hours=3)).pick_up()
    found = notices(state)["held"]
    assert found.what.startswith("4 of 6 articles are gone")
    assert found.since == NOW
    assert notices(state)["quarantine"].what == "1 file can't be read as an article"
    assert "problems" not in notices(state)
    accept_source_loss(state, ANN, "articles", 4)
    assert read_sources(state).sources[0].state == "loss-accepted"


def test_what_is_left_out_elsewhere_or_in_the_future_is_counted_with_the_reason(
    state: EditingState, publication: PublicationFolder
) -> None:
    publication.write("en/draft.md", "Soon.", title="Draft", draft=True)
    publication.write("en/_hidden.md", "Not.", title="Hidden")
    publication.write("en/later.md", "Later.", title="Later", date="2026-02-01")
    publication.write("en/latest.md", "Later.", title="Latest", date="2026-03-01")
    publication.write("fr/mer.md", "La mer.", title="La mer", language="fr", date="2026-01-05")
    publication.write("en/hole.md", "![Tide](missing.png)", title="Hole", date="2026-01-05")
    publication.pick_up()
    found = notices(state)
    assert found["left-out draft"].what == "1 file is left out: drafts"
    assert "names that begin with" in found["left-out hidden"].what
    assert found["future"].what == "2 articles have dates in the future"
    later = publication.one("later").published_at
    assert found["future"].until == later
    assert found["other-languages"].what.endswith("does not have: fr")
    assert found["problems"].what == "1 problem in its articles"


def test_nothing_is_said_of_a_source_that_is_in_order() -> None:
    assert notices_of(SourceFacts(), None, None) == ()
    assert [one.kind for one in notices_of(None, None, None)] == ["never-read"]


def test_every_reason_for_leaving_a_file_out_has_a_sentence() -> None:
    found = {reason: left_out_reason(reason) for reason in LeftOutReason}
    assert len({*found.values()}) == len(LeftOutReason)
    assert [reason for reason, why in found.items() if reason == why] == []
    assert left_out_reason("of another version") == "of another version"


def test_every_kind_of_problem_has_a_meaning_of_its_own() -> None:
    assert len({problem_meaning(kind) for kind in ProblemKind}) == len(ProblemKind)


def test_accepting_takes_a_role(state: EditingState) -> None:
    editor = Actor(name="e@example.org", via="console", grants=(Grant(Role.EDITOR),))
    with pytest.raises(ForbiddenError):
        accept_source_loss(state, editor, "articles", 4)
