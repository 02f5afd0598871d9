"""The network diagram of the digits view: values at the pointer, dependencies, maps of importance, keys, failures."""

import base64
import re
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, expect

from tests.support.page_actions import (
    draw,
    open_filter_view,
    read_canvas,
    read_result,
    save_photo,
    upload,
    wait_for_result,
)
from tests.system.browser.test_digit_view import STROKES, find_ink

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
IMPORT = "const load = (name) => import(document.querySelector('script[type=module]').src.replace('main.js', name));"
FIND_TILE = f"""async ([stage, index]) => {{
  {IMPORT}
  const {{ layOutDiagram }} = await load("network/diagram-layout.js");
  return layOutDiagram(document.querySelector("#diagram").clientWidth).stages[stage].tiles[index];
}}"""
RUN = f"""async (field) => {{
  {IMPORT}
  const network = await (await load("network/network.js")).loadNetwork();
  const {{ maps, features, logits }} = await network.run(Float32Array.from(field.flat()));
  const values = {{ ...maps, features, logits }};
  for (const [name, {{ kernel, bias }}] of Object.entries(network.layers)) {{
    if (name !== "dense") Object.assign(values, {{ [`${{name}}.kernel`]: kernel, [`${{name}}.bias`]: bias }});
  }}
  return Object.fromEntries(Object.entries(values).map(([name, numbers]) => [name, [...numbers]]));
}}"""
Arrays = dict[str, NDArray[np.float64]]


@pytest.fixture
def view(page: Page) -> Page:
    page.goto("/#digits")
    expect(page.locator("#digit-result")).to_have_attribute("data-verdict", "blank", timeout=30_000)
    return page


def show(page: Page, digit: str) -> None:
    """Draws a digit and waits for the diagram."""
    draw(page, STROKES[digit])
    page.locator("#diagram").scroll_into_view_if_needed()
    expect(page.locator("#network")).to_have_attribute("data-digit", digit, timeout=30_000)
    page.wait_for_load_state("networkidle")


def find_image(page: Page) -> bytes:
    """What is on the pad, as a PNG."""
    return base64.b64decode(page.locator("#pad").evaluate("canvas => canvas.toDataURL()").split(",")[1])


def find_field(page: Page, api: httpx.Client) -> NDArray[np.float64]:
    """The prepared field of what is on the pad."""
    reply = api.post("/classify?preview=true", files={"file": find_image(page)})
    return np.array(reply.json()["preview"]["field"])


def run(page: Page, field: NDArray[np.float64]) -> Arrays:
    """Maps and weights of the network in the browser, which test_network.py compares with those of TensorFlow."""
    return {name: np.array(values) for name, values in page.evaluate(RUN, field.tolist()).items()}


def point(page: Page, stage: str, index: int, x: float = 0.5, y: float = 0.5, click: bool = False) -> None:
    """Points at a place of a map, given as shares of its side."""
    tile = page.evaluate(FIND_TILE, [stage, index])
    position: Any = {"x": tile["x"] + x * tile["width"], "y": tile["y"] + y * tile["height"]}
    diagram = page.locator("#diagram")
    diagram.hover(position=position)
    if click:
        diagram.click(position=position)
    expect(diagram).to_have_attribute("data-stage", stage)
    expect(diagram).to_have_attribute("data-index", str(index))


def read_numbers(page: Page) -> list[float]:
    """The numbers of the sentence about the unit at the pointer; a minus sign after a space is an operator."""
    text = page.locator("#readout .worked").inner_text().replace(",", "")
    return [float(number.replace("−", "-").replace(" ", "")) for number in re.findall(r"(?:− ?)?\d+(?:\.\d+)?", text)]


def test_pixel_of_the_first_layer_is_worked_out(view: Page, api: httpx.Client) -> None:
    show(view, "3")
    field = find_field(view, api)
    network = run(view, field)
    kernels = network["conv1.kernel"].reshape(5, 5, 32)
    for index, x, y in ((28, 12, 20), (5, 0, 27), (17, 14, 9)):
        point(view, "conv1", index, (x + 0.5) / 28, (y + 0.5) / 28)
        worked = view.locator("#readout .worked")
        expect(worked).to_contain_text(f"Map {index} of conv1 at x = {x}, y = {y}: 25 products")
        products = float((np.pad(field, 2)[y : y + 5, x : x + 5] * kernels[:, :, index]).sum())
        bias = float(network["conv1.bias"][index])
        # The first numbers are 28 (or another map), the 1 of conv1, x, y and the number of products.
        assert read_numbers(view)[5:8] == pytest.approx([products, bias, products + bias], abs=2e-3)
        expect(worked).to_contain_text("keeps" if products + bias > 0 else "makes 0")
    link = view.get_by_role("link", name="Use kernel 17 as a filter")
    expect(link).to_have_attribute("href", "#filter/mnist-conv1-17")


