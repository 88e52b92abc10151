"""A site of Hugo as Hugo reads it."""

from datetime import UTC, date, datetime
from pathlib import Path, PurePosixPath

import pytest

from publisher.articles.model import Byline
from publisher.ingest.parsers.document import Dialect
from publisher.ingest.parsers.front_matter import split_front_matter
from publisher.ingest.sites.base import LeftOut, LeftOutReason, SitePage
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
baseURL = "https://tidewatch.example/"
defaultContentLanguage = "en"
[permalinks]
posts = "/:year/:month/:slug/"
[languages.en]
contentDir = "content/english"
[languages.fr]
contentDir = "content/french"
[languages.cn]
locale = "zh-CN"
contentDir = "content/chinese"
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    toml = '+++\ntitle = "High water"\ndate = 2026-01-09T08:00:00Z\nslug = "high"\n+++\nText.\n'
    json = '{"title": "Basse mer", "date": "2026-01-10", "tags": ["sea"], "draft": false}\nTexte.\n'
    files = {
        "hugo.toml": CONFIG,
        "data/authors.yaml": "mara: {name: Mara Example, affiliation: Tide Office}\n",
        "content/english/_index.md": page(title="Home"),
        "content/english/posts/_index.md": page(title="Posts"),
        "content/english/posts/high.md": toml,
        "content/french/posts/high.md": page(title="Pleine mer", date="2026-01-09"),
        "content/chinese/posts/high.md": page(title="高潮", date="2026-01-09"),
        "content/english/posts/low/index.md": page(
            title="Low", date="2026-01-10", author="mara", lastmod="2026-02-01"
        ),
        "content/english/posts/low/notes.md": page(title="A part of the bundle"),
        "content/french/posts/low/index.md": json,
        "content/english/posts/off.md": page(title="Off", draft="true", date="2026-01-01"),
        "content/english/posts/undated.md": page(title="Undated"),
        "content/english/docs/use.md": page(
            title="Use", lastmod="2026-01-03", untranslated="true"
        ),
        "content/english/docs/bare.md": page(title="No date"),
        "content/english/search.md": page(title="S", layout="search", date="2026-01-01"),
        "content/french/docs/use.md": page(slug="use", untranslated="1"),
        # Of no language that the site declares.
        "content/farsi/posts/high.md": page(title="مد", date="2026-01-09"),
        "layouts/x.html": "<p>x",
        "static/a.png": "",
    }
    return build(tmp_path, files)


def test_regular_pages_with_a_date_are_articles_and_the_rest_is_counted(site: Path) -> None:
    assert set(articles(site)) == {
        "content/english/posts/high.md",
        "content/french/posts/high.md",
        "content/chinese/posts/high.md",
        "content/english/posts/low/index.md",
        "content/french/posts/low/index.md",
        "content/english/posts/undated.md",
        "content/english/docs/use.md",
    }
    found = understood(site)
    assert found["content/english/posts/off.md"] == LeftOut(LeftOutReason.DRAFT)
    assert found["content/english/docs/bare.md"] == LeftOut(LeftOutReason.PAGE, "docs")
    assert found["content/english/search.md"] == LeftOut(LeftOutReason.LIST, "")
    # Held back rightly, although it has no title and no text.
    assert found["content/french/docs/use.md"] == LeftOut(LeftOutReason.UNTRANSLATED)
    assert left_out(site) == {
        "list: content": 2,
        "page: part of a bundle": 1,
        "folder: layouts": 1,
        "folder: data": 1,
        "folder: farsi": 1,
        "unknown ending: .toml": 1,
    }


def test_languages_permalinks_and_pictures_are_those_of_content_folders(site: Path) -> None:
    assert stories(site)["posts/high"] == {"en", "fr", "zh-Hans"}
    assert stories(site)["posts/low"] == {"en", "fr"}
    found = {path: one.permalink for path, one in articles(site).items()}
    assert found["content/english/posts/high.md"] == "/2026/01/high/"
    assert found["content/french/posts/high.md"] == "/fr/2026/01/pleine-mer/"
    assert found["content/english/docs/use.md"] == "/docs/use/"
    assert found["content/chinese/posts/high.md"] == "/cn/2026/01/高潮/"
    bundle = opened(site).classify(PurePosixPath("content/french/posts/low/index.md"))
    assert isinstance(bundle, SitePage)
    assert opened(site).dialect is Dialect.GOLDMARK
    assert PurePosixPath("content/english/posts/low") in bundle.beside
    assert opened(site).static == (PurePosixPath("static"), PurePosixPath("assets"))


