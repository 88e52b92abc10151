"""What `docs/reference/templates.md` says of templates, values, filters and limits is so."""

import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from publisher.articles.model import Article
from publisher.languages.catalogues import shipped_templates_folder
from publisher.processes.limited_process import PROCESS_MEMORY_BYTES
from publisher.rendering import (
    ArticleView,
    HomeContent,
    IssueContent,
    LanguageLink,
    PublicationView,
    Renderer,
    template_files,
)
from publisher.rendering.environment import TEMPLATE_FILTERS, Templates
from publisher.rendering.model import ArchiveContent, FeedContent
from publisher.rendering.sandbox import client, protocol
from tests.publisher.rendering import sample

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference" / "templates.md").read_text("utf-8")
EVERYWHERE = {"lang", "chrome", "translations"}


def section(title: str) -> str:
    found = re.search(rf"(?ms)^##+ {title}\n(.*?)(?=^##+ |\Z)", PAGE)
    assert found, title
    return found[1]


def rows(title: str) -> list[list[str]]:
    lines = [line for line in section(title).splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [row for row in cells[1:] if not row[0].startswith("---")]


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def test_every_filter_is_on_the_page_and_no_other() -> None:
    named = [quoted(row[0])[0].partition("(")[0] for row in rows("Filters")]
    assert named == sorted(named)
    assert set(named) == set(TEMPLATE_FILTERS)


def test_every_shipped_template_is_on_the_page() -> None:
    shipped = {
        path.relative_to(shipped_templates_folder()).as_posix()
        for path in shipped_templates_folder().rglob("*.*")
        # A publication can't replace the editors' pages.
        if path.is_file() and path.suffix != ".po" and path.parent.name != "console"
    }
    titles = ("Pages", "Subscribers' pages", "Feeds", "Mails")
    named = {name for title in titles for name in quoted(section(title))}
    assert shipped - named == set()
    assert {name for name in named if "/" in name} - shipped == set()


@pytest.fixture(scope="module")
def given() -> dict[str, set[str]]:
    """The names of the values that each template is really given."""
    found: dict[str, set[str]] = {}
    render = Templates._render

    def noted(self: Templates, name: str, values: Mapping[str, Any]) -> str:
        found[name] = set(values) - EVERYWHERE
        return render(self, name, dict(values))

    publication = sample.publication("en")
    renderer = Renderer()
    with pytest.MonkeyPatch.context() as patch:
        # The values pass here and nowhere else.
        patch.setattr(Templates, "_render", noted)
        renderer.digest(sample.issue("en", cadence="weekly"))
        for kind in sample.SYSTEM_MAIL_KINDS:
            renderer.system_mail(sample.system_mail(kind, "en"))
        for content in sample.announcements("en"):
            renderer.announcement(content)
            renderer.announcement_page(content)
        renderer.issue_page(sample.issue("en"))
        renderer.article_page(publication, sample.item("en"))
        renderer.home_page(sample.home("en"))
        renderer.archive_page(publication, ArchiveContent(url=publication.url))
        renderer.archive_page(publication, ArchiveContent(url="", kind="search"))
        renderer.search_script(publication)
        renderer.chooser_page(publication, [LanguageLink(language="en", url=publication.url)])
        renderer.letter_page(publication, "unsubscribe", "desk@example.org")
        renderer.moved_page(publication, publication.url)
        renderer.missing_page(publication)
        renderer.feed_page(publication, sample.feed("en"))
        renderer.feed_texts(sample.item("en"), publication)
        renderer.withdrawn_texts(publication)
        renderer.withdrawn_page(publication)
        renderer.feed_style(publication)
        renderer.feed_name(publication, "The week")
        renderer.feed_note(publication, publication.url, ())
        renderer.issue_texts(sample.issue("en"))
        renderer.test_mark(publication)
    return found


def test_every_value_of_a_template_is_in_its_row(given: dict[str, set[str]]) -> None:
    said: dict[str, set[str]] = {}
    for templates, _what, values in rows("Pages") + rows("Feeds") + rows("Mails"):
        before = list(said.values())[-1] if "the same" in values else set()
        said |= {name: before | set(quoted(values)) for name in quoted(templates)}
    assert set(said) == set(given)
    for name, real in given.items():
        # A subject is made before it is a value itself.
        assert said[name] - {"subject"} == real - {"subject"}, name
        assert real <= said[name], name


def test_the_values_that_are_described_have_those_fields() -> None:
    described = {
        "publication": PublicationView,
        "item": ArticleView,
        "item.article": Article,
        "issue": IssueContent,
        "home": HomeContent,
        "archive": ArchiveContent,
        "feed": FeedContent,
    }
    said = {quoted(row[0])[0]: re.sub(r"\([^)]*\)", "", row[1]) for row in rows("Values")}
    for name, kind in described.items():
        known = {field.name for field in fields(kind)}
        words = [word for word in quoted(said[name].partition(";")[0]) if word.isidentifier()]
        assert words
        assert set(words) - known == set(), name


def test_the_limits_are_those_that_are_held() -> None:
    text = section("What templates may not do")
    assert f"| {protocol.CPU_SECONDS} seconds |" in text
    assert f"{protocol.WALL_SECONDS} by the clock" in text
    assert f"| {PROCESS_MEMORY_BYTES // 2**20} MB |" in text
    assert f"| {protocol.MAX_PAGE_CHARACTERS:,} characters |" in text
    assert f"| {protocol.MAX_MAIL_CHARACTERS:,} characters |" in text
    assert f"| {template_files.MAX_TEMPLATE_BYTES:,} bytes |" in text
    assert f"| {template_files.MAX_TEMPLATE_FILES} files |" in text
    assert client.MAX_FAILURES == 3
    assert "three times in a row" in text
    assert client.PAUSE_SECONDS == 60
    assert "for a minute" in text
