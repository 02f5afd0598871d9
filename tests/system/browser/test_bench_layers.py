"""Layers on the kernel bench: convolution over all maps, ReLU and pooling, compared with SciPy and NumPy."""

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page, expect

from kernels.layers.colour_matrices import OPPONENT, SEPIA, make_hue_turn
from tests.support import layer_reference
from tests.support.page_actions import (
    draw_photo,
    filter_by_api,
    follow_link,
    list_serious_violations,
    open_filter_view,
    read_canvas,
    read_result,
    save_photo,
    set_value,
    upload,
    wait_for_result,
)

WIDTH, HEIGHT = 61, 47
WEIGHTS = np.array(
    [
        [[[1, 0, -1], [2, 0, -2], [1, 0, -1]], [[-1, 0, 1], [0.5, 0, -2], [1, 0, 1]], [[0, 3, 0], [0] * 3, [0, -3, 0]]],
        [[[0] * 3, [0, 1, 0], [0] * 3], [[0, 0.25, 0], [0] * 3, [0] * 3], [[0] * 3, [0, 0, -1], [0] * 3]],
    ]
)  # fmt: skip
"""Two outputs from red, green and blue, in the layout oihw."""
HWIO = WEIGHTS.transpose(2, 3, 1, 0)
Numbers = NDArray[np.float64]


def address(*steps: dict[str, Any], **page: Any) -> str:
    """The link of a chain."""
    query = [("operations", json.dumps(steps)), *page.items()]
    return "#filter?" + "&".join(f"{name}={quote(str(value))}" for name, value in query)


def read_number(page: Page) -> float:
    """The result of the worked-out pixel. The service agrees with it."""
    expect(page.locator("#sum .check")).to_have_text("✓ service agrees")
    return float((page.locator("#sum output").text_content() or "").replace("=", "").replace("−", "-"))


def to_pixels(values: Numbers) -> Numbers:
    return np.clip(np.rint(values), 0, 255)


def rescale(values: Numbers) -> Numbers:
    return np.rint((values - values.min()) * 255 / np.ptp(values))


def mix(photo: Numbers, matrix: Any) -> Numbers:
    return np.asarray(photo @ np.asarray(matrix).T, np.float64)


CASES: list[tuple[dict[str, Any], Any]] = [
    ({"kernel": "sepia"}, lambda photo: to_pixels(mix(photo, SEPIA))),
    ({"kernel": "hue", "angle": 30}, lambda photo: to_pixels(mix(photo, make_hue_turn(30)))),
    ({"kernel": "opponent"}, lambda photo: rescale(mix(photo, OPPONENT))),
    ({"kernel": "gray"}, lambda photo: to_pixels(mix(photo, [[0.299, 0.587, 0.114]]))),
    (
        {"kernel": "conv", "weights": WEIGHTS.tolist(), "bias": [10, -20.5], "stride": [2, 1], "border": "reflect"},
        lambda photo: layer_reference.convolve(photo, HWIO, [10, -20.5], "reflect", (2, 1)),
    ),
    (
        {"kernel": "conv", "weights": HWIO.tolist(), "layout": "hwio", "dilation": 2, "border": "valid"},
        lambda photo: layer_reference.convolve(photo, HWIO, 0, "valid", (1, 1), (2, 2)),
    ),
    (
        {"kernel": "conv", "weights": WEIGHTS[:1].tolist(), "response": "offset"},
        lambda photo: to_pixels(layer_reference.convolve(photo, HWIO[..., :1]) / 2 + 128),
    ),
    ({"kernel": "relu"}, lambda photo: photo),
    ({"kernel": "max-pool"}, lambda photo: layer_reference.pool(photo, "max", (2, 2), (2, 2), same=True)),
    (
        {"kernel": "max-pool", "size": 3, "stride": 2, "border": "valid"},
        lambda photo: layer_reference.pool(photo, "max", (3, 3), (2, 2), same=False),
    ),
    (
        {"kernel": "average-pool", "size": [3, 5]},
        lambda photo: to_pixels(layer_reference.pool(photo, "average", (3, 5), (3, 5), same=True)),
    ),
    ({"kernel": "min-pool", "size": 4}, lambda photo: layer_reference.pool(photo, "min", (4, 4), (4, 4), same=True)),
    ({"kernel": "dilate"}, lambda photo: layer_reference.pool(photo, "max", (3, 3), (1, 1), same=True)),
]
COMPUTE = """async ([data, width, height, step]) => {
  const load = (name) => import(`/static/js/filters/${name}.js`);
  const [{ requestKernel }, { planChain }, { computePixel }, { parseSetting }, { findRange }] =
    await Promise.all(["kernel-description", "plan", "pixel", "setting", "maps"].map(load));
  const { layers } = await (await fetch("/kernels")).json();
  const { steps } = parseSetting("#filter?operations=" + encodeURIComponent(JSON.stringify([step])));
  const kernels = [await requestKernel(steps[0], layers)];
  const { plans: [plan], axes: [{ rows, columns }] } = planChain(steps, kernels, { width, height }, false);
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  const source = { width, height, get: (x, y, map) => bytes[3 * (y * width + x) + map] };
  const compute = (one, range) => Array.from({ length: rows.output }, (_, y) => Array.from({ length: columns.output },
    (_, x) => computePixel(source, one, x, y, { linear: false, range }).channels.map(({ final }) => final)));
  if (plan.response !== "rescale") return compute(plan);
  const values = Float32Array.from(compute({ ...plan, response: "raw" }).flat(2));
  return compute(plan, findRange({ channels: plan.outputs, values }));
}"""