def test_front_matter_dates_and_authors_are_hugos(site: Path) -> None:
    found = articles(site)
    toml = found["content/english/posts/high.md"]
    json = found["content/french/posts/low/index.md"]
    assert (toml.title, toml.published) == ("High water", datetime(2026, 1, 9, 8, tzinfo=UTC))
    assert (json.title, json.published) == ("Basse mer", date(2026, 1, 10))
    assert json.topics == ("sea",)
    low = found["content/english/posts/low/index.md"]
    assert (low.published, low.updated) == (date(2026, 1, 10), date(2026, 2, 1))
    assert low.bylines == (Byline(name="Mara Example", affiliation="Tide Office"),)
    assert found["content/english/docs/use.md"].published == date(2026, 1, 3)


def test_suffixes_of_files_are_languages(tmp_path: Path) -> None:
    files = {
        "config/_default/hugo.yaml": "baseURL: https://tidewatch.example\nuglyURLs: true\n",
        "config/_default/languages.yaml": "en: {weight: 1}\nfr: {weight: 2}\n",
        "content/news/tide.md": page(title="Tide", date="2026-01-09"),
        "content/news/tide.fr.md": page(title="Marée", date="2026-01-09"),
        "content/news/ebb/index.md": page(title="Ebb", date="2026-01-09"),
        "content/news/ebb/index.fr.md": page(title="Reflux", date="2026-01-09"),
        "content/news/_index.fr.md": page(title="Nouvelles"),
    }
    build(tmp_path, files)
    assert stories(tmp_path) == {"news/tide": {"en", "fr"}, "news/ebb": {"en", "fr"}}
    found = {path: one.permalink for path, one in articles(tmp_path).items()}
    assert found["content/news/tide.fr.md"] == "/fr/news/tide.html"


def test_translation_keys_link_pages_with_other_names(tmp_path: Path) -> None:
    files = {
        "hugo.toml": "[languages.en]\n[languages.fr]\n",
        "content/post/tide.en.md": page(title="T", date="2026-01-09", translationKey="t"),
        "content/post/maree.fr.md": page(title="M", date="2026-01-09", translationKey="t"),
    }
    build(tmp_path, files)
    assert stories(tmp_path) == {"t": {"en", "fr"}}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"draft": "true"}, LeftOutReason.DRAFT),
        ({"headless": "true"}, LeftOutReason.UNLISTED),
        ({"build": "{list: never}"}, LeftOutReason.UNLISTED),
        ({"_build": "{render: false}"}, LeftOutReason.UNLISTED),
    ],
)
def test_pages_that_are_not_listed_are_held_back(
    tmp_path: Path, fields: dict[str, str], reason: LeftOutReason
) -> None:
    build(tmp_path, {"hugo.toml": "", "content/post/a.md": page(date="2026-01-09", **fields)})
    found = understood(tmp_path)["content/post/a.md"]
    assert isinstance(found, LeftOut)
    assert found.reason is reason


def test_expiry_publication_and_old_addresses_are_read(tmp_path: Path) -> None:
    fields = {"url": "/us/here.html", "aliases": "[/old/, older]", "publishDate": "2026-03-01"}
    document = page(title="T", date="2026-01-09", expiryDate="2027-01-01", **fields)
    found = only_article(tmp_path, {"hugo.toml": "", "content/post/a.md": document})
    assert (found.held_until, found.expires) == (date(2026, 3, 1), date(2027, 1, 1))
    assert (found.permalink, found.url) == ("/us/here.html", None)
    assert found.aliases == ("/old/", "/us/older")


IN_OTHERS = """mounts:
- {source: content/fr, target: content, sites: {matrix: {languages: [fr]}}}
- {source: content/en, target: content, sites: {matrix: {languages: ["**", "! fr"]}}}
- {source: content/en/news, target: content/news, sites: {matrix: {languages: [fr]}}}
- {source: content/pt_BR, target: content, sites: {matrix: {languages: "pt-*"}}}
"""
OTHERWISE = """mounts:
- {source: content/en, target: content}
- {source: content/pt_BR, target: content, lang: fr}
- {source: content/fr, target: content, lang: pt-br}
"""


@pytest.mark.parametrize(
    ("module", "french"),
    [("", "fr"), (IN_OTHERS, "fr"), (OTHERWISE, "pt_BR")],
    ids=["names alone", "mounts for sites", "mounts say otherwise"],
)
def test_a_folder_of_a_declared_language_is_its_content(
    tmp_path: Path, module: str, french: str
) -> None:
    names = ("en", "fr", "pt_BR", "it")
    document = page(title="T", date="2026-01-09")
    documents = {f"content/{one}/news/a.md": document for one in names}
    config = 'disableLanguages = ["it"]\n[languages.en]\n[languages.fr]\n[languages.pt-br]\n[languages.it]\n'
    build(tmp_path, {"hugo.toml": config, "config/_default/module.yaml": module, **documents})
    assert stories(tmp_path) == {"news/a": {"en", "fr", "pt-BR"}}
    found = articles(tmp_path)
    assert found[f"content/{french}/news/a.md"].permalink == "/fr/news/a/"
    assert found["content/en/news/a.md"].permalink == "/news/a/"
    assert opened(tmp_path).declared == ("en", "fr", "pt-BR")


