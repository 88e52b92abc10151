"""Links that lead nowhere, or to pages outside the sources."""

from datetime import timedelta

import pytest

from publisher.articles.content.internal_links import LinkTarget
from publisher.i18n.article_problems import ArticleProblem, ProblemKind
from publisher.ingest.links.resolution import KnownPages, may_be_page, stated_addresses
from publisher.ingest.problems import ItemProblem
from tests.publisher.conftest import NOW, Make, PublicationFolder
from tests.publisher.ingest.helpers import stored_problems
from tests.publisher.ingest.sites.helpers import page

# Links to addresses of a site at which nobody answers are problems of their articles.


ELSEWHERE, OWN = "https://www.sea.example.org", "https://news.example.org"

# Each with a post, the text of which is formatted in, and with pages that are no articles.
SITES = {
    "jekyll": {
        "_config.yml": "url: {url}\nplugins: [jekyll-archives]\n",
        "_posts/2026-01-05-first.md": "{text}",
        "_posts/2026-01-06-second.md": "Words.",
        "about.md": page(permalink="/us/", redirect_from="[/we/, /team.html]"),
        "docs/tables.html": page(title="Tables"),
        "_drafts/idea.md": page(title="Idea"),
        "_redirects": "/old/* /us/ 301\n",
    },
    "hugo": {
        "hugo.toml": 'baseURL = "{url}/"\n[taxonomies]\ntag = "tags"\nplace = "places"\n',
        "content/posts/first.md": "{text}",
        "content/posts/second.md": "Words.",
        "content/about.md": page(url="/us/", aliases='["/we/", "/team.html"]'),
        "content/docs/_index.md": page(title="Documentation"),
        "content/docs/01-tables.md": page(title="Tables", slug="of-tides"),
        "content/posts/idea.md": page(title="Idea", draft="true"),
        "static/maps/index.html": "<p>Maps</p>",
    },
    "docusaurus": {
        "docusaurus.config.js": (
            'module.exports = {{url: "{url}", baseUrl: "/", presets: [["classic", '
            '{{docs: {{path: "handbook"}}, blog: {{}}}}]]}}'
        ),
        "blog/2026-01-05-first.md": "{text}",
        "blog/2026-01-06-second.md": "Words.",
        "handbook/tables.mdx": page(slug="/us"),
        "src/pages/we.js": "export default () => null;",
    },
    "eleventy": {
        "eleventy.config.js": 'module.exports = () => ({{dir: {{input: "src"}}}});',
        "src/_data/site.json": '{{"url": "{url}"}}',
        "src/blog/first.md": "{text}",
        "src/blog/second.md": "Words.",
        "src/about.njk": page(permalink="/us/"),
        "src/tags.njk": page(permalink='"/by-tag/{{{{ tag | slug }}}}/"'),
        "src/feed.11ty.js": 'exports.data = {{ permalink: "/we/" }};',
    },
    "vitepress": {
        ".vitepress/config.js": 'export default {{sitemap: {{hostname: "{url}"}}}}',
        "posts/first.md": "{text}",
        "posts/second.md": "Words.",
        "guide/tables.md": page(title="Tables"),
    },
}
# What is on each site; then what is not.
THERE = {
    "jekyll": "/ /us/ /we/ /team.html /docs/tables /docs/tables.html /tags/sea/ /feed.xml /page2/ /old/x/",
    "hugo": "/ /us/ /we/ /docs/ /docs/01-tables/ /docs/of-tides/ /tags/sea/ /places/pier/ /posts/ "
    "/posts/page/2/ /index.xml /maps/ /fr/docs/tables/",
    "docusaurus": "/ /us /we /handbook/tables /docs/tables ../handbook/tables.mdx /blog /blog/tags/sea "
    "/blog/archive /blog/rss.xml /zh/docs/next/tables",
    "eleventy": "/ /us/ /we/ /by-tag/sea/ /feed.xml",
    "vitepress": "/ /guide/tables.html /guide/tables ../guide/tables.md",
}  # fmt: skip
GONE = {
    "jekyll": "/no/ /about-us/ /docs/no.html no.md /idea/ /files/no.pdf no.zip",
    "hugo": "/no/ /categories/sea/ /posts/idea/ no.md /docs/no/ /files/no.pdf no.zip",
    "docusaurus": "/no /handbook/no ./no.md ../handbook/no.md /blog/no /files/no.pdf ./no.zip",
    "eleventy": "/no/ /by-no/sea/ ./no.md /tags/sea/ /files/no.pdf no.zip",
    "vitepress": "/no/ /guide/no.html ./no.md /files/no.pdf no.zip",
}


