"""Exports of WordPress become files of the editor's, which the next cycle reads as what they were."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from publisher.app import source_polls
from publisher.app.imports import ExportReport
from publisher.articles.model import Mailing
from publisher.errors import UsageError
from publisher.fetching.client import GuardedClient
from publisher.imports.model import ExportWishes, ImportProblemError
from publisher.imports.wordpress_text import LibraryFile, WordpressText
from publisher.imports.wxr import read_wxr
from tests.publisher.conftest import PublicationFolder
from tests.publisher.imports.exports import (
    ENGLISH,
    FRENCH,
    LINKED,
    SITE,
    VERSIONS,
    Bring,
    item,
    reasons,
    term,
    wxr,
)
from tests.publisher.ingest.helpers import drawn
from tests.publisher.polling.news_server import NewsServer, news_server

LOCALE = (
    "<wp:term><wp:term_taxonomy>language</wp:term_taxonomy><wp:term_slug>f</wp:term_slug><wp:term_description>"
    'a:2:{s:9:"locale";s:5:"fr_FR";s:3:"rtl";i:0;}</wp:term_description></wp:term>'
)


@pytest.mark.parametrize("space", VERSIONS)
def test_an_export_of_any_version_is_read_as_articles_that_no_issue_carries(
    bring: Bring, space: str
) -> None:
    meta = "<wp:postmeta><wp:meta_key>_thumbnail_id</wp:meta_key><wp:meta_value>9</wp:meta_value></wp:postmeta>"
    alt = "<wp:postmeta><wp:meta_key>_wp_attachment_image_alt</wp:meta_key><wp:meta_value>A ship</wp:meta_value></wp:postmeta>"
    ship = {
        "post_type": "attachment",
        "attachment_url": f"{SITE}/ship.jpg",
        "status": "inherit",
    }
    content = wxr(
        item(
            1,
            "The Ferry",
            f"{ENGLISH}\n\nSee [sic] <b>it</b>.",
            meta + term("post_tag", "sea", "The sea"),
        ),
        item(2, "To Come", ENGLISH, post_date_gmt="2026-02-01 08:00:00", status="future"),
        item(9, "ship", "", alt, **ship),
        space=space,
    )
    bring(content)
    publication = bring.publication
    assert publication.pick_up().new == 2
    ferry = publication.one("the-ferry")
    assert (ferry.title, ferry.language, ferry.topics) == ("The Ferry", "en", ("The sea",))
    assert ferry.published_at == datetime(2026, 1, 8, 9, 30, tzinfo=UTC)
    assert [one.name for one in ferry.bylines] == ["Ada Lark"]
    assert ferry.picture is not None
    assert (ferry.picture.src, ferry.picture.alt) == (f"{SITE}/ship.jpg", "A ship")
    assert ferry.html.count("<p>") == 2
    assert "See [sic] <strong>it</strong>." in ferry.html
    assert ferry.mailing == Mailing.ARCHIVE
    assert publication.one("to-come").mailing == Mailing.NEWS
    assert publication.visible() == ["the-ferry"]


def test_translations_of_polylang_are_one_story_and_links_lead_to_the_articles(
    bring: Bring,
) -> None:
    link = f'{ENGLISH} <a href="{SITE}/the-tide/#low">the tide</a>'
    pairs = (
        term("language", "en") + term("post_translations", "pll_1"),
        term("language", "f") + term("post_translations", "pll_1"),
    )
    content = wxr(
        item(2, "Le ferry", FRENCH, pairs[1]),
        item(1, "The ferry", link, pairs[0]),
        item(3, "The tide", ENGLISH, term("language", "en")),
        item(5, "Alone", FRENCH, term("language", "f")),
        head=LOCALE,
    )
    report = bring(content)
    assert [one.name for one in report.files] == [
        *("the-ferry.fr.md", "the-ferry.md", "the-tide.md", "alone.fr.md")
    ]
    publication = bring.publication
    publication.pick_up()
    assert {key: one.title for key, one in publication.all().items()} == {
        ("the-ferry", "en"): "The ferry",
        ("the-ferry", "fr"): "Le ferry",
        ("the-tide", "en"): "The tide",
        ("alone", "fr"): "Alone",
    }
    assert "the-tide" in publication.one("the-ferry").html
    assert SITE not in publication.one("the-ferry").html


def test_a_second_run_writes_nothing_and_no_file_is_written_over(
    bring: Bring,
) -> None:
    content = wxr(item(1, "The ferry", ENGLISH), item(2, "The tide", ENGLISH))
    publication = bring.publication
    mine = publication.write("the-tide.md", "Mine.", title="The tide")
    before = mine.read_bytes()
    assert reasons(bring(content)) == {
        "The ferry": "",
        "The tide": "there is a file of this name already",
    }
    files = {path: path.stat().st_mtime_ns for path in publication.articles.rglob("*")}
    assert all(reasons(bring(content)).values())
    assert {path: path.stat().st_mtime_ns for path in publication.articles.rglob("*")} == files
    assert mine.read_bytes() == before


def test_what_is_not_public_and_what_nobody_could_read_is_left_out_with_its_reason(
    bring: Bring,
) -> None:
    content = wxr(
        item(1, "Draft", ENGLISH, status="draft"),
        item(2, "Private", ENGLISH, status="private"),
        item(3, "Secret", ENGLISH, post_password="x"),
        item(4, "Empty", "<!-- wp:latest-posts /-->"),
        item(5, "Deutsch", ENGLISH, term("language", "de")),
        item(6, "About", ENGLISH, post_type="page"),
    )
    report = bring(content)
    assert reasons(report) == {
        "Draft": "is a draft",
        "Private": "is private",
        "Secret": "needs a password",
        "Empty": "no text; there is nothing to publish in it",
        "Deutsch": "its language is de; the publication has en, fr (--language-map)",
    }
    assert report.notes == [
        "1 of the type page left out",
        "shows nothing without WordPress: block latest-posts",
    ]
    publication = bring.publication
    assert [*publication.articles.rglob("*.*")] == []
    wanted = replace(LINKED, kinds=frozenset({"page"}), languages={"de": "fr"})
    assert {one.name for one in bring(content, wanted).files if one.name} == {
        "about.md",
        "deutsch.fr.md",
    }


def test_pictures_are_copied_beside_the_files_and_those_that_fail_stay_where_they_are(
    bring: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    with news_server() as server:
        monkeypatch.setattr(source_polls, "CLIENT", server.client)
        server.put("/ship.webp", drawn("WEBP", 1600, 900))
        text = (
            f'[caption id="a"]<a href="{server.url("/ship.webp")}"><img src="{server.url("/ship.webp")}" alt="A ship" /></a> '
            f'The ship, by Ben[/caption]\n\n{ENGLISH}\n\n<img src="{server.url("/gone.png")}" alt="Gone" />'
        )
        report = bring(wxr(item(1, "The ferry", text)), ExportWishes())
        assert_pictures(bring.publication, server, report)


def test_a_host_without_an_answer_is_not_asked_for_each_picture(
    bring: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def lookup(host: str, _port: int) -> list[str]:
        asked.append(host)
        raise OSError("no such host")

    monkeypatch.setattr(source_polls, "CLIENT", GuardedClient(lookup=lookup))
    images = "".join(f'<img src="{SITE}/{n}.png" alt="A">' for n in range(4))
    report = bring(
        wxr(*(item(n, f"The tide {n}", f"{ENGLISH} {images}") for n in (1, 2))), ExportWishes()
    )
    assert [one.name for one in report.files] == ["the-tide-1.md", "the-tide-2.md"]
    assert len(asked) == 3
    assert "old.example does not answer" in report.notes[1]


def assert_pictures(
    publication: PublicationFolder, server: NewsServer, report: ExportReport
) -> None:
    assert "1 of its pictures can't be copied" in report.notes[0]
    (copy,) = (publication.articles / "pictures").iterdir()
    publication.pick_up()
    html = publication.one("the-ferry").html
    assert copy.suffix == ".jpg"
    assert server.url("/ship.webp") not in html
    assert server.url("/gone.png") in html
    assert "<figcaption>The ship, by Ben</figcaption>" in html
    assert 'width="1200" height="675"' in html


def test_shortcodes_become_what_they_show_and_words_in_brackets_stay() -> None:
    library = {"7": LibraryFile(url=f"{SITE}/a.jpg", alt="A", caption="C", parent="1")}
    text = WordpressText(library)
    html = text.to_html(
        'One [1] [sic]\nline.\n\n[gallery]\n\n[gallery ids="7,8"][quote]Two[/quote]\n\n[contact-form-7 id="3"]'
        '[youtube=https://youtu.be/x]\n\n[embed]https://e.example/?a=1&amp;b=2[/embed]\n\n[audio src="https://e.example/a.mp3"]'
        "\n\n[[gallery]]<pre>[gallery]\n\n[1]</pre>[code]a < [b][/code]\n\nhttps://e.example/alone",
        "1",
    )
    figure = f'<figure><img src="{SITE}/a.jpg" alt="A"><figcaption>C</figcaption></figure>'
    shown = (
        *("<p>One [1] [sic]<br>line.</p>", figure, figure, "<p>Two</p>"),
        *(
            f'<p><a href="{one}">{one}</a></p>'
            for one in ("https://youtu.be/x", "https://e.example/?a=1&amp;b=2")
        ),
        *(
            '<audio src="https://e.example/a.mp3"></audio>',
            "<p>[gallery]</p>",
            "<pre>[gallery]\n\n[1]</pre>",
        ),
        "<pre><code>a &lt; [b]</code></pre>",
        '<p><a href="https://e.example/alone">https://e.example/alone</a></p>',
    )
    assert html == "".join(shown)
    assert text.lost == ["shortcode contact-form-7"]


def test_texts_that_would_keep_parsers_busy_are_read_in_a_moment(bring: Bring) -> None:
    many = " ".join(f"a{n}" for n in range(20_000))
    tags = (f"<p {many}>x</p>", f'<p x=">" {many}>x</p>', f"<p x=it' {many}", f"<p {many}")
    report = bring(wxr(*(item(n, f"Tag {n}", text) for n, text in enumerate(tags, 1))))
    assert {*reasons(report).values()} == {""}
    assert all(one.words >= 20_000 for one in report.files)
    texts = ("[audio]" * 9999, "<code>x" * 9999, "<!-- wp:x " * 9999, ENGLISH)
    report = bring(wxr(*(item(n, f"Text {n}", text) for n, text in enumerate(texts, 1))))
    assert [one.name for one in report.files if one.name] == ["text-4.md"]


def test_posts_that_are_called_like_files_about_a_repository_are_articles(bring: Bring) -> None:
    names = ("gemini", "readme", "index", "license")
    report = bring(wxr(*(item(n, name, ENGLISH) for n, name in enumerate(names, 1))))
    assert [one.name for one in report.files] == [
        *("gemini-1.md", "readme-2.md", "index.md", "license.md")
    ]
    bring.publication.pick_up()
    assert {one.title for one in bring.publication.all().values()} == {*names}


def test_blank_lines_of_code_stay(bring: Bring) -> None:
    bring(wxr(item(1, "Code", f"{ENGLISH}\n<pre>a\n\n\nb</pre>")))
    bring.publication.pick_up()
    assert "a\n\n\nb" in bring.publication.one("code").html


def test_malformed_exports_are_read_as_far_as_possible_and_their_lines_are_named(
    bring: Bring,
) -> None:
    more = "<pubDate>Thu, 08 Jan 2026 09:30:00 -0000</pubDate><wp:x>\n\nA & B</wp:x>"
    ferry = item(
        1,
        "The ferry",
        f"{ENGLISH} [embed]&#1;[/embed]",
        more,
        post_date_gmt="0000-00-00 00:00:00",
    )
    content = wxr(ferry, item(2, "Cut", ENGLISH))
    report = bring(content[: content.index(b"<excerpt", content.index(b"Cut"))])
    assert [one.name for one in report.files] == ["the-ferry.md", "cut.md"]
    assert report.notes[0].startswith("line 3: ")
    assert report.files[0].post.entry.published == datetime(2026, 1, 8, 9, 30, tzinfo=UTC)
    for start in (b"<!DOCTYPE rss [<!ENTITY a 'b'>]>", b"<!DOCTYPE rss>"):
        with pytest.raises(UsageError, match="DOCTYPE"):
            bring(content.replace(b"<rss", start + b"<rss"))
    with pytest.raises(UsageError, match="this is no XML"):
        bring(b"<")
    with pytest.raises(UsageError, match="no export of WordPress"):
        bring(b"<html></html>")
    with pytest.raises(UsageError, match="publisher sources add"):
        bring(b"<opml version='2.0'/>")
    with pytest.raises(UsageError, match="is no export that is read"):
        bring(b"%PDF")


def test_every_export_of_the_corpus_is_read_and_no_shortcode_is_left(corpus: Path) -> None:
    files = sorted((corpus / "sources").glob("**/mg-wp-xml/**/*.xml"))
    if not files:
        pytest.skip("no exports of WordPress in the corpus beside the project")
    for path in files:
        try:
            export = read_wxr(path.read_bytes(), ExportWishes(kinds=frozenset({"page"})))
        except ImportProblemError as error:
            pytest.fail(f"{path}: {error}")
        for one in export.posts:
            assert "[caption" not in one.entry.html
            assert one.entry.title
    counts = {path.name: len(read_wxr(path.read_bytes(), LINKED).posts) for path in files}
    assert counts["sample.xml"] == 3
    assert counts["co-authors-plus.xml"] == 4