@pytest.mark.slow
def test_second_layer_pooling_and_output_are_worked_out(view: Page, api: httpx.Client) -> None:
    show(view, "7")
    network = run(view, find_field(view, api))
    pool1 = np.pad(network["pool1"].reshape(14, 14, 32), ((2, 2), (2, 2), (0, 0)))
    kernels = network["conv2.kernel"].reshape(5, 5, 32, 64)
    x, y, index = 6, 4, 33
    parts = (pool1[y : y + 5, x : x + 5] * kernels[..., index]).sum(axis=(0, 1))
    strongest = int(np.abs(parts).argmax())
    point(view, "conv2", index, (x + 0.5) / 14, (y + 0.5) / 14)
    expect(view.locator("#readout .worked")).to_contain_text(f"Pooled map {strongest} adds most (")
    assert read_numbers(view)[4:6] == pytest.approx([800, parts.sum()], abs=2e-3)
    assert read_numbers(view)[-1] == pytest.approx(parts[strongest], abs=2e-3)
    point(view, "pool2", index, 2.5 / 7, 3.5 / 7)
    largest = network["conv2"].reshape(14, 14, 64)[6:8, 4:6, index].max()
    assert read_numbers(view)[-1] == pytest.approx(largest, abs=2e-3)
    point(view, "output", 7)
    expect(view.locator("#readout .worked")).to_contain_text("Digit 7: 1,024 products")
    products = network["features"] @ network["output.kernel"].reshape(1024, 11)[:, 7]
    assert read_numbers(view)[2] == pytest.approx(products, abs=2e-3)
    point(view, "dense", 500)
    expect(view.locator("#readout .worked")).to_contain_text("Feature 500: 3,136 products")


@pytest.mark.slow
def test_clicked_map_shows_what_it_depends_on(view: Page, api: httpx.Client) -> None:
    show(view, "3")
    view.mouse.move(0, 0)
    before = read_canvas(view, "#diagram").astype(int)
    point(view, "conv2", 21, click=True)
    view.mouse.move(0, 0)
    expect(view.locator("#diagram")).to_have_attribute("data-pinned", "conv2 21")
    view.wait_for_timeout(200)
    after = read_canvas(view, "#diagram").astype(int)
    strengths = view.evaluate(f"""async () => {{
      {IMPORT}
      const network = await (await load("network/network.js")).loadNetwork();
      return (await load("network/workings.js")).weighInputs(network.layers, "conv2", 21);
    }}""")
    kernels = run(view, find_field(view, api))["conv2.kernel"].reshape(25, 32, 64)[:, :, 21]
    lengths = np.linalg.norm(kernels, axis=0)
    assert np.abs(strengths) == pytest.approx(lengths / lengths.max(), abs=1e-6)
    assert (np.sign(strengths) == np.sign(kernels.sum(axis=0))).all()

    def read_change(map_: int) -> float:
        tile = view.evaluate(FIND_TILE, ["conv1", map_])
        top, left, side = (int(tile[name]) for name in ("y", "x", "width"))
        return float(np.abs(after - before)[top : top + side, left : left + side].mean())

    by_strength = np.argsort(lengths)
    weak, strong = (np.mean([read_change(int(map_)) for map_ in part]) for part in (by_strength[:8], by_strength[-8:]))
    assert weak > strong, "maps that count little are dimmed"
    view.locator("#diagram").press("Escape")
    expect(view.locator("#diagram")).to_have_attribute("data-pinned", "")


def place_field(page: Page, reply: dict[str, Any]) -> dict[str, float]:
    """Left, top and side of the whole field on the pad."""
    place: dict[str, float] = page.evaluate(
        f"""async ([field, box]) => {{
          {IMPORT}
          const {{ placeField }} = await load("network/importance-map.js");
          return placeField(Float32Array.from(field.flat()), box, {{ left: 0, top: 0, scale: 1 }});
        }}""",
        [reply["preview"]["field"], reply["box"]],
    )
    return place


