"""Whether a site has a page, by names and by what its pages state."""

from __future__ import annotations

import pytest

from publisher.articles.content.internal_links import LinkTarget
from publisher.ingest.known_pages import KnownPages, may_be_page, stated_addresses


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
        ("/base/docs", "docs/tides.md"),
        ("/base/tides", "src/pages/tides.tsx"),
        ("/base/%E6%BD%AE/", "docs/潮.md"),
        ("/base/x/sitemap.xml", "x.md"),
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


def test_what_stands_before_a_value_that_is_filled_in_is_enough() -> None:
    assert has("/base/t/sea/", stated=("/t/*",))
    assert not has("/base/s/sea/", stated=("/t/*",))
    assert has("/base/start", stated=("start",))


def test_scripts_are_pages_only_where_a_generator_reads_them_so() -> None:
    paths = ("src/pages/a.jsx", "src/a.jsx", "a.11ty.js", "static/a.js", "a.njk", "_redirects")
    assert [may_be_page(one) for one in paths] == [True, False, True, False, True, True]
