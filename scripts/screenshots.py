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
from playwright.sync_api import Browser, FilePayload, Page, sync_playwright

from app.main import create_app
from models.training.shape_glyphs import SHAPE_GLYPHS
from models.training.synthetic_digits import draw_strokes, parse_glyph, warp_strokes

IMAGES = Path(__file__).resolve().parent.parent / "docs/images"
BENCH = "#filter/emboss"
WHOLE_IMAGE = "#filter/top-sobel?response=offset&view=image&split=36"
REGIONS = "#filter/gaussian?sigma=40&region=118,72,104,90;283,92,64,68&view=image&split=0"
EDGES = "?lesson=edges-and-signs#filter/custom?weights=-1,0,1;-2,-1,2;-1,0,2&response=abs&image=house"
PLAY_FRAMES = 44
PLAY_WIDTH = 800
FRAME_MS = 180
UNCHANGED = 128
"""Number of colours of the recording, and the index that stands for an unchanged pixel."""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
MAX_BYTES = 300_000
KEPT_MAP = 21
FIND_TILE = """async ([stage, index]) => {
  const main = document.querySelector("script[type=module]").src;
  const { layOutDiagram } = await import(main.replace("main.js", "network/diagram-layout.js"));
  return layOutDiagram(document.querySelector("#diagram").clientWidth).stages[stage].tiles[index];
}"""
"""The place of a map in the diagram."""
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
        draw_network(chromium, address)
        page = chromium.new_page(viewport={"width": 1240, "height": 960}, color_scheme="light")
        show_digits(page, address)
        save(page.screenshot(full_page=True), "page-digits.png")
        show_classes(page, address)
        save(page.screenshot(full_page=True), "page-classes.png")
        page.close()
        page = chromium.new_page(viewport={"width": 1280, "height": 760}, color_scheme="light")
        show_learning(page, address)
        save(page.screenshot(), "page-learn.png")
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
            page.goto(address + REGIONS)
            page.click("#regions")
            page.wait_for_selector(".region")
            page.wait_for_selector("#filter-view[aria-busy=false]")
            save(page.screenshot(), "page-regions.png")
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
    page.locator("#diagram").scroll_into_view_if_needed()
    page.wait_for_selector("#network[data-digit='3']")
    page.evaluate("scrollTo(0, 0)")


def draw_network(chromium: Browser, address: str) -> None:
    """The network diagram with a map of the second layer that is kept, and the occlusion map."""
    for name, width, height in (("page-network.png", 1280, 720), ("page-network-phone.png", 390, 844)):
        page = chromium.new_page(viewport={"width": width, "height": height}, color_scheme="light")
        show_digits(page, address)
        tile = page.evaluate(FIND_TILE, ["conv2", KEPT_MAP])
        page.click("#diagram", position={"x": tile["x"] + tile["width"] / 2, "y": tile["y"] + tile["height"] / 2})
        page.check("[name=importance][value=occlusion]")
        page.wait_for_selector("#importance [role=status]:not(:empty)")
        page.evaluate("document.querySelector('#network').scrollIntoView()")
        page.mouse.move(0, 0)
        page.wait_for_timeout(300)
        save(page.screenshot(), name)
        page.close()


def show_classes(page: Page, address: str) -> None:
    """Three classes of six drawings each by the stroke generator, and a new drawing."""
    generator = np.random.default_rng(8)
    page.goto(address + "#classes")
    page.click("#add-class")
    for number, name in enumerate(("boat", "moon", "key")):
        page.get_by_label(f"Name of class {number + 1}").fill(name)
        files = [draw_shape(name, generator) for _ in range(6)]
        page.locator(".class-card").nth(number).locator("input[type=file]").set_input_files(files)
        page.wait_for_function(f"() => document.querySelectorAll('.class-examples li').length === {6 * (number + 1)}")
    page.click("#train-classes")
    page.wait_for_function("() => document.querySelector('#training-status').textContent.includes('right')")
    page.set_input_files("#class-file", draw_shape("key", generator))
    page.wait_for_selector("#class-result[data-label=key]")
    page.click("#show-active-kernels")
    page.wait_for_selector(".kernel-row:nth-child(4)")
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")


def draw_shape(name: str, generator: np.random.Generator) -> FilePayload:
    """Dark ink on a light square of 200 pixels."""
    variants = SHAPE_GLYPHS[name]
    strokes = warp_strokes(parse_glyph(variants[generator.integers(len(variants))]), generator)
    ink = draw_strokes(strokes, 8, 200)
    file = io.BytesIO()
    Image.fromarray(np.rint(255 * (1 - ink)).astype(np.uint8)).save(file, "PNG")
    return {"name": f"{name}.png", "mimeType": "image/png", "buffer": file.getvalue()}


def show_learning(page: Page, address: str) -> None:
    """A puzzle after a few tries and the race."""
    page.goto(address + "#learn?puzzle=9")
    page.wait_for_selector("#own-loss[data-loss]")
    for index, weight in enumerate(("1", "", "-1", "1", "", "-1", "1", "", "-1")):
        if weight:
            page.locator("#own-board td input").nth(index).fill(weight)
            page.wait_for_timeout(600)  # each weight is a try
    page.click("#start-learning")
    page.wait_for_selector("#shown-step:enabled", timeout=60_000)


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
