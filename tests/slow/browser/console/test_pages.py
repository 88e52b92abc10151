"""Every page of the editors' console in Chromium, with its policy enforced: accessible, small, private."""

import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from itertools import count
from typing import Any
from wsgiref.types import WSGIApplication

import pytest
from playwright.sync_api import Page

from publisher.app.drafts import begin_translation
from publisher.app.issues.edits import EditRequest, edit_issue
from publisher.app.issues.sending import hold_issue
from publisher.app.operation.page_servers import open_console_state
from publisher.app.subscribers.lists import keep_list
from publisher.config.publication import TranslationSettings
from publisher.drafts.store import change_draft
from publisher.issues.editing import EditKind
from publisher.testing import MemoryTransport
from publisher.web.console.application import ROUTES, create_console
from publisher.web.console.routes import Access
from publisher.webhooks.store import insert_webhook
from tests.publisher.app.approving import TERMINAL
from tests.publisher.conftest import PublicationFolder, editing_state
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import pipeline_of
from tests.publisher.web.conftest import MadeReady, made_ready
from tests.publisher.web.console.conftest import COOKIE, begin, context_of
from tests.publisher.web.console.test_every_console_route import path_of
from tests.sizes import PATIENCE, by_lane
from tests.slow.browser.test_keyboard import enter, tab_to
from tests.slow.browser.test_subscriber_pages import LATIN, SMALLEST_TARGET, TARGETS
from tools.browser.accessibility import AXE, OF_COLOURS, RULES, RUN, result_lines
from tools.browser.chromium import Chromium
from tools.servers.web_servers import web_server

__all__ = ["made_ready"]

# Answers that are for programs, frames and downloads, and no pages.
PAGE = "text/html"
# Says what a page loads and does that its own policy forbids.
POLICY = "Content Security Policy"
# Names of files and of formats are the same in every language; `pre` has a mail as it is.
NAMES = (
    r"JSON|(people|publication)\.toml|cron|RRULE|RFC|Markdown|HTML|DKIM|CSV|URL|API|UTC|TOTP"
)
FOREIGN = LATIN.replace("JSON", NAMES).replace("bdi", "bdi, pre")
KEY = "0" * 32
# One for each direction; of the others, the fast tests look at the words.
LANGUAGES = by_lane(["en", "ar"], ["en", "zh-Hans", "zh-Hant", "ar"])
PARTS = {"table": "weekly", "key": KEY}
OF_A_SENT_ISSUE = {f"/issues/<issue>/{one}/" for one in ("correct", "sent", "report")}
# Files and frames, which need a token or somebody's page before them, and a part that names its source.
NO_PAGE = (
    r"^/(previews|translations/feeds)/|^/calendar/word\.ics$|^/one-time-passwords\.svg$"
    r"|^/sources/test/$|^/sign-in/provider/back/$"
)
# As hostile as `tests.slow.browser.hostile`: one word that is wider than any window.
ENDLESS = "endless" * 40
PEOPLE = """\
[word]
name = { en = "Mira", ar = "ميرا" }
aliases = ["M."]
"""


@dataclass
class Console:
    """A running console: its address, and tokens of sessions by language of the pages."""

    url: str
    tokens: dict[str, str]


@contextmanager
def serving(app: WSGIApplication) -> Iterator[str]:
    with web_server(app) as (_host, port):
        yield f"http://localhost:{port}"


def with_objects(publication: PublicationFolder) -> None:
    """Have something on each page."""
    (publication.settings.folders.root / "people.toml").write_text(PEOPLE, "utf-8")
    for number in range(6):
        publication.write(
            f"en/{number}.md", "Words.", title=f"Story {number}", date="2026-01-05"
        )
    publication.write("ar/0.md", "كلمات.", title="قصة", date="2026-01-05")
    publication.write("en/endless.md", "Words.", title=ENDLESS, date="2026-01-05")
    publication.write("en/broken.md", "---\ntitle: [\n---\n")
    publication.write("en/draft.md", "Soon.", title="Draft", draft=True)
    pipeline_of(publication).prepare()
    for number in range(5):
        (publication.articles / f"en/{number}.md").unlink()
    publication.pick_up()
    _have_objects(publication)
    publication.write("ar/1.md", "كلمات.", title="قصة أخرى", date="2026-02-01")