@pytest.fixture(scope="module")
def photo() -> Numbers:
    return np.asarray(draw_photo(23, 19), np.float64)


@pytest.mark.parametrize(("step", "expect_result"), CASES, ids=[str(step)[:60] for step, _ in CASES])
def test_every_pixel_of_a_layer_is_that_of_the_reference(
    modules: Page, photo: Numbers, step: dict[str, Any], expect_result: Any
) -> None:
    data = base64.b64encode(photo.astype(np.uint8).tobytes()).decode()
    computed = np.array(modules.evaluate(COMPUTE, [data, photo.shape[1], photo.shape[0], step]))
    expected = expect_result(photo)
    assert computed.shape == expected.shape
    rounded = np.array_equal(expected, np.rint(expected))
    # float32 weights: a sum that is a half in float64 may be rounded the other way.
    assert np.abs(computed - expected).max() <= (1 if rounded else 1e-3)
    assert np.mean(computed != expected) < 0.01 or not rounded


def test_sum_of_a_layer_is_that_of_scipy(page: Page, tmp_path: Path) -> None:
    open_filter_view(page, "#filter/identity")
    upload(page, save_photo(tmp_path, WIDTH, HEIGHT))
    photo = np.asarray(draw_photo(WIDTH, HEIGHT), np.float64)
    conv = {"kernel": "conv", "weights": WEIGHTS.tolist()}
    maps = layer_reference.convolve(photo, HWIO)
    pooled = layer_reference.pool(np.maximum(maps, 0), "max", (2, 2), (2, 2), same=True)
    for x, y in ((0, 0), (20, 17)):
        follow_link(page, address(conv, {"kernel": "relu"}, {"kernel": "max-pool"}, step=1, at=f"{x},{y}"))
        for output in (0, 1):
            page.locator("#outputs button").nth(output).click()
            assert read_number(page) == pytest.approx(maps[y, x, output], abs=0.01)
            sums = page.locator("#board figcaption").all_text_contents()
            assert len(sums) == 3
            shown = [float(text.split(": ")[1].replace("−", "-")) for text in sums]
            assert sum(shown) == pytest.approx(maps[y, x, output], abs=0.2)
        follow_link(page, address(conv, {"kernel": "relu"}, {"kernel": "max-pool"}, step=2, at=f"{x},{y}"))
        page.locator("#channels button").nth(1).click()
        assert read_number(page) == pytest.approx(max(maps[y, x, 1], 0), abs=0.01)
        follow_link(page, address(conv, {"kernel": "relu"}, {"kernel": "max-pool"}, at=f"{x},{y}"))
        assert read_number(page) == pytest.approx(pooled[y, x, 1], abs=0.01)


def test_window_of_a_layer_is_explained(page: Page, tmp_path: Path) -> None:
    open_filter_view(page, "#filter/identity")
    upload(page, save_photo(tmp_path, WIDTH, HEIGHT))
    red = np.asarray(draw_photo(WIDTH, HEIGHT), int)[..., 0]
    window = red[20:22, 32:34]
    assert len(set(window.ravel().tolist())) == 4
    follow_link(page, "#filter/max-pool?at=16,10")
    assert read_number(page) == window.max()
    cells = page.locator("#board td")
    assert [int(text) for text in cells.locator(".weight").all_text_contents()] == window.ravel().tolist()
    expect(page.locator("#board td.lit")).to_have_text(str(window.max()))
    box, spot = page.locator("#input-loupe .cover").bounding_box(), page.locator("#input-loupe .spot").bounding_box()
    assert box
    assert spot
    row, column = np.unravel_index(window.argmax(), window.shape)
    assert round((spot["x"] - box["x"]) / spot["width"]) == column
    assert round((spot["y"] - box["y"]) / spot["height"]) == row
    follow_link(page, "#filter/average-pool?at=16,10")
    assert read_number(page) == np.rint(window.mean())
    expect(page.locator("#sum")).to_contain_text(f"sum of 4 pixels{window.sum()}")
    follow_link(page, address({"kernel": "top-sobel", "response": "raw"}, {"kernel": "relu"}, at="30,20"))
    before = page.locator("#sum dd").first
    value = float((before.text_content() or "").replace("−", "-"))
    assert read_number(page) == min(max(value, 0), 255)


