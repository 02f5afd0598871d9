"""The web page in Chromium: delay of digit answers, size of the first and the second visit, layout shift.

Run `python -m benchmarks.page` with `chromium` on the PATH.
"""

import argparse
import shutil
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from app.main import create_app
from app.settings import Settings

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
VIEWS = {
    "#filter/emboss": "#filter-view[aria-busy=false]",
    "#digits": ".bars",
    "#classes": ".class-card",
    "#learn": "#show-answer",
    "#kernels": ".kernel",
}
"""Address of each view, and what is there when it is loaded."""
WATCH = """
window.penMs = window.shownMs = window.shift = 0;
addEventListener("pointermove", (event) => { if (event.buttons) window.penMs = event.timeStamp; }, true);
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
WATCH_RESULT = """
new MutationObserver(() => { window.shownMs = performance.now(); }).observe(document.querySelector("#digit-result"),
  { subtree: true, childList: true, attributes: true, characterData: true });
"""
QUIET_MS = 600
"""Without a request for so long, the last answer is there."""


@contextmanager
def serve(workers: int) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(create_app(Settings(workers=workers)), log_level="warning"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            if not thread.is_alive():
                raise SystemExit("The service did not start.")
            time.sleep(0.1)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        server.should_exit = True
        thread.join(10)


def measure_delays(page: Page, address: str, drawings: int, seed: int) -> list[float]:
    """Milliseconds from the last movement of the pen to the answer about the whole drawing."""
    generator = np.random.default_rng(seed)
    page.add_init_script(WATCH)
    page.goto(address + "#digits")
    page.wait_for_selector("#digit-result[data-verdict=blank]")
    page.evaluate(WATCH_RESULT)
    box = page.locator("#pad").bounding_box()
    assert box
    delays = []
    for _ in range(drawings):
        places = 0.15 + 0.7 * generator.random((4, 2))
        page.mouse.move(*scale(places[0], box))
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*scale(place, box), steps=12)
        page.mouse.up()
        page.wait_for_timeout(QUIET_MS)
        delays.append(page.evaluate("window.shownMs - window.penMs"))
        page.click("#clear")
        page.wait_for_timeout(QUIET_MS)
    return delays


def scale(place: "np.typing.NDArray[np.float64]", box: Any) -> tuple[float, float]:
    return box["x"] + place[0] * box["width"], box["y"] + place[1] * box["height"]


def measure_visit(page: Page, address: str, ready: str) -> tuple[int, int, int, float]:
    """Bytes on the connection, requests that used it, bytes of the page's own files among them, and layout shift."""
    sizes: dict[str, int] = {}
    own: set[str] = set()
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")

    def note_response(event: dict[str, Any]) -> None:
        if "/static/" in event["response"]["url"]:
            own.add(event["requestId"])

    def note_size(event: dict[str, Any]) -> None:
        sizes[event["requestId"]] = int(event["encodedDataLength"])

    session.on("Network.responseReceived", note_response)
    session.on("Network.loadingFinished", note_size)
    page.add_init_script(WATCH)
    page.goto(address)
    page.wait_for_selector(ready, state="attached")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(QUIET_MS)
    used = {request: size for request, size in sizes.items() if size}
    own_bytes = sum(size for request, size in used.items() if request in own)
    return sum(used.values()), len(used), own_bytes, page.evaluate("window.shift")


def report_visits(browser: Browser, address: str) -> None:
    print("view, visit: kB on the connection, requests, kB of the page's files, layout shift")
    for view, ready in VIEWS.items():
        with browser.new_context() as context:
            for visit in ("first", "second"):
                page = context.new_page()
                total, requests, own, shift = measure_visit(page, address + view, ready)
                page.close()
                print(f"{view}, {visit}: {total / 1000:.0f}, {requests}, {own / 1000:.0f}, {shift:.3f}")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drawings", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("chromium is not on the PATH (Debian: apt-get install chromium).")
    with serve(options.workers) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        delays = measure_delays(browser.new_page(), address, options.drawings, options.seed)
        middle, high = np.percentile(delays, [50, 95])
        print(f"digit answers after the last movement: p50 {middle:.0f} ms, p95 {high:.0f} ms, {len(delays)} drawings")
        report_visits(browser, address)
        browser.close()


if __name__ == "__main__":
    main()
