"""Deciding only what is due where links lead gives the same as deciding all again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, update

from publisher.articles.content.internal_links import LinkTarget
from publisher.articles.tables import article, article_address, article_link
from publisher.build_cache import build_cache
from publisher.ingest import link_update
from publisher.ingest.link_resolution import KnownTargets, LinkOrigin
from publisher.ingest.tables import item_problem
from tests.publisher.conftest import NOW, PublicationFolder

NewPublication = Callable[..., PublicationFolder]
FILES = ("en/a.md", "ar/a.md", "en/b.md", "en/sea/c.md", "en/sea/index.md")
LINKS = ("a.md", "b", "/x/", "/y/", "sea/", "c", "../a.md", "/en/stories/a/", "gone.md")


@st.composite
def documents(draw: st.DrawFn) -> bytes | None:
    """A document with links, dates and addresses from a few; None for no file."""
    if draw(st.integers(0, 4)) == 0:
        return None
    links = draw(st.lists(st.sampled_from(LINKS), max_size=3, unique=True))
    lines = [f"date: 2026-01-{draw(st.sampled_from(['05', '05', '09']))}"]
    for name in ("permalink", "aliases", "key"):
        values = {"permalink": "/x/ /y/", "aliases": "[/y/] [/x/]", "key": "a b"}[name].split()
        value = draw(st.sampled_from([None, None, *values]))
        lines += [f"{name}: {value}"] if value else []
    words = draw(st.sampled_from(["Calm.", "Rough."]))
    text = " ".join(f"[{number}]({one})" for number, one in enumerate(links))
    return "\n".join(["---", "title: One", *lines, "---", text, words, ""]).encode()


EDITS = st.lists(
    st.dictionaries(st.sampled_from(FILES), documents(), min_size=1), min_size=2, max_size=4
)


def state(publication: PublicationFolder) -> list[list[dict[str, object]]]:
    tables = (article, article_link, article_address, item_problem)
    return [publication.rows(table) for table in tables]


def decide_all_again(publication: PublicationFolder) -> None:
    with publication.database.writing() as connection:
        connection.execute(delete(build_cache))
        connection.execute(update(article_link).values(means=None, href=None, language=None))
        connection.execute(update(article_address).values(leads_to=None))
        link_update.update_links(connection, publication.settings, publication.clock.now())


@given(edits=EDITS)
@example(
    edits=[{"en/b.md": b"[a](a.md)"}, {"en/a.md": b"Words."}, {"en/a.md": b"Other."}],
)
@example(
    edits=[
        {"en/b.md": b"[a](a.md) [c](/x/)", "en/a.md": b"Words."},
        {"en/a.md": None, "en/sea/c.md": b"---\npermalink: /x/\n---\nWords."},
    ],
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_links_are_as_if_all_were_decided_again(
    new_publication: NewPublication, edits: list[dict[str, bytes | None]]
) -> None:
    publication = new_publication(languages=["en", "ar"])
    for number, edit in enumerate(edits):
        publication = publication.at(NOW + timedelta(days=number))
        for path, content in edit.items():
            if content is None:
                (publication.articles / path).unlink(missing_ok=True)
            else:
                publication.write(path, content)
        publication.pick_up()
        found = state(publication)
        decide_all_again(publication)
        again = state(publication)
        for rows in (found[0], again[0]):
            for row in rows:  # a text that is written again is published again
                del row["page_hash"], row["feed_hash"]
        assert again == found


def test_while_only_texts_change_other_links_are_not_read(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    publication.write("en/a.md", "Words.", title="A")
    publication.write("en/b.md", "See [it](a.md).", title="B")
    publication.write("en/c.md", "See [it](a.md) and [it](b.md).", title="C")
    publication.pick_up()
    searched: list[str] = []
    plain = KnownTargets.find

    def find(self: KnownTargets, target: LinkTarget, origin: LinkOrigin) -> int | None:
        searched.append(target.file)
        return plain(self, target, origin)

    monkeypatch.setattr(KnownTargets, "find", find)
    publication.write("en/b.md", "Do see [it](a.md).", title="B")
    publication.pick_up()

    assert searched == ["en/a.md"]
    assert 'href="/en/stories/a/"' in publication.one("b").html
