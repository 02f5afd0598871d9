"""Draw docs/images/page-*.png from the running page: .venv/bin/python scripts/screenshots.py"""

import io
import shutil
import socket
import threading
import time
from pathlib import Path

import uvicorn
from PIL import Image
from playwright.sync_api import FloatRect, Page, sync_playwright

from app.main import create_app

IMAGES = Path(__file__).resolve().parent.parent / "docs/images"
FILTER_SETTING = "#filter/top-sobel?response=offset&zoom=2&at=190,192&split=36"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
CLIP: FloatRect = {"x": 0, "y": 0, "width": 1240, "height": 1140}
MAX_BYTES = 300_000


def main() -> None:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise SystemExit("The service did not start.")
        time.sleep(0.1)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = chromium.new_page(viewport={"width": 1240, "height": 960}, color_scheme="light")
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        show_filters(page, address)
        save(page.screenshot(full_page=True, clip=CLIP), "page-filter.png")
        show_digits(page, address)
        save(page.screenshot(full_page=True), "page-digits.png")
        show_learning(page, address)
        save(page.screenshot(full_page=True), "page-learn.png")
        chromium.close()
    server.should_exit = True
    thread.join(10)


def show_filters(page: Page, address: str) -> None:
    page.goto(address + FILTER_SETTING)
    page.wait_for_selector("#filter-view[aria-busy=false]")
    page.wait_for_selector("#inspected")


def show_digits(page: Page, address: str) -> None:
    page.goto(address + "#digits")
    page.get_by_role("button", name="3", exact=True).click()
    page.wait_for_selector("#digit-result[data-digit='3']")
    page.wait_for_selector(".maps img")


def show_learning(page: Page, address: str) -> None:
    page.goto(address + "#learn?puzzle=9")
    page.get_by_role("button", name="emboss").click()
    page.click("#start-learning")
    page.wait_for_selector("#residual-share", timeout=60_000)


def save(png: bytes, name: str) -> None:
    """Reduces the image to 256 colours, which halves the file without a visible difference."""
    image = Image.open(io.BytesIO(png)).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    path = IMAGES / name
    image.save(path, optimize=True)
    if path.stat().st_size > MAX_BYTES:
        raise SystemExit(f"{path} has {path.stat().st_size} bytes; at most {MAX_BYTES}.")
    print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
