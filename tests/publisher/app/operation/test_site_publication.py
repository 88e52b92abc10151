"""What comes with the files of a site: its settings, an archive, people, and who made a text."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from publisher.app.articles import (
    announce_articles,
    count_archived_articles,
    count_mailed_articles,
)
from publisher.app.operation.cycle import open_pipeline
from publisher.app.operation.new import (
    check_free_folder,
    create_from_site,
    holds_built_pages,
)
from publisher.app.subscribers.preferences import EnteredPreferences, read_choices, save_choices
from publisher.articles.model import Mailing, Provenance
from publisher.clock import FixedClock
from publisher.config import load_settings
from publisher.config.loader import PEOPLE_FILE
from publisher.config.sources import FolderSourceSettings
from publisher.errors import ArticleError, UsageError
from publisher.ingest.parsers.metadata import read_metadata
from publisher.ingest.pickup.source_items import archive_rule
from publisher.issues.tables import digest_table, issue_table
from publisher.syndication.tables import feed, feed_entry
from subscribers.store import known_subscriber
from tests.databases import at_database
from tests.publisher.assembly.test_select import carried, issues, select
from tests.publisher.conftest import NOW, PublicationFolder, by_owner
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.ingest.sites.helpers import build, page
from tests.publisher.printing import json_feed, pipeline_of, public, shown

HUGO = """
baseURL = "https://tidewatch.example/"
title = "Tide \\"watch\\", daily"
timeZone = "Europe/Paris"
[languages.en]
contentDir = "content/en"
[languages.fr]
contentDir = "content/fr"
"""


def french(**fields: str) -> str:
    """Return a document with another text: a copy of the English one would not count as translated."""
    return page(**fields).replace("The tide comes in.", "La marée monte.")


def hugo_site(folder: Path) -> Path:
    return build(
        folder,
        {
            "hugo.toml": HUGO,
            "content/en/posts/tide.md": page(title="Tide", date="2026-01-08"),
            "content/en/posts/ebb.md": page(title="Ebb") + "\n[Docs](/docs/)\n",
            "content/fr/posts/tide.md": french(title="Marée", date="2026-01-08"),
            "content/en/posts/off.md": page(title="Off", draft="true"),
            "content/en/posts/bad.md": "---\ntitle: [\n---\nText.\n",
            "content/en/_index.md": page(title="Home"),
        },
    )


def test_a_site_is_understood_its_settings_are_written_and_the_next_command_publishes_it(
    tmp_path: Path,
) -> None:
    survey = create_from_site(tmp_path / "mine", hugo_site(tmp_path / "site"))
    assert (survey.generator, survey.url) == ("hugo", "https://tidewatch.example")
    assert dict(survey.languages) == {"en": 2, "fr": 1}
    assert (len(survey.stories), survey.linked, survey.undated) == (2, 1, 1)
    assert survey.held_back == {"draft": 1}
    ((unreadable, reason),) = survey.unreadable
    assert unreadable == "content/en/posts/bad.md"
    assert "front matter, line" in reason
    settings = load_settings(tmp_path / "mine")
    publication = settings.publication
    assert publication.title("en") == 'Tide "watch", daily'
    assert publication.sender.address == "digest@tidewatch.example"
    assert publication.languages == ("en", "fr")
    assert publication.timezone == "Europe/Paris"
    (source,) = settings.sources
    assert isinstance(source, FolderSourceSettings)
    assert (source.path, source.name, source.site) == ("../site", "site", "hugo")
    assert list(publication.examples()) == ["url", "sender", "address"]
    with open_pipeline(at_database(settings), FixedClock(NOW)) as pipeline:
        report = pipeline.run()
    assert (report.picked_up.new, report.picked_up.quarantined) == (3, 1)
    # The site has more pages than the publication.
    shown = (tmp_path / "mine/public/en/stories/posts-ebb/index.html").read_text()
    assert '<a href="https://tidewatch.example/docs/">Docs</a>' in shown


@pytest.mark.parametrize(
    "url", ["https://x", "https://[name].example", "https://a b/", "ftp://x.org"]
)
def test_an_address_that_settings_refuse_is_not_taken_over_from_a_site(
    tmp_path: Path, url: str
) -> None:
    site = tmp_path / "site"
    (site / "_posts").mkdir(parents=True)
    (site / "_config.yml").write_text(f'title: Tide\nurl: "{url}"\n')
    (site / "_posts/2026-01-08-a.md").write_text(page(title="A"))
    create_from_site(tmp_path / "mine", site)
    assert load_settings(tmp_path / "mine").publication.title("en") == "Tide"


@pytest.mark.parametrize(
    ("files", "languages"),
    [
        ({"en/a.md": page(title="A"), "fr/a.md": french(title="A")}, {"en": 1, "fr": 1}),
        ({"a.md": page(title="A"), "a.zh-TW.md": french(title="A")}, {"en": 1, "zh-Hant": 1}),
        ({"a.md": page(title="A", lang="de"), "art/b.md": page(title="B")}, {"en": 1, "de": 1}),
    ],
)
def test_a_plain_folder_has_the_languages_of_its_names(
    tmp_path: Path, files: dict[str, str], languages: dict[str, int]
) -> None:
    survey = create_from_site(tmp_path / "mine", build(tmp_path / "texts", files))
    assert survey.generator == "plain"
    assert dict(survey.languages) == languages
    assert load_settings(tmp_path / "mine").publication.languages == tuple(languages)


@pytest.mark.parametrize(
    ("generator", "files"),
    [
        ("Astro", ["astro.config.mjs", "src/content/blog/one.md"]),
        ("Zola", ["config.toml", "templates/base.html", "content/one.md"]),
        ("Pelican", ["pelicanconf.py", "content/one.md"]),
        ("Hexo", ["_config.yml", "scaffolds/post.md", "source/_posts/one.md"]),
        ("VuePress", ["docs/.vuepress/config.js", "docs/one.md"]),
        ("", ["templates/mail.md", "one.md"]),
    ],
)
def test_a_generator_that_is_not_read_is_named_and_no_plain_folder(
    tmp_path: Path, generator: str, files: list[str]
) -> None:
    site = build(tmp_path / "site", dict.fromkeys(files, "# One\n\nWords.\n"))
    if not generator:
        create_from_site(tmp_path / "mine", site)
        return
    with pytest.raises(UsageError, match=f"looks like a site of {generator}, whose sources"):
        create_from_site(tmp_path / "mine", site)
    build(site / "dist", {"index.html": "<p>Home"})
    with pytest.raises(UsageError, match=f"its built pages are: give {site / 'dist'}"):
        create_from_site(tmp_path / "mine", site)


@pytest.mark.parametrize(
    ("files", "is_built"),
    [
        (["index.html", "a/index.html", "notes.md"], True),
        # A site in several languages.
        (["en/index.html", "en/a/index.html", "fr/index.html"], True),
        (["a.html", "b/c.html"], False),
        (["index.html", "a.md", "b.md"], False),
    ],
)
def test_built_pages_are_told_from_documents(
    tmp_path: Path, files: list[str], *, is_built: bool
) -> None:
    assert holds_built_pages(build(tmp_path, dict.fromkeys(files, "x"))) is is_built


def test_what_is_no_site_and_a_folder_with_files_is_refused_with_what_to_do(
    tmp_path: Path,
) -> None:
    site = build(tmp_path / "site", {"x.css": ""})
    with pytest.raises(UsageError, match="no article was found"):
        create_from_site(tmp_path / "mine", site)
    with pytest.raises(UsageError, match="is not a folder"):
        create_from_site(tmp_path / "mine", tmp_path / "nowhere")
    with pytest.raises(UsageError, match="choose a folder beside"):
        create_from_site(site / "mine", site)
    assert not (tmp_path / "mine").exists()
    check_free_folder(tmp_path / "mine")
    create_from_site(tmp_path / "mine", hugo_site(tmp_path / "hugo"))
    with pytest.raises(UsageError, match="is there already"):
        check_free_folder(tmp_path / "mine")
    with pytest.raises(UsageError, match="is not an empty folder"):
        check_free_folder(tmp_path / "hugo")


@pytest.mark.parametrize("key", ["title", "name", "titre"])
def test_a_site_is_called_as_its_settings_say(tmp_path: Path, key: str) -> None:
    config = f'{key}: "Caf&eacute; &amp; Co"\n'
    files = {"_config.yml": config, "_posts/2026-01-09-a.md": page()}
    create_from_site(tmp_path / "mine", build(tmp_path / "our site", files))
    settings = load_settings(tmp_path / "mine")
    assert settings.publication.title("en") == "Café & Co"
    assert settings.sources[0].name == "our-site"
    assert list(settings.publication.examples()) == ["url", "sender", "address"]


# --- the first import is an archive: it has pages, and issues carry it if it is announced
DAY = timedelta(days=1)
WEEK = 7 * DAY
FIRST, SECOND = "weekly-en-2026-01-09", "weekly-en-2026-01-16"


@pytest.fixture
def site(publication: PublicationFolder) -> PublicationFolder:
    """A site of Jekyll with a post of last week in two languages, and one that is to come."""
    publication.write("_config.yml", "lang: en\n")
    post(publication, "2026-01-05-tides", "Tides")
    publication.write("_posts/ar/2026-01-05-tides.md", "المد.", title="المد", lang="ar")
    post(publication, "2026-01-12-ferry", "Ferry")
    return publication


def post(publication: PublicationFolder, name: str, title: str) -> None:
    publication.write(f"_posts/{name}.md", f"Words about {title}.", title=title)


def mailings(publication: PublicationFolder) -> dict[str, str]:
    """Give what issues do with each article, by title."""
    return {one.title: one.mailing.value for one in publication.all().values()}


def names(publication: PublicationFolder, issue: str) -> list[str]:
    """Give the file names of the articles that an issue carries, in order."""
    return [one.removesuffix(" en").rpartition("/")[2] for one in carried(publication, issue)]


def announce(publication: PublicationFolder, name: str) -> int:
    return announce_articles(*by_owner(publication), name)


def test_no_issue_carries_what_a_site_had_published_before_its_first_import(
    site: PublicationFolder,
) -> None:
    assert select(site) == 0
    assert issues(site)[FIRST].reason == "no new articles (1 of the archive)"
    assert mailings(site) == {"Tides": "archive", "المد": "archive", "Ferry": "news"}
    assert len(site.visible()) == 1
    assert count_archived_articles(site.database) == {"articles": 2}
    assert count_mailed_articles(site.database, "articles") == {"archive": 2, "news": 1}


def test_what_a_site_publishes_or_translates_afterwards_is_news(
    site: PublicationFolder,
) -> None:
    post(site, "2026-01-06-lamp", "Lamp")
    # A copy is no translation yet.
    copy = "_posts/ar/2026-01-05-tides.md"
    site.pick_up_file(copy, "Words about Tides.", title="Tides", lang="ar")
    site.write(copy, "المد.", title="المد", lang="ar")
    site.write("_posts/ar/2026-01-06-lamp.md", "المصباح.", title="المصباح", lang="ar")
    site.at(NOW + DAY).pick_up()
    arabic = {"المد": "news", "المصباح": "news"}
    assert mailings(site) | {"Lamp": "archive"} | arabic == mailings(site)
    post(site, "2026-01-13-pier", "Pier")
    assert select(site.at(NOW + WEEK)) == 2
    assert names(site, SECOND) == ["2026-01-13-pier", "2026-01-12-ferry"]


def test_an_announced_source_or_story_is_carried_once_and_announcing_it_again_changes_nothing(
    site: PublicationFolder,
) -> None:
    post(site, "2019-05-01-storm", "Storm")
    site.pick_up()
    # One story, in all its languages.
    tides = next(one for one in site.all().values() if one.title == "Tides")
    assert announce(site, tides.story_key) == 2
    found = mailings(site)
    assert [found[one] for one in ("Tides", "المد")] == ["announced"] * 2
    assert found["Storm"] == "archive"
    assert announce(site, tides.slug) == 0
    with pytest.raises(UsageError, match="tydes: no source and no story has this name"):
        announce(site, "tydes")
    assert announce(site, "articles") == 1
    assert announce(site, "articles") == 0
    # Whatever its age: somebody wants it to be read.
    assert select(site) == 2
    assert names(site, FIRST) == ["2026-01-05-tides", "2019-05-01-storm"]
    assert announce(site, "articles") == 0
    select(site.at(NOW + WEEK))
    assert names(site, SECOND) == ["2026-01-12-ferry"]


def test_what_was_held_back_at_a_first_import_or_after_its_interruption_is_no_news(
    site: PublicationFolder,
) -> None:
    def interrupt(_done: int, _of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        site.pick_up(interrupt)
    post(site, "2026-01-06-pier", "Pier")
    site.write("_posts/2026-01-07-broken.md", b"---\ntitle: [\n---\n")
    site.at(NOW + timedelta(hours=1)).pick_up()
    assert mailings(site)["Pier"] == "archive"
    assert "_posts/2026-01-07-broken.md" in site.quarantine()
    post(site, "2026-01-07-broken", "Corrected")
    site.at(NOW + DAY).pick_up()
    assert mailings(site)["Corrected"] == "archive"


def test_what_other_settings_find_of_a_site_is_an_archive_too(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    folder = {"kind": "folder", "path": "articles"}
    site = new_publication(sources=[{**folder, "exclude": ["2026-01-06-*"]}])
    post(site, "2026-01-05-tides", "Tides")
    post(site, "2026-01-06-pier", "Pier")
    site.pick_up()
    assert mailings(site) == {"Tides": "archive"}
    site.reload(sources=[folder])
    site.at(NOW + DAY).pick_up()
    assert mailings(site) == {"Tides": "archive", "Pier": "archive"}


@pytest.mark.parametrize(
    ("setting", "is_site", "expected"),
    [
        ("auto", True, Mailing.ARCHIVE),
        ("auto", False, Mailing.NEWS),
        ("archive", False, Mailing.ARCHIVE),
        ("news", True, Mailing.NEWS),
    ],
)
def test_a_source_may_say_whether_its_first_import_is_news(
    setting: str, is_site: bool, expected: Mailing
) -> None:
    rule = archive_rule(
        setting,  # type: ignore[arg-type]
        is_site=is_site,
        imported_at=None,
        same_rules=False,
        now=NOW,
    )
    published = datetime(2026, 1, 5, tzinfo=UTC)
    assert rule.mailing_of(published, was_held=False) is expected


# --- whoever stands in people.toml is one person: one name in each language, and one feed


PEOPLE = """\
[ada-lark]
name = { en = "Ada Lark", ar = "آدا لارك" }
aliases = ["A. Lark", "Lark, Ada"]
affiliation = { en = "Harbour Institute" }
"""
DAILY = [{"name": "daily", "schedule": "0 8 * * *", "title": {"en": "The morning lamp"}}]


def author_names(folder: PublicationFolder, name: str) -> list[list[str]]:
    items = json_feed(folder, name)["items"]
    return [[author["name"] for author in item["authors"]] for item in items]


def author_feeds(folder: PublicationFolder) -> list[str]:
    return sorted(row["name"] for row in folder.rows(feed) if row["kind"] == "author")


@pytest.fixture
def lantern(new_publication: Callable[..., PublicationFolder]) -> PublicationFolder:
    """Three spellings of one author, in two languages."""
    folder = new_publication(newsletters=DAILY, languages=["en", "ar"])
    folder.write("en/a.md", title="One", date="2026-01-07", author="Ada Lark")
    folder.write("en/b.md", title="Two", date="2026-01-08", authors='["A. Lark", "Ben Ruiz"]')
    folder.write("ar/a.md", "كلمات.", title="واحد", date="2026-01-07", author="آدا لارك")
    return folder


def know(folder: PublicationFolder, text: str = PEOPLE) -> None:
    (folder.settings.folders.root / PEOPLE_FILE).write_text(text, "utf-8")
    folder.reload(newsletters=DAILY, languages=["en", "ar"])


def read_page(folder: PublicationFolder, path: str) -> str:
    return (public(folder) / path / "index.html").read_text("utf-8")


def test_every_spelling_is_one_feed_and_one_name_which_keeps_the_feed_when_it_changes(
    lantern: PublicationFolder,
) -> None:
    know(lantern)
    lantern.write("ar/c.md", "كلمات.", title="ثلاثة", date="2026-01-06", author="ada-lark")
    assert pipeline_of(lantern).run().problems == []
    expected = ["ar/authors/ada-lark", "en/authors/ada-lark", "en/authors/ben-ruiz"]
    assert author_feeds(lantern) == expected
    assert author_names(lantern, "en/authors/ada-lark") == [
        ["Ada Lark", "Ben Ruiz"],
        ["Ada Lark"],
    ]
    assert author_names(lantern, "ar/authors/ada-lark") == [["آدا لارك"], ["آدا لارك"]]
    byline = '<strong><a href="/en/authors/ada-lark/">Ada Lark</a></strong>, Harbour Institute'
    assert byline in read_page(lantern, "en/stories/b")
    assert '"@id":"https://news.example.org/#ada-lark"' in read_page(lantern, "ar/stories/a")
    digests = [row["text"] for row in lantern.rows(digest_table) if "Two" in row["text"]]
    assert digests
    assert all("Ada Lark" in text and "A. Lark" not in text for text in digests)
    moor = PEOPLE.replace('"Ada Lark"', '"Ada Moor"').replace('"Lark, Ada"', '"Ada Lark"')
    know(lantern, moor)
    assert pipeline_of(lantern).run().problems == []
    titles = {row["name"]: row["title"] for row in lantern.rows(feed)}
    assert titles["en/authors/ada-lark"] == "Ada Moor"
    assert author_feeds(lantern) == expected
    assert {*expected} <= {*titles}
    assert author_names(lantern, "en/authors/ada-lark") == [
        ["Ada Moor", "Ben Ruiz"],
        ["Ada Moor"],
    ]


def test_a_later_entry_revises_nothing_and_keeps_feeds(lantern: PublicationFolder) -> None:
    assert pipeline_of(lantern).run().problems == []
    before = {row["id"]: row for row in lantern.rows(feed)}
    entries, pages = lantern.rows(feed_entry), lantern.rows(issue_table)
    know(lantern)
    assert pipeline_of(lantern).run().problems == []
    # No entry counts as revised, and no issue as corrected.
    assert lantern.rows(feed_entry) == entries
    assert lantern.rows(issue_table) == pages
    after = {row["id"]: row for row in lantern.rows(feed)}
    assert all(
        (after[n]["name"], after[n]["tag"]) == (r["name"], r["tag"]) for n, r in before.items()
    )
    # The feed under another spelling goes on for its readers, and no page lists it.
    both = [["Ada Lark", "Ben Ruiz"], ["Ada Lark"]]
    assert author_names(lantern, "en/authors/ada-lark") == both
    assert author_names(lantern, "en/authors/a-lark") == both
    listed = read_page(lantern, "en/feeds")
    assert "/en/feeds/authors/ada-lark/" in listed
    assert "/en/feeds/authors/a-lark/" not in listed
    # Without the entry, all is as it was.
    (lantern.settings.folders.root / PEOPLE_FILE).unlink()
    lantern.reload(newsletters=DAILY, languages=["en", "ar"])
    assert pipeline_of(lantern).run().problems == []
    assert author_names(lantern, "en/authors/ada-lark") == [["Ada Lark"]]
    assert author_names(lantern, "en/authors/a-lark") == [["A. Lark", "Ben Ruiz"]]


def test_a_choice_of_an_author_goes_on_under_every_spelling(lantern: PublicationFolder) -> None:
    lantern.pick_up()
    subscribe(lantern, ("ann@example.org", "en"))
    chosen: dict[str, Any] = {"languages": ("en",), "newsletters": ("daily",)}

    def save(*authors: str) -> frozenset[str]:
        entered = EnteredPreferences(**chosen, authors=authors)
        with lantern.database.writing() as connection:
            return save_choices(connection, lantern.settings, 1, entered, NOW)

    assert save("A. Lark") == {"authors", "newsletters"}
    know(lantern)
    with lantern.database.reading() as connection:
        ann = known_subscriber(connection, "ann@example.org")
        choices = read_choices(connection, lantern.settings, ann, NOW)
    assert choices.preferences.authors == ("Ada Lark",)
    assert choices.authors == ("Ada Lark", "Ben Ruiz")
    assert save("Ada Lark") == frozenset()
    pipeline_of(lantern).run()
    texts = [row["text"] for row in lantern.rows(digest_table)]
    assert any("One" in text and "Two" in text for text in texts)


# --- who made a text, on pages, in mails and in feeds
MADE = {"provenance": "machine", "translated_with": "Babel & Co", "editor": "Ada Lark"}


def test_a_machine_translation_is_labelled_with_its_tool_and_editor(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    publication = new_publication(newsletters=DAILY, languages=["en", "ar"])
    publication.write("ar/a.md", "كلمات.", title="قديم", date="2026-01-07")
    publication.write("en/a.md", "Words.", title="Old", date="2026-01-08", **MADE)
    publication.write("en/b.md", "Words.", title="By hand", date="2026-01-08")
    assert pipeline_of(publication).run().problems == []
    label = "Translated by machine with Babel &amp; Co · Responsible editor: Ada Lark"
    folder = public(publication)
    assert label in (folder / "en/stories/a/index.html").read_text("utf-8")
    assert (folder / "en/daily/2026-01-09/index.html").read_text("utf-8").count(label) == 1
    assert "by machine" not in (folder / "en/stories/b/index.html").read_text("utf-8")
    contents = [item["content_html"] for item in json_feed(publication, "en")["items"]]
    assert sum(label in content for content in contents) == 1
    (digest,) = [row for row in publication.rows(digest_table) if "Words." in row["text"]]
    assert digest["html"].count(label) == 1
    assert (
        "Translated by machine with Babel & Co\nResponsible editor: Ada Lark" in digest["text"]
    )


def test_an_article_that_is_a_copy_names_the_first_one_and_keeps_its_page(
    publication: PublicationFolder,
) -> None:
    first = "https://first.example/tides/"
    publication.write("en/a.md", title="Tides", date="2026-01-07", canonical_url=first)
    publication.pick_up_file("en/b.md", title="Ferry", date="2026-01-07")
    assert publication.one("a").canonical_url == first
    shown(publication)
    pages = [public(publication) / f"en/stories/{name}/index.html" for name in "ab"]
    of_copy, own = (read_page.read_text("utf-8") for read_page in pages)
    assert f'<link rel="canonical" href="{first}">' in of_copy
    assert of_copy.count('rel="canonical"') == 1
    assert '<link rel="canonical" href="https://news.example.org/en/stories/b/">' in own


def test_what_is_not_said_is_usual_and_an_editor_counts_only_for_a_machine_translation(
    publication: PublicationFolder,
) -> None:
    publication.write("en/a.md", "Words.", title="Old", date="2026-01-07")
    publication.write("ar/a.md", "كلمات.", title="قديم", date="2026-01-08")
    publication.pick_up_file(
        "zh-Hans/a.md", "字。", title="旧", date="2026-01-08", provenance="script"
    )
    found = {language: one.provenance for (_key, language), one in publication.all().items()}
    usual = {"en": Provenance.ORIGINAL, "ar": Provenance.HUMAN}
    assert found == usual | {"zh-Hans": Provenance.SCRIPT}
    assert read_metadata({"editor": "visual"}).editor is None
    assert read_metadata(MADE).editor == "Ada Lark"
    with pytest.raises(ArticleError, match=r"provenance: .* one of original, human, machine"):
        read_metadata({"provenance": "robot"})
