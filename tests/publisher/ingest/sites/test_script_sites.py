"""Sites of Eleventy and of VitePress, which are configured by scripts."""

from datetime import date
from pathlib import Path

from publisher.articles.model import Byline
from publisher.ingest.sites.base import LeftOut, LeftOutReason
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

ELEVENTY = "export default function (c) { return { dir: { input: 'src', output: 'dist' } }; }"


def eleventy(folder: Path) -> Path:
    files = {
        "eleventy.config.js": ELEVENTY,
        "src/_data/site.json": '{"url": "https://tidewatch.example/", "title": "Tides"}',
        "src/_data/people.json": '{"mara": {"name": "Mara Example", "role": "Pilot"}}',
        "src/_includes/x.md": "x",
        "src/en/en.json": '{"lang": "en"}',
        "src/fr/fr.11tydata.json": '{"lang": "fr"}',
        "src/en/blog/blog.json": '{"tags": ["posts"], "author": "mara"}',
        "src/en/blog/2026-01-09-tide.md": page(title="Tide", tags="[sea, post]"),
        "src/fr/blog/2026-01-09-tide.md": page(title="Marée"),
        "src/en/blog/undated.md": page(title="Undated", date="Last Modified"),
        "src/en/blog/off.md": page(title="Off", date="2026-01-01", permalink="false"),
        "src/en/about.md": page(title="About"),
        "src/en/hidden.md": page(date="2026-01-01", eleventyExcludeFromCollections="true"),
        "src/en/own.md": page(title="O", date="2026-01-10", permalink="/o.html"),
        "src/en/list.njk": "x",
        "dist/en/about.md": page(title="A copy", date="2026-01-09"),
    }
    return build(folder, files)


def test_the_articles_of_eleventy_have_the_data_of_their_folders(tmp_path: Path) -> None:
    folder = eleventy(tmp_path)
    assert set(articles(folder)) == {
        "src/en/blog/2026-01-09-tide.md",
        "src/fr/blog/2026-01-09-tide.md",
        "src/en/blog/undated.md",
        "src/en/own.md",
    }
    found = understood(folder)
    assert found["src/en/about.md"] == LeftOut(LeftOutReason.PAGE, "en")
    assert found["src/en/blog/off.md"] == LeftOut(LeftOutReason.UNLISTED)
    assert found["src/en/hidden.md"] == LeftOut(LeftOutReason.UNLISTED)
    assert left_out(folder)["folder: dist"] == left_out(folder)["unknown ending: .njk"] == 1
    tide = articles(folder)["src/en/blog/2026-01-09-tide.md"]
    assert tide.bylines == (Byline(name="Mara Example", affiliation="Pilot"),)
    assert (tide.topics, tide.published) == (("sea",), date(2026, 1, 9))
    assert (tide.language, tide.permalink) == ("en", "/en/blog/tide/")
    assert articles(folder)["src/en/own.md"].permalink == "/o.html"
    assert stories(folder)["blog/2026-01-09-tide"] == {"en", "fr"}
    assert (opened(folder).url, opened(folder).title) == ("https://tidewatch.example", "Tides")


def test_permalinks_of_directory_data_have_the_values_of_their_page(tmp_path: Path) -> None:
    post = "---\ntitle: Low tide!\ndate: 2026-01-09\n---\n{{ page.url }} {{ page.fileSlug }}\n"
    files = {
        "eleventy.config.js": "",
        "a/a.json": '{"permalink": "/p/{{ page.fileSlug }}/"}',
        "b/b.json": '{"permalink": "/{{ title | slugify }}/index.html"}',
        "c/c.json": '{"permalink": "{{ page.filePathStem }}.html"}',
        "d/d.json": '{"permalink": "/{{ unknown }}/"}',
        **{f"{name}/2026-01-09-ebb.md": post for name in "abcd"},
    }
    found = articles(build(tmp_path, files))
    permalinks = [article.permalink for _path, article in sorted(found.items())]
    assert permalinks == ["/p/ebb/", "/low-tide/index.html", "/c/ebb.html", None]
    assert found["a/2026-01-09-ebb.md"].text == "/p/ebb/ ebb"


