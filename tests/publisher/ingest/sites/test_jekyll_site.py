"""A site of Jekyll as Jekyll reads it."""

from datetime import date, datetime
from pathlib import Path, PurePosixPath

import pytest

from publisher.articles.model import Byline, ParsedArticle
from publisher.i18n.article_problems import ProblemKind
from publisher.ingest.sites.base import LeftOut, LeftOutReason, SiteOptions, SitePage
from publisher.ingest.sites.configuration import ConfigurationFiles
from publisher.ingest.sites.detect import open_site
from tests.publisher.ingest.helpers import png
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
url: https://tidewatch.example
baseurl: /log
lang: en
permalink: /:categories/:year/:month/:day/:title/
collections:
  articles: {output: true}
  guides: {output: true, permalink: "/guides/:slug.html"}
  people: {output: false}
defaults:
  - scope: {path: "", type: posts}
    values: {author: mara, published: true}
  - scope: {path: "_posts/fr"}
    values: {lang: fr}
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    files = {
        "_config.yml": CONFIG,
        "_data/authors.yml": "mara: {name: Mara Example, title: Tide Office}\n",
        "_posts/2026-01-09-spring-tides.md": page(title="Spring tides", tags="sea moon"),
        "_posts/fr/2026-01-09-spring-tides.md": page(title="Grandes marées"),
        "_posts/2026-02-30-no-day.md": page(title="No day", date="2026-03-01 08:00"),
        "_posts/undated.md": page(title="Undated"),
        "_posts/2026-01-10-off.md": page(title="Off", published="false"),
        "news/_posts/2026-01-11-x.md": page(categories="harbour", author="Ann"),
        "_drafts/idea.md": page(title="Idea"),
        "_articles/how.md": page(title="How", lang="en"),
        "_guides/dated.md": page(title="Dated", date="2026-01-05"),
        "_guides/undated.md": page(title="Undated guide"),
        "_people/mara.md": page(title="Mara"),
        "_includes/x.md": "x",
        "about.md": page(title="About"),
        "README.md": "# Site",
        "_site/index.html": "<p>x",
    }
    return build(tmp_path, files)


def test_posts_and_collections_are_articles_and_the_rest_is_counted(site: Path) -> None:
    assert set(articles(site)) == {
        "_posts/2026-01-09-spring-tides.md",
        "_posts/fr/2026-01-09-spring-tides.md",
        "_posts/2026-02-30-no-day.md",
        "news/_posts/2026-01-11-x.md",
        "_articles/how.md",
        "_guides/dated.md",
    }
    found = understood(site)
    assert found["_posts/2026-01-10-off.md"] == LeftOut(LeftOutReason.DRAFT)
    assert found["_guides/undated.md"] == LeftOut(LeftOutReason.PAGE, "guides")
    assert left_out(site) == {
        "draft: _drafts": 1,
        "page: _posts, no date in the name": 1,
        "page: collection people without output": 1,
        "page: ": 1,
        "readme: README.md": 1,
        "folder: _includes": 1,
        "folder: _data": 1,
        "folder: _site": 1,
        "unknown ending: .yml": 1,
    }
    assert set(articles(site, include=("about.md",))) == {"about.md"}


def test_dates_defaults_tags_authors_and_permalinks_are_jekylls(site: Path) -> None:
    found = articles(site)
    post = found["_posts/2026-01-09-spring-tides.md"]
    assert post.published == date(2026, 1, 9)
    assert post.topics == ("sea", "moon")
    assert post.bylines == (Byline(name="Mara Example", affiliation="Tide Office"),)
    assert found["_posts/2026-02-30-no-day.md"].published == datetime(2026, 3, 1, 8)  # noqa: DTZ001  # front matter has no zone
    assert found["news/_posts/2026-01-11-x.md"].title == "X"
    links = {path: one.permalink for path, one in found.items()}
    assert links["_posts/2026-01-09-spring-tides.md"] == "/2026/01/09/spring-tides/"
    assert links["news/_posts/2026-01-11-x.md"] == "/news/harbour/2026/01/11/x/"
    assert links["_articles/how.md"] == "/articles/how/"
    assert links["_guides/dated.md"] == "/guides/dated.html"
    assert opened(site).url == "https://tidewatch.example/log"
    assert stories(site)["_posts/2026-01-09-spring-tides"] == {"en", "fr"}


