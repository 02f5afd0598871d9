"""What holds for the whole page: accessible, narrow, light, fast, and without the internet."""

from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from tests.support.rooms import open_filter_room, wait_for_result
from tests.system.browser.test_digit_room import STROKES, draw

FIRST_VIEW_BYTES = 150_000
ROOMS = (
    "#filter/sobel?at=60,60",
    '#filter?operations=[{"kernel":"gaussian"},{"kernel":"edge"}]&step=1',
    "#digits",
    "#learn?hidden=blur",
)


def enter(page: Page, room: str) -> None:
    page.goto("/" + room)
    if room.startswith("#filter"):
        wait_for_result(page)
        page.locator("#gallery").scroll_into_view_if_needed()
        page.wait_for_selector(".tile")
    elif room.startswith("#learn"):
        expect(page.locator("#residual-share")).to_be_visible(timeout=60_000)
    else:
        expect(page.locator("#reading")).to_have_attribute("data-verdict", "blank")
        draw(page, STROKES["3"])
        expect(page.locator("#reading")).to_have_attribute("data-digit", "3")


@pytest.mark.parametrize(
    ("room", "scheme"),
    [
        (ROOMS[0], "light"),
        (ROOMS[1], "dark"),
        (ROOMS[2], "light"),
        (ROOMS[2], "dark"),
        (ROOMS[3], "light"),
        (ROOMS[3], "dark"),
    ],
)
def test_axe_finds_nothing_serious(page: Page, room: str, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    enter(page, room)
    found = Axe().run(page).response["violations"]
    bad = [
        (one["id"], [node["target"] for node in one["nodes"]])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert bad == []


@pytest.mark.parametrize("room", [ROOMS[0], ROOMS[2], ROOMS[3]])
def test_a_phone_needs_no_sideways_scrolling(page: Page, room: str) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    enter(page, room)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 360


@pytest.mark.parametrize("path", ["/#filter/emboss", "/#digits", "/#learn", "/docs"])
def test_nothing_is_asked_from_outside(page: Page, site: str, path: str) -> None:
    outside: list[str] = []

    def guard(route: Route) -> None:
        if not route.request.url.startswith((site, "data:", "blob:")):
            outside.append(route.request.url)
            return route.abort()
        return route.continue_()

    page.route("**/*", guard)
    page.goto(path, wait_until="networkidle")
    assert outside == []
    visible = {
        "/docs": ".opblock",
        "/#digits": "#verdict",
        "/#filter/emboss": "#status",
        "/#learn": "#learn-title",
    }[path]
    expect(page.locator(visible).first).to_be_visible()


def test_the_first_view_is_small_and_soon_interactive(browser: Browser, site: str) -> None:
    sizes: dict[str, int] = {}
    with browser.new_page() as page:
        page.on("response", lambda response: sizes.update({response.url: response.request.sizes()["responseBodySize"]}))
        page.goto(site + "/")
        wait_for_result(page)
        ready_ms = page.evaluate("performance.getEntriesByName('interactive')[0].startTime")
    own = {url: size for url, size in sizes.items() if "/static/" in url or url == site + "/"}
    assert len(own) > 15
    assert sum(own.values()) < FIRST_VIEW_BYTES
    print(f"first view {sum(own.values())} bytes, interactive after {ready_ms:.0f} ms")


def test_page_files_are_revalidated_and_safe(api: httpx.Client) -> None:
    page = api.get("/", headers={"Accept": "text/html"})
    assert page.headers["content-security-policy"].startswith(
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self'"
    )
    assert "script" not in page.headers["content-security-policy"]
    module = api.get("/static/js/main.js")
    assert module.headers["content-type"].startswith("text/javascript")
    assert module.headers["cache-control"] == "no-cache"
    again = api.get("/static/js/main.js", headers={"If-None-Match": module.headers["etag"]})
    assert again.status_code == 304
    assert api.get("/", headers={"If-None-Match": page.headers["etag"], "Accept": "text/html"}).status_code == 304
    assert api.get("/favicon.ico").headers["content-type"] == "image/svg+xml"
    assert api.get("/static/../main.py").status_code == 404


def test_everything_is_reached_by_keyboard(page: Page) -> None:
    open_filter_room(page)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.className"))
    assert {"file", "viewer", "split", "zoom", "add-step", "set-kernel", "set-border", "full"} <= reached
