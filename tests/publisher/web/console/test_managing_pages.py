"""Pages for sources, people and settings."""

import html
import re
import socket
from dataclasses import replace
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from publisher.app.articles import problem_meaning
from publisher.config import Settings, SourceSettings, load_settings
from publisher.config.sources import SOURCE_KINDS
from publisher.config.values import Kind
from publisher.ingest.sources.base import Item, Listing, RawItem
from publisher.rendering.console import said_as_text
from publisher.web.console.application import create_console
from publisher.web.console.context import ConsoleContext
from tests.publisher.conftest import PublicationFolder
from tests.publisher.web.console.conftest import SignIn, audit_log, begin, browser
from tests.publisher.web.console.test_console_sentences import unmarked
from tests.sizes import PATIENCE


def fields(page: str) -> dict[str, str]:
    """Give the hidden and text fields of a page's forms."""
    tags = re.findall(r"<input [^>]*>", page)
    named = ((re.search(r'name="([^"]*)"', t), re.search(r'value="([^"]*)"', t)) for t in tags)
    return {name[1]: html.unescape(value[1]) if value else "" for name, value in named if name}


def follow(client: FlaskClient, path: str, data: dict[str, str]) -> str:
    answer = client.post(path, data=data)
    assert answer.status_code == 303, answer.text
    return client.get(answer.headers["Location"]).text


def test_a_person_is_added_named_in_a_language_and_removed(
    sign_in: SignIn, publication: PublicationFolder
) -> None:
    client = sign_in("editor")
    form = fields(client.get("/people/").text)
    page = follow(client, "/people/", form | {"key": "mira", "name": "Mira <b>"})
    assert "Added." in page
    assert "Mira &lt;b&gt;" in page
    form = fields(page) | {
        "name.ar": "ميرا",
        "name.en": "Mira",
        "name.": "",
        "aliases": "M.\nMS",
    }
    assert "Saved." in follow(client, "/people/mira/", form)
    people = load_settings(publication.settings.folders.root).publication.people
    assert people.name_in("ar", "ms") == "ميرا"
    page = follow(client, "/people/mira/remove/", fields(client.get("/people/mira/").text))
    assert "Removed." in page
    assert client.get("/people/mira/").status_code == 404


def test_of_two_who_change_a_person_the_second_sees_both_texts_and_may_store_the_own(
    sign_in: SignIn, publication: PublicationFolder
) -> None:
    file = publication.settings.folders.root / "people.toml"
    file.write_text('[mira]\nname = { en = "Mira", ar = "ميرا" }\naliases = ["M."]\n', "utf-8")
    first, second = sign_in("editor"), sign_in("editor", pages="ar")
    read = fields(first.get("/people/mira/").text)
    read["aliases"] = read["seen.aliases"]
    same = fields(second.get("/people/mira/").text) | {"aliases": "M."}
    follow(first, "/people/mira/", read | {"name.en": "Mira Sabbagh"})
    # Another field of the same person is no conflict.
    follow(second, "/people/mira/", same | {"url": "https://example.org/mira"})
    answer = second.post("/people/mira/", data=same | {"name.en": "Mira S. <b>"})
    assert answer.status_code == 409
    assert "غيّر أحدهم الشيء نفسه" in answer.text
    shown = re.findall(r'<td class="lines"><bdi>([^<]*)</bdi></td>', answer.text)
    assert shown == ["Mira S. &lt;b&gt;", "Mira Sabbagh"]
    assert "Mira Sabbagh" in file.read_text("utf-8")
    follow(second, "/people/mira/", fields(answer.text))
    text = file.read_text("utf-8")
    assert "Mira S. <b>" in text
    assert 'url = "https://example.org/mira"' in text
    assert "M." in text


def test_a_long_text_of_the_file_is_no_conflict_and_a_longer_one_is_refused_in_words(
    sign_in: SignIn, publication: PublicationFolder
) -> None:
    file = publication.settings.folders.root / "people.toml"
    aliases = [f"Mira {number}" for number in range(400)]
    file.write_text(f'[mira]\nname = "Mira"\naliases = {aliases}\n', "utf-8")
    client, long = sign_in("editor"), "\r\n".join(aliases)
    form = fields(client.get("/people/mira/").text)
    form |= {"aliases": long, "seen.aliases": long, "url": "https://example.org/mira"}
    assert "Saved." in follow(client, "/people/mira/", form)
    people = load_settings(file.parent).publication.people
    assert people.persons["mira"].aliases == tuple(aliases)
    answer = client.post("/people/mira/", data=form | {"aliases": f"{long} and more"})
    assert answer.status_code == 409
    assert "aliases: it has 3,498 characters; 3,489 are allowed" in answer.text


