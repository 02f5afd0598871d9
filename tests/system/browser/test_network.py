"""The digit network in the browser: the numbers of the service, which computes them with TensorFlow."""

import base64
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import BrowserContext, Page

from models.training.mnist import read_mnist
from tests.support.digit_images import TEST, write_on_paper
from tests.support.images import encode
from tests.support.page_actions import decode
from tests.support.paths import SHARED

MNIST = SHARED / "data" / "mnist"
CASES = int(os.environ.get("NETWORK_CASES", "300"))
"""Digits of MNIST. Each takes about 0.05 s."""
EXAMPLES = sorted((Path(__file__).parents[3] / "examples/images").glob("*.jpg"))
MAX_DIFFERENCE = 1e-3
"""Of a probability."""

RUN = """async (fields) => {
  const { loadNetwork } = await import("/static/js/network/network.js");
  const network = await loadNetwork();
  const answers = [];
  for (const field of fields) {
    const { logits, probabilities, notADigit } = await network.run(Float32Array.from(field.flat()));
    answers.push({ logits: [...logits], probabilities, notADigit });
  }
  return answers;
}"""
EXPLAIN = """async ([field, digit]) => {
  const { loadNetwork } = await import("/static/js/network/network.js");
  const network = await loadNetwork();
  const values = Float32Array.from(field.flat());
  const { maps, features, logits } = await network.run(values);
  const { occlusion, gradient, logOdds } = await network.explain(values, digit);
  return {
    conv1: [...maps.conv1], pool1: [...maps.pool1], conv2: [...maps.conv2], pool2: [...maps.pool2],
    dense: [...features], output: [...logits],
    occlusion: [...occlusion], gradient: [...gradient], logOdds,
  };
}"""


def classify(api: httpx.Client, images: Sequence[bytes]) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = []
    for start in range(0, len(images), 50):
        files = [("file", image) for image in images[start : start + 50]]
        reply = api.post("/classify?preview=true", files=files)
        assert reply.status_code == 200, reply.text
        answers += reply.json() if len(files) > 1 else [reply.json()]
    return answers


def compare(page: Page, api: httpx.Client, images: Sequence[bytes]) -> int:
    """The number of images with ink. Each has the digit and the probabilities of the service in the browser, too."""
    answers = [answer for answer in classify(api, images) if answer["preview"]["field"]]
    computed = page.evaluate(RUN, [answer["preview"]["field"] for answer in answers])
    ours = np.array([[*one["probabilities"], one["notADigit"]] for one in computed])
    theirs = np.array([[*one["probabilities"], one["not_a_digit"]] for one in answers])
    assert np.abs(ours - theirs).max() < MAX_DIFFERENCE
    assert ours[:, :10].argmax(axis=1).tolist() == [answer["digit"] for answer in answers]
    return len(answers)


def test_excerpt_of_mnist_has_the_probabilities_of_the_service(modules: Page, api: httpx.Client) -> None:
    assert compare(modules, api, [encode(image) for image in TEST.images[:60]]) == 60


def test_written_digits_have_the_probabilities_of_the_service(modules: Page, api: httpx.Client) -> None:
    """On paper, whose prepared fields have more than 256 levels."""
    images = [encode(write_on_paper(image)) for image in TEST.images[60:100]]
    assert compare(modules, api, images) == 40


def test_example_images_have_the_probabilities_of_the_service(modules: Page, api: httpx.Client) -> None:
    assert EXAMPLES
    assert compare(modules, api, [path.read_bytes() for path in EXAMPLES]) >= 1


@pytest.mark.slow
def test_mnist_has_the_probabilities_of_the_service(modules: Page, api: httpx.Client) -> None:
    if not MNIST.is_dir():
        pytest.skip(f"{MNIST} does not exist; it has the complete MNIST")
    images = read_mnist(MNIST).test.images
    chosen = np.random.default_rng(24).choice(len(images), CASES, replace=False)
    assert compare(modules, api, [encode(images[number]) for number in chosen]) == CASES


