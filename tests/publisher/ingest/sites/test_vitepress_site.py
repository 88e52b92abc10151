"""A site of VitePress, by its locales."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from publisher.ingest.sites.base import LeftOut, LeftOutReason
from tests.publisher.ingest.sites.helpers import (
    articles,
    build,
    left_out,
    opened,
    page,
    stories,
    understood,
)

CONFIG = """
export default defineConfig({
  title: "Tidewatch", cleanUrls: true, srcDir: "./texts",
  sitemap: { hostname: 'https://tidewatch.example' },
  locales: { root: { label: 'English', lang: 'en-US' }, zh: { lang: "zh-CN", link: '/zh/' } },
})
"""


def site(folder: Path) -> Path:
    return build(
        folder,
        {
            "docs/.vitepress/config.mts": CONFIG,
            "docs/texts/index.md": page(layout="home"),
            "docs/texts/guide.md": page(title="Guide"),
            "docs/texts/news.md": page(title="News", layout="page", date="2026-01-09"),
            "docs/texts/blog/index.md": page(title="All posts"),
            "docs/texts/blog/tide.md": "# Tide\n\nIn.\n",
            "docs/texts/zh/blog/tide.md": page(title="潮", date="2026-01-09"),
            "docs/texts/changes.md": page(title="Changes", date="2026-01-10"),
            "docs/other.md": page(title="Outside"),
        },
    )


def test_dated_pages_and_posts_are_articles(tmp_path: Path) -> None:
    folder = site(tmp_path)
    assert stories(folder) == {"blog/tide": {"en-US", "zh-Hans"}, "changes": {"en-US"}}
    found = articles(folder)
    assert found["docs/texts/blog/tide.md"].title == "Tide"
    assert found["docs/texts/changes.md"].published == date(2026, 1, 10)
    assert found["docs/texts/zh/blog/tide.md"].permalink == "/zh/blog/tide"


def test_other_pages_are_counted(tmp_path: Path) -> None:
    folder = site(tmp_path)
    found = understood(folder)
    assert found["docs/texts/guide.md"] == LeftOut(LeftOutReason.PAGE, "")
    assert found["docs/texts/news.md"] == LeftOut(LeftOutReason.PAGE, "")
    assert left_out(folder)["list: blog"] == left_out(folder)["template: docs"] == 1
    assert opened(folder).url == "https://tidewatch.example"


def test_a_site_without_locales_has_the_folders_of_languages(tmp_path: Path) -> None:
    document = page(title="T", date="2026-01-09")
    build(tmp_path, {".vitepress/config.js": "", "a.md": document, "fr/a.md": document})
    assert stories(tmp_path) == {"a": {"en", "fr"}}
    assert articles(tmp_path)["fr/a.md"].permalink == "/fr/a.html"


def test_excluded_sources_are_left_out(tmp_path: Path) -> None:
    build(
        tmp_path,
        {
            ".vitepress/config.ts": "export default { srcExclude: ['**/draft.md', 'old/**'] }",
            "blog/draft.md": page(title="Draft"),
            "blog/tide.md": page(title="Tide"),
            "old/blog/a.md": page(title="A"),
        },
    )
    assert set(articles(tmp_path)) == {"blog/tide.md"}
    assert left_out(tmp_path)["excluded: old"] == 1


def test_the_title_is_the_first_heading_wherever_it_stands(tmp_path: Path) -> None:
    text = "Before.\n\n# High *water*\n\nThe tide comes in.\n"
    build(tmp_path, {".vitepress/config.ts": "", "blog/x.md": text})
    (found,) = articles(tmp_path).values()
    assert found.title == "High water"
    assert "High" in found.html


def test_a_file_that_a_page_includes_is_part_of_it(tmp_path: Path) -> None:
    text = "Before.\n\n<!--@include: ./parts/a.md-->\n\n<!-- @include: @/b.md{1,2} -->\n\n<!--@include: ./no.md-->\n"
    build(
        tmp_path,
        {
            "docs/.vitepress/config.ts": "",
            "docs/blog/x.md": page(title="X") + text,
            "docs/blog/parts/a.md": "---\nlayout: page\n---\nThe *ebb*.\n",
            "docs/b.md": "The flood.\n",
        },
    )
    found = articles(tmp_path)["docs/blog/x.md"]
    assert "<p>The <em>ebb</em>.</p>" in found.html
    assert "The flood." in found.html
    (problem,) = found.problems
    assert (problem.kind, problem.what) == ("missing-include", "<!--@include: ./no.md-->")