@pytest.mark.parametrize(
    ("english", "french"),
    [
        ({"lang": "en", "ref": "tides"}, {"lang": "fr", "ref": "tides"}),
        ({"lang": "en", "lang-ref": "tides"}, {"lang": "fr", "lang-ref": "tides"}),
        ({"lang": "en", "page_id": "tides"}, {"lang": "fr", "page_id": "tides"}),
        ({"lang": "en", "id": "en-high-tide"}, {"lang": "fr", "id": "fr-high-tide"}),
        ({"lang": "en", "id": "high-tide-en"}, {"lang": "fr", "id": "high-tide-fr"}),
        ({"lang": "en", "name": "high-tide"}, {"lang": "fr", "name": "high-tide"}),
        ({"lang": "en", "permalink": "/en/tide/"}, {"lang": "fr", "permalink": "/fr/tide/"}),
        ({"permalink": "/tide/"}, {"lang": "fr", "permalink": "/tide/"}),
    ],
)
def test_translations_are_linked_by_what_is_the_same_but_for_the_language(
    tmp_path: Path, english: dict[str, str], french: dict[str, str]
) -> None:
    files = {
        "_config.yml": "url: https://tidewatch.example",
        "_posts/2026-01-09-tide.md": page(title="Tide", **english),
        "_posts/2026-01-09-maree.md": page(title="Marée", **french),
    }
    build(tmp_path, files)
    assert list(stories(tmp_path).values()) == [{"en", "fr"}]


def test_a_suffix_of_the_own_language_is_no_part_of_the_story(tmp_path: Path) -> None:
    files = {
        "_config.yml": "languages: [en, ja, zh_CN]\ndefault_lang: en\npermalink: pretty",
        "_posts/en/2026-01-09-tide.md": page(title="Tide", lang="en"),
        "_posts/ja/2026-01-09-tide-ja.md": page(title="潮", lang="ja"),
        "_posts/zh_CN/2026-01-09-tide.md": page(title="潮", lang="zh_CN"),
    }
    build(tmp_path, files)
    assert list(stories(tmp_path).values()) == [{"en", "ja", "zh-Hans"}]
    permalinks = {one.permalink for one in articles(tmp_path).values()}
    assert permalinks == {
        "/2026/01/09/tide/",
        "/ja/2026/01/09/tide-ja/",
        "/zh_CN/2026/01/09/tide/",
    }


def test_i18n_folders_and_old_addresses(tmp_path: Path) -> None:
    files = {
        "_config.yml": "languages: [en, fr]",
        "_i18n/en/_posts/2026-01-09-tide.md": page(title="Tide", redirect_from="old/tide"),
        "_i18n/fr/_posts/2026-01-09-tide.md": page(
            title="Marée", canonical_url="https://elsewhere.example/tide"
        ),
    }
    build(tmp_path, files)
    assert stories(tmp_path) == {"_i18n/_posts/2026-01-09-tide": {"en", "fr"}}
    english, french = articles(tmp_path).values()
    assert english.aliases == ("/old/tide",)
    assert (french.url, french.canonical) == (None, "https://elsewhere.example/tide")


def test_templates_see_configuration_data_and_includes(site: Path) -> None:
    jekyll = opened(site)
    post = jekyll.classify(PurePosixPath("_posts/2026-01-09-spring-tides.md"))
    assert isinstance(post, SitePage)
    values = jekyll.values(post)
    assert values.site["baseurl"] == "/log"
    assert values.data["authors"]["mara"]["title"] == "Tide Office"
    assert values.include("x.md") == "x"
    assert values.include("../../outside.md") is None

    def digest() -> str:
        files = ConfigurationFiles(site)
        open_site(files, SiteOptions())
        return files.digest

    before = digest()
    assert digest() == before
    (site / "_data/authors.yml").write_text("mara: {name: Mara Other}\n")
    assert digest() != before


def test_what_plugins_for_languages_add_is_known(tmp_path: Path) -> None:
    text = "[a]({{ site.baseurl }}/x) {{ site.lang }} [b](/y{{ site.baseurl_root }}) {% t words.tide %} {% translate page.word %} {% tf ebb.md %}\n"
    config = "plugins: [jekyll-multiple-languages-plugin]\nlanguages: [en, fr]\n"
    files = {
        "_config.yml": config,
        "_i18n/en.yml": "words: {tide: Tide, ebb: Ebb}",
        "_i18n/fr.yml": "words: {tide: Marée}",
        "_i18n/fr/ebb.md": "Reflux",
        "_posts/2026-01-09-a.md": page(title="A", word="words.ebb")
        + text.replace("{% tf ebb.md %}", ""),
        "_i18n/fr/_posts/2026-01-09-a.md": page(title="A", word="words.ebb") + text,
        "_posts/2026-01-10-b.md": page(title="B") + "\n{% t words.none %}\n",
    }
    found = articles(build(tmp_path, files))
    english, french = found["_posts/2026-01-09-a.md"], found["_i18n/fr/_posts/2026-01-09-a.md"]
    assert (english.problems, french.problems) == ((), ())
    assert "en b Tide Ebb" in english.text
    assert "fr b Marée Ebb Reflux" in french.text
    assert any("/fr/x" in one.target for one in french.links)
    (unknown,) = found["_posts/2026-01-10-b.md"].problems
    assert (unknown.kind, unknown.what) == (ProblemKind.UNKNOWN_TAG, "{% t words.none %}")


