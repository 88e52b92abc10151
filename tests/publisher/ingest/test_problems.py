"""What was lost of a document, or looks wrong in it: what is stored, and what is held back."""

from __future__ import annotations

from pathlib import Path

from publisher.article_problems import (
    PROBLEM_TEXTS,
    ArticleProblem,
    ProblemKind,
)
from publisher.config.sources import FolderSourceSettings
from publisher.ingest import problems
from publisher.ingest.problems import ItemProblem, handle_problems, reason_to_hold
from tests.publisher.conftest import PublicationFolder

ROOT = Path(__file__).resolve().parents[3]
DEFAULTS = FolderSourceSettings(kind="folder", name="articles", path="articles")
HOLE = ArticleProblem(ProblemKind.EMPTY_VALUE, 7, "{{ site.title }}")
PICTURE = ArticleProblem(ProblemKind.MISSING_PICTURE, None, "photo.png")


def listed(publication: PublicationFolder) -> list[ItemProblem]:
    with publication.database.reading() as connection:
        return problems.list_problems(connection)


def test_every_kind_says_what_it_means_and_what_to_do() -> None:
    assert set(PROBLEM_TEXTS) == set(ProblemKind)
    assert all(text.meaning and text.remedy for text in PROBLEM_TEXTS.values())


def test_the_reference_lists_every_kind_as_the_program_explains_it() -> None:
    page = (ROOT / "docs/reference/articles.md").read_text("utf-8")
    for kind, text in PROBLEM_TEXTS.items():
        assert f"| `{kind}` | {text.meaning} | {text.remedy} | {text.action} |" in page


def test_a_hole_in_a_sentence_holds_back_and_a_missing_picture_is_listed() -> None:
    found = handle_problems([PICTURE, HOLE], DEFAULTS.action_of)
    assert [(one.problem, one.holds) for one in found] == [(PICTURE, False), (HOLE, True)]
    assert reason_to_hold(found) == (
        "line 7: {{ site.title }}: a value could not be filled in, so the text has a hole there; "
        "write the value out, or define it in the file or in the site's data"
    )
    assert reason_to_hold(handle_problems([PICTURE], DEFAULTS.action_of)) is None


def test_a_source_decides_what_each_kind_leads_to() -> None:
    actions = {"missing-picture": "hold", "empty-value": "ignore"}
    source = FolderSourceSettings.model_validate(
        {"kind": "folder", "path": "articles", "problems": actions}
    )
    found = handle_problems([PICTURE, HOLE], source.action_of)
    assert [(one.problem, one.holds) for one in found] == [(PICTURE, True)]


def test_of_a_thousand_problems_the_worst_are_kept_and_the_rest_counted() -> None:
    many = [ArticleProblem(ProblemKind.BROKEN_LINK, n, f"/{n}") for n in range(1000)]
    found = handle_problems([*many, HOLE, HOLE], DEFAULTS.action_of)
    assert (len(found), found[0].problem) == (201, HOLE)
    assert found[-1].problem == ArticleProblem(ProblemKind.MORE_PROBLEMS, None, "801 more")


def test_a_long_value_is_shortened_to_one_line() -> None:
    (found,) = handle_problems(
        [ArticleProblem(ProblemKind.UNDATED, 1, "a\n b" * 200)], DEFAULTS.action_of
    )
    assert (len(found.problem.what), found.problem.what[:5]) == (200, "a ba ")


def test_a_file_that_can_not_be_read_is_among_the_problems_until_it_is_corrected(
    publication: PublicationFolder,
) -> None:
    publication.write("bad.md", "Text without a title.")
    publication.pick_up()
    (reason,) = publication.quarantine().values()
    problem = ArticleProblem(ProblemKind.NO_ARTICLE, None, reason)
    assert listed(publication) == [ItemProblem("articles", "bad.md", problem, holds=True)]
    with publication.database.reading() as connection:
        assert problems.count_problems(connection) == {ProblemKind.NO_ARTICLE: 1}
    publication.write("bad.md", title="Corrected", date="2026-01-08")
    publication.pick_up()
    assert listed(publication) == []


def test_the_problems_of_a_removed_file_are_gone(publication: PublicationFolder) -> None:
    file = publication.write("bad.md", "Text without a title.")
    publication.pick_up()
    assert len(listed(publication)) == 1
    file.unlink()
    publication.pick_up()
    assert listed(publication) == []


def test_template_code_that_readers_would_see_holds_the_article_back(
    publication: PublicationFolder,
) -> None:
    publication.write(
        "ferry.md", "Write `{{ page.url }}` there.", title="The ferry", date="2026-01-08"
    )
    publication.write(
        "tides.md", "Read on\n\n{{ site.title }} soon.", title="Tides", date="2026-01-08"
    )
    done = publication.pick_up()
    assert (done.new, done.quarantined) == (1, 1)
    leftover = ArticleProblem(ProblemKind.TEMPLATE_LEFTOVER, 7, "{{ site.title }}")
    assert listed(publication) == [ItemProblem("articles", "tides.md", leftover, holds=True)]