def pick_up_site(publication: PublicationFolder, name: str, url: str, text: str) -> None:
    for number, (path, content) in enumerate(SITES[name].items(), 3):
        is_post = "first" in path or "second" in path
        matter = f"---\ntitle: {path}\ndate: 2026-01-0{number}\n---\n" if is_post else ""
        filled = content.replace("{url}", url).replace("{text}", text)
        filled = filled.replace("{{", "{").replace("}}", "}") if not is_post else filled
        publication.write(path, f"{matter}{filled}\n".encode())
    publication.pick_up()


def links(written: str) -> str:
    return " ".join(f"[x]({one})" for one in written.split())


def problems(publication: PublicationFolder) -> dict[str, str]:
    """Return the kinds of the problems by the value that is wrong."""
    return {one.problem.what: one.problem.kind.value for one in stored_problems(publication)}


@pytest.fixture
def publication(new_publication: Make) -> PublicationFolder:
    return new_publication(sources=[{"kind": "folder", "path": "articles"}])


@pytest.mark.parametrize("name", SITES)
def test_what_a_site_elsewhere_has_is_no_problem_and_what_it_lacks_is_one(
    publication: PublicationFolder, name: str
) -> None:
    pick_up_site(publication, name, ELSEWHERE, links(f"{THERE[name]} {GONE[name]}"))
    assert problems(publication) == dict.fromkeys(GONE[name].split(), "dead-link")
    assert publication.quarantine() == {}
    texts = "".join(one.html for one in publication.all().values())
    assert texts.count(f'href="{ELSEWHERE}/') == len(f"{THERE[name]} {GONE[name]}".split())


@pytest.mark.parametrize("name", SITES)
def test_a_publication_in_place_of_the_site_answers_for_its_own_pages_alone(
    publication: PublicationFolder, name: str
) -> None:
    own = ["/", "/en/", "/feeds/en.json", "/en/weekly/", f"{OWN}/en/feeds/"]
    there = [one for one in THERE[name].split() if one != "/"]
    whole = [f"{OWN}/by-whole-address/", "https://other.example.org/no/"]
    text = links(" ".join([*own, *there, *GONE[name].split(), *whole, "/en/stories/no/"]))
    pick_up_site(publication, name, OWN, text)
    dead = [*GONE[name].split(), whole[0], "/en/stories/no/"]
    kinds = dict.fromkeys(there, "unpublished-page") | dict.fromkeys(dead, "dead-link")
    assert problems(publication) == kinds


def test_a_link_with_a_line_stays_as_it_is_and_holds_nothing_back(
    publication: PublicationFolder,
) -> None:
    pick_up_site(publication, "hugo", ELSEWHERE, "One.\n\n[it](/no/?a=1#b)")
    (found,) = stored_problems(publication)
    dead = ArticleProblem(ProblemKind.DEAD_LINK, 7, "/no/?a=1#b")
    assert found == ItemProblem("articles", "content/posts/first.md", dead, holds=False)
    assert f'href="{ELSEWHERE}/no/?a=1#b"' in publication.one("posts/first").html


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("content/posts/no.md", "---\ntitle: No\ndate: 2026-01-07\n---\nWords.\n"),
        ("content/no.md", page(title="No")),
        ("content/other.md", page(title="No", aliases="[/posts/no/]")),
    ],
    ids=["article", "page", "alias"],
)
def test_a_target_that_comes_later_ends_the_problem_until_it_goes(
    publication: PublicationFolder, path: str, content: str
) -> None:
    pick_up_site(publication, "hugo", ELSEWHERE, links("/posts/no/"))
    assert problems(publication) == {"/posts/no/": "dead-link"}
    file = publication.write(path, content.encode())
    publication.pick_up()
    assert problems(publication) == {}
    is_article = ("posts/no", "en") in publication.all()
    there = "/en/stories/posts-no/" if is_article else f"{ELSEWHERE}/posts/no/"
    assert f'href="{there}"' in publication.one("posts/first").html
    file.unlink()
    publication.pick_up()
    # Where an article stood once, a link means that article.
    kind = "broken-link" if is_article else "dead-link"
    assert problems(publication) == {"/posts/no/": kind}


def test_a_page_that_states_another_address_is_read_again(
    publication: PublicationFolder,
) -> None:
    pick_up_site(publication, "hugo", ELSEWHERE, links("/piers/ /us/"))
    assert problems(publication) == {"/piers/": "dead-link"}
    publication.write("content/about.md", page(url="/piers/").encode())
    publication.at(NOW + timedelta(hours=1)).pick_up()
    assert problems(publication) == {"/us/": "dead-link"}


