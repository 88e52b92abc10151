"""The words of a withdrawn article, and the old words of a corrected one, leave every copy."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import brotli
import pytest

from publisher.issues.model import IssueState
from publisher.issues.tables import digest_table, issue_table
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.printing import atom, pipeline_of, public

HOUR = timedelta(hours=1)
DAILY = [{"name": "daily", "schedule": "0 8 * * *", "title": {"en": "The morning lamp"}}]
PAGE = "en/daily/2026-01-09/index.html"
# The articles that go or are corrected; each has words of its own in title, summary and text.
NAMES = ("removed", "drafted", "withdrawn", "embargoed", "untranslated", "corrected")
CHANGES: dict[str, dict[str, Any]] = {
    "drafted": {"draft": "true"},
    "withdrawn": {"status": "withdrawn"},
    "embargoed": {"date": "2027-01-01"},
    "untranslated": {"untranslated": "true"},
}


def words_of(name: str) -> tuple[str, str, str]:
    return f"zanthoxyl{name}x", f"quokkaline{name}x", f"brumosity{name}x"


ALL_WORDS = tuple(word for name in NAMES for word in words_of(name))


@pytest.fixture
def publication(new_publication: Callable[..., PublicationFolder]) -> PublicationFolder:
    """A publication whose feeds have archives, with a translation of an article that goes."""
    publication = new_publication(newsletters=DAILY, languages=["en", "ar"])
    limits = publication.settings.feeds.model_copy(update={"entries": 3})
    object.__setattr__(publication.settings, "feeds", limits)
    for name in NAMES:
        write(publication, name)
    publication.write("ar/corrected.md", "كلمات.", title="قديم", date="2026-01-01")
    for number in range(3):
        matter = {"title": f"Lamp {number}", "date": "2026-01-08", "topics": "[Rivers]"}
        publication.write(f"en/lamp-{number}.md", "The lamp burns.", **matter)
    return publication


def write(publication: PublicationFolder, name: str, **changes: Any) -> None:
    title, summary, text = words_of(name)
    matter = {
        "title": f"The {title} tree",
        "summary": f"A {summary} tale.",
        "date": "2026-01-01",
        "topics": "[Rivers]",
        "author": "Ada Lark",
    }
    text = changes.pop("text", f"Words of {text}.")
    publication.write(f"en/{name}.md", text, **matter | changes)


def take_down(publication: PublicationFolder) -> None:
    """Withdraw an article in each of the ways, and correct one."""
    (publication.articles / "en/removed.md").unlink()
    for name, changes in CHANGES.items():
        write(publication, name, **changes)
    write(publication, "corrected", title="Mended", summary="A tale.", text="Mended words.")


def run(publication: PublicationFolder, hours: int = 0) -> list[str]:
    """Run one cycle some hours later, and return its problems."""
    return pipeline_of(publication.at(NOW + hours * HOUR)).run().problems


def found(publication: PublicationFolder, *words: str) -> dict[str, list[str]]:
    """Return the files below the web root that have one of the words, in whatever encoding."""
    folder = public(publication)
    files = {file: _text(file) for file in sorted(folder.rglob("*")) if file.is_file()}
    return {
        file.relative_to(folder).as_posix(): [word for word in words if word in text]
        for file, text in files.items()
        if any(word in text for word in words)
    }


def _text(file: Path) -> str:
    content = file.read_bytes()
    if file.suffix == ".gz":
        content = gzip.decompress(content)
    elif file.suffix == ".br":
        content = brotli.decompress(content)
    text = content.decode("utf-8", "replace")
    return json.dumps(json.loads(text), ensure_ascii=False) if file.suffix == ".json" else text


def page(publication: PublicationFolder) -> str:
    return (public(publication) / PAGE).read_text("utf-8")


def test_words_that_are_taken_back_are_in_no_file_after_one_cycle(
    publication: PublicationFolder,
) -> None:
    assert run(publication) == []
    places = found(publication, *ALL_WORDS)
    assert {PAGE, "en/stories/removed/index.html", "en/stories/lamp-0/index.html"} <= {*places}
    assert any("/archive/" in path and path.endswith(".br") for path in places)
    sent, before = publication.rows(digest_table), page(publication)
    take_down(publication)
    assert run(publication, 1) == []
    assert found(publication, *ALL_WORDS) == {}
    # What was sent stays in the database as it was.
    assert publication.rows(digest_table) == sent
    text = page(publication)
    assert text.count("This article was withdrawn.") == 5
    assert "Mended words." in text
    assert text.count("Corrected on") == 1
    assert '<a href="/en/stories/lamp-0/">Lamp 0</a>' in text
    (entry,) = [e for e in atom(publication, "en").entries if "corrected" in e.link]
    assert entry.title == "Mended"
    # Nothing is written twice.
    assert pipeline_of(publication.at(NOW + 2 * HOUR)).run().written.issues == 0
    # What is published again stands on the page as it was sent.
    for name in NAMES:
        write(publication, name)
    assert run(publication, 3) == []
    assert page(publication) == before


def test_an_issue_of_which_nothing_was_sent_is_assembled_again(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    publication = new_publication(newsletters=DAILY, languages=["en"])
    for name in ("removed", "corrected"):
        write(publication, name)
    pipeline_of(publication).prepare()
    assert [row["state"] for row in publication.rows(issue_table)] == [IssueState.READY]
    (publication.articles / "en/removed.md").unlink()
    write(publication, "corrected", title="Mended", text="Mended words.")
    assert run(publication, 1) == []
    (digest,) = publication.rows(digest_table)
    parts = digest["subject"] + digest["html"] + digest["text"] + digest["page"]
    assert not any(word in parts for word in words_of("removed"))
    assert "Mended" in digest["subject"] + digest["html"]
    # Nobody got the other words, so there is nothing to be said about them.
    assert "withdrawn" not in page(publication)
    assert "Corrected" not in page(publication)


def test_the_page_of_an_issue_with_nothing_left_says_so(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    publication = new_publication(newsletters=DAILY, languages=["ar"])
    publication.write("ar/a.md", "كلمات.", title="قديم", date="2026-01-08")
    run(publication)
    (publication.articles / "ar/a.md").unlink()
    assert run(publication, 1) == []
    text = (public(publication) / PAGE.replace("en/", "ar/")).read_text("utf-8")
    assert "سُحِبت هذه المقالة." in text
    assert "قديم" not in text
