"""The blogs of a site of Docusaurus."""

from datetime import date
from pathlib import Path, PurePosixPath

import pytest

from publisher.articles.model import Byline
from publisher.ingest.sites.base import LeftOut, LeftOutReason, SitePage
from publisher.ingest.sites.configuration import ScriptObject
from tests.publisher.ingest.sites.helpers import (
    articles,
    build,
    left_out,
    only_article,
    opened,
    page,
    stories,
    understood,
)

CONFIG = """
// url: "https://commented.example",
export default {
  url: 'https://tidewatch.example', // not "/x"
  baseUrl: "/log/",
  i18n: {
    defaultLocale: "en",
    locales: ["en", 'zh-Hans', "br"],
    localeConfigs: { br: { htmlLang: "pt-BR", label: "Brasil {" } },
  },
  presets: [["classic", {docs: {path: "docs"}, blog: {routeBasePath: "news", blogTitle: `T`}}]],
  plugins: [["@docusaurus/plugin-content-blog", {id: "notes", path: "./notes", routeBasePath: "n"}]],
};
"""
PLUGIN = "docusaurus-plugin-content-blog"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    files = {
        "docusaurus.config.ts": CONFIG,
        "blog/authors.yml": "mara: {name: Mara Ex&aacute;mple, title: Tides &amp; Co, url: x}\n",
        "blog/tags.yml": "sea: {label: The sea}\n",
        f"i18n/br/{PLUGIN}/authors.yml": "mara: {name: Mara Exemplo, title: Marés}\n",
        "blog/2026-01-09-high/index.mdx": page(
            title="High", authors="[mara, {name: Ann}]", tags="[sea, moon]"
        ),
        f"i18n/zh-Hans/{PLUGIN}/2026-01-09-high/index.mdx": page(title="高潮"),
        f"i18n/br/{PLUGIN}/2026-01-09-high/index.mdx": page(title="Alta", authors="mara"),
        "blog/2026/01/10-low.md": "# Low\n\nText.\n",
        "blog/slug.md": page(title="S", slug="/own", date="2026-02-01", last_update="x"),
        "blog/2026-01-11-off.md": page(draft="true"),
        "blog/2026-01-12-secret.md": page(unlisted="true"),
        "blog/_part.mdx": "x",
        "notes/2026-01-13-note.md": page(
            title="Note", author="Bo", author_title="Pilot", last_update="{date: 2026-02-02}"
        ),
        f"i18n/br/{PLUGIN}-notes/2026-01-13-note.md": page(title="Nota"),
        "docs/intro.md": page(title="Intro"),
        "src/pages/about.md": page(title="About"),
        "blog/x.html": "<p>x",
    }
    return build(tmp_path, files)


def test_the_posts_of_all_blogs_are_articles_and_documentation_is_counted(site: Path) -> None:
    assert stories(site) == {
        "2026-01-09-high": {"en", "zh-Hans", "pt-BR"},
        "2026/01/10-low": {"en"},
        "slug": {"en"},
        "notes/2026-01-13-note": {"en", "pt-BR"},
    }
    found = understood(site)
    assert found["blog/2026-01-11-off.md"] == LeftOut(LeftOutReason.DRAFT)
    assert found["blog/2026-01-12-secret.md"] == LeftOut(LeftOutReason.UNLISTED)
    counted = left_out(site)
    assert counted["page: docs"] == counted["page: src"] == 1
    assert counted["hidden: _"] == 1
    assert counted["unknown ending: .html"] == 1


def test_dates_authors_and_tags_stand_in_names_and_lists(site: Path) -> None:
    found = articles(site)
    assert found["blog/2026-01-09-high/index.mdx"].published == date(2026, 1, 9)
    assert found["blog/2026/01/10-low.md"].published == date(2026, 1, 10)
    assert found["blog/slug.md"].published == date(2026, 2, 1)
    assert found["notes/2026-01-13-note.md"].updated == date(2026, 2, 2)
    high = found["blog/2026-01-09-high/index.mdx"]
    mara = Byline(name="Mara Exámple", affiliation="Tides & Co")
    assert high.bylines == (mara, Byline(name="Ann"))
    assert high.topics == ("The sea", "moon")
    (translated,) = found[f"i18n/br/{PLUGIN}/2026-01-09-high/index.mdx"].bylines
    assert translated == Byline(name="Mara Exemplo", affiliation="Marés")
    (pilot,) = found["notes/2026-01-13-note.md"].bylines
    assert pilot == Byline(name="Bo", affiliation="Pilot")


def test_permalinks_have_route_language_and_date_and_pictures_languages(site: Path) -> None:
    found = {path: one.permalink for path, one in articles(site).items()}
    assert found == {
        "blog/2026-01-09-high/index.mdx": "/news/2026/01/09/high",
        f"i18n/zh-Hans/{PLUGIN}/2026-01-09-high/index.mdx": "/zh-Hans/news/2026/01/09/high",
        f"i18n/br/{PLUGIN}/2026-01-09-high/index.mdx": "/br/news/2026/01/09/high",
        "blog/2026/01/10-low.md": "/news/2026/01/10/low",
        "blog/slug.md": "/news/own",
        "notes/2026-01-13-note.md": "/n/2026/01/13/note",
        f"i18n/br/{PLUGIN}-notes/2026-01-13-note.md": "/br/n/2026/01/13/note",
    }
    # A post without a translation stands below the other languages, too.
    assert articles(site)["blog/slug.md"].aliases == ("/zh-Hans/news/own", "/br/news/own")
    assert opened(site).url == "https://tidewatch.example/log"
    path = PurePosixPath(f"i18n/br/{PLUGIN}/2026-01-09-high/index.mdx")
    post = opened(site).classify(path)
    assert isinstance(post, SitePage)
    assert PurePosixPath("blog/2026-01-09-high") in post.beside


