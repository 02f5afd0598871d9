"""What a user does in the filters view, and what the page shows."""

import base64
import io
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from axe_playwright_python.sync_playwright import Axe
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page

Pixels = NDArray[np.uint8]
Points = list[tuple[float, float]]
"""Of a stroke, as shares of the pad's width and height."""


def open_filter_view(page: Page, setting: str = "#filter/emboss") -> None:
    page.goto("/" + setting)
    wait_for_result(page)


def follow_link(page: Page, setting: str) -> None:
    """Changes the address without loading the page again."""
    mark_busy(page)
    page.evaluate("hash => { location.hash = hash; }", setting)
    wait_for_result(page)


def mark_busy(page: Page) -> None:
    """Makes wait_for_result() wait for the next result, even if the page has not started to request it."""
    page.evaluate("document.querySelector('#filter-view').ariaBusy = 'true'")


def wait_for_result(page: Page) -> None:
    page.wait_for_selector("#filter-view[aria-busy=false]")


def set_value(page: Page, selector: str, value: str) -> None:
    """Selects or types a value and waits for the result."""
    mark_busy(page)
    if page.locator(selector).evaluate("element => element.tagName") == "SELECT":
        page.select_option(selector, value)
    else:
        page.fill(selector, value)
    wait_for_result(page)


def read_canvas(page: Page, selector: str) -> Pixels:
    """(height, width, 3)."""
    url = page.locator(selector).evaluate("canvas => canvas.toDataURL('image/png')")
    return decode(base64.b64decode(url.split(",")[1]))


def read_result(page: Page) -> Pixels:
    return read_canvas(page, "canvas.after")


def decode(data: bytes) -> Pixels:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def filter_by_api(api: httpx.Client, image: bytes, path: str, **query: Any) -> Pixels:
    """(height, width, 3). The pixels of the reply to `POST path`."""
    reply = api.post(path, params={**query, "format": "png"}, files={"file": ("image.png", image)})
    assert reply.status_code == 200, reply.text
    return decode(reply.content)


def draw_photo(width: int, height: int, seed: int = 3) -> Image.Image:
    """A reproducible image with gradients, edges and noise."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    planes = [127 + 80 * np.sin(x / (7 + 3 * c)) * np.cos(y / (11 - 2 * c)) for c in range(3)]
    pixels = np.stack(planes, axis=2) + generator.normal(0, 12, (height, width, 1))
    pixels[height // 3 : height // 2, width // 4 : width // 2] = (250, 20, 90)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def save_photo(folder: Path, width: int, height: int, name: str = "photo.png") -> Path:
    path = folder / name
    draw_photo(width, height).save(path)
    return path


def upload(page: Page, path: Path) -> None:
    mark_busy(page)
    page.set_input_files("#file", path)
    wait_for_result(page)


def draw(page: Page, strokes: list[Points], left: float = 0, width: float = 1, pad: str = "#pad") -> None:
    """Draws strokes with the mouse on a part of the pad."""
    box = page.locator(pad).bounding_box()
    assert box
    for points in strokes:
        places = [(box["x"] + (left + width * x) * box["width"], box["y"] + y * box["height"]) for x, y in points]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=2)
        page.mouse.up()


def list_serious_violations(page: Page) -> list[Any]:
    """What axe finds: the rule, and the elements."""
    found = Axe().run(page).response["violations"]
    return [
        (one["id"], [node["target"] for node in one["nodes"]])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
