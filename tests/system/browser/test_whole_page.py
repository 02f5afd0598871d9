"""Properties of the whole page: accessibility, narrow screens, size, caching, and no external requests."""

from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.support.page_actions import draw, list_serious_violations, open_filter_view, wait_for_result
from tests.system.browser.test_digit_view import STROKES

FIRST_VIEW_BYTES = 250_000
"""Files and first sample as they are transferred: text is compressed."""
FIRST_VIEW_FILES = 75
VIEWS = (
    "#filter/sobel?at=60,60",
    '#filter?operations=[{"kernel":"gaussian"},{"kernel":"edge"}]&step=1',
    "#digits",
    "#classes",
    "#learn?puzzle=9",
    "#kernels",
    "problems",
    "docs",
)


def open_view(page: Page, view: str) -> None:
    page.goto("/" + view)
    if view.startswith("#filter"):
        wait_for_result(page)
        page.locator("#gallery").scroll_into_view_if_needed()
        page.wait_for_selector(".tile")
    elif view.startswith("#learn"):
        page.click("#start-learning")
        expect(page.locator("#learn-status")).to_contain_text("Done", timeout=120_000)
        page.click("#show-answer")
        expect(page.locator("#residual-share")).to_be_visible(timeout=60_000)
    elif view == "#kernels":
        expect(page.locator(".kernel").first).to_be_visible()
    elif view == "docs":
        open_operation(page, "get_sample")
    elif view == "#classes":
        expect(page.locator(".class-card")).to_have_count(2)
        draw(page, STROKES["3"], pad="#class-pad")
        page.locator(".choose-class").first.click()
        expect(page.locator(".class-examples li").first).to_be_visible(timeout=30_000)
    elif view == "#digits":
        expect(page.locator("#digit-result")).to_have_attribute("data-verdict", "blank")
        draw(page, STROKES["3"])
        expect(page.locator("#digit-result")).to_have_attribute("data-digit", "3")
        page.locator("#diagram").scroll_into_view_if_needed()
        expect(page.locator("#network")).to_have_attribute("data-digit", "3", timeout=30_000)


def open_operation(page: Page, name: str) -> None:
    page.set_default_timeout(60_000)  # Swagger UI draws the whole document first
    page.locator(f"[id$={name}] .opblock-summary-control").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    page.wait_for_selector(".responses-inner .live-responses-table")


@pytest.mark.parametrize(
    ("view", "scheme"),
    [(VIEWS[0], "light"), (VIEWS[1], "dark")] + [(view, scheme) for view in VIEWS[2:] for scheme in ("light", "dark")],
)
def test_axe_finds_no_serious_violation(page: Page, view: str, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    open_view(page, view)
    assert list_serious_violations(page) == []


@pytest.mark.parametrize("view", [VIEWS[0], *VIEWS[2:7]])
def test_phone_does_not_scroll_sideways(page: Page, view: str) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    open_view(page, view)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 360


@pytest.mark.parametrize("path", ["/#filter/emboss", "/#digits", "/#learn", "/docs"])
def test_no_request_leaves_the_service(page: Page, site: str, path: str) -> None:
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
    expect(page.locator(visible).first).to_be_visible(timeout=30_000)


def test_first_load_is_small(browser: Browser, site: str) -> None:
    sizes: dict[str, int] = {}
    with browser.new_page() as page:
        page.on("response", lambda response: sizes.update({response.url: response.request.sizes()["responseBodySize"]}))
        page.goto(site + "/")
        wait_for_result(page)
        ready_ms = page.evaluate("performance.getEntriesByName('interactive')[0].startTime")
    own = {url: size for url, size in sizes.items() if "/static/" in url or url == site + "/"}
    assert 15 < len(own) < FIRST_VIEW_FILES
    assert sum(own.values()) < FIRST_VIEW_BYTES
    assert "/size" not in "".join(sizes)  # what is below the first screen is loaded when it is seen
    print(f"first view {sum(own.values())} bytes, interactive after {ready_ms:.0f} ms")


def test_page_files_have_caching_and_security_headers(api: httpx.Client) -> None:
    page = api.get("/", headers={"Accept": "text/html"})
    assert page.headers["content-security-policy"].startswith(
        "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; style-src 'self'"
    )
    assert "script" not in page.headers["content-security-policy"]
    module = api.get("/static/js/main.js")
    assert module.headers["content-type"].startswith("text/javascript")
    assert module.headers["cache-control"] == "no-cache"  # without the version of the page in its address
    again = api.get("/static/js/main.js", headers={"If-None-Match": module.headers["etag"]})
    assert again.status_code == 304
    assert api.get("/", headers={"If-None-Match": page.headers["etag"], "Accept": "text/html"}).status_code == 304
    assert api.get("/favicon.ico").headers["content-type"] == "image/svg+xml"
    assert api.get("/static/../main.py").status_code == 404


def test_controls_are_reachable_by_keyboard(page: Page) -> None:
    open_filter_view(page, "#filter/emboss?view=image")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.className"))
    assert {"file", "viewer", "split", "zoom", "add-step", "set-kernel", "set-border", "full"} <= reached


def test_docs_show_the_image_of_a_response(page: Page) -> None:
    """The content security policy of /docs allows Swagger UI's blob: addresses. The page fails if it blocks one."""
    page.goto("/docs")
    open_operation(page, "get_sample")
    image = page.locator(".live-responses-table img").first
    expect(image).to_be_visible()
    page.wait_for_function("() => document.querySelector('.live-responses-table img').naturalWidth === 768")


def test_second_visit_loads_no_file_of_the_page_again(page: Page) -> None:
    page.goto("/#digits")
    expect(page.locator("#verdict")).to_be_visible()
    page.goto("about:blank")
    page.goto("/#digits")
    expect(page.locator("#verdict")).to_be_visible()
    loaded = page.evaluate(
        "performance.getEntriesByType('resource').filter(({ name }) => name.includes('/static/'))"
        ".map(({ name, transferSize }) => [name, transferSize])"
    )
    assert len(loaded) > 15
    assert [name for name, size in loaded if size] == []


SHIFTS = """
window.shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""


DONE = "#filter-view[aria-busy=false]"


@pytest.mark.parametrize(
    ("view", "last"),
    [
        ("#digits", ".bars"),
        ("#digits?mode=several", "#read-text"),
        ("#classes", ".class-card"),
        ("#learn", "#show-answer"),
        ("#kernels", ".kernel"),
        ("#filter/emboss", DONE),
        ("#filter/emboss?view=image", DONE),
        ("#filter/gaussian?sigma=30", DONE),
        ("#filter/opponent", DONE),
    ],
)
def test_nothing_moves_while_a_view_loads(page: Page, view: str, last: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    page.add_init_script(SHIFTS)
    page.goto("/" + view)
    expect(page.locator(last).first).to_be_visible(timeout=60_000)
    page.wait_for_timeout(500)
    assert page.evaluate("window.shift") < 0.05
    page.evaluate("document.querySelector('h1:not([hidden] *)').style.marginTop = '300px'")
    page.wait_for_function("() => window.shift > 0.05")  # the observer sees shifts


@pytest.mark.parametrize("view", ["#learn?puzzle=9", "#learn?puzzle=9&free=1"])
def test_nothing_moves_on_a_phone_while_a_puzzle_loads(page: Page, view: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.add_init_script(SHIFTS)
    page.goto("/" + view)
    expect(page.locator("#own-loss")).to_contain_text("loss", timeout=60_000)
    page.wait_for_timeout(500)
    assert page.evaluate("window.shift") < 0.05