def project(values: NDArray[np.float64], place: dict[str, float], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """A square map laid on the pad; 0 outside."""
    y, x = np.indices(shape) + 0.5
    rows = np.floor((y - place["top"]) / place["side"] * len(values)).astype(int)
    columns = np.floor((x - place["left"]) / place["side"] * len(values)).astype(int)
    inside = (rows >= 0) & (rows < len(values)) & (columns >= 0) & (columns < len(values))
    projected = np.zeros(shape)
    projected[inside] = values[rows[inside], columns[inside]]
    return projected


def test_field_is_laid_on_the_strokes_that_it_was_made_of(view: Page, api: httpx.Client) -> None:
    show(view, "4")
    reply = api.post("/classify?preview=true", files={"file": find_image(view)}).json()
    ink = find_ink(view)
    projected = project(np.array(reply["preview"]["field"]), place_field(view, reply), ink.shape) > 0.5
    assert (projected & ink).sum() / ink.sum() > 0.75
    assert (projected & ink).sum() / projected.sum() > 0.4, "the strokes of the field are thicker"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["occlusion", "gradient"])
def test_map_of_importance_lies_over_the_drawing(view: Page, api: httpx.Client, kind: str) -> None:
    show(view, "3")
    view.get_by_label(kind).check()
    expect(view.locator("#importance [role=status]")).to_contain_text("log odds of 3", timeout=30_000)
    alpha = view.locator("#importance-cover").evaluate("""canvas => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return [canvas.height, canvas.width, ...data.filter((_, index) => index % 4 === 3)];
    }""")
    cover = np.array(alpha[2:]).reshape(alpha[:2])
    reply = api.post("/classify/explain?format=json", files={"file": find_image(view)}).json()
    values = np.array(reply["occlusion" if kind == "occlusion" else "input_gradient"]["values"])
    expected = project(np.abs(values) / np.abs(values).max(), place_field(view, reply["answer"]), cover.shape)
    different = np.abs(cover / 235 - expected**0.75) > 0.05
    assert different.mean() < 0.02, "at the edges of squares, rounding decides"
    assert np.ptp(cover) > 200
    view.get_by_label("nothing").check()
    expect(view.locator("#importance-cover")).to_have_attribute("width", "0")


@pytest.mark.slow
def test_another_digit_can_be_asked_about(view: Page) -> None:
    show(view, "7")
    view.get_by_label("gradient").check()
    status = view.locator("#importance [role=status]")
    expect(status).to_contain_text("log odds of 7", timeout=30_000)
    point(view, "output", 1, click=True)
    expect(status).to_contain_text("log odds of 1")
    point(view, "output", 1, click=True)
    expect(status).to_contain_text("log odds of 7")


def test_diagram_is_used_with_the_keyboard(view: Page) -> None:
    show(view, "3")
    diagram, status = view.locator("#diagram"), view.locator("#diagram-status")
    point(view, "conv1", 3, 0.5, 0.5)
    x, y = (int(number) for number in read_numbers(view)[2:4])
    view.mouse.move(0, 0)
    diagram.focus()
    view.keyboard.press("ArrowRight")
    expect(status).to_contain_text(f"Map 3 of conv1 at x = {x + 1}, y = {y}:")
    view.keyboard.press("ArrowUp")
    expect(status).to_contain_text(f"x = {x + 1}, y = {y - 1}:")
    for stage in ("pool1", "conv2", "pool2", "dense", "output"):
        for _ in range(20):
            if diagram.get_attribute("data-stage") == stage:
                break
            view.keyboard.press("Shift+ArrowRight")
            view.wait_for_timeout(40)
        expect(diagram).to_have_attribute("data-stage", stage)
    view.keyboard.press("Shift+ArrowLeft")
    view.keyboard.press("Enter")
    expect(diagram).to_have_attribute("data-pinned", re.compile("dense"))
    view.keyboard.press("Escape")
    expect(diagram).to_have_attribute("data-pinned", "")