@pytest.mark.parametrize("states", ["lang: en", "sites: {matrix: {languages: [en]}}"])
def test_a_mount_that_states_the_language_of_all_content_counts(
    tmp_path: Path, states: str
) -> None:
    module = f"mounts:\n- {{source: content, target: content, {states}}}\n"
    document = page(title="T", date="2026-01-09")
    config = "[languages.en]\n[languages.fr]\n"
    files = {"hugo.toml": config, "config/_default/module.yaml": module}
    build(tmp_path, files | {"content/fr/news/a.md": document})
    assert stories(tmp_path) == {"fr/news/a": {"en"}}


def test_mounts_are_content_directories(tmp_path: Path) -> None:
    config = """
[languages.en]
[languages.fr]
[[module.mounts]]
source = "texts/en"
target = "content/news"
lang = "en"
[[module.mounts]]
source = "texts/fr"
target = "content/news"
lang = "fr"
"""
    document = page(title="T", date="2026-01-09")
    build(tmp_path, {"hugo.toml": config, "texts/en/a.md": document, "texts/fr/a.md": document})
    assert stories(tmp_path) == {"news/a": {"en", "fr"}}


def test_languages_that_are_switched_off_are_left_out(tmp_path: Path) -> None:
    config = """
disableLanguages = ["it", "nl"]
[languages.en]
[languages.it]
[languages.nl]
contentDir = "content/dutch"
[languages.fr]
disabled = true
"""
    document = page(title="T", date="2026-01-09")
    paths = [f"content/post/{one}" for one in ("a.md", "a.it.md", "a.fr.md", "b/index.it.md")]
    documents = dict.fromkeys([*paths, "content/dutch/post/a.md"], document)
    build(tmp_path, {"hugo.toml": config, **documents})
    assert set(articles(tmp_path)) == {"content/post/a.md"}
    assert left_out(tmp_path) == {
        "unknown ending: .toml": 1,
        "excluded: language it": 2,
        "excluded: language fr": 1,
        "excluded: language nl": 1,
    }


def test_the_picture_of_a_bundle_is_named_in_front_matter_or_by_its_file(
    tmp_path: Path,
) -> None:
    fields = {"title": "T", "date": "2026-01-09"}
    listed = '[{name: "featured-image", src: "pier.png"}, {src: "*.pdf"}]'
    files = {
        "hugo.toml": "",
        "content/post/a/index.md": page(**fields, resources=listed),
        "content/post/a/pier.png": "",
        "content/post/a/cover.png": "",
        "content/post/b/index.md": page(**fields),
        "content/post/b/a-cover.png": "",
        "content/post/b/my-feature.webp": "",
        "content/post/c/index.md": page(**fields, image="own.png"),
        "content/post/c/cover.png": "",
        "content/post/d.md": page(**fields),
        "content/post/cover.png": "",
    }
    build(tmp_path, files)
    site = opened(tmp_path)

    def picture(name: str) -> str | None:
        path = PurePosixPath(f"content/post/{name}")
        found = site.classify(path)
        assert isinstance(found, SitePage)
        text = (tmp_path / path).read_text()
        stated_fields = split_front_matter(text).fields or {}
        shown = site.describe(found, stated_fields).picture
        return shown.src if shown else None

    assert picture("a/index.md") == "pier.png"
    assert picture("b/index.md") == "my-feature.webp"
    assert picture("c/index.md") == "own.png"
    assert picture("d.md") is None


def test_references_lead_to_pages_from_the_content_folder(tmp_path: Path) -> None:
    files = {
        "hugo.toml": "[languages.en]\n[languages.fr]\n",
        "content/post/a/index.fr.md": page(title="T", date="2026-01-09"),
        "content/post/b.md": page(title="T"),
        "content/help/install/index.md": page(title="Help"),
        "content/help/use.fr.md": page(title="Use"),
    }
    build(tmp_path, files)
    site = opened(tmp_path)
    found = site.classify(PurePosixPath("content/post/a/index.fr.md"))
    assert isinstance(found, SitePage)
    reference = site.values(found).reference
    assert reference("help/install#first", "") == "/fr/help/install#first"
    assert reference("help/use.md", "en") == "/help/use"
    assert reference("../b", "") == "../b"
    assert reference("nowhere", "") == "nowhere"
