"""What was lost of a document, what looks wrong in it, and what is rightly no article."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from publisher.app.operation.status import take_snapshot
from publisher.articles.content.parser import code_in_html, leftover_code
from publisher.cli.articles import left_out_parts, summarise_articles
from publisher.config.sources import FolderSourceSettings
from publisher.i18n.article_problems import PROBLEM_TEXTS, ArticleProblem, ProblemKind
from publisher.ingest import problems
from publisher.ingest.parsers.document import with_lines
from publisher.ingest.problems import (
    ItemProblem,
    count_left_out,
    handle_problems,
    left_out_by_name,
    reason_to_hold,
)
from publisher.ingest.sanitise import sanitise
from tests.cpu_time import at_most
from tests.publisher.conftest import NOW, Make, PublicationFolder
from tests.publisher.ingest.helpers import stored_problems
from tests.publisher.ingest.sites.helpers import page

ROOT = Path(__file__).resolve().parents[3]
DEFAULTS = FolderSourceSettings(kind="folder", name="articles", path="articles")
HOLE = ArticleProblem(ProblemKind.EMPTY_VALUE, 7, "{{ site.title }}")
PICTURE = ArticleProblem(ProblemKind.MISSING_PICTURE, None, "photo.png")


def test_every_kind_of_problem_is_explained_and_listed_in_the_reference() -> None:
    assert set(PROBLEM_TEXTS) == set(ProblemKind)
    assert all(text.meaning and text.remedy for text in PROBLEM_TEXTS.values())
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
    table = {"kind": "folder", "path": "articles", "problems": actions}
    source = FolderSourceSettings.model_validate(table)
    found = handle_problems([PICTURE, HOLE], source.action_of)
    assert [(one.problem, one.holds) for one in found] == [(PICTURE, True)]


def test_of_a_thousand_problems_the_worst_are_kept_and_long_values_are_shortened() -> None:
    many = [ArticleProblem(ProblemKind.BROKEN_LINK, n, f"/{n}") for n in range(1000)]
    found = handle_problems([*many, HOLE, HOLE], DEFAULTS.action_of)
    assert (len(found), found[0].problem) == (201, HOLE)
    assert found[-1].problem == ArticleProblem(ProblemKind.MORE_PROBLEMS, None, "801 more")
    long = ArticleProblem(ProblemKind.UNDATED, 1, "a\n b" * 200)
    (one,) = handle_problems([long], DEFAULTS.action_of)
    assert (len(one.problem.what), one.problem.what[:5]) == (200, "a ba ")


def test_a_file_that_can_not_be_read_is_among_the_problems_until_it_is_corrected_or_gone(
    publication: PublicationFolder,
) -> None:
    publication.pick_up_file("bad.md", "Text without a title.")
    (reason,) = publication.quarantine().values()
    problem = ArticleProblem(ProblemKind.NO_ARTICLE, None, reason)
    found = [ItemProblem("articles", "bad.md", problem, holds=True)]
    assert stored_problems(publication) == found
    with publication.database.reading() as connection:
        assert problems.count_problems(connection) == {ProblemKind.NO_ARTICLE: 1}
    file = publication.write("bad.md", title="Corrected", date="2026-01-08")
    publication.pick_up()
    assert stored_problems(publication) == []
    file.write_text("Text without a title.")
    publication.pick_up()
    assert len(stored_problems(publication)) == 1
    file.unlink()
    publication.pick_up()
    assert stored_problems(publication) == []


def test_template_code_that_readers_would_see_holds_the_article_back(
    publication: PublicationFolder,
) -> None:
    facts = {"title": "T", "date": "2026-01-08"}
    publication.write("ferry.md", "Write `{{ page.url }}` there.", **facts)
    done = publication.pick_up_file("tides.md", "Read on\n\n{{ site.title }} soon.", **facts)
    assert (done.new, done.quarantined) == (1, 1)
    leftover = ArticleProblem(ProblemKind.TEMPLATE_LEFTOVER, 7, "{{ site.title }}")
    found = [ItemProblem("articles", "tides.md", leftover, holds=True)]
    assert stored_problems(publication) == found


GERMAN = (
    "Die Fähre fährt im Winter nur einmal am Tag, und wer sie verpasst, bleibt auf der Insel. "
)


@pytest.mark.parametrize("action", ["hold", "report", "ignore"])
def test_a_text_in_another_language_than_its_label_is_held_back_unless_the_source_says_otherwise(
    new_publication: Make, action: str
) -> None:
    source = {"kind": "folder", "name": "articles", "path": "articles"}
    decided = {} if action == "hold" else {"problems": {"language-doubtful": action}}
    publication = new_publication(sources=[source | decided])
    publication.write("ar/a.md", GERMAN * 3, title="A", date="2026-01-08")
    publication.pick_up()
    assert len(publication.all()) == (0 if action == "hold" else 1)
    what = "its text looks like German (de), and it is labelled ar"
    problem = ArticleProblem(ProblemKind.LANGUAGE_DOUBTFUL, None, what)
    found = ItemProblem("articles", "ar/a.md", problem, holds=action == "hold")
    assert stored_problems(publication) == ([] if action == "ignore" else [found])


def test_an_article_is_published_when_its_language_is_corrected(
    publication: PublicationFolder,
) -> None:
    facts = {"title": "A", "date": "2026-01-08"}
    publication.pick_up_file("en/a.md", "Die Fähre ist da.", **facts)
    publication.pick_up_file("en/a.md", GERMAN * 3, **facts)
    # What was published before stays as it is.
    assert [one.text for one in publication.all().values()] == ["Die Fähre ist da."]
    (reason,) = publication.quarantine().values()
    assert "looks like German (de), and it is labelled en: the text is not in" in reason
    publication.pick_up_file("en/a.md", "The ferry is here. " * 20, **facts)
    assert publication.quarantine() == {}
    assert [one.text[:10] for one in publication.all().values()] == ["The ferry "]


@pytest.fixture
def hugo(new_publication: Make) -> PublicationFolder:
    hugo = new_publication()
    hugo.write("hugo.toml", b'[languages.en]\ncontentDir = "content/en"\n[languages.fr]\n')
    return hugo


def write(hugo: PublicationFolder, name: str, text: str) -> None:
    hugo.write(f"content/en/{name}", text.encode())


def held_back(hugo: PublicationFolder) -> dict[str, int]:
    with hugo.database.reading() as connection:
        return count_left_out(connection)


def test_each_reason_is_counted_apart_from_faults(hugo: PublicationFolder) -> None:
    write(hugo, "post/a.md", page(title="A", date="2026-01-08"))
    write(hugo, "post/draft.md", page(title="D", date="2026-01-08", draft="true"))
    write(hugo, "post/stub.fr.md", page(untranslated="1"))
    write(hugo, "docs/x.md", page(title="X"))
    write(hugo, "empty.md", "---\ntitle: By a template\ndate: 2026-01-08\n---\n")
    write(hugo, "post/broken.md", page(title="B", date="tomorrow"))
    write(hugo, "_index.md", page(title="Home"))
    hugo.pick_up()
    assert set(hugo.all()) == {("post/a", "en")}
    assert set(hugo.quarantine()) == {"content/en/post/broken.md"}
    assert held_back(hugo) == {"draft": 1, "untranslated": 1, "page": 2}
    facts = take_snapshot(hugo.settings, hugo.database, NOW)
    assert "Left out by name: 1 list (content 1), 1 unknown ending (.toml 1)" in list(
        summarise_articles(facts)
    )


def test_what_is_left_out_is_stored_anew_when_it_changes(hugo: PublicationFolder) -> None:
    def named() -> list[tuple[str, str, int]]:
        with hugo.database.reading() as connection:
            return left_out_by_name(connection)

    hugo.pick_up()
    assert named() == [("unknown ending", ".toml", 1)]
    write(hugo, "notes.dat", "x")
    hugo.pick_up()
    assert named() == [("unknown ending", ".dat", 1), ("unknown ending", ".toml", 1)]


def test_an_article_comes_and_goes_at_its_times(hugo: PublicationFolder) -> None:
    times = {"publishDate": "2026-01-10T00:00:00Z", "expiryDate": "2026-01-12T00:00:00Z"}
    write(hugo, "post/a.md", page(title="A", date="2026-01-08", **times))
    hugo.pick_up()
    assert (hugo.all(), held_back(hugo)) == ({}, {"scheduled": 1})
    hugo.at(datetime(2026, 1, 10, tzinfo=UTC)).pick_up()
    assert set(hugo.all()) == {("post/a", "en")}
    assert held_back(hugo) == {}
    hugo.at(datetime(2026, 1, 12, tzinfo=UTC)).pick_up()
    assert (hugo.all(), held_back(hugo)) == ({}, {"expired": 1})
    hugo.at(NOW + timedelta(days=90)).pick_up()
    assert hugo.all() == {}


def test_a_changed_configuration_means_reading_all_again(hugo: PublicationFolder) -> None:
    write(hugo, "post/a.md", page(title="A", date="2026-01-08"))
    hugo.pick_up()
    assert hugo.pick_up().unchanged == 1
    hugo.pick_up_file("hugo.toml", b'[languages.fr]\ncontentDir = "content/en"\n')
    assert set(hugo.all()) == {("post/a", "fr")}


def test_counts_are_summed_by_reason_with_the_most_frequent_groups() -> None:
    counts = [("page", "docs", 1200), ("list", "", 3), ("page", "about", 2)]
    assert list(left_out_parts(counts)) == ["1,202 page (docs 1,200, about 2)", "3 list"]


def test_a_front_page_that_its_layout_fills_is_no_fault(new_publication: Make) -> None:
    hugo = new_publication()
    hugo.write("_config.yml", b"collections: {stories: {output: true}}\n")
    hugo.write("_stories/fr/index.html", b"---\nlayout: list\nlang: fr\n---\n")
    hugo.pick_up_file("_stories/fr/empty.html", b"---\nlayout: story\ntitle: E\n---\n")
    assert set(hugo.quarantine()) == {"_stories/fr/empty.html"}
    assert held_back(hugo) == {"page": 1}


def losses(source: str) -> list[tuple[str, str]]:
    found = sanitise(source, base_url=None).problems
    assert all(one.line is None for one in found)
    return [(one.kind, one.what) for one in found]


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ('<iframe src="https://www.youtube-nocookie.com/embed/aB3-x?rel=0" title="A pier">x</iframe>', '<a href="https://www.youtube.com/watch?v=aB3-x">A pier</a>'),
        ('<p>a <iframe src="//player.vimeo.com/video/123?h=1"></iframe> b</p>', '<p>a <a href="https://vimeo.com/123">vimeo.com/123</a> b</p>'),
        ('<video src="https://example.org/a.mp4"><track src=x>No video</video>', '<a href="https://example.org/a.mp4">example.org/a.mp4</a>'),
        ("<audio controls><source src='https://example.org/a.mp3'><source src=b>No</audio>x", '<a href="https://example.org/a.mp3">example.org/a.mp3</a>x'),
    ],
)  # fmt: skip
def test_films_and_sounds_become_links_and_are_no_loss(source: str, html: str) -> None:
    assert sanitise(source, base_url=None)[:2] == (html, ())


def test_a_local_recording_is_linked_where_it_was_copied() -> None:
    source = '<video src="a.mp4" title="A pier"></video><video src="b.mp4"></video>'
    found = sanitise(source, base_url=None, find_file={"a.mp4": "/media/1/a.mp4"}.get)
    assert found.html == '<a href="/media/1/a.mp4">A pier</a>'
    assert [(one.kind, one.what) for one in found.problems] == [("removed-element", "b.mp4")]


SERIES = "https://www.youtube.com/embed/videoseries?list=x"


@pytest.mark.parametrize(
    ("source", "kind", "what"),
    [
        ('<iframe src="https://a.example/?q=1"></iframe>', "removed-frame", "https://a.example/?q=1"),
        (f'<iframe src="{SERIES}"></iframe>', "removed-frame", SERIES),
        ("<object data='https://a.example/b'>x</object>", "removed-frame", "https://a.example/b"),
        ("<iframe srcdoc='<p>x'></iframe>", "removed-frame", "<iframe"),
        ('<form action="/x"><p>a</p></form>', "removed-element", '<form action="/x">'),
        ('<p>a <svg width="2"><path/></svg></p>', "removed-element", '<svg width="2">'),
        ("<canvas>x</canvas>", "removed-element", "<canvas>"),
        ('<script src="https://a.example/1"></script>', "removed-element", "https://a.example/1"),
        ('<a href="second.md">x</a>', "removed-link", "second.md"),
        ('<a href="javascript:go()">Go on</a>', "removed-link", "Go on"),
        ('<a href="#nowhere">x</a>', "broken-link", "#nowhere"),
        ('<img src="a.png" alt="A">', "missing-picture", "a.png"),
        ('<img src="data:image/png;base64,AA" alt="A pier">', "unsupported-picture", "A pier"),
        ('<img src="https://a.example/b">', "picture-without-alt", "https://a.example/b"),
    ],
)  # fmt: skip
def test_each_loss_is_named(source: str, kind: str, what: str) -> None:
    assert losses(source) == [(kind, what)]


@pytest.mark.parametrize(
    "source",
    [
        "<style>p{}</style><p>x</p><script>alert(1)</script>",
        *("<!-- <form> <svg> --><p>x</p>", "<pre>&lt;iframe src=x&gt;&lt;svg&gt;</pre>"),
        '<a id="x"></a><p>x</p><a href="#x">y</a> <a href="#">top</a>',
        '<p>note <a href="#r1">↩︎</a></p>',
    ],
)
def test_what_readers_do_not_miss_is_no_problem(source: str) -> None:
    assert losses(source) == []


def test_the_line_of_a_loss_is_where_its_value_stands_in_the_file() -> None:
    text = "one\n[x](second.md)\n[y](second.md)\n![](a%20b.png)\n"
    links = '<a href="second.md">x</a><a href="second.md">y</a>'
    found = sanitise(f'{links}<img src="a%20b.png"><form></form>', base_url=None).problems
    lined = with_lines(found, text.encode())
    assert [one.line for one in lined] == [2, 3, 4, None]


def test_much_template_code_and_many_losses_take_no_longer_than_reading_them() -> None:
    prose = " ".join(f"{{{{ a{number} }}}}" for number in range(100_000))
    code = " ".join(f"{{{{ b{number} }}}}" for number in range(100_000))
    with at_most(10):
        assert len(leftover_code([prose], code_in_html(f"<pre>{code}</pre>"))) == 100_000
    source = "<iframe src=a></iframe><form></form>" * 20_000
    with at_most(10):
        found = sanitise(source, base_url=None).problems
        assert len(with_lines(found, source.encode())) == 40_000
