"""A site of Eleventy, by its folders and directory data files."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from publisher.articles.model import Byline
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

CONFIG = "export default function (c) { return { dir: { input: 'src', output: 'dist' } }; }"


def site(folder: Path) -> Path:
    return build(
        folder,
        {
            "eleventy.config.js": CONFIG,
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
        },
    )


def test_documents_with_a_date_or_tagged_as_posts_are_articles(tmp_path: Path) -> None:
    folder = site(tmp_path)
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


def test_data_of_folders_hold_for_their_documents(tmp_path: Path) -> None:
    folder = site(tmp_path)
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

    assert {path[0]: one.permalink for path, one in found.items()} == {
        "a": "/p/ebb/",
        "b": "/low-tide/index.html",
        "c": "/c/ebb.html",
        "d": None,
    }
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
    build(
        tmp_path,
        {
            "eleventy.config.js": "",
            "_data/authorsData.json": '{"mara": {"name": {"fr": "Mara Exemple"}}}',
            "log/log.11tydata.js": script,
            "log/tide.md": page(title="Marée"),
            "log/ebb.md": page(title="Reflux", authors="[Ann]"),
        },
    )
    texts = articles(tmp_path)
    assert texts["log/ebb.md"].bylines == (Byline(name="Ann"),)
    found = texts["log/tide.md"]
    assert (found.language, found.topics, found.permalink) == ("fr", ("sea",), "/log/tide/")
    assert found.bylines == (Byline(name="Mara Exemple"),)