@pytest.fixture
def running(made_ready: MadeReady) -> Iterator[Console]:
    """A console whose pages have something on them."""
    publication = made_ready(
        with_objects,
        title={"en": "The Lantern", "zh-Hant": "燈籠", "ar": "الفانوس"},
        languages=["en", "zh-Hant", "ar"],
        sources=[{"kind": "folder", "path": "articles", "editable": True}],
        newsletters=[{"title": {"en": "The week", "zh-Hant": "一週", "ar": "الأسبوع"}}],
    )
    table = TranslationSettings(command=("translate",))
    publication.settings = replace(publication.settings, translation=table)
    with open_console_state(publication.settings) as opened:
        opened.source_tests.begin(editing_state(publication), TERMINAL, "articles")
        opened.source_tests.wait(PATIENCE)
        now = publication.clock.now()
        tokens = {
            language: begin(publication, "administrator", None, language, now)
            for language in ("en", "zh-Hans", "zh-Hant", "ar")
        }
        with serving(create_console(context_of(publication, opened))) as url:
            yield Console(url, tokens)


def _have_objects(publication: PublicationFolder) -> None:
    """Have what pages are about: a subscriber, a webhook, a list, a revision, and an issue that was sent."""
    state, now = editing_state(publication), publication.clock.now()
    subscribe(publication, ("ann@example.com", "en"), ("noor@example.com", "ar"))
    with publication.database.writing() as connection:
        insert_webhook(connection, state.secret, "https://hook.example.org/", (), now)
    keep_list(state, TERMINAL, KEY, io.BytesIO(b"email,language,shoe\nno address,en,38\n"))
    arabic = "weekly-ar-2026-01-09"
    edit_issue(state, TERMINAL, arabic, EditRequest(EditKind.SUBJECT, "كلمات أخرى"))
    hold_issue(state, TERMINAL, arabic)
    draft = begin_translation(state, TERMINAL, publication.one("endless").story_id, "ar")
    words = {"title": "قصة", "text": f"كلمات {'ك' * len(ENDLESS)}"}
    # A machine's that nobody has read yet.
    now, more = state.clock.now(), {"machine": ENDLESS}
    with publication.database.writing() as connection:
        change_draft(connection, draft, draft.version, now, {**draft.fields, **words}, **more)
    pipeline_of(publication, MemoryTransport()).run()


def sign_in(window: Page, token: str, host: str = "localhost") -> None:
    window.context.add_cookies(
        [
            {
                "name": COOKIE,
                "value": token,
                "url": f"https://{host}/",
                "secure": True,
                "httpOnly": True,
                "sameSite": "Lax",
            }
        ]
    )


def pages() -> list[str]:
    """Give a path of each page: of what there is in the fixture, and has been sent in English."""
    paths = []
    for one in ROUTES:
        if "GET" in one.methods and "/-/" not in one.path:
            language = "en" if one.path in OF_A_SENT_ISSUE else "ar"
            paths.append(path_of(one, language, PARTS))
    return paths


def look_at_all(window: Page, running: Console, look: Callable[[], list[str]]) -> str:
    """Open every page; return a line for each thing that is wrong."""
    faults: list[str] = []
    asked: list[str] = []
    window.on("request", lambda one: asked.append(one.url))
    window.on("console", lambda one: faults.append(one.text) if POLICY in one.text else None)
    titles: dict[str, str] = {}
    for path in pages():
        if not is_page(window, running, path):
            if window.request.get(f"{running.url}{path}").status >= 400 and not re.search(
                NO_PAGE, path
            ):
                faults.append(f"{path}: is not shown")
            continue
        window.goto(f"{running.url}{path}")
        faults += [f"{path}: {one}" for one in look()]
        title = window.title()
        if titles.setdefault(title, window.url) != window.url:
            faults.append(f"{path}: has the title of {titles[title]}: {title}")
    foreign = [url for url in asked if not url.startswith(f"{running.url}/")]
    return "\n".join([*faults, *(f"asked for {url}" for url in foreign)])