def test_only_folders_below_the_source_are_categories(tmp_path: Path) -> None:
    config = "source: src\ncollections_dir: all\npermalink: pretty\n"
    files = {
        "_config.yml": config,
        "src/sea/_posts/2026-01-09-tide.md": page(title="Tide"),
        "src/all/_posts/2026-01-10-ebb.md": page(title="Ebb"),
    }
    found = articles(build(tmp_path, files))
    permalinks = {article.permalink for article in found.values()}
    assert permalinks == {"/2026/01/10/ebb/", "/sea/2026/01/09/tide/"}


def test_the_authors_of_a_post_replace_the_author_of_the_site(tmp_path: Path) -> None:
    config = "defaults:\n- {scope: {path: ''}, values: {author: Ada Lark}}\n"
    post = page(title="Tide", authors="[Ben Ruiz, Cy Moor]")
    files = {"_config.yml": config, "_posts/2026-01-09-tide.md": post}
    found = articles(build(tmp_path, files | {"_posts/2026-01-10-ebb.md": page(title="Ebb")}))
    names = [[one.name for one in article.bylines] for article in found.values()]
    assert names == [["Ben Ruiz", "Cy Moor"], ["Ada Lark"]]


def test_templates_have_the_defaults_of_a_page_and_its_address(tmp_path: Path) -> None:
    config = "defaults:\n- {scope: {path: _posts}, values: {crew: Ada, lang: en}}\n"
    text = "---\n---\n{{ page.crew }} {{ page.lang }} {{ page.title }} {{ page.slug }} {{ page.url }}\n"
    files = {"_config.yml": config, "_posts/2026-01-09-low-tide.md": text}
    found = only_article(tmp_path, files)
    assert found.text == "Ada en Low Tide low-tide /2026/01/09/low-tide.html"
    assert found.problems == ()


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("Ebb &amp; flow &mdash; <em>a <b>new</b> one</em>", "Ebb & flow — a new one"),
        ("The tide<br>comes", "The tide comes"),
        ("Prix&nbsp;: 5 < 6 &lt;br&gt; AT&T", "Prix\N{NO-BREAK SPACE}: 5 < 6 <br> AT&T"),
    ],
)
def test_titles_and_summaries_of_sites_are_text(
    tmp_path: Path, written: str, title: str
) -> None:
    post = page(title=f"'{written}'", description=f"'{written}'")
    found = only_article(tmp_path, {"_config.yml": "", "_posts/2026-01-09-a.md": post})
    assert (found.title, found.summary) == (title, title)


def filled(folder: Path, body: str, *, config: str = "", matter: str = "") -> ParsedArticle:
    """Return a post of Jekyll with this text, in a site whose source is a folder."""
    files = {
        "_config.yml": f"source: src\n{config}",
        "src/sea/_posts/2026-01-09-low-tide.md": f"---\n{matter}---\n{body}\n",
    }
    return only_article(folder, files)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("{{ page.id }}", "/sea/2026/01/09/low-tide"),
        ("{{ page.path }}", "sea/_posts/2026-01-09-low-tide.md"),
        ("{{ page.relative_path }}{{ page.ext }}", "sea/_posts/2026-01-09-low-tide.md.md"),
        ("{{ page.categories | join: '+' }}", "sea"),
        ("Tags: {{ page.tags | join: '+' }}.", "Tags: ."),
        ("The *moon*.\n\nAgain: {{ page.excerpt | strip_html }}", "Again: The moon."),
    ],
)
def test_templates_have_what_jekyll_itself_says_of_a_page(
    tmp_path: Path, body: str, text: str
) -> None:
    found = filled(tmp_path, body)
    assert found.text.endswith(text)
    assert found.problems == ()