@pytest.mark.parametrize(
    ("blog", "kept"),
    [
        ("exclude: ['**/AGENTS.md', 'old/**']", {"a", "b"}),
        *(("exclude: noPosts", {"a", "old"}), ("include: ['**/{a,b}.{md,mdx}']", {"a", "b"})),
        ("exclude: ['*.md'].concat(x), path: 'blog'", set()),
    ],
)
def test_what_a_blog_includes_and_excludes_is_read(
    tmp_path: Path, blog: str, kept: set[str]
) -> None:
    config = f"const noPosts = ['**/b.md'];\nmodule.exports = {{presets: [['classic', {{blog: {{{blog}}}}}]]}};"
    names = {"a": "blog/a.md", "b": "blog/b.md", "old": "blog/old/c.md"}
    documents = {path: page(title="T", date="2026-01-09") for path in names.values()}
    build(tmp_path, {"docusaurus.config.js": config, **documents})
    assert set(articles(tmp_path)) == {names[one] for one in kept}


def test_a_blog_that_is_switched_off_is_none(tmp_path: Path) -> None:
    config = {"docusaurus.config.js": "module.exports = {blog: false}"}
    assert articles(build(tmp_path, config | {"blog/a.md": page(title="A")})) == {}


def test_plain_values_of_a_script_are_found_and_computed_ones_are_not() -> None:
    script = ScriptObject.of_script(
        "/* a: 'no' */ x = {a: 'yes', 'b-c': [\"d\", 'e'], f: g(), h: `${i}`, k: {l: '}'}, m: true}"
    )
    assert script.string("a") == "yes"
    assert script.strings("b-c") == ("d", "e")
    assert script.string("f") is script.string("h") is None
    assert [one.string("l") for one in script.objects("k")] == ["}"]
    assert script.has("m", "true")
    inner = ScriptObject("{a: ['}', 'b'], p: [[x, {c: ['d'], q: {}}]], e: ['{f,g}']}")
    own = inner.without_inner_objects()
    assert (own.strings("a"), own.strings("c"), own.strings("e")) == (
        ("}", "b"),
        (),
        ("{f,g}",),
    )
    assert ScriptObject.of_script("a: 'x'" + " " * 400_000).string("a") is None


def test_a_blog_may_name_its_folder_and_its_lists_as_it_likes(tmp_path: Path) -> None:
    config = """
plugins: [["@docusaurus/plugin-content-blog", {
  id: "logs", path: "_site/logs", authorsMapPath: "people/team.yml", tags: "labels.yml"
}]],
presets: [["classic", {blog: false}]]
"""
    files = {
        "docusaurus.config.js": config,
        "_site/logs/people/team.yml": "mara: {name: Mara Example}\n",
        "_site/logs/labels.yml": "sea: {label: The sea}\n",
        "_site/logs/2026-01-09-low.md": page(title="Low", authors="mara", tags="[sea]"),
        "_site/logs/_part.md": "x",
    }
    found = only_article(tmp_path, files)
    assert (found.bylines, found.topics) == ((Byline(name="Mara Example"),), ("The sea",))
    assert left_out(tmp_path)["hidden: _"] == 1


def test_authors_without_a_name_are_left_out(tmp_path: Path) -> None:
    authors = "[{image_url: x.png}, {name: Ann}]"
    document = page(title="Low", authors=authors)
    files = {"docusaurus.config.js": "", "blog/2026-01-09-low.md": document}
    found = only_article(tmp_path, files)
    assert found.bylines == (Byline(name="Ann"),)


@pytest.mark.parametrize(
    ("version", "shown", "problems"),
    [
        ("2.0.0-rc.1", "Set {spec.tag} to 1 and {x}.", []),
        ("^2.4.3", "Set {spec.tag} to 1 and {x}.", []),
        ("^3.2.0", "Set  to 1 and .", ["{spec.tag}", "{x}"]),
        ("20.0.0", "Set  to 1 and .", ["{spec.tag}", "{x}"]),
    ],
)
def test_braces_in_prose_are_text_on_sites_of_docusaurus_2(
    tmp_path: Path, version: str, shown: str, problems: list[str]
) -> None:
    files = {
        "docusaurus.config.js": "module.exports = {};",
        "package.json": f'{{"dependencies": {{"@docusaurus/core": "{version}"}}}}',
        "blog/2026-01-09-a.md": "# A\n\nSet {spec.tag} to 1 and {x}.\n\n"
        "<b>High {'water'}</b>{/* hidden */}\n",
    }
    article = only_article(tmp_path, files)
    assert article.html == f"<p>{shown}</p>\n<p><b>High water</b></p>"
    assert [problem.what for problem in article.problems] == problems


def test_code_by_indentation_is_code_on_sites_of_docusaurus_2(tmp_path: Path) -> None:
    text = "\nTo see it:\n\n\tkind: <change me> {a}\n\n\tkind: b\n\n- One\n\n    And <b>more</b> {x}\n"
    files = {
        "docusaurus.config.js": "module.exports = {};",
        "package.json": '{"dependencies": {"@docusaurus/core": "2.4.3"}}',
        "blog/2026-01-09-a.md": page(title="A") + text,
    }
    html = only_article(tmp_path, files).html
    assert "<pre><code>kind: &lt;change me&gt; {a}\n\nkind: b\n</code></pre>" in html
    assert "<p>And <b>more</b> {x}</p>" in html