def is_page(window: Page, running: Console, path: str) -> bool:
    answer = window.request.get(f"{running.url}{path}", max_redirects=0)
    kind = answer.headers.get("content-type", "")
    policy = answer.headers["content-security-policy"]
    is_whole = "sandbox" not in policy and not path.endswith("/progress/")
    return kind.startswith(PAGE) and answer.status == HTTPStatus.OK and is_whole


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_of_the_console_is_accessible_fits_and_is_in_one_language(
    chromium: Chromium, running: Console, language: str
) -> None:
    # Each rule holds in both directions alike: in the lane one width for each, and every third page in Arabic
    # and in the dark.
    widths = by_lane((1280,) if language == "en" else (390,), (1280, 390))
    numbers = count()

    def look_at(window: Page) -> list[str]:
        found = _misfits(window, language)
        is_third = next(numbers) % by_lane(3, 1) == 0
        if language != "en" and not is_third:
            return found
        for width in widths:
            window.set_viewport_size({"width": width, "height": 844})
            schemes = SCHEMES[: 1 + is_third]
            found += [f"{one} at {width} px" for one in violations(window, schemes)]
        return found

    def look(window: Page) -> str:
        sign_in(window, running.tokens[language])
        return look_at_all(window, running, lambda: look_at(window))

    assert chromium.browse_servers(look) == ""


@pytest.mark.parametrize("language", by_lane(["ar"], ["en", "ar"]))
def test_the_page_that_counts_down_is_accessible(
    chromium: Chromium, running: Console, language: str
) -> None:
    name = "/issues/weekly-ar-2026-01-09/"

    def look(window: Page) -> list[str]:
        sign_in(window, running.tokens[language])
        # As the button does it. Held before, since it goes out by itself within the hour.
        origin = {"Origin": running.url, "Sec-Fetch-Site": "same-origin"}
        for verb in ("hold", "send-now"):
            window.request.post(f"{running.url}{name}{verb}/", headers=origin)
        window.goto(f"{running.url}{name}")
        assert window.locator('[role="status"] form[action$="/undo/"]').count() == 1
        found = []
        for width in (390, 1280):
            window.set_viewport_size({"width": width, "height": 844})
            found += violations(window)
        return found

    assert chromium.browse_servers(look) == []


SCHEMES = (("light", RULES), ("dark", OF_COLOURS))


def violations(
    window: Page, schemes: Sequence[tuple[str, tuple[str, ...]]] = SCHEMES
) -> list[str]:
    window.evaluate(AXE)
    found = []
    for scheme, rules in schemes:
        window.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        lines = result_lines(window.evaluate(RUN, rules)["violations"])
        found += [f"{line} in the {scheme}" for line in lines]
    return found


def _misfits(window: Page, language: str) -> list[str]:
    found = []
    # What a script sets in an editor, the policy permits.
    inline = window.locator(
        ":is(script:not([src]), style, [style], [onclick], [onload])"
        ":not(.EasyMDEContainer *, [data-editor])"
    ).count()
    for width, text in ((320, ""), (640, "225%"), (390, ""), (1280, "")):
        window.set_viewport_size({"width": width, "height": 900})
        # Twice as large a text as it is by itself on a window of this width.
        window.evaluate(f"document.documentElement.style.fontSize = '{text}'")
        over = window.evaluate("document.scrollingElement.scrollWidth - innerWidth")
        if over > 0:
            found.append(f"is {over} px too wide at {width} px, text {text or 'as it is'}")
    words: list[Any] = window.evaluate(FOREIGN) if language != "en" else []
    direction = window.evaluate("getComputedStyle(document.body).direction")
    if direction != ("rtl" if language == "ar" else "ltr"):
        found.append(f"runs {direction}")
    found += [f"small target {one}" for one in window.evaluate(TARGETS, SMALLEST_TARGET)]
    found += [f"English words: {one}" for one in words]
    return found + (["has inline style or script"] if inline else [])


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_title_without_a_space_pushes_no_column_out_of_sight(
    chromium: Chromium, running: Console, language: str
) -> None:
    def look(window: Page) -> tuple[int, bool]:
        sign_in(window, running.tokens[language])
        window.set_viewport_size({"width": 1280, "height": 900})
        window.goto(f"{running.url}/translations/")
        wide: int = window.locator(".scroll").evaluate_all(
            "found => found.filter((one) => one.scrollWidth > one.clientWidth).length"
        )
        window.set_viewport_size({"width": 320, "height": 700})
        box = window.locator("tbody th", has_text=ENDLESS).bounding_box()
        assert box is not None
        return wide, box["width"] < 200

    assert chromium.browse_servers(look) == (0, True)