def test_the_excerpt_ends_at_the_separator_of_the_site(tmp_path: Path) -> None:
    body = "One.\n\nTwo.\n<!--more-->\nThree. {{ page.excerpt | strip_html | strip_newlines }}"
    found = filled(tmp_path, body, config="excerpt_separator: <!--more-->\n")
    assert "One.Two." in found.text
    own = filled(tmp_path, "One.\n\n{{ page.excerpt }}", matter="excerpt: Mine.\n")
    assert own.text.endswith("Mine.")


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("{{ site.posts.size }} posts", "{{ site.posts.size }}"),
        ("{{ site.posts | size }} posts", "site.posts"),
        ("{% for post in site.tags.sea %}{{ post.title }}{% endfor %}", "site.tags"),
        ("{% for one in site.reports limit: 3 %}{{ one.title }}{% endfor %}", "site.reports"),
        ("Before: {{ page.previous.title }}", "{{ page.previous.title }}"),
    ],
)
def test_lists_of_other_documents_do_not_vanish_in_silence(
    tmp_path: Path, body: str, what: str
) -> None:
    found = filled(tmp_path, f"Tide.\n\n{body}", config="collections: [reports]\n")
    assert [(one.kind, one.what) for one in found.problems] == [(ProblemKind.EMPTY_VALUE, what)]


def test_a_collection_for_each_language_has_the_same_stories(tmp_path: Path) -> None:
    config = """
locales: {default: {lang: en}, pt: {lang: pt-PT}, mo: {lang: zh-MO}}
collections: {posts_pt: {output: true}, posts_mo: {output: true}}
"""
    files = {
        "_config.yml": config,
        "_posts/2026-01-09-tide.md": page(title="Tide"),
        "_posts_pt/2026-01-09-tide.md": page(title="Maré"),
        "_posts_mo/2026-01-09-tide.md": page(title="潮"),
        "_posts/2026-01-10-ebb.md": page(title="Ebb", language_reference="ebb"),
        "_posts_pt/2026-01-10-vaza.md": page(title="Vaza", language_reference="ebb"),
    }
    build(tmp_path, files)
    assert stories(tmp_path) == {
        "_posts/2026-01-09-tide": {"en", "pt-PT", "zh-Hant-MO"},
        "ebb": {"en", "pt-PT"},
    }


def test_pictures_are_found_below_the_path_at_which_the_site_stands(tmp_path: Path) -> None:
    config = "url: https://l.example\nbaseurl: /log\n"
    picture = "![Pier]({{ '/pier.png' | relative_url }})\n"
    (tmp_path / "pier.png").write_bytes(png(40, 30))
    post = page(title="Tide") + picture
    found = only_article(tmp_path, {"_config.yml": config, "_posts/2026-01-09-tide.md": post})
    assert [one.path for one in found.media] == ["pier.png"]
    assert [one.kind for one in found.problems] == []


def test_codes_of_countries_are_languages_and_others_are_problems(tmp_path: Path) -> None:
    files = {
        "_config.yml": "lang: en\npermalink: pretty\n",
        "ua/news/_posts/2026-01-09-tides.md": page(title="Pryplyvy", lang="ua"),
        "cz/news/_posts/2026-01-09-tides.md": page(title="Přílivy"),
        "en/news/_posts/2026-01-09-tides.md": page(title="Tides", lang="en"),
        "_posts/2026-01-10-odd.md": page(title="Odd", lang="runes"),
    }
    build(tmp_path, files)
    found = articles(tmp_path)
    languages = {article.title: article.language for article in found.values()}
    assert languages == {"Pryplyvy": "uk", "Přílivy": "cs", "Tides": "en", "Odd": "en"}
    assert len({one.key for one in found.values()}) == 2
    assert [(one.kind, one.what) for one in found["_posts/2026-01-10-odd.md"].problems] == [
        (ProblemKind.UNKNOWN_FIELD, "lang: runes is no language; en was taken")
    ]


@pytest.mark.parametrize(
    ("files", "address"),
    [
        ({"CNAME": "tides.example\n"}, "https://tides.example"),
        ({"CNAME": "tides.example\n", "_config.yml": CONFIG}, "https://tidewatch.example/log"),
        ({"CNAME": "not a domain"}, ""),
    ],
)
def test_the_domain_of_github_pages_is_the_address_of_a_site(
    tmp_path: Path, files: dict[str, str], address: str
) -> None:
    build(tmp_path, {"_config.yml": "lang: en\n", **files})
    assert opened(tmp_path).url == address