@pytest.mark.parametrize("number", [0, 1, 2])
def test_layers_and_maps_equal_those_of_tensorflow(modules: Page, api: httpx.Client, number: int) -> None:
    """The gradient of the service is that of tf.GradientTape; its occlusion reads 196 covered fields."""
    image = encode(write_on_paper(TEST.images[number]))
    reply = api.post("/classify/explain?format=json", files={"file": image})
    assert reply.status_code == 200, reply.text
    explained = reply.json()
    ours = modules.evaluate(EXPLAIN, [explained["answer"]["preview"]["field"], explained["answer"]["digit"]])
    layers = {layer["name"]: layer for layer in explained["layers"]}
    for name in ("conv1", "conv2"):
        maps, largest = np.array(ours[name]).reshape(layers[name]["shape"]), layers[name]["maximum"]
        assert maps.max() == pytest.approx(largest, rel=1e-3)
        drawn = np.dstack([decode(base64.b64decode(source.split(",")[1]))[..., 0] for source in layers[name]["maps"]])
        np.testing.assert_allclose(255 * maps / largest, drawn, atol=0.51)
    for conv, pooled in (("conv1", "pool1"), ("conv2", "pool2")):
        height, width, count = layers[conv]["shape"]
        squares = np.array(ours[conv]).reshape(height // 2, 2, width // 2, 2, count)
        np.testing.assert_array_equal(squares.max(axis=(1, 3)).ravel(), ours[pooled])
    check_close(ours["dense"], layers["dense"]["values"])
    check_close(ours["output"], [*layers["output"]["values"], layers["output"]["not_a_digit"]])
    check_close(ours["occlusion"], explained["occlusion"]["values"])
    check_close(ours["gradient"], explained["input_gradient"]["values"])
    assert np.ptp(ours["gradient"]) > 0.1
    assert np.ptp(ours["occlusion"]) > 0.1


def check_close(ours: Any, theirs: Any) -> None:
    """The sums are rounded in another order."""
    values: NDArray[Any] = np.ravel(np.array(theirs))
    np.testing.assert_allclose(ours, values, atol=2e-3 * max(1.0, float(np.abs(values).max())))


def test_weights_are_not_part_of_the_first_view(context: BrowserContext) -> None:
    asked: list[str] = []
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/#digits")
    page.wait_for_selector("#digit-result[data-verdict=blank]")
    page.wait_for_load_state("networkidle")
    page.close()
    assert not [url for url in asked if "/model/weights" in url or "/network/" in url]


def test_newest_explanation_overtakes_those_that_wait(modules: Page) -> None:
    results = modules.evaluate("""async () => {
      const { loadNetwork } = await import("/static/js/network/network.js");
      const network = await loadNetwork();
      const field = new Float32Array(784);
      for (let y = 4; y < 24; y++) field[28 * y + 14] = 1;
      const explained = [1, 7, 4].map((digit) => network.explain(field, digit));
      const answer = await network.run(field);
      const results = await Promise.all(explained);
      return [answer.probabilities.length, ...results.map((one) => one && one.occlusion.length)];
    }""")
    assert results == [10, None, None, 196]


def test_network_is_loaded_again_after_its_worker_has_failed(modules: Page) -> None:
    results = modules.evaluate("""async () => {
      const { loadNetwork } = await import("/static/js/network/network.js");
      const network = await loadNetwork();
      const field = new Float32Array(784);
      const read = (one) => one.run(field).then(({ logits }) => logits.length, ({ message }) => message);
      const waiting = read(network);
      network.worker.dispatchEvent(new ErrorEvent("error", { message: "out of memory" }));
      const again = await loadNetwork();
      return [await waiting, await read(network), again === network, await read(again)];
    }""")
    assert results == ["out of memory", "out of memory", False, 11]
