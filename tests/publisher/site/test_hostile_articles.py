"""Hostile texts in fields and names of articles' files are text on pages, in feeds and in mails."""

from __future__ import annotations

from publisher.articles.content.characters import clean_characters
from tests.publisher.conftest import PublicationFolder
from tests.publisher.hostile_articles import (
    active_in_html,
    faults,
    marked,
    play,
    squeezed,
)
from tests.publisher.web.hostile_texts import HOSTILE_TEXTS, MARK

# Of each kind some; tests/slow has all of them.
SOME = (*HOSTILE_TEXTS[::52], *HOSTILE_TEXTS[-26::6])


def test_a_text_that_runs_would_be_found() -> None:
    for text in (f"<img src=x onerror={MARK}>", f"<a href=javascript:{MARK}>x</a>"):
        assert active_in_html(text)
    assert (
        active_in_html(f"&lt;script&gt;{MARK} <a href='https://news.example.org/en/'>x</a>")
        == []
    )


def test_some_hostile_articles_are_text_wherever_they_are_published(
    publication: PublicationFolder,
) -> None:
    texts = marked(SOME)
    played = play(publication, texts)
    assert [*faults(played)] == []
    for mark, one in played.articles().items():
        wanted = f"Title {mark}" if mark in played.untitled else texts[mark]
        assert squeezed(one.title) == squeezed(clean_characters(wanted))