def test_diagram_has_words(view: Page) -> None:
    show(view, "7")
    view.get_by_text("The diagram in words").click()
    rows = view.locator(".words tbody tr")
    expect(rows).to_have_count(7)
    expect(rows.last).to_contain_text(re.compile(r"7: (> )?\d"))
    expect(rows.nth(3)).to_contain_text(re.compile(r"maps \d+ \(\d"))


def test_diagram_follows_the_drawing(view: Page) -> None:
    show(view, "3")
    view.click("#clear")
    expect(view.locator("#network")).not_to_have_attribute("data-digit", re.compile("."))
    draw(view, STROKES["4"])
    expect(view.locator("#network")).to_have_attribute("data-digit", "4")
    view.get_by_label("Several digits").check()
    expect(view.locator("#network")).to_be_hidden()
    view.get_by_label("One digit").check()
    expect(view.locator("#network")).to_have_attribute("data-digit", "4")


def test_diagram_changes_during_a_stroke(view: Page) -> None:
    show(view, "3")
    view.click("#clear")
    expect(view.locator("#network")).not_to_have_attribute("data-digit", re.compile("."))
    view.locator("#pad").scroll_into_view_if_needed()
    box = view.locator("#pad").bounding_box()
    assert box
    view.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.2 * box["height"])
    view.mouse.down()
    view.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.8 * box["height"], steps=10)
    expect(view.locator("#network")).to_have_attribute("data-digit", "1")
    view.mouse.up()


def repeat_after_failure(view: Page, message: str) -> None:
    """Draw a digit, expect the message, and let the service respond to the repetition."""
    draw(view, STROKES["7"])
    view.locator("#diagram").scroll_into_view_if_needed()
    error = view.locator("#network-message .error")
    expect(error).to_contain_text(message)
    view.unroute_all()
    error.get_by_role("button", name="Try again").click()
    expect(view.locator("#network")).to_have_attribute("data-digit", "7", timeout=30_000)


def test_failed_loading_is_explained_and_repeated(view: Page, errors: list[str]) -> None:
    problem = '{"type": "/problems#overloaded", "title": "Overloaded", "status": 503, "detail": "Busy."}'
    view.route(
        "**/model/weights*",
        lambda route: route.fulfill(status=503, content_type="application/problem+json", body=problem),
    )
    repeat_after_failure(view, "The service is busy with other images.")
    expect(view.locator("#network-message")).to_be_hidden()
    errors.clear()


@pytest.mark.parametrize("module", ["network", "diagram"])
def test_module_that_could_not_be_loaded_is_loaded_again(view: Page, errors: list[str], module: str) -> None:
    view.route(f"**/js/network/{module}.js*", lambda route: route.abort())
    repeat_after_failure(view, "The network diagram could not be loaded")
    errors.clear()


@pytest.mark.slow
def test_kernel_of_the_network_opens_as_a_filter(page: Page, tmp_path: Path) -> None:
    """And the photo that was open in the filters stays open."""
    open_filter_view(page, "#filter/edge")
    upload(page, save_photo(tmp_path, 90, 70))
    page.get_by_role("link", name="Digits").click()
    show(page, "3")
    point(page, "pool1", 7)
    page.get_by_role("link", name="Use kernel 7 as a filter").click()
    wait_for_result(page)
    assert "#filter/mnist-conv1-07" in page.url
    assert page.input_value("#set-kernel") == "mnist-conv1-07"
    expect(page.locator("#image-note")).to_contain_text("photo.png, 90 × 70")
    assert page.locator(".weights input").count() == 25
    assert read_result(page).std() > 1


@pytest.mark.slow
def test_diagram_fits_a_phone(browser: Browser, site: str) -> None:
    with browser.new_context(base_url=site, **PHONE) as context:
        page = context.new_page()
        page.goto("/#digits")
        expect(page.locator("#digit-result")).to_have_attribute("data-verdict", "blank")
        page.locator("#pad").scroll_into_view_if_needed()
        show(page, "3")
        box = page.locator("#diagram").bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert box["height"] < 844 - 64, "one picture, above the answer at the bottom of the screen"
        tile = page.evaluate(FIND_TILE, ["conv2", 40])
        assert tile["width"] > 15
        page.locator("#diagram").tap(position={"x": tile["x"] + 9, "y": tile["y"] + 9})
        expect(page.locator("#diagram")).to_have_attribute("data-pinned", "conv2 40")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
