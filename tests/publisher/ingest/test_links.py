"""Links between the documents of a source, in pages, mails and feeds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from publisher.ingest.problems import list_problems
from publisher.issues.tables import digest_table, issue_table
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.printing import (
    atom,
    json_feed,
    pipeline_of,
    public,
    rss,
    shown,
    syndicated,
)

NewPublication = Callable[..., PublicationFolder]
POST = "---\ntitle: {}\ndate: 2026-01-0{}\n---\n{}\n"


def site(new_publication: NewPublication, **source: str) -> PublicationFolder:
    sources = [{"kind": "folder", "path": "articles", **source}]
    return new_publication(sources=sources, languages=["en", "ar"])


def post(publication: PublicationFolder, path: str, text: str, day: int = 5) -> None:
    publication.write(path, POST.format(path.rpartition("/")[2], day, text).encode())


def html_of(publication: PublicationFolder, key: str, language: str = "en") -> str:
    return publication.one(key, language).html


def problems(publication: PublicationFolder) -> list[tuple[str, str, int | None]]:
    with publication.database.reading() as connection:
        return [
            (one.problem.kind.value, one.problem.what, one.problem.line)
            for one in list_problems(connection)
        ]


SECOND = '<a href="/en/stories/second/">it</a>'


@pytest.mark.parametrize(
    ("written", "html"),
    [
        ("second.md", SECOND),
        ("./second.md", SECOND),
        ("../en/second.md", SECOND),
        ("second", SECOND),
        ("/en/second.md", SECOND),
        ("/en/second/", SECOND),
        ("/old/second.html", SECOND),
        ("/former/place/", SECOND),
        ("/en/stories/second/", SECOND),
        ("second.md#tables", '<a href="/en/stories/second/#tables">it</a>'),
        ("first.md#here", '<a href="/en/stories/first/#here">it</a>'),
        ("https://sea.example.org/old/second", SECOND),
        ("/about/?a=1&b=2", '<a href="https://www.sea.example.org/about/?a=1&amp;b=2">it</a>'),
        ("https://other.example.org/en/second/", '<a href="https://other.example.org/en/second/">it</a>'),
    ],
)  # fmt: skip
def test_a_link_leads_to_the_page_of_what_it_means(
    new_publication: NewPublication, written: str, html: str
) -> None:
    publication = site(new_publication, url="https://www.sea.example.org")
    post(publication, "en/first.md", f"See [it]({written}) now.")
    publication.write(
        "en/second.md",
        "Words.",
        title="Second",
        date="2026-01-06",
        permalink="/old/second.html",
        key="second",
        aliases="[/former/place/]",
    )
    publication.pick_up()
    assert html_of(publication, "en/first" if "en/first" in str(publication.all()) else "first") == (
        f"<p>See {html} now.</p>"
    )  # fmt: skip
    assert problems(publication) == []


@pytest.mark.parametrize(
    ("files", "written"),
    [
        (
            {"_config.yml": "url: https://sea.example.org\nbaseurl: /blog\n"},
            {
                "_posts/2026-01-05-first.md": "[a](/blog/2026/01/06/second.html) "
                "[b](/_posts/2026-01-06-second.md) [c](../06/second.html) [d](2026-01-06-second.md)",
                "_posts/2026-01-06-second.md": "Words.",
            },
        ),
        (
            {"hugo.toml": 'baseURL = "https://sea.example.org"\n'},
            {
                "content/posts/first.md": "[a](/posts/second/) [b](../second/) [c](second) [d](posts/second.md)",
                "content/posts/second/index.md": "Words.",
            },
        ),
        (
            {"docusaurus.config.js": 'module.exports = {url: "https://sea.example.org", baseUrl: "/"}'},
            {
                "blog/2026-01-05-first.md": "[a](/blog/2026/01/06/second) [b](2026-01-06-second.md) "
                "[c](./2026-01-06-second.md) [d](/blog/2026-01-06-second.md)",
                "blog/2026-01-06-second.md": "Words.",
            },
        ),
        (
            {"eleventy.config.js": "", "posts/posts.json": '{"tags": "posts"}'},
            {
                "posts/2026-01-05-first.md": "[a](./second.md) [b](second/index.md) [c](/posts/second.md) [d](../posts/deep/second.md)",
                "posts/deep/2026-01-06-second.md": "Words.",
            },
        ),
        (
            {"eleventy.config.js": "", "posts/posts.json": '{"tags": "posts"}'},
            {
                "posts/2026-01-05-first.md": "[a](./second.md) [b](second/index.md) [c](/posts/second/) [d](../second/)",
                "posts/2026-01-06-second/index.md": "Words.",
            },
        ),
    ],
    ids=["jekyll", "hugo", "docusaurus", "eleventy", "eleventy-folders"],
)  # fmt: skip
def test_links_are_followed_as_each_generator_does(
    new_publication: NewPublication, files: dict[str, str], written: dict[str, str]
) -> None:
    publication = site(new_publication)
    for path, text in files.items():
        publication.write(path, text.encode())
    for day, (path, text) in enumerate(written.items(), 5):
        post(publication, path, text, day)
    publication.pick_up()
    texts = [one.html for one in publication.all().values()]
    (slug,) = [one.slug for one in publication.all().values() if "second" in one.slug]
    links = " ".join(f'<a href="/en/stories/{slug}/">{letter}</a>' for letter in "abcd")
    assert f"<p>{links}</p>" in texts
    assert problems(publication) == []


def test_a_file_whose_date_a_link_leaves_out_is_found_only_if_it_is_the_only_one(
    new_publication: NewPublication,
) -> None:
    publication = site(new_publication)
    post(publication, "posts/first.md", "[a](notes.md) [b](plain.md) [c](tides)")
    for path in (
        "posts/2026-01-06-notes.md",
        "posts/2026-01-07-notes.md",
        "posts/2026-01-06-plain.md",
        "posts/plain.md",
        "posts/2026-01-06-tides.md",
    ):
        post(publication, path, f"Words of {path}.")
    publication.pick_up()
    # A file of that very name comes first, and a link that names no file is no name of a file.
    html = next(one.html for one in publication.all().values() if ">b<" in one.html)
    assert html == '<p>a <a href="/en/stories/posts-plain/">b</a> c</p>'


def test_without_the_address_of_the_site_the_text_stays_and_the_link_is_a_problem(
    publication: PublicationFolder,
) -> None:
    post(
        publication,
        "en/first.md",
        'One.\n\nSee <a id="x" href="gone.md">it</a> and [so](/no/).',
    )
    publication.pick_up()
    assert '<p>See <span id="x">it</span> and so.</p>' in html_of(publication, "first")
    assert problems(publication) == [("broken-link", "/no/", 7), ("broken-link", "gone.md", 7)]


def test_a_link_leads_to_the_readers_language_or_is_labelled(
    new_publication: NewPublication,
) -> None:
    publication = site(new_publication)
    for language in ("en", "ar"):
        text = f"{language}: [x](../en/second.md) [y](../en/only.md)"
        post(publication, f"{language}/first.md", text)
        post(publication, f"{language}/second.md", f"{language}: [z](../ar/second.md)")
    post(publication, "en/only.md", "Words.")
    publication.pick_up()
    assert html_of(publication, "first", "ar") == (
        '<p>ar: <a href="/ar/stories/second/">x</a> <a href="/en/stories/only/" hreflang="en">y</a> '
        '(<span lang="en" dir="ltr">English</span>)</p>'
    )
    # A link from a story to another language of its own means that language.
    assert '<a href="/ar/stories/second/" hreflang="ar">z</a>' in html_of(publication, "second")


def test_pages_and_feeds_have_the_address_of_the_page(new_publication: NewPublication) -> None:
    publication = site(new_publication)
    post(publication, "en/first.md", "[x](second.md#end)", 6)
    post(publication, "en/second.md", "Words.")
    shown(publication)
    syndicated(publication)
    page = (public(publication) / "en/stories/first/index.html").read_text("utf-8")
    assert '<a href="/en/stories/second/#end">x</a>' in page
    whole = '<a href="https://news.example.org/en/stories/second/#end">x</a>'
    assert whole in atom(publication, "en").entries[0].content[0].value
    assert whole in rss(publication, "en").entries[0].content[0].value
    assert whole in json_feed(publication, "en")["items"][0]["content_html"]


def test_mails_have_the_readers_language_in_both_parts(new_publication: NewPublication) -> None:
    weekly = {"name": "weekly", "content": "full", "missing": "fallback", "fallback": ["en"]}
    publication = new_publication(languages=["en", "ar"], newsletters=[weekly])
    post(publication, "en/first.md", "Read [about this](second.md) today.", 6)
    post(publication, "ar/second.md", "كلمات.")
    post(publication, "en/second.md", "Words.")
    pipeline = pipeline_of(publication)
    pipeline.prepare()
    pipeline_of(publication.at(NOW + timedelta(days=7))).prepare()
    with publication.database.reading() as connection:
        query = select(digest_table, issue_table.c.language).join(issue_table)
        made = {row.language: row for row in connection.execute(query)}
    for language, row in made.items():
        there = f"https://news.example.org/{language}/stories/second/"
        assert there in row.html
        assert there in row.text
    assert "ar" in made


def test_a_text_follows_what_it_links_to(new_publication: NewPublication) -> None:
    publication = site(new_publication)
    post(publication, "en/first.md", "See [it](second.md).")
    shown(publication)
    page = public(publication) / "en/stories/first/index.html"
    assert "See it." in page.read_text("utf-8")
    publication.write("en/second.md", "Words.", title="S", date="2026-01-12")
    # Under embargo, it has no page.
    shown(publication)
    assert "See it." in page.read_text("utf-8")
    shown(publication.at(NOW + timedelta(days=4)))
    assert '<a href="/en/stories/second/">it</a>' in page.read_text("utf-8")
    (publication.articles / "en/second.md").rename(publication.articles / "en/third.md")
    shown(publication)
    assert "See it." in page.read_text("utf-8")
    (publication.articles / "en/third.md").rename(publication.articles / "en/second.md")
    shown(publication)
    assert '<a href="/en/stories/second/">it</a>' in page.read_text("utf-8")
    (publication.articles / "en/second.md").unlink()
    shown(publication)
    assert "See it." in page.read_text("utf-8")
    assert [one[:2] for one in problems(publication)] == [("broken-link", "second.md")]


def test_a_conversion_links_to_its_own_language(new_publication: NewPublication) -> None:
    weekly = {"name": "weekly", "missing": "convert"}
    publication = new_publication(languages=["zh-Hans", "zh-Hant"], newsletters=[weekly])
    post(publication, "zh-Hans/first.md", "见[下文](second.md)。")
    post(publication, "zh-Hans/second.md", "文字。")
    publication.pick_up()
    assert '<a href="/zh-Hant/stories/second/">下文</a>' in html_of(
        publication, "first", "zh-Hant"
    )


def test_links_to_files_beside_the_article_lead_to_copies(
    publication: PublicationFolder,
) -> None:
    publication.write("en/plan.pdf", b"%PDF-1.4 plan")
    post(publication, "en/first.md", "[plan](plan.pdf)")
    publication.pick_up()
    assert '<p><a href="/media/' in html_of(publication, "first")