def test_a_schedule_is_checked_before_it_is_confirmed_and_its_next_dates_are_shown(
    sign_in: SignIn,
) -> None:
    client = sign_in()
    form = fields(client.get("/settings/weekly/").text)
    refused = client.post("/settings/weekly/", data=form | {"schedule": "30 99 * * *"})
    assert refused.status_code == 422
    assert "What changes" not in refused.text
    assert 'value="30 99 * * *"' in refused.text
    page = client.post("/settings/weekly/", data=form | {"schedule": "30 14 1 * *"}).text
    shown = page.partition("The next dates")[2]
    assert re.findall(r'datetime="([\d-]+)T14:30', shown) == [
        f"2026-0{month}-01" for month in range(2, 7)
    ]
    # Other changes have no dates.
    other = client.post("/settings/weekly/", data=form | {"lead": "6"}).text
    assert "The next dates" not in other


def test_settings_change_after_a_look_at_what_changes(
    sign_in: SignIn, publication: PublicationFolder
) -> None:
    publication.reload(
        languages=["en", "ar", "zh-Hant"], newsletters=[{"name": "weekly", "title": "The week"}]
    )
    client, folder = sign_in(), publication.settings.folders.root
    form = fields(client.get("/settings/weekly/").text) | {"lead": "6", "title.ar": "الأسبوع"}
    page = client.post("/settings/weekly/", data=form).text
    assert re.findall("<ins><bdi>(.*?)</bdi></ins>", page) == ["الأسبوع", "6"]
    assert load_settings(folder).newsletters[0].lead is None
    page = follow(client, "/settings/weekly/", fields(page))
    assert "publication.toml is changed" in page
    weekly = load_settings(folder).newsletters[0]
    assert weekly.lead == 6
    # A title for all languages stays that of those that do not change.
    titles = [weekly.title(one) for one in ("en", "ar", "zh-Hant")]
    assert titles == ["The week", "الأسبوع", "The week"]


def test_of_two_who_change_a_setting_the_second_sees_both_values(
    sign_in: SignIn, publication: PublicationFolder
) -> None:
    first, second = sign_in(), sign_in(pages="zh-Hans")
    folder = publication.settings.folders.root
    read = {**fields(first.get("/settings/weekly/").text), "confirmed": "yes"}
    follow(first, "/settings/weekly/", read | {"lead": "6"})
    follow(second, "/settings/weekly/", read | {"undo": "7"})
    # Nobody is asked whether to change what cannot be changed without a look at both.
    for data in (read | {"lead": "9"}, read | {"lead": "9", "confirmed": ""}):
        answer = second.post("/settings/weekly/", data=data)
        assert answer.status_code == 409
        assert re.findall(r'<td class="lines"><bdi>(\d+)</bdi></td>', answer.text) == ["9", "6"]
    newsletter = load_settings(folder).newsletters[0]
    assert (newsletter.lead, newsletter.undo) == (6, 7)
    follow(second, "/settings/weekly/", fields(answer.text))
    assert load_settings(folder).newsletters[0].lead == 9


def test_a_wrong_person_or_setting_keeps_what_was_written_beside_the_reason(
    sign_in: SignIn,
) -> None:
    client = sign_in()
    answer = client.post("/people/", data={"key": "Mira S", "name": "Mira"})
    assert answer.status_code == 422
    assert 'value="Mira S"' in answer.text
    assert "small letters" in answer.text
    form = fields(client.get("/settings/weekly/").text)
    wrong = form | {"schedule": "whenever", "confirmed": "yes"}
    answer = client.post("/settings/weekly/", data=wrong)
    assert answer.status_code == 422
    assert "newsletter[0].schedule" in answer.text
    assert 'value="whenever"' in answer.text
    assert "Nothing changes." in client.post("/settings/weekly/", data=form).text


def test_only_those_who_may_change_settings_or_test_sources_see_keys_and_button(
    sign_in: SignIn,
) -> None:
    chief, button = sign_in(), 'action="/sources/test/"'
    assert "Every setting" in chief.get("/settings/").text
    page = sign_in("viewer").get("/settings/").text
    assert "Every setting" not in page
    assert "/settings/weekly/" not in page
    assert button in chief.get("/sources/").text
    assert button not in sign_in("editor").get("/sources/").text


def test_a_loss_of_a_source_is_accepted_by_who_may(
    sign_in: SignIn, publication: PublicationFolder
) -> None:
    files = [
        publication.write(f"en/{n}.md", f"Words {n}.", title=f"Story {n}", date="2026-01-05")
        for n in range(6)
    ]
    publication.pick_up_file("en/<script>.md", "---\ntitle: [\n---\n")
    for file in files[:4]:
        file.unlink()
    publication.pick_up()
    assert "Accept that they are gone" not in sign_in("editor").get("/sources/").text
    client = sign_in()
    page = client.get("/sources/").text
    assert "4 of 6 articles are gone" in page
    assert "en/&lt;script&gt;.md" in page
    assert 'href="/sources/"' in client.get("/").text
    page = follow(client, "/sources/accept/", fields(page))
    assert "the loss is accepted" in page
    assert client.post("/sources/accept/", data={"lost": "x"}).status_code == 404


