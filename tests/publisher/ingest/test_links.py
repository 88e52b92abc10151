"""Links between articles: what each means, and to which page in which language it leads."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from publisher.articles.content.internal_links import LinkTarget
from publisher.articles.tables import article, article_address, article_link
from publisher.ingest.links.resolution import KnownTargets, LinkOrigin
from publisher.ingest.pickup import link_update
from publisher.ingest.tables import item_problem
from publisher.issues.tables import digest_table, issue_table
from publisher.web_files import build_cache
from tests.publisher import printing
from tests.publisher.conftest import NOW, Make, PublicationFolder
from tests.publisher.ingest.helpers import stored_problems

# Links between the documents of a source, in pages, mails and feeds.


POST = "---\ntitle: {}\ndate: 2026-01-0{}\n---\n{}\n"


def site(new_publication: Make, **source: str) -> PublicationFolder:
    sources = [{"kind": "folder", "path": "articles", **source}]
    return new_publication(sources=sources, languages=["en", "ar"])


def post(publication: PublicationFolder, path: str, text: str, day: int = 5) -> None:
    publication.write(path, POST.format(path.rpartition("/")[2], day, text).encode())


def html_of(publication: PublicationFolder, key: str, language: str = "en") -> str:
    return publication.one(key, language).html


def problems(publication: PublicationFolder) -> list[tuple[str, str, int | None]]:
    found = (stored.problem for stored in stored_problems(publication))
    return [(problem.kind.value, problem.what, problem.line) for problem in found]


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
    new_publication: Make, written: str, html: str
) -> None:
    publication = site(new_publication, url="https://www.sea.example.org")
    post(publication, "en/first.md", f"See [it]({written}) now.")
    addresses = {"permalink": "/old/second.html", "aliases": "[/former/place/]"}
    facts = {"title": "Second", "date": "2026-01-06", "key": "second"}
    publication.pick_up_file("en/second.md", "Words.", **facts, **addresses)
    assert html_of(publication, "first") == f"<p>See {html} now.</p>"
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
    new_publication: Make, files: dict[str, str], written: dict[str, str]
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
    new_publication: Make,
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
    text = 'One.\n\nSee <a id="x" href="gone.md">it</a> and [so](/no/).'
    post(publication, "en/first.md", text)
    publication.pick_up()
    assert '<p>See <span id="x">it</span> and so.</p>' in html_of(publication, "first")
    # A page of the site may be at `/no/`: its own address is not known.
    assert problems(publication) == [("removed-link", "/no/", 7), ("broken-link", "gone.md", 7)]


def test_a_link_leads_to_the_readers_language_or_is_labelled(new_publication: Make) -> None:
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


def test_pages_and_feeds_have_the_address_of_the_page(new_publication: Make) -> None:
    publication = site(new_publication)
    post(publication, "en/first.md", "[x](second.md#end)", 6)
    post(publication, "en/second.md", "Words.")
    printing.shown(publication)
    printing.syndicated(publication)
    page = (printing.public(publication) / "en/stories/first/index.html").read_text("utf-8")
    assert '<a href="/en/stories/second/#end">x</a>' in page
    whole = '<a href="https://news.example.org/en/stories/second/#end">x</a>'
    assert whole in printing.atom(publication, "en").entries[0].content[0].value
    assert whole in printing.rss(publication, "en").entries[0].content[0].value
    assert whole in printing.json_feed(publication, "en")["items"][0]["content_html"]


def test_mails_have_the_readers_language_in_both_parts(new_publication: Make) -> None:
    weekly = {"name": "weekly", "content": "full", "missing": "fallback", "fallback": ["en"]}
    publication = new_publication(languages=["en", "ar"], newsletters=[weekly])
    post(publication, "en/first.md", "Read [about this](second.md) today.", 6)
    post(publication, "ar/second.md", "كلمات.")
    post(publication, "en/second.md", "Words.")
    publication.pick_up()
    printing.pipeline_of(publication.at(NOW + timedelta(days=7))).prepare()
    with publication.database.reading() as connection:
        query = select(digest_table, issue_table.c.language).join(issue_table)
        made = {row.language: row for row in connection.execute(query)}
    for language, row in made.items():
        there = f"https://news.example.org/{language}/stories/second/"
        assert there in row.html
        assert there in row.text
    assert "ar" in made


def test_a_text_follows_what_it_links_to(new_publication: Make) -> None:
    publication = site(new_publication)
    post(publication, "en/first.md", "See [it](second.md).")
    printing.shown(publication)
    page = printing.public(publication) / "en/stories/first/index.html"
    assert "See it." in page.read_text("utf-8")
    publication.write("en/second.md", "Words.", title="S", date="2026-01-12")
    # Under embargo, it has no page.
    printing.shown(publication)
    assert "See it." in page.read_text("utf-8")
    printing.shown(publication.at(NOW + timedelta(days=4)))
    assert '<a href="/en/stories/second/">it</a>' in page.read_text("utf-8")
    (publication.articles / "en/second.md").rename(publication.articles / "en/third.md")
    printing.shown(publication)
    assert "See it." in page.read_text("utf-8")
    (publication.articles / "en/third.md").rename(publication.articles / "en/second.md")
    printing.shown(publication)
    assert '<a href="/en/stories/second/">it</a>' in page.read_text("utf-8")
    (publication.articles / "en/second.md").unlink()
    printing.shown(publication)
    assert "See it." in page.read_text("utf-8")
    assert [one[:2] for one in problems(publication)] == [("broken-link", "second.md")]


def test_a_conversion_links_to_its_own_language(new_publication: Make) -> None:
    weekly = {"name": "weekly", "missing": "convert"}
    publication = new_publication(languages=["zh-Hans", "zh-Hant"], newsletters=[weekly])
    post(publication, "zh-Hans/first.md", "见[下文](second.md)。")
    post(publication, "zh-Hans/second.md", "文字。")
    publication.pick_up()
    assert '<a href="/zh-Hant/stories/second/">下文</a>' in html_of(
        publication, "first", "zh-Hant"
    )


def test_links_to_files_beside_an_article_lead_to_copies(
    publication: PublicationFolder,
) -> None:
    publication.write("en/plan.pdf", b"%PDF-1.4 plan")
    post(publication, "en/first.md", "[plan](plan.pdf)")
    publication.pick_up()
    assert '<p><a href="/media/' in html_of(publication, "first")


# Deciding only what is due where links lead gives the same as deciding all again.


FILES = ("en/a.md", "ar/a.md", "en/b.md", "en/sea/c.md", "en/sea/index.md")
LINKS = ("a.md", "b", "/x/", "/y/", "sea/", "c", "../a.md", "/en/stories/a/", "gone.md")


@st.composite
def documents(draw: st.DrawFn) -> bytes | None:
    """A document with links, dates and addresses from a few; None for no file."""
    if draw(st.integers(0, 4)) == 0:
        return None
    links = draw(st.lists(st.sampled_from(LINKS), max_size=3, unique=True))
    lines = [f"date: 2026-01-{draw(st.sampled_from(['05', '05', '09']))}"]
    for name in ("permalink", "aliases", "key"):
        values = {"permalink": "/x/ /y/", "aliases": "[/y/] [/x/]", "key": "a b"}[name].split()
        value = draw(st.sampled_from([None, None, *values]))
        lines += [f"{name}: {value}"] if value else []
    words = draw(st.sampled_from(["Calm.", "Rough."]))
    text = " ".join(f"[{number}]({one})" for number, one in enumerate(links))
    return "\n".join(["---", "title: One", *lines, "---", text, words, ""]).encode()


EDITS = st.lists(
    st.dictionaries(st.sampled_from(FILES), documents(), min_size=1), min_size=2, max_size=4
)


def state(publication: PublicationFolder) -> list[list[dict[str, object]]]:
    tables = (article, article_link, article_address, item_problem)
    return [publication.rows(table) for table in tables]


def decide_all_again(publication: PublicationFolder) -> None:
    with publication.database.writing() as connection:
        connection.execute(delete(build_cache))
        connection.execute(update(article_link).values(means=None, href=None, language=None))
        connection.execute(update(article_address).values(leads_to=None))
        link_update.update_links(connection, publication.settings, publication.clock.now())


@given(edits=EDITS)
@example(edits=[{"en/b.md": b"[a](a.md)"}, {"en/a.md": b"Words."}, {"en/a.md": b"Other."}])
@example(
    edits=[
        {"en/b.md": b"[a](a.md) [c](/x/)", "en/a.md": b"Words."},
        {"en/a.md": None, "en/sea/c.md": b"---\npermalink: /x/\n---\nWords."},
    ]
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_links_are_as_if_all_were_decided_again(
    new_publication: Make, edits: list[dict[str, bytes | None]]
) -> None:
    publication = new_publication(languages=["en", "ar"])
    for number, edit in enumerate(edits):
        publication = publication.at(NOW + timedelta(days=number))
        for path, content in edit.items():
            if content is None:
                (publication.articles / path).unlink(missing_ok=True)
            else:
                publication.write(path, content)
        publication.pick_up()
        found = state(publication)
        decide_all_again(publication)
        again = state(publication)
        for rows in (found[0], again[0]):
            for row in rows:  # a text that is written again is published again
                del row["page_hash"], row["feed_hash"]
        assert again == found


def test_while_only_texts_change_other_links_are_not_read(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    publication.write("en/a.md", "Words.", title="A")
    publication.write("en/b.md", "See [it](a.md).", title="B")
    publication.pick_up_file("en/c.md", "See [it](a.md) and [it](b.md).", title="C")
    searched: list[str] = []
    plain = KnownTargets.find

    def find(self: KnownTargets, target: LinkTarget, origin: LinkOrigin) -> int | None:
        searched.append(target.file)
        return plain(self, target, origin)

    monkeypatch.setattr(KnownTargets, "find", find)
    publication.pick_up_file("en/b.md", "Do see [it](a.md).", title="B")
    assert searched == ["en/a.md"]
    assert 'href="/en/stories/a/"' in publication.one("b").html