def test_chosen_map_of_a_layer_is_painted(page: Page, api: httpx.Client, tmp_path: Path) -> None:
    """32 maps: each is stretched from black to white, as on the service's sheet of maps."""
    photo = save_photo(tmp_path, WIDTH, HEIGHT)
    open_filter_view(page, "#filter/identity")
    upload(page, photo)
    follow_link(page, "#filter/mnist-conv1?at=20,17")
    read_number(page)
    reply = api.post("/filter/mnist-conv1?format=json", files={"file": photo.read_bytes()}).json()
    maps = np.array(reply["values"] if "values" in reply else reply["pixels"])
    for chosen in (0, 5):
        page.locator("#outputs select").select_option(str(chosen))
        low, high = maps[..., chosen].min(), maps[..., chosen].max()
        level = np.rint(255 * (maps[17, 20, chosen] - low) / (high - low))
        drawn = read_canvas(page, "#output-loupe canvas")
        cell = drawn.shape[1] // 9
        assert drawn[4 * cell + 2, 4 * cell + 1, 0] == pytest.approx(level, abs=1)
        assert read_number(page) == pytest.approx(maps[17, 20, chosen], abs=0.01)


def test_weight_of_a_layer_is_edited(page: Page, api: httpx.Client, tmp_path: Path) -> None:
    photo = save_photo(tmp_path, WIDTH, HEIGHT)
    open_filter_view(page, "#filter/identity")
    upload(page, photo)
    follow_link(page, "#filter/sepia?at=20,17")
    page.locator("#outputs").get_by_role("button", name="green").click()
    set_value(page, "#board [aria-label='red, row 1, column 1']", "-1/2")
    page.wait_for_url("**filter/conv?weights=*")
    wait_for_result(page)
    matrix = [SEPIA[0], [-0.5, *SEPIA[1][1:]], SEPIA[2]]
    expected = np.clip(np.rint(mix(np.asarray(draw_photo(WIDTH, HEIGHT), np.float64), matrix)), 0, 255)
    assert np.abs(read_result(page).astype(int) - expected).max() <= 1
    assert read_number(page) == expected[17, 20, 1]


def test_layer_is_chosen_and_set(page: Page, api: httpx.Client, tmp_path: Path) -> None:
    photo = save_photo(tmp_path, WIDTH, HEIGHT)
    open_filter_view(page, "#filter/emboss?border=wrap")
    upload(page, photo)
    set_value(page, "#set-kernel", "average-pool")
    set_value(page, "#set-size", "5")
    set_value(page, "#set-stride", "3")
    set_value(page, "#set-border", "valid")
    expected = filter_by_api(api, photo.read_bytes(), "/filter/average-pool", size=5, stride=3, border="valid")
    assert np.array_equal(read_result(page), expected)
    expect(page.locator("#sum .check")).to_have_text("✓ service agrees")
    set_value(page, "#set-kernel", "conv")
    expect(page.locator("#board table")).to_have_count(3)
    expect(page.locator("#sum .check")).to_have_text("✓ service agrees")
    set_value(page, "#set-kernel", "blur")
    expect(page.locator("#board table")).to_have_count(1)
    expected = filter_by_api(api, photo.read_bytes(), "/filter/blur")
    assert np.array_equal(read_result(page), expected)


def test_every_listed_layer_opens_on_the_bench(page: Page, api: httpx.Client) -> None:
    page.goto("/#kernels/layers")
    links = page.locator("#layer-list h3 a")
    expect(links.first).to_be_in_viewport()
    names = [layer["name"] for layer in api.get("/kernels").json()["layers"]]
    assert links.all_text_contents() == names
    for name, link in zip(names, links.evaluate_all("links => links.map(({ hash }) => hash)"), strict=True):
        follow_link(page, link)
        expect(page.locator("#sum .check")).to_have_text("✓ service agrees", timeout=20_000)
        assert page.input_value("#set-kernel") == name
        expect(page.locator("#filter-error")).to_be_empty()


def test_maps_that_are_too_many_numbers_are_not_loaded(page: Page) -> None:
    """64 maps of 451x300 are 8.7 million."""
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    open_filter_view(page, address({"kernel": "mnist-conv1"}, {"kernel": "mnist-conv2"}))
    expect(page.locator("#sum")).to_contain_text("too many numbers to load", timeout=20_000)
    expect(page.locator("#filter-error")).to_be_empty()
    assert [url for url in loaded if "format=npy" in url] == []


@pytest.mark.parametrize("setting", ["#filter/mnist-conv1", "#filter/opponent", "#filter/max-pool"])
def test_axe_finds_no_serious_violation_on_the_bench_of_a_layer(page: Page, setting: str) -> None:
    open_filter_view(page, setting)
    expect(page.locator("#sum .check")).to_have_text("✓ service agrees")
    assert list_serious_violations(page) == []


def test_play_adds_the_sums_of_a_layer_one_after_the_other(page: Page) -> None:
    open_filter_view(page, address({"kernel": "conv", "weights": WEIGHTS.tolist()}))
    expect(page.locator("#sum .check")).to_have_text("✓ service agrees")
    page.select_option("#speed", "slow")
    page.click("#play")
    expect(page.locator("#board figure:nth-child(3) td.lit")).to_have_count(1, timeout=10_000)
    expect(page.locator("#board td.lit")).to_have_count(1)
    expect(page.locator("#sum")).to_contain_text("of 27 products")
    page.click("#play")
