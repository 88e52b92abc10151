"""A feed format is one module, and one line where formats are listed."""

from collections.abc import Iterator

import pytest

from feeds import FEED_FORMATS, FeedFormat
from publisher.serving import StaticSite, caddy_config, nginx_config
from publisher.serving.headers import headers_for
from tests.publisher.conftest import PublicationFolder
from tests.publisher.printing import URL, atom, json_feed, public, shown, syndicated
from tests.publisher.serving.test_static_site import Client
from tests.publisher.syndication import plain_text_feed

TEXT_URL = f"{URL}/feeds/en.feed.txt"


@pytest.fixture
def text_format(publication: PublicationFolder) -> Iterator[FeedFormat]:
    """Publish an article in today's formats, and then list another one."""
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    syndicated(publication)
    shown(publication)
    form = FeedFormat("text", "Text", "text/x-feed", "feed.txt", plain_text_feed.__name__)
    FEED_FORMATS.append(form)
    yield form
    FEED_FORMATS.remove(form)


@pytest.mark.usefixtures("text_format")
def test_a_new_format_is_written_beside_the_others(publication: PublicationFolder) -> None:
    changed, problems = syndicated(publication)
    assert (changed, problems) == (5, [])
    file = public(publication) / "feeds/en.feed.txt"
    assert file.read_text().splitlines() == ["The Lantern", TEXT_URL, "Tides"]
    assert {f"{file.name}.gz", f"{file.name}.br"} <= {one.name for one in file.parent.iterdir()}


@pytest.mark.usefixtures("text_format")
def test_pages_and_other_formats_link_to_a_new_format(publication: PublicationFolder) -> None:
    syndicated(publication)
    shown(publication)
    for page in ("en/index.html", "en/stories/tides/index.html", "en/feeds/index.html"):
        text = (public(publication) / page).read_text("utf-8")
        assert 'type="text/x-feed"' in text, page
        assert TEXT_URL in text, page
    assert TEXT_URL in [one.href for one in atom(publication, "en").feed.links]
    assert json_feed(publication, "en")["feed_url"] == f"{URL}/feeds/en.json"


def test_servers_send_a_new_format_with_its_media_type(
    publication: PublicationFolder, text_format: FeedFormat
) -> None:
    syndicated(publication)
    status, fields, body = Client(StaticSite(publication.settings))("/feeds/en.feed.txt")
    assert (status, fields["Content-Type"]) == ("200 OK", "text/x-feed; charset=utf-8")
    assert body.startswith(b"The Lantern\n")
    assert fields["Access-Control-Allow-Origin"] == "*"
    archive = dict(headers_for("feeds/en/archive/1.feed.txt", publication.settings))
    assert archive["Cache-Control"] == "public, max-age=86400"
    for configuration in (nginx_config, caddy_config):
        assert f"{text_format.media_type}; charset=utf-8" in configuration(publication.settings)