def test_the_bar_is_mirrored_in_arabic(chromium: Chromium, running: Console) -> None:
    def look(window: Page) -> list[float]:
        window.set_viewport_size({"width": 1280, "height": 900})
        sides = []
        for language in ("en", "ar"):
            window.context.clear_cookies()
            sign_in(window, running.tokens[language])
            window.goto(running.url)
            box = window.locator(".title").bounding_box()
            assert box is not None
            sides += [box["x"], 1280 - box["x"] - box["width"]]
        return sides

    left, _right, _mirrored_left, mirrored_right = chromium.browse_servers(look)
    assert abs(left - mirrored_right) < 1


@pytest.mark.parametrize("width", [320, 1280])
def test_the_bar_stays_in_sight_and_its_third_group_opens_by_the_keyboard_without_scripts(
    chromium: Chromium, running: Console, width: int
) -> None:
    def look(window: Page) -> list[Any]:
        sign_in(window, running.tokens["en"])
        window.route("**/*.js", lambda route: route.abort())
        window.set_viewport_size({"width": width, "height": 500})
        window.goto(f"{running.url}/settings/")
        window.mouse.wheel(0, 600)
        window.wait_for_function("scrollY > 100")
        menu = window.locator(".menu")
        box = menu.bounding_box()
        assert box is not None
        closed = menu.get_by_role("link", name="Sources").is_visible()
        tab_to(window, ".menu summary")
        window.keyboard.press("Enter")
        opened = menu.get_by_role("link", name="Sources")
        return [box["y"] > -2, box["height"] < 50, closed, opened.is_visible()]

    assert chromium.browse_servers(look) == [True, True, False, True]


def test_somebody_signed_out_gets_to_the_page_for_signing_in(
    chromium: Chromium, running: Console
) -> None:
    def look(window: Page) -> list[str]:
        window.goto(f"{running.url}/sources/")
        return [window.url, *violations(window)]

    assert any(one.access is Access.PUBLIC for one in ROUTES)
    assert chromium.browse_servers(look) == [f"{running.url}/sign-in/?next=/sources/"]


def test_the_keyboard_reaches_the_page_past_the_menu(
    chromium: Chromium, running: Console
) -> None:
    def look(window: Page) -> list[Any]:
        sign_in(window, running.tokens["en"])
        window.goto(f"{running.url}/people/")
        window.keyboard.press("Tab")
        first = window.evaluate("document.activeElement.className")
        window.keyboard.press("Enter")
        window.keyboard.press("Tab")
        inside = window.evaluate("!!document.activeElement.closest('main')")
        ring = window.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        return [first, inside, ring]

    assert chromium.browse_servers(look) == ["skip", True, "solid"]


@pytest.mark.parametrize("language", by_lane(["ar"], ["en", "ar"]))
def test_an_issue_is_sent_and_stopped_in_time_without_a_mouse(
    chromium: Chromium, running: Console, language: str
) -> None:
    undo = '[role="status"] form[action$="/undo/"] button'

    def look(window: Page) -> list[int]:
        sign_in(window, running.tokens[language])
        window.goto(f"{running.url}/issues/weekly-ar-2026-01-09/")
        found = []
        tab_to(window, ".deck .drop > summary")
        window.keyboard.press("Enter")
        for button in ('form[action$="/send-now/"] button', undo):
            enter(window, button)
            assert window.locator("[role=status]").count() > 0
            found.append(window.locator(undo).count())
        return found

    assert chromium.browse_servers(look) == [1, 0]


def test_buttons_of_an_issue_keep_an_edge_in_forced_colours(
    chromium: Chromium, running: Console
) -> None:
    def look(window: Page) -> list[str]:
        window.emulate_media(forced_colors="active")
        sign_in(window, running.tokens["en"])
        window.goto(f"{running.url}/issues/weekly-ar-2026-01-09/")
        script = "(all) => all.map(one => getComputedStyle(one).borderTopColor)"
        return list(window.locator("main button").evaluate_all(script))

    edges = chromium.browse_servers(look)
    assert len(edges) > 3
    assert "rgba(0, 0, 0, 0)" not in edges
