"""What operators see of an archive, and how they announce it."""

from __future__ import annotations

import json

from tests.publisher.cli.conftest import Run
from tests.publisher.conftest import PublicationFolder


def test_the_plan_says_what_is_not_mailed_and_the_command_announces_it(
    publication: PublicationFolder, run: Run
) -> None:
    publication.write("_posts/2026-01-05-tides.md", "Words.", title="Tides")
    publication.pick_up()
    place = str(publication.settings.folders.root)
    code, output, _errors = run("plan", place)
    assert code == 0
    assert "articles: its first import, 1 article, is an archive and is not mailed" in output
    lines = json.loads(run("plan", place, "--json")[1])
    assert lines
    assert all(line["archive"] == {"articles": 1} for line in lines)
    code, output, _errors = run("articles", "announce", "articles", place)
    assert (code, "1 article announced" in output) == (0, True)
    code, output, _errors = run("articles", "announce", "articles", place)
    assert (code, "archive; 1 article was announced before" in output) == (0, True)
    assert "archive" not in run("plan", place)[1]


def test_the_command_says_that_articles_of_a_plain_folder_are_news(
    publication: PublicationFolder, run: Run
) -> None:
    place = str(publication.settings.folders.root)
    publication.pick_up()
    _code, output, _errors = run("articles", "announce", "articles", place)
    assert output == (
        "articles: nothing of it is an archive; nothing of it is published yet;"
        " `publisher run --once` picks articles up\n"
    )
    for name in ("tides", "ebb"):
        publication.write(f"en/{name}.md", "Words.", title=name)
    publication.pick_up()
    _code, output, _errors = run("articles", "announce", "articles", place)
    assert "2 articles are news, which issues carry without this command" in output
    _code, output, _errors = run("articles", "announce", "ebb", place)
    assert "1 article is news" in output