def test_problems_stay_while_other_articles_change(publication: PublicationFolder) -> None:
    pick_up_site(publication, "hugo", ELSEWHERE, links("/no/"))
    text = links("/neither/")
    publication.pick_up_file("content/posts/second.md", text, title="S", date="2026-01-06")
    assert problems(publication) == {"/no/": "dead-link", "/neither/": "dead-link"}
    source = {"kind": "folder", "path": "articles", "problems": {"dead-link": "ignore"}}
    publication.reload(sources=[source])
    publication.pick_up()
    assert problems(publication) == {}


def test_a_page_of_a_site_without_an_address_needs_it_and_is_not_called_missing(
    publication: PublicationFolder,
) -> None:
    pick_up_site(publication, "jekyll", "", links("/us/ docs/tables /no/"))
    there = dict.fromkeys(("/us/", "docs/tables"), "removed-link")
    assert problems(publication) == {**there, "/no/": "broken-link"}


def test_a_folder_of_articles_alone_says_nothing_about_the_pages_of_their_site(
    new_publication: Make,
) -> None:
    source = {"kind": "folder", "path": "articles", "url": ELSEWHERE}
    publication = new_publication(sources=[source])
    text = links("/about/ ../docs/x/ gone.md ./gone.pdf")
    publication.pick_up_file("en/first.md", text, title="First", date="2026-01-05")
    dead = dict.fromkeys(("gone.md", "./gone.pdf"), "dead-link")
    assert problems(publication) == dead
    publication.reload(sources=[{**source, "url": OWN}])
    publication.pick_up()
    unpublished = dict.fromkeys(("/about/", "../docs/x/"), "unpublished-page")
    assert problems(publication) == dead | unpublished


# Whether a site has a page, by names and by what its pages state.


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        ("a.md", "---\nslug: tides\nurl: '/b/'\n---\n[x](/no/)", ["tides", "/b/"]),
        ("a.md", "+++\naliases = ['/a', \"/b/c\"]\n+++\n", ["/a", "/b/c"]),
        ("a.md", "---\nredirect_from:\n  - /a/\n  - /b.html\n---\n", ["/a/", "/b.html"]),
        ("a.md", "[x](/no/) /neither/", []),
        ("a.njk", '---\npermalink: "/t/{{ tag }}/x/"\n---\n', ["/t/*"]),
        ("a.html", "---\npermalink: /:year/x/\n---\n", ["/*"]),
        ("x/_redirects", "/a/*  /b/:splat 301\n/c /d\n", ["/a/*", "/b/*", "/c", "/d"]),
        ("a.11ty.js", "module.exports = {permalink: `/n/${page}/`};", ["`/n/*"]),
        ("a.json.md", '{"slug": "tides"}', ["tides"]),
    ],
)
def test_addresses_that_a_page_states(path: str, text: str, found: list[str]) -> None:
    assert stated_addresses(path, text) == found


def has(address: str, *files: str, stated: tuple[str, ...] = ()) -> bool:
    pages = KnownPages(files, stated, (), ("sitemap.xml",))
    return pages.has(LinkTarget("", address), "/base/", is_file=False)


@pytest.mark.parametrize(
    ("address", "file"),
    [
        ("/base/docs/tides/", "docs/tides.md"),
        ("/base/docs/tides.html", "docs/tides/index.mdx"),
        ("/base/docs/tides?x=1", "content/docs/tides.fr.md"),
        ("/base/fr/docs/2.1/tides", "versioned_docs/version-2.1/01-tides.md"),
        ("/base/Docs/Tides/", "docs/tides.html"),
        ("/base/guide/tides/spring/low/", "content/tides/spring/low.md"),
        *(("/base/docs", "docs/tides.md"), ("/base/tides", "src/pages/tides.tsx")),
        *(("/base/%E6%BD%AE/", "docs/潮.md"), ("/base/x/sitemap.xml", "x.md")),
        ("/base/", "x.md"),
    ],
)
def test_a_page_is_known_by_the_end_of_its_path(address: str, file: str) -> None:
    assert has(address, file)


@pytest.mark.parametrize(
    "address", ["/base/docs/tide", "/base/guide/tides/spring/high/low/", "/base/tides.pdf"]
)
def test_other_pages_are_not_known(address: str) -> None:
    assert not has(address, "content/tides/spring/low.md", "docs/tides.md")


def test_what_may_be_a_page_is_known_by_its_name_and_by_what_stands_before_a_value() -> None:
    assert has("/base/t/sea/", stated=("/t/*",))
    assert not has("/base/s/sea/", stated=("/t/*",))
    assert has("/base/start", stated=("start",))
    paths = ("src/pages/a.jsx", "src/a.jsx", "a.11ty.js", "static/a.js", "a.njk", "_redirects")
    assert [may_be_page(one) for one in paths] == [True, False, True, False, True, True]
