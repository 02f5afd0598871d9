"""Filters in the browser: the same pixels as those of the service, and of SciPy."""

import base64
import io
import json
import os
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Page

from tests.support.random_operations import draw_operations, draw_pixels
from tests.support.reference import assert_equal_to_rounding, correlate

CASES = int(os.environ.get("PREVIEW_CASES", "60"))
"""Random chains. Each takes about 0.1 s."""

RENDER = """async ([width, height, pixels, operations, area]) => {
  const { canPreview, createPreview } = await import("/static/js/preview/preview.js");
  const answer = canPreview(operations, { area });
  if (answer !== true) return { reason: answer };
  const data = Uint8ClampedArray.from(atob(pixels), (character) => character.charCodeAt(0));
  window.preview ??= createPreview();
  try {
    const image = new ImageData(data, width, height);
    const { imageData, clippedPercent } = await window.preview.render(image, operations, area);
    const text = Array.from(imageData.data, (value) => String.fromCharCode(value)).join("");
    return { width: imageData.width, height: imageData.height, pixels: btoa(text), clippedPercent };
  } catch (error) {
    return { error: error.message };
  }
}"""


def add_alpha(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Grey, RGB or RGBA as RGBA."""
    pixels = np.atleast_3d(pixels)
    if pixels.shape[2] < 3:
        pixels = np.dstack([pixels[:, :, :1]] * 3 + [pixels[:, :, 1:]])
    if pixels.shape[2] == 3:
        pixels = np.dstack([pixels, np.full(pixels.shape[:2], 255)])
    return pixels.astype(np.uint8)


Area = dict[str, Any] | None
"""`regions` and `reads`; None for the whole image."""


def render(page: Page, pixels: NDArray[np.uint8], operations: list[Any], area: Area = None) -> dict[str, Any]:
    height, width = pixels.shape[:2]
    data = base64.b64encode(add_alpha(pixels).tobytes()).decode()
    answer: dict[str, Any] = page.evaluate(RENDER, [width, height, data, operations, area])
    if "pixels" in answer:
        values = np.frombuffer(base64.b64decode(answer["pixels"]), np.uint8)
        answer["pixels"] = values.reshape(answer["height"], answer["width"], 4)
    return answer


def filter_by_service(
    api: httpx.Client, pixels: NDArray[np.uint8], operations: list[Any], area: Area = None
) -> httpx.Response:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return api.post(
        "/filter",
        params={"format": "npy", **({"region": area["regions"], "reads": area["reads"]} if area else {})},
        files={"file": ("image.png", file.getvalue(), "image/png")},
        data={"operations": json.dumps(operations)},
    )


def compare(page: Page, api: httpx.Client, pixels: NDArray[np.uint8], operations: list[Any], area: Area = None) -> bool:
    """Whether the browser computed the result, which then equals that of the service."""
    reply = filter_by_service(api, pixels, operations, area)
    answer = render(page, pixels, operations, area)
    if reply.status_code == 422:  # for example, a kernel that does not fit
        assert "pixels" not in answer, (operations, reply.text)
        return False
    assert reply.status_code == 200, reply.text
    if "The service computes" in answer.get("error", ""):
        return False
    assert "pixels" in answer, (answer, operations)
    expected = add_alpha(np.load(io.BytesIO(reply.content)))
    assert answer["pixels"].shape == expected.shape, operations
    different = np.argwhere((answer["pixels"] != expected).any(axis=2))
    assert different.size == 0, (len(different), different[:3], pixels.shape, operations)
    assert f"{answer['clippedPercent']:.2f}" == reply.headers["X-Clipped-Percent"], operations
    return True


@pytest.mark.slow
def test_random_chains_give_the_pixels_of_the_service(modules: Page, api: httpx.Client) -> None:
    computed = 0
    for seed in range(CASES):
        generator = np.random.default_rng(seed)
        pixels = draw_pixels(generator, transparent=seed % 3 == 0)
        computed += compare(modules, api, pixels, draw_operations(generator))
    assert computed > 0.6 * CASES


def draw_area(generator: np.random.Generator, height: int, width: int) -> dict[str, Any]:
    """One to three regions in pixels, the last one sometimes in percent."""
    regions = []
    for _ in range(generator.integers(1, 4)):
        x, y = generator.integers(0, width), generator.integers(0, height)
        regions.append(f"{x},{y},{generator.integers(1, width - x + 1)},{generator.integers(1, height - y + 1)}")
    if generator.random() < 0.3:
        regions.append("12.5%,20%,50%,79.9%")
    return {"regions": regions, "reads": str(generator.choice(["image", "image", "region"]))}


@pytest.mark.slow
def test_regions_have_the_pixels_of_the_service_and_the_rest_stays(modules: Page, api: httpx.Client) -> None:
    computed = 0
    for seed in range(1000, 1000 + CASES):
        generator = np.random.default_rng(seed)
        pixels = draw_pixels(generator, transparent=seed % 3 == 0)
        operations = [{**step, "stride": 1} for step in draw_operations(generator)]
        computed += compare(modules, api, pixels, operations, draw_area(generator, *pixels.shape[:2]))
    assert computed > 0.4 * CASES


def test_pixels_outside_of_regions_are_those_of_the_image(modules: Page) -> None:
    pixels = np.random.default_rng(8).integers(0, 256, (30, 40, 3), np.uint8)
    weights = [[0, 1, 0], [1, -4, 1], [0, 1, 0]]
    operation = {"kernel": "custom", "weights": weights, "response": "clip", "border": "reflect"}
    area = {"regions": ["0,0,10,9", "25%,50%,75%,50%"], "reads": "image"}
    inside = np.zeros((30, 40), bool)
    inside[:9, :10] = inside[15:, 10:] = True
    answer = render(modules, pixels, [operation], area)["pixels"][:, :, :3]
    assert (answer[~inside] == pixels[~inside]).all()
    exact = correlate(pixels, np.array(weights), "reflect", (1, 1), (1, 1))
    assert (answer[inside] == np.clip(exact, 0, 255)[inside]).all()


@pytest.mark.parametrize(
    ("area", "step", "reason"),
    [
        ({"regions": ["35,0,6,5"], "reads": "image"}, {}, "x 35 to 41, y 0 to 5 in an image of 40 × 30 pixels"),
        ({"regions": ["1,2,3"], "reads": "image"}, {}, "1,2,3 is not complete"),
        ({"regions": ["1,2,3,4"], "reads": "image"}, {"stride": 2}, "the size must stay"),
    ],
)
def test_a_region_without_a_place_is_an_error(modules: Page, area: Any, step: Any, reason: str) -> None:
    pixels = np.zeros((30, 40, 3), np.uint8)
    assert reason in render(modules, pixels, [{"kernel": "blur", **step}], area)["error"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [None, "rescale"])
def test_transparent_image_is_cut_like_in_the_service(modules: Page, api: httpx.Client, name: str | None) -> None:
    """The service asks for each strip of a large image whether it is opaque."""
    pixels = np.random.default_rng(5).integers(0, 256, (480, 640, 4), np.uint8)
    pixels[200:, :, 3] = 255
    for border in ("edge", "zero"):
        operations: list[dict[str, Any]] = [
            {"kernel": "gaussian", "sigma": 1.3, "border": border},
            {"kernel": "sharpen"},
        ]
        if name:
            operations[0]["response"] = name
        assert compare(modules, api, pixels, operations)


def test_high_kernels_are_halved_like_in_the_service(modules: Page, api: httpx.Client) -> None:
    generator = np.random.default_rng(9)
    pixels = generator.integers(0, 256, (75, 40, 3), np.uint8)
    for rows, border in ((16, "edge"), (23, "reflect"), (31, "wrap"), (63, "zero"), (33, "valid")):
        weights = generator.normal(0, 1, (rows, 7)).round(3).tolist()
        assert compare(modules, api, pixels, [{"kernel": "custom", "weights": weights, "border": border, "bias": 99}])


def test_bands_of_two_workers_meet(modules: Page, api: httpx.Client) -> None:
    pixels = np.random.default_rng(6).integers(0, 256, (97, 61, 3), np.uint8)
    chain = [{"kernel": "gaussian", "sigma": 2}, {"kernel": "custom", "weights": "1,2;3,-4;-1,0;", "stride": 2}]
    for border in ("edge", "reflect", "symmetric", "wrap", "zero", "valid"):
        assert compare(modules, api, pixels, [{**step, "border": border} for step in chain])


@pytest.mark.parametrize("border", ["edge", "zero", "reflect", "symmetric", "wrap", "valid"])
def test_pixels_are_those_of_scipy(modules: Page, border: str) -> None:
    generator = np.random.default_rng(7)
    pixels = generator.integers(0, 256, (23, 31, 3), np.uint8)
    weights = np.rint(generator.normal(0, 30, (4, 5))) / 64
    operation = {
        "kernel": "custom", "weights": weights.tolist(), "bias": 20.25, "response": "clip", "border": border,
        "stride": [2, 3], "dilation": [2, 1],
    }  # fmt: skip
    answer = render(modules, pixels, [operation])
    exact = correlate(pixels, weights, border, (2, 3), (2, 1)) + 20.25
    assert_equal_to_rounding(answer["pixels"][:, :, :3], exact)
    assert (answer["pixels"][:, :, 3] == 255).all()


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        ({"kernel": "blur", "response": "raw"}, "raw"),
        ({"kernel": "blur", "channels": "grey"}, "grey"),
        ({"kernel": "blur", "border": "replicate"}, "replicate"),
        ({"kernel": "custom", "weights": "1,a;2,3"}, "weights"),
    ],
)
def test_what_the_browser_does_not_compute_has_a_reason(modules: Page, operation: dict[str, Any], reason: str) -> None:
    assert reason in render(modules, np.zeros((4, 4, 3), np.uint8), [operation])["reason"]


def test_newest_render_overtakes_those_that_wait(modules: Page) -> None:
    results = modules.evaluate("""async () => {
      const { createPreview } = await import("/static/js/preview/preview.js");
      const preview = createPreview();
      const image = new ImageData(320, 240);
      image.data.fill(100);
      const shifts = [1, 2, 3, 4].map((bias) => preview.render(image, [{ kernel: "identity", bias }]));
      const results = await Promise.all(shifts);
      preview.close();
      return results.map((result) => result && result.imageData.data[0]);
    }""")
    assert results == [101, None, None, 104]


def test_comparison_finds_the_pixel_that_differs(modules: Page) -> None:
    def change_one_value(route: Any) -> None:
        reply = route.fetch()
        body = bytearray(reply.body())
        body[len(body) - 3 * (32 * 24) + 3 * (32 * 5 + 7) + 1] ^= 1  # green of x = 7, y = 5
        route.fulfill(response=reply, body=bytes(body))

    compare_in_page = """async () => {
      const { compareWithService } = await import("/static/js/preview/preview.js");
      const image = new ImageData(32, 24);
      image.data.forEach((_, index) => { image.data[index] = index % 4 === 3 ? 255 : (index * 7) % 256; });
      return compareWithService(image, [{ kernel: "sharpen" }, { kernel: "edge" }]);
    }"""
    assert modules.evaluate(compare_in_page) == {"different": 0, "total": 768, "first": None}
    modules.route("**/filter?*", change_one_value)
    answer = modules.evaluate(compare_in_page)
    modules.unroute("**/filter?*")
    assert (answer["different"], answer["total"]) == (1, 768)
    assert (answer["first"]["x"], answer["first"]["y"], answer["first"]["channel"]) == (7, 5, "green")
    assert answer["first"]["ours"] == answer["first"]["theirs"] ^ 1


def test_both_modules_round_each_sum_once(browser: Browser, site: str) -> None:
    """As a fused multiply-add does. The page's policy allows WebAssembly in the worker only, so it is bypassed here."""
    generator = np.random.default_rng(8)
    plane = generator.normal(0, 100, (9, 50)).astype(np.float32)
    weights = generator.normal(0, 1, (3, 5)).astype(np.float32)
    expected = np.zeros((7, 46), np.float32)
    for y in range(3):
        for x in range(5):
            products = plane[y : y + 7, x : x + 46].astype(np.float64) * weights[y, x]
            expected = (expected + products).astype(np.float32)
    rounded_twice = np.zeros_like(expected)
    for y in range(3):
        for x in range(5):
            rounded_twice += plane[y : y + 7, x : x + 46] * weights[y, x]
    assert (rounded_twice != expected).any()
    with browser.new_context(base_url=site, bypass_csp=True) as context:
        page = context.new_page()
        page.goto("/livez")
        sums = page.evaluate(
            """async ([values, weights]) => {
              const { Correlator } = await import("/static/js/preview/correlation.js");
              const plane = { values: Float32Array.from(values), rows: 9, columns: 50 };
              const sums = [];
              for (const fused of [true, false]) {
                const correlator = await Correlator.load(fused).catch(() => null);
                sums.push(correlator && [...correlator.correlate(plane, weights, { rows: 7, columns: 46 }).values]);
              }
              return sums;
            }""",
            [plane.ravel().tolist(), weights.tolist()],
        )
    fused, rounded = sums
    assert np.array_equal(np.float32(rounded), expected.ravel())
    assert fused is None or np.array_equal(np.float32(fused), expected.ravel())
