"""`publisher sources`: what there is to know of each source, and what one would bring now."""

from __future__ import annotations

import json
import re

import pytest

from tests.publisher.cli.conftest import Run
from tests.publisher.conftest import PublicationFolder


@pytest.fixture
def folder(publication: PublicationFolder) -> PublicationFolder:
    """A folder with an article, a draft and a file that can't be read; nothing is picked up yet."""
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    publication.write("en/draft.md", "Soon.", title="Draft", draft=True)
    publication.write("en/broken.md", "---\ntitle: [\n---\n")
    return publication


def test_a_test_lists_what_a_source_would_bring_and_changes_no_article(
    run: Run, folder: PublicationFolder
) -> None:
    root = folder.settings.folders.root
    code, out, _err = run("sources", "test", "articles", root)
    assert code == 0
    assert "articles: 3 files in" in out
    assert "1 new, 0 changed, 0 moved, 0 unchanged, 1 refused, 0 gone" in out
    assert re.search(r"new en \S+Z en/tides\.md: Tides\n", out)
    assert "Refused: en/broken.md: " in out
    assert "Left out: 1 draft" in out
    assert folder.all() == {}
    found = json.loads(run("sources", "test", "articles", root, "--json")[1])
    assert (found["new"], found["left_out"], found["languages"]) == (1, {"draft": 1}, {"en": 1})
    assert [one["file"] for one in found["refused"]] == ["en/broken.md"]


def test_a_source_that_can_t_be_tested_is_one_line_and_an_exit_code(
    run: Run, folder: PublicationFolder
) -> None:
    root = folder.settings.folders.root
    code, _out, err = run("sources", "test", "artcles", root)
    assert (code, "there is no such source; there are: articles" in err) == (2, True)
    folder.articles.rename(folder.articles.with_name("elsewhere"))
    code, _out, err = run("sources", "test", "articles", root)
    assert code == 1
    assert "articles: can't be read: No such file or directory" in err
    assert len(err.splitlines()) == 1


def test_sources_are_listed_with_their_notices(run: Run, folder: PublicationFolder) -> None:
    root = folder.settings.folders.root
    assert "articles (folder): never-read, 0 articles" in run("sources", root)[1]
    folder.pick_up()
    out = run("sources", root)[1]
    assert "articles (folder): in-order, 1 article" in out
    assert "  1 file is left out: drafts\n    the front matter of each says so" in out
    folder.articles.rename(folder.articles.with_name("elsewhere"))
    folder.pick_up()
    (found,) = json.loads(run("sources", root, "--json")[1])
    assert found["state"] == "unreadable"
    assert found["notices"][0]["since"] == "2026-01-09T12:00:00Z"
    assert "Source articles can't be read since 2026-01-09T12:00:00Z" in run("status", root)[1]
    (failure,) = json.loads(run("status", "--json", root)[1])["unreadable_sources"]
    assert failure["source"] == "articles"
