"""The pages of translations: stories by languages, one of them, and what a translator chooses."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from publisher.clock import FixedClock
from publisher.web.console.application import create_console
from publisher.web.console.context import ConsoleContext
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.web.conftest import MadeReady
from tests.publisher.web.console.conftest import SignIn, begin, browser
from tests.publisher.web.console.test_calendar_pages import text_of

FERRY = "/translations/ar/1/"


def two_translated_stories(publication: PublicationFolder) -> None:
    """Have a story that lacks Arabic, and one that was translated into it."""
    for number, key in enumerate(("ferry", "bridge")):
        day = f"2026-01-0{8 - number}"
        publication.pick_up_file(f"en/{key}.md", "First.", title=f"The {key}", date=day)
    publication.pick_up_file("ar/bridge.md", "كلمات.", title="الجسر", translator="Omar")


@pytest.fixture
def publication(made_ready: MadeReady) -> PublicationFolder:
    return made_ready(two_translated_stories, timezone="Asia/Hong_Kong")


def test_the_list_shows_each_story_in_each_language_and_filters(sign_in: SignIn) -> None:
    client = sign_in("translator", "ar")
    every = text_of(client, "/translations/")
    assert re.search(r"The ferry .*original missing missing .*The bridge", every)
    # The date of the article, which begins there when it is still the day before in UTC.
    assert "The ferry Thu, Jan 8 " in every
    missing = text_of(client, "/translations/?language=ar&state=missing")
    assert "The ferry" in missing
    assert "The bridge" not in missing
    # What nobody can choose is as if it were not chosen.
    assert "The bridge" in text_of(client, "/translations/?language=xx&state=lost&after=x")
    assert "No story is like this." in text_of(client, "/translations/?state=stale")
    # Who may not translate reads only.
    viewer = sign_in("viewer")
    page = viewer.get(FERRY).text
    assert 'method="post" action="/translations' not in page
    assert "https://news.example.org/en/stories/ferry/" in page
    assert "/translations/mine/" not in viewer.get("/translations/").text
    for path in ("/translations/ar/99/", "/translations/xx/1/"):
        assert viewer.get(path).status_code == 404


def test_pages_have_the_date_of_the_publication_s_zone(
    console_context: ConsoleContext, publication: PublicationFolder
) -> None:
    late = NOW.replace(hour=20)
    token = begin(publication, "viewer", None, "en", late)
    app = create_console(replace(console_context, clock=FixedClock(late)))
    assert '<time datetime="2026-01-10">' in browser(app, token).get("/translations/").text


def test_a_translator_promises_starts_gives_up_and_releases(sign_in: SignIn) -> None:
    client = sign_in("translator", "ar")
    for until in ("", "soon", "2026-13-01"):
        answer = client.post(f"{FERRY}claim/", data={"until": until})
        assert answer.status_code == 422
        assert "Choose the day by which it will be done." in answer.text
    answer = client.post(f"{FERRY}claim/", data={"until": "2026-01-16"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{FERRY}?done=saved")
    page = text_of(client, FERRY)
    # By name; the address is its title.
    assert "promised Ann translator" in page
    assert 'title="translator-ar-en@example.org">Ann translator' in client.get(FERRY).text
    assert "Until Fri, Jan 16" in page
    assert client.post(f"{FERRY}start/").status_code == 303
    assert "in work" in text_of(client, FERRY)
    # Who comes second sees whose it is.
    late = sign_in("approver", "ar").post(f"{FERRY}claim/", data={"until": "2026-01-16"})
    assert late.status_code == 409
    assert "The page shows what holds now" in late.text
    assert "Ann translator" in late.text
    answer = client.post(f"{FERRY}give-up/", data={"reason": " "})
    assert answer.status_code == 422
    assert "Say why it is given up." in answer.text
    client.post(f"{FERRY}give-up/", data={"reason": "No <time>"})
    page = client.get(FERRY).text
    assert "given up" in page
    assert "No &lt;time&gt;" in page
    client.post(f"{FERRY}release/")
    assert "missing" in text_of(client, FERRY)


def test_an_editor_assigns_a_translation_to_a_colleague(sign_in: SignIn) -> None:
    sign_in("translator", "ar")
    editor = sign_in("editor")
    assert '<option value="translator-ar-en@example.org">Ann translator</option>' in (
        editor.get(FERRY).text
    )
    promised = {"until": "2026-01-16", "person": "translator-ar-en@example.org"}
    assert editor.post(f"{FERRY}claim/", data=promised).status_code == 303
    assert "promised Ann translator" in text_of(editor, FERRY)
    # Shown with the colleague's name chosen, and not with the editor's own.
    page = editor.get(FERRY).text
    assert '<option value="translator-ar-en@example.org" selected>Ann translator' in page
    assert ">Ann editor</option>" not in page


def test_a_changed_original_shows_what_changed_and_can_be_dismissed(
    sign_in: SignIn, publication: PublicationFolder
) -> None:
    publication.at(NOW + timedelta(minutes=1))
    publication.pick_up_file(
        "en/bridge.md", "Second & last.", title="The bridge", date="2026-01-07"
    )
    client = sign_in("translator", "ar")
    today = client.get("/").text
    mine = today.partition("Waits for you")[2].partition("<h2")[0]
    assert "1 translation is older" in mine
    assert 'href="/translations/?language=ar&amp;state=stale">Translate</a>' in mine
    page = client.get("/translations/ar/2/").text
    assert "<del>First</del><ins>Second &amp; last</ins>." in page
    client.post("/translations/ar/2/dismiss/")
    assert "<ins>" not in client.get("/translations/ar/2/").text


def test_a_translator_gives_the_feeds_other_addresses(
    sign_in: SignIn, nobody: FlaskClient
) -> None:
    client = sign_in("translator", "ar")

    def address() -> str:
        found = re.search(r'href="http://localhost:8090([^"]+\.atom)"', client.get(mine).text)
        assert found
        return found[1]

    mine = "/translations/mine/"
    assert 'href="/account/#mails"' in client.get(mine).text
    first = address()
    feed = nobody.get(first)
    assert (feed.status_code, feed.mimetype) == (200, "application/atom+xml")
    assert feed.headers["Cache-Control"] == "private, no-store"
    assert "The ferry" in feed.text
    assert "The bridge" not in feed.text
    tag = {"If-None-Match": feed.headers["ETag"]}
    assert nobody.get(first, headers=tag).status_code == 304
    client.post(f"{mine}feeds/")
    assert nobody.get(first).status_code == 404
    assert nobody.get(address()).status_code == 200


def test_statistics_are_a_page_of_numbers(
    sign_in: SignIn, publication: PublicationFolder
) -> None:
    publication.at(NOW - timedelta(hours=5, minutes=30))
    publication.pick_up_file("en/pier.md", "First.", title="The pier", date="2026-01-08")
    publication.at(NOW)
    publication.pick_up_file("ar/pier.md", "كلمات.", title="الرصيف", translator="Omar")
    people = {"ann": "en", "omar": "ar", "aino": "fi", "li": "zh-Hant"}
    subscribe(publication, *((f"{one}@example.com", tag) for one, tag in people.items()))
    client = sign_in("viewer")
    path = "/translations/statistics/"
    assert f'href="{path}"' in client.get("/translations/").text
    assert "<script" not in client.get(path).text
    page = text_of(client, path)
    heads = "original translation missing Made by people Half of them within 95 of 100 within"
    assert heads in page
    # Each column: originals, translations, missing, of people, median, 95th percentile.
    assert "English 3 0 0 0 – –" in page
    assert "العربية 0 2 1 2 0 hours 5.5 hours" in page
    assert "Subscribers 75% 3 0% 0 25% 1" in page
    assert "Stories, once for each subscriber 42% 5 0% 0 58% 7" in page
    for asked, shown in (("7", "7"), ("365", "365"), ("8", "60"), ("x", "60")):
        chosen = client.get(f"{path}?days={asked}").text
        assert f'<option value="{shown}" selected>' in chosen


def test_statistics_of_nothing_say_so(
    console_context: ConsoleContext, publication: PublicationFolder
) -> None:
    later = publication.at(NOW + timedelta(days=100)).clock
    app = create_console(replace(console_context, clock=later))
    client = browser(app, begin(publication, "viewer", None, "en", later.now()))
    page = text_of(client, "/translations/statistics/")
    assert "No original was published in these days." in page
    assert "Nobody is subscribed." in page
