"""Pages as they are written and served: their style sheet, their pictures, and what moves while they load."""

from playwright.sync_api import Page

from publisher.serving.static_site import StaticSite
from tests.publisher.conftest import Make
from tests.publisher.printing import shown
from tests.slow.publisher.site.test_picture_widths import photograph
from tools.browser.accessibility import violations
from tools.browser.chromium import Chromium, Window
from tools.servers.web_servers import web_server

# CSS pixels of a window, and pixels for each of them.
WINDOWS = {"phone": (390, 1), "screen": (1280, 1), "dense": (1280, 2)}
SHIFTS = """new Promise(done => new PerformanceObserver(list => done(list.getEntries()
    .reduce((sum, one) => sum + one.value, 0))).observe({type: "layout-shift", buffered: true})
    || setTimeout(() => done(0), 500))"""
# The policy of pages lets nothing be evaluated again and again.
COMPLETE = """Promise.all([...document.images].map(
    one => one.complete || new Promise(done => { one.onload = one.onerror = done; })))"""
LOADED = """[...document.images].map(one => [one.complete && one.naturalWidth > 0,
    one.currentSrc.split("/").pop(), one.loading])"""


def test_a_page_has_its_sheet_and_pictures_as_wide_as_the_screen_needs_and_nothing_moves(
    new_publication: Make, chromium: Chromium
) -> None:
    publication = new_publication()
    for name, deviation in (("pier", 60), ("boat", 90)):
        publication.write(f"en/{name}.jpg", photograph(deviation, 2000, 900))
    text = "![Pier](pier.jpg)\n\n" + "Words of a harbour.\n\n" * 60 + "![Boat](boat.jpg)"
    publication.write("en/pier.md", text, title="Pier", date="2026-01-07")
    assert shown(publication).problems == []
    settings = publication.settings

    def look(page: Page) -> dict[str, list[object]]:
        found: dict[str, list[object]] = {}
        session = page.context.new_cdp_session(page)
        for name, (width, density) in WINDOWS.items():
            size = {"width": width, "height": 900, "deviceScaleFactor": density}
            session.send("Emulation.setDeviceMetricsOverride", size | {"mobile": False})
            page.goto(f"http://{host}:{port}/en/stories/pier/", wait_until="load")
            shifts, bar = page.evaluate(SHIFTS), page.locator("header.top").first
            border = bar.evaluate("one => getComputedStyle(one).borderTopWidth")
            page.locator("img").last.scroll_into_view_if_needed()
            page.evaluate(COMPLETE)
            found[name] = [shifts, border, page.evaluate(LOADED)]
        session.detach()
        found["axe"] = [violations(Window(page))]
        return found

    with web_server(StaticSite(lambda: settings)) as (host, port):
        found = chromium.browse_servers(look)

    def pictures(width: int) -> list[list[object]]:
        return [[True, f"pier.{width}.webp", "auto"], [True, f"boat.{width}.webp", "lazy"]]

    assert found == {
        "phone": [0, "5px", pictures(800)],
        "screen": [0, "5px", pictures(800)],
        "dense": [0, "5px", pictures(1600)],
        "axe": [[]],
    }