def look_after_test(client: FlaskClient, context: ConsoleContext) -> str:
    """Press the button of the only source, and give the page with the result."""
    page = client.get("/sources/").text
    assert 'id="test-1"' in follow(client, "/sources/test/", fields(page))
    context.opened.source_tests.wait(PATIENCE)
    return client.get("/sources/").text


def test_a_source_is_tested_and_what_it_would_bring_is_shown(
    sign_in: SignIn, publication: PublicationFolder, console_context: ConsoleContext
) -> None:
    publication.write("en/tides.md", "Words.", title="Tides <b>", date="2026-01-05")
    publication.write("en/broken.md", "---\ntitle: [\n---\n")
    rows = publication.everything()
    client = sign_in()
    page = look_after_test(client, console_context)
    assert "Tides &lt;b&gt;" in page
    assert "en/broken.md" in page
    assert "Nothing was stored." in page
    assert "http-equiv" not in page
    assert publication.everything() == rows
    assert client.post("/sources/test/", data={"source": "none"}).status_code == 404


def test_a_source_that_can_t_be_tested_says_what_and_where_in_the_language_of_the_page(
    sign_in: SignIn, publication: PublicationFolder, console_context: ConsoleContext
) -> None:
    client = sign_in(pages="ar")
    publication.write("en/tides.md", "![Tide](gone.png)", title="Tides", date="2026-01-05")
    page = look_after_test(client, console_context)
    assert said_as_text("ar", problem_meaning("missing-picture")) in page
    assert "missing-picture" not in page
    assert unmarked(page) == []
    publication.articles.rename(publication.articles.with_name("elsewhere"))
    page = look_after_test(client, console_context)
    assert "تتعذّر قراءته" in page
    assert "No such file or directory" in page
    publication.pick_up()
    page = sign_in("viewer").get("/sources/").text
    assert page.count("articles: can&#39;t be read") >= 1
    assert str(publication.articles.parent) not in page


@pytest.mark.parametrize("pages", ["zh-Hans", "zh-Hant", "ar"])
def test_notices_of_a_source_are_in_the_language_of_the_page(
    sign_in: SignIn, publication: PublicationFolder, pages: str
) -> None:
    publication.write("en/draft.md", "Soon.", title="Draft", draft=True)
    publication.write("en/later.md", "Later.", title="Later", date="2026-02-01")
    publication.pick_up_file(
        "fr/mer.md", "La mer.", title="La mer", language="fr", date="2026-01-05"
    )
    english = sign_in().get("/sources/").text
    assert "1 file is left out: drafts" in english
    page = sign_in(pages=pages).get("/sources/").text
    words = {"zh-Hans": "略去了 1 个文件", "zh-Hant": "略去了 1 個檔案", "ar": "تُرك ملف واحد"}
    assert words[pages] in page
    assert unmarked(page) == []


class _SilentServer:
    """A source on another machine that takes connections, and does not answer until it is closed."""

    port = 0

    def __init__(self, options: SourceSettings, settings: Settings, *_: object) -> None:
        del options, settings

    def poll(self, mark: str) -> Listing:
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as connection:
            assert connection.recv(1) == b""
        return Listing([], True, mark)

    def read(self, item: Item) -> RawItem:
        raise AssertionError(item)


def test_a_source_that_does_not_answer_holds_up_no_page(
    sign_in: SignIn,
    publication: PublicationFolder,
    console_context: ConsoleContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kind = Kind(SourceSettings, f"{__name__}:_SilentServer")
    monkeypatch.setitem(SOURCE_KINDS, "silent", kind)
    options = SourceSettings(kind="silent", name="far away")
    publication.settings = replace(publication.settings, sources=(options,))
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(_SilentServer, "port", server.getsockname()[1])
        client = sign_in()
        form, part = {"source": "far away"}, "/sources/test/?source=far+away"
        page = follow(client, "/sources/test/", form)
        asking, _address = server.accept()
        with asking:
            assert 'http-equiv="refresh"' in page
            assert 'action="/sources/test/"' not in page
            # Pressed again, by somebody whose page is older: it is the same test.
            assert f'hx-get="{part}"' in follow(client, "/sources/test/", form)
            running = sign_in("viewer").get(part).text
            assert f'hx-get="{part}"' in running
            assert "<h1>" not in running
            # Not for ever: the disk may never answer.
            publication.at(publication.clock.now() + timedelta(minutes=3))
            app = create_console(replace(console_context, clock=publication.clock))
            later = browser(
                app, begin(publication, "viewer", None, "ar", publication.clock.now())
            )
            for late in (later.get(part).text, later.get("/sources/").text):
                assert 'id="test-1"' in late
                assert "hx-get" not in late
                assert 'http-equiv="refresh"' not in late
        console_context.opened.source_tests.wait(PATIENCE)
    for done in (client.get(part).text, client.get("/sources/").text):
        assert "Nothing was stored." in done
        assert 'action="/sources/test/"' in done
    assert client.get("/sources/test/?source=none").status_code == 404
    assert [one.verb for one in audit_log(publication)].count("test-source") == 1
