"""Pages at the addresses that articles had on their own site."""

from datetime import timedelta

import pytest

from publisher.ingest.problems import list_problems
from publisher.serving.nginx_site import nginx_config
from publisher.site.former_addresses import caddy_rules, nginx_rules
from tests.publisher.conftest import NOW, Make, PublicationFolder
from tests.publisher.printing import changes, public, shown
from tools.servers.web_servers import REPOSITORY


def tides(publication: PublicationFolder, name: str = "tides", **matter: str) -> None:
    publication.write(f"en/{name}.md", "Water.", title="Tides", date="2026-01-05", **matter)


def leads_to(publication: PublicationFolder, file: str) -> str | None:
    """Give the address to which the page in a file leads, None if there is no file."""
    path = public(publication) / file
    if not path.is_file():
        return None
    return path.read_text("utf-8").partition('content="0; url=')[2].partition('"')[0]


def lost(publication: PublicationFolder) -> list[tuple[str, str]]:
    with publication.database.reading() as connection:
        return [(one.file, one.problem.what) for one in list_problems(connection)]


PAGE = "https://news.example.org/en/stories/tides/"


@pytest.mark.parametrize(
    ("stated", "file"),
    [
        ("/2026/01/05/tides.html", "2026/01/05/tides.html"),
        ("/blog/tides/", "blog/tides/index.html"),
        ("/blog/tides", "blog/tides/index.html"),
        ("/blog/tides.php", "blog/tides.php/index.html"),
        ("/%E6%BD%AE/", "潮/index.html"),
        ("/en/blog/tides/", "en/blog/tides/index.html"),
    ],
)
def test_a_page_at_an_old_address_leads_to_the_article(
    publication: PublicationFolder, stated: str, file: str
) -> None:
    tides(publication, permalink=stated, key="tides")
    shown(publication)
    assert leads_to(publication, file) == PAGE
    page = (public(publication) / file).read_text("utf-8")
    assert f'<link rel="canonical" href="{PAGE}">' in page
    assert "<script" not in page
    with changes(public(publication)) as found:
        shown(publication.at(NOW + timedelta(hours=1)))
    assert found == set()


def test_addresses_stay_when_a_document_states_others(publication: PublicationFolder) -> None:
    tides(publication, key="tides", aliases="[/a/, /b/]")
    shown(publication)
    tides(publication, key="tides", aliases="[/c/]")
    shown(publication)
    files = [f"{name}/index.html" for name in "abc"]
    assert [leads_to(publication, file) for file in files] == [PAGE] * 3


def test_of_two_articles_at_one_address_the_first_stays(publication: PublicationFolder) -> None:
    tides(publication, key="tides", permalink="/here/")
    tides(publication, "winds", key="winds", permalink="/here/")
    shown(publication)
    assert leads_to(publication, "here/index.html") == PAGE
    assert lost(publication) == [("en/winds.md", "/here/: another article stands there")]
    tides(publication, key="tides", permalink="/there/")
    shown(publication.at(NOW + timedelta(hours=1)))
    assert leads_to(publication, "here/index.html") == PAGE.replace("tides", "winds")
    assert lost(publication) == []


def test_languages_of_a_story_share_an_address(publication: PublicationFolder) -> None:
    stated = {"permalink": "/tides/", "aliases": "[/ar/tides/]"}
    publication.write("ar/tides.md", "ماء.", title="مد", date="2026-01-05", **stated)
    tides(publication, **stated)
    shown(publication)
    assert leads_to(publication, "tides/index.html") == PAGE
    # One that names a language leads to it.
    assert leads_to(publication, "ar/tides/index.html") == PAGE.replace("/en/", "/ar/")
    assert lost(publication) == []


@pytest.mark.parametrize(
    ("stated", "reason"),
    [
        ("/en/", "a page of this publication stands there"),
        ("/en/stories/winds/", "a page of this publication stands there"),
        ("/en/weekly/x/", "a page of this publication stands there"),
        ("/feeds/en.json", "a page of this publication stands there"),
        ("/de/subscribe/", "a page of this publication stands there"),
        ("/../up/", "it can't be the name of a file"),
        ("/.well-known/x", "it can't be the name of a file"),
    ],
)
def test_nothing_of_the_publication_is_overwritten(
    publication: PublicationFolder, stated: str, reason: str
) -> None:
    tides(publication, key="tides", aliases=f'["{stated}"]')
    shown(publication)
    assert lost(publication) == [("en/tides.md", f"{stated}: {reason}")]
    assert not (public(publication) / ".redirects").exists()


def test_another_file_that_stands_there_is_kept(publication: PublicationFolder) -> None:
    file = public(publication) / "about/index.html"
    file.parent.mkdir(parents=True)
    file.write_text("ours")
    tides(publication, key="tides", aliases="[/about/]")
    assert shown(publication).problems == [
        "/about/: another file stands there; the old address is lost"
    ]
    assert file.read_text() == "ours"


def test_a_withdrawn_article_has_no_page_at_its_old_address(
    publication: PublicationFolder,
) -> None:
    tides(publication, key="tides", permalink="/old/tides/")
    shown(publication)
    rules = public(publication) / ".redirects/nginx.conf"
    assert 'location = "/old/tides/"' in rules.read_text("utf-8")
    (publication.articles / "en/tides.md").unlink()
    shown(publication)
    assert not (public(publication) / "old").exists()
    assert "location" not in rules.read_text("utf-8")


def test_a_source_may_give_its_addresses_up(new_publication: Make) -> None:
    sources = [{"kind": "folder", "path": "articles"}]
    publication = new_publication(sources=sources)
    tides(publication, key="tides", permalink="/old/tides/")
    shown(publication)
    publication.reload(sources=[{**sources[0], "addresses": "new"}])
    shown(publication)
    assert not (public(publication) / "old").exists()


def test_web_servers_get_a_rule_for_each_address(publication: PublicationFolder) -> None:
    moved = [("/a/", "https://x.example/1/"), ("/b.html", "https://x.example/2/"), ('/"/', "x")]
    assert nginx_rules(moved).splitlines()[1:] == [
        'location = "/a" { return 301 "https://x.example/1/"; }',
        'location = "/a/" { return 301 "https://x.example/1/"; }',
        'location = "/b.html" { return 301 "https://x.example/2/"; }',
    ]
    assert "\t`/b.html` `https://x.example/2/`\n" in caddy_rules(moved)
    assert "\t`/%E6%BD%AE/` `y`\n" in caddy_rules([("/潮/", "y")])
    settings = publication.settings
    assert 'include "/srv/public/.redirects/nginx.conf*";' in nginx_config(
        settings, "/srv/public"
    )
    example = (REPOSITORY / "deploy" / "Caddyfile").read_text("utf-8")
    assert "import /srv/lantern/public/.redirects/Caddyfile*\n" in example
