"""Draw docs/images/page-*.png and page-play.gif from the running page: .venv/bin/python scripts/screenshots.py"""

import io
import shutil
import socket
import threading
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import uvicorn
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from app.main import create_app

IMAGES = Path(__file__).resolve().parent.parent / "docs/images"
BENCH = "#filter/emboss"
WHOLE_IMAGE = "#filter/top-sobel?response=offset&view=image&split=36"
EDGES = "?lesson=edges-and-signs#filter/custom?weights=-1,0,1;-2,-1,2;-1,0,2&response=abs&image=house"
PLAY_FRAMES = 44
PLAY_WIDTH = 800
FRAME_MS = 180
UNCHANGED = 128
"""Number of colours of the recording, and the index that stands for an unchanged pixel."""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
MAX_BYTES = 300_000
MAX_RECORDING_BYTES = 1_500_000


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
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        draw_filters(chromium, address)
        page = chromium.new_page(viewport={"width": 1240, "height": 960}, color_scheme="light")
        show_digits(page, address)
        save(page.screenshot(full_page=True), "page-digits.png")
        show_learning(page, address)
        save(page.screenshot(full_page=True), "page-learn.png")
        draw_lessons(chromium, address)
        chromium.close()
    server.should_exit = True
    thread.join(10)


def draw_filters(chromium: Browser, address: str) -> None:
    """The bench in both themes and on a phone, the whole image, and the animation."""
    for scheme, name in (("light", "page-filter.png"), ("dark", "page-filter-dark.png")):
        page = chromium.new_page(viewport={"width": 1280, "height": 720}, color_scheme=scheme)  # type: ignore[arg-type]
        show_bench(page, address + BENCH)
        save(page.screenshot(), name)
        if scheme == "light":
            record_play(page)
            page.goto(address + WHOLE_IMAGE)
            page.wait_for_selector("#filter-view[aria-busy=false]")
            save(page.screenshot(), "page-image.png")
        page.close()
    phone = chromium.new_page(viewport={"width": 390, "height": 844}, color_scheme="light")
    show_bench(phone, address + BENCH)
    phone.click("[data-tab=kernel]")
    save(phone.screenshot(), "page-phone.png")
    phone.close()


def show_bench(page: Page, address: str) -> None:
    page.add_init_script("localStorage.setItem('convserve-played', '1')")  # otherwise the animation starts by itself
    page.goto(address)
    page.wait_for_selector("#filter-view[aria-busy=false]")
    page.wait_for_selector("#sum .check.same", state="attached")


def record_play(page: Page) -> None:
    """The animation, one pixel a frame. It is stepped by keys, so that every frame is complete."""
    frames = []
    page.focus("#step-on")
    page.keyboard.press("Home")
    for _ in range(PLAY_FRAMES):
        shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        frames.append(shot.resize((PLAY_WIDTH, PLAY_WIDTH * shot.height // shot.width), Image.Resampling.LANCZOS))
        page.keyboard.press("Enter")
        page.wait_for_timeout(200)  # until the kernel has slid
    path = IMAGES / "page-play.gif"
    first, *others = keep_changes(frames)
    first.save(path, save_all=True, append_images=others, duration=FRAME_MS, loop=0, transparency=UNCHANGED, disposal=1)
    check_size(path, MAX_RECORDING_BYTES)


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


def draw_lessons(chromium: Browser, address: str) -> None:
    """The list, a lesson with a check that fails, the presentation, and a phone."""
    page = chromium.new_page(viewport={"width": 1280, "height": 720}, color_scheme="light")
    page.goto(address + "#lessons")
    page.wait_for_selector("#lesson-list li")
    save(page.screenshot(), "page-lessons.png")
    show_bench(page, address + EDGES)
    page.click(".check-task >> nth=0")
    page.wait_for_selector(".feedback[data-verdict=wrong]")
    save(page.screenshot(), "page-lesson.png")
    page.click("#present")
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(500)  # until the pixels have their new size
    save(page.screenshot(), "page-presentation.png")
    page.close()
    phone = chromium.new_page(viewport={"width": 390, "height": 844}, color_scheme="light")
    show_bench(phone, address + EDGES)
    phone.wait_for_selector("#lesson-title")
    save(phone.screenshot(), "page-lesson-phone.png")
    phone.close()


def keep_changes(frames: list[Image.Image]) -> list[Image.Image]:
    """Frames of one palette; pixels that stay as they are become transparent, which compresses well."""
    palette = frames[-1].quantize(UNCHANGED, dither=Image.Dither.NONE)
    indices = [np.asarray(frame.quantize(palette=palette, dither=Image.Dither.NONE)) for frame in frames]
    changes = [np.where(now == before, UNCHANGED, now).astype(np.uint8) for before, now in pairwise(indices)]
    reduced = []
    for pixels in [indices[0], *changes]:
        frame = Image.fromarray(pixels, "P")
        frame.putpalette(palette.getpalette() or [])
        reduced.append(frame)
    return reduced


def save(png: bytes, name: str) -> None:
    """Reduces the image to 256 colours, which halves the file without a visible difference."""
    image = Image.open(io.BytesIO(png)).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    path = IMAGES / name
    image.save(path, optimize=True)
    check_size(path, MAX_BYTES)


def check_size(path: Path, max_bytes: int) -> None:
    size = path.stat().st_size
    if size > max_bytes:
        raise SystemExit(f"{path} has {size} bytes; at most {max_bytes}.")
    print(path, size)


if __name__ == "__main__":
    main()