def test_data_that_a_script_exports_as_texts_hold_for_its_folder(tmp_path: Path) -> None:
    script = """
// module.exports = {lang: 'de'};
module.exports = {
  lang: "fr", tags: ['posts', 'sea'], permalink: `/log/{{ page.fileSlug }}/`,
  eleventyComputed: { lang: 'nl', title(data) { return {author: 'no'}; } },
  date: (data) => { return {author: 'no'}; },
  author: 'mara',
};
"""
    files = {
        "eleventy.config.js": "",
        "_data/authorsData.json": '{"mara": {"name": {"fr": "Mara Exemple"}}}',
        "log/log.11tydata.js": script,
        "log/tide.md": page(title="Marée"),
        "log/ebb.md": page(title="Reflux", authors="[Ann]"),
    }
    build(tmp_path, files)
    texts = articles(tmp_path)
    assert texts["log/ebb.md"].bylines == (Byline(name="Ann"),)
    found = texts["log/tide.md"]
    assert (found.language, found.topics, found.permalink) == ("fr", ("sea",), "/log/tide/")
    assert found.bylines == (Byline(name="Mara Exemple"),)


VITEPRESS = """
export default defineConfig({
  title: "Tidewatch", cleanUrls: true, srcDir: "./texts",
  sitemap: { hostname: 'https://tidewatch.example' },
  locales: { root: { label: 'English', lang: 'en-US' }, zh: { lang: "zh-CN", link: '/zh/' } },
})
"""


def vitepress(folder: Path) -> Path:
    files = {
        "docs/.vitepress/config.mts": VITEPRESS,
        "docs/texts/index.md": page(layout="home"),
        "docs/texts/guide.md": page(title="Guide"),
        "docs/texts/news.md": page(title="News", layout="page", date="2026-01-09"),
        "docs/texts/blog/index.md": page(title="All posts"),
        "docs/texts/blog/tide.md": "# Tide\n\nIn.\n",
        "docs/texts/zh/blog/tide.md": page(title="潮", date="2026-01-09"),
        "docs/texts/changes.md": page(title="Changes", date="2026-01-10"),
        "docs/other.md": page(title="Outside"),
    }
    return build(folder, files)


def test_dated_pages_and_posts_of_vitepress_are_articles_and_others_are_counted(
    tmp_path: Path,
) -> None:
    folder = vitepress(tmp_path)
    assert stories(folder) == {"blog/tide": {"en-US", "zh-Hans"}, "changes": {"en-US"}}
    found = articles(folder)
    assert found["docs/texts/blog/tide.md"].title == "Tide"
    assert found["docs/texts/changes.md"].published == date(2026, 1, 10)
    assert found["docs/texts/zh/blog/tide.md"].permalink == "/zh/blog/tide"
    all_found = understood(folder)
    assert all_found["docs/texts/guide.md"] == LeftOut(LeftOutReason.PAGE, "")
    assert all_found["docs/texts/news.md"] == LeftOut(LeftOutReason.PAGE, "")
    assert left_out(folder)["list: blog"] == left_out(folder)["template: docs"] == 1
    assert opened(folder).url == "https://tidewatch.example"


def test_a_site_without_locales_has_the_folders_of_languages(tmp_path: Path) -> None:
    document = page(title="T", date="2026-01-09")
    build(tmp_path, {".vitepress/config.js": "", "a.md": document, "fr/a.md": document})
    assert stories(tmp_path) == {"a": {"en", "fr"}}
    assert articles(tmp_path)["fr/a.md"].permalink == "/fr/a.html"


def test_excluded_sources_are_left_out(tmp_path: Path) -> None:
    files = {
        ".vitepress/config.ts": "export default { srcExclude: ['**/draft.md', 'old/**'] }",
        "blog/draft.md": page(title="Draft"),
        "blog/tide.md": page(title="Tide"),
        "old/blog/a.md": page(title="A"),
    }
    build(tmp_path, files)
    assert set(articles(tmp_path)) == {"blog/tide.md"}
    assert left_out(tmp_path)["excluded: old"] == 1


def test_the_title_is_the_first_heading_wherever_it_stands(tmp_path: Path) -> None:
    text = "Before.\n\n# High *water*\n\nThe tide comes in.\n"
    found = only_article(tmp_path, {".vitepress/config.ts": "", "blog/x.md": text})
    assert found.title == "High water"
    assert "High" in found.html
