"""`publisher sources`: what there is to know of each source, and what one would bring; and archives."""

import json
import re
from pathlib import Path

import pytest

from publisher.cli.sources import probe_lines
from publisher.polling.model import WebEntry, WebFeed
from publisher.polling.probe import FoundFeed, Probe
from tests.publisher.cli.conftest import Run, refuses
from tests.publisher.conftest import PublicationFolder
from tests.publisher.imports.exports import ENGLISH, item, wxr


@pytest.fixture
def three_files(publication: PublicationFolder) -> PublicationFolder:
    """A folder with an article, a draft and a file that can't be read; nothing is picked up yet."""
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    publication.write("en/draft.md", "Soon.", title="Draft", draft=True)
    publication.write("en/broken.md", "---\ntitle: [\n---\n")
    return publication


def test_a_test_lists_what_a_source_would_bring_and_changes_no_article(
    run: Run, three_files: PublicationFolder, folder: Path
) -> None:
    code, out, _err = run("sources", "test", "articles", folder)
    assert code == 0
    assert "articles: 3 files in" in out
    assert "1 new, 0 changed, 0 moved, 0 unchanged, 1 refused, 0 gone" in out
    assert re.search(r"new en \S+Z en/tides\.md: Tides\n", out)
    assert "Refused: en/broken.md: " in out
    assert "Left out: 1 draft" in out
    assert three_files.all() == {}
    found = json.loads(run("sources", "test", "articles", folder, "--json")[1])
    assert (found["new"], found["left_out"], found["languages"]) == (1, {"draft": 1}, {"en": 1})
    assert [one["file"] for one in found["refused"]] == ["en/broken.md"]


def test_a_source_that_can_t_be_tested_is_one_line_and_an_exit_code(
    run: Run, three_files: PublicationFolder, folder: Path
) -> None:
    assert "there is no such source; there are: articles" in refuses(
        run, "sources", "test", "artcles", folder
    )
    three_files.articles.rename(three_files.articles.with_name("elsewhere"))
    code, _out, err = run("sources", "test", "articles", folder)
    assert code == 1
    assert "articles: can't be read: No such file or directory" in err
    assert len(err.splitlines()) == 1


def test_sources_are_listed_with_their_notices(
    run: Run, three_files: PublicationFolder, folder: Path
) -> None:
    assert "articles (folder): never-read, 0 articles" in run("sources", folder)[1]
    three_files.pick_up()
    out = run("sources", folder)[1]
    assert "articles (folder): in-order, 1 article" in out
    assert "  1 file is left out: drafts\n    the front matter of each says so" in out
    three_files.articles.rename(three_files.articles.with_name("elsewhere"))
    three_files.pick_up()
    (found,) = json.loads(run("sources", folder, "--json")[1])["sources"]
    assert found["state"] == "unreadable"
    assert found["notices"][0]["since"] == "2026-01-09T12:00:00Z"
    assert (
        "Source articles can't be read since 2026-01-09T12:00:00Z" in run("status", folder)[1]
    )
    (failure,) = json.loads(run("status", "--json", folder)[1])["unreadable_sources"]
    assert failure["source"] == "articles"


# --- archives


def test_the_plan_says_what_is_not_mailed_and_the_command_announces_it(
    publication: PublicationFolder, run: Run, folder: Path
) -> None:
    publication.pick_up_file("_posts/2026-01-05-tides.md", "Words.", title="Tides")
    code, output, _errors = run("plan", folder)
    assert code == 0
    assert "articles: its first import, 1 article, is an archive and is not mailed" in output
    lines = json.loads(run("plan", folder, "--json")[1])
    assert lines
    assert all(line["archive"] == {"articles": 1} for line in lines)
    code, output, _errors = run("articles", "announce", "articles", folder)
    assert (code, "1 article announced" in output) == (0, True)
    code, output, _errors = run("articles", "announce", "articles", folder)
    assert (code, "archive; 1 article was announced before" in output) == (0, True)
    assert "archive" not in run("plan", folder)[1]


def test_the_command_says_that_articles_of_a_plain_folder_are_news(
    publication: PublicationFolder, run: Run, folder: Path
) -> None:
    publication.pick_up()
    _code, output, _errors = run("articles", "announce", "articles", folder)
    assert output == (
        "articles: nothing of it is an archive; nothing of it is published yet;"
        " `publisher run --once` picks articles up\n"
    )
    for name in ("tides", "ebb"):
        publication.write(f"en/{name}.md", "Words.", title=name)
    publication.pick_up()
    _code, output, _errors = run("articles", "announce", "articles", folder)
    assert "2 articles are news, which issues carry without this command" in output
    _code, output, _errors = run("articles", "announce", "ebb", folder)
    assert "1 article is news" in output


# --- files of other systems


def test_the_command_shows_what_would_be_written_and_then_writes_it(
    publication: PublicationFolder, run: Run, folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "export.xml"
    file.write_bytes(
        wxr(item(1, "The ferry", ENGLISH), item(2, "Draft", ENGLISH, status="draft"))
    )
    command = ("import", file, folder, "--into", "articles/old", "--pictures", "link")
    code, out, _err = run(*command, "--dry-run")
    assert code == 0
    assert "the-ferry.md" in out
    assert "is a draft" in out
    assert "WordPress: would write 1 post to " in out
    assert not (publication.articles / "old").exists()
    assert "WordPress: wrote 1 post to " in run(*command)[1]
    assert (publication.articles / "old/the-ferry.md").exists()
    file.write_bytes(wxr(item(1, "The ferry", ENGLISH), item(2, "Empty", "")))
    code, out, _err = run(*command)
    assert (code, "nothing to publish" in out) == (1, True)
    assert run(*command, "--dry-run")[0] == 0
    said = refuses(run, "import", file, folder, "--into", "elsewhere")
    assert "elsewhere: is below no source that is a folder" in said
    assert "write it like" in refuses(run, "import", file, folder, "--language-map", "de")
    publication.write("_config.yml", "title: x")
    assert "is the site of jekyll" in refuses(run, "import", file, folder)


def test_what_would_come_of_an_address_is_listed_with_its_size_and_languages() -> None:
    entry = WebEntry(
        url="https://e.example/a",
        title="The\nferry",
        html="<p>It left <b>at</b> nine.<img src='a.png'>",
        translations=(("fr", "https://e.example/fr/a"), ("x-default", "https://e.example/a")),
    )
    bare = WebEntry(title="Fog", summary="<" * 100_000, picture="https://e.example/f.png")
    found = FoundFeed(
        url="https://e.example/feed", feed=WebFeed(entries=(entry, bare)), language="en"
    )
    lines = list(probe_lines(Probe(url="https://e.example/", feeds=[found])))
    assert lines[2:4] == [
        "  en no date The\\nferry: 4 words, 1 picture, also in fr (https://e.example/a)",
        "  en no date Fog: 0 words, 1 picture (no address)",
    ]
    assert lines[-3:] == ['kind = "feed"', 'url = "https://e.example/feed"', 'language = "en"']
