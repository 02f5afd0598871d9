"""The harness that compares services refuses wrong replies and reckons right."""

import json
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("scipy")

from benchmarks.services.chart import draw_chart
from benchmarks.services.replies import WrongReplyError, check_image, check_reply, compare_digits
from benchmarks.services.report import write_targets, write_work
from benchmarks.services.targets import TARGETS, beat, limit
from benchmarks.services.works import PARTS, SHARPEN, DigitWork, ImageWork, encode


@pytest.fixture
def image() -> NDArray[np.uint8]:
    low = np.random.default_rng(0).integers(0, 256, (12, 16, 3))
    return np.asarray(np.kron(low, np.ones((4, 4, 1)))).astype(np.uint8)


def sharpen(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """By hand: five times the pixel less its four neighbours."""
    p = np.pad(image.astype(int), ((1, 1), (1, 1), (0, 0)), mode="edge")
    sums = 5 * p[1:-1, 1:-1] - p[:-2, 1:-1] - p[2:, 1:-1] - p[1:-1, :-2] - p[1:-1, 2:]
    return np.clip(sums, 0, 255).astype(np.uint8)


def test_the_sharpened_image_is_taken_and_a_level_off_is_not(image: NDArray[np.uint8]) -> None:
    work = ImageWork("png", (), format="png")
    right = sharpen(image)
    check_image("opencv", work, image, right)
    wrong = right.copy()
    wrong[5, 5, 0] += 1 if wrong[5, 5, 0] < 255 else -1
    check_image("sharp", work, image, wrong)  # is known to cut off
    with pytest.raises(WrongReplyError, match="up to 1 levels"):
        check_image("opencv", work, image, wrong)


@pytest.mark.parametrize("format", ["jpeg", "webp", "gif", "png"])
def test_a_server_that_filters_nothing_is_refused(image: NDArray[np.uint8], format: str) -> None:
    work = ImageWork(format, (), format=format)
    file = encode(image, format)
    with pytest.raises(WrongReplyError, match="from the exact result"):
        check_reply("opencv", work, [file], file)


def test_a_reply_of_another_size_is_refused(image: NDArray[np.uint8]) -> None:
    with pytest.raises(WrongReplyError, match="instead of"):
        check_image("opencv", ImageWork("", (), format="png"), image, image[:-1])


def test_the_kernel_is_the_one_that_is_written_into_requests() -> None:
    assert SHARPEN.tolist() == [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]


def test_digits_read_wrong_or_with_other_probabilities_are_refused() -> None:
    work = DigitWork("", (), count=1)
    check_reply("keras-predict", work, [], json.dumps({"digit": work.labels[0]}).encode())
    with pytest.raises(WrongReplyError, match="0 of 1"):
        check_reply("keras-predict", work, [], json.dumps({"digit": (work.labels[0] + 1) % 10}).encode())
    own, other = ({"probabilities": [share, 1 - share]} for share in (0.9, 0.8))
    compare_digits(json.dumps(own).encode(), json.dumps([own]).encode())
    with pytest.raises(WrongReplyError, match="probabilities"):
        compare_digits(json.dumps(own).encode(), json.dumps(other).encode())


def make_results(**rates: float) -> dict[str, Any]:
    servers = {
        name: {"images_per_s": rate, "p50_ms": 1, "p99_ms": 2, "cpu_ms_per_image": 3, "peak_mb": 4, "bytes": 5}
        for name, rate in rates.items()
    }
    return {"works": {"work": {"servers": servers, "left_out": {"gone": "wrong"}}}, "figures": {"one": {"x": 2.0}}}


def test_ratios_are_to_the_best_of_the_peers() -> None:
    results = make_results(convserve=30, slow=10, fast=20)
    assert write_targets(results, [beat("work", 1.5, "slow", "fast")]).splitlines()[2] == (
        "| work | >= 1.5x the best of slow, fast | 1.50x of fast | met |"
    )
    assert "| 1.50x of fast | **not met** |" in write_targets(results, [beat("work", 1.51, "slow", "fast", "gone")])
    assert "not measured" in write_targets(results, [beat("work", 1, "gone")])
    assert "| 2x | met |" in write_targets(results, [limit("work", "", 2, "one", "x")])
    assert "| 2x | **not met** |" in write_targets(results, [limit("work", "", 1.9, "one", "x")])
    table = write_work(results["works"]["work"])
    assert "| fast | 20.0 | 1.50x | 1.0 | 2.0 | 3.00 | 4 | 5 |" in table
    assert "Left out: gone, wrong" in table


def test_bars_are_as_long_as_the_rates() -> None:
    chart = ElementTree.fromstring(draw_chart(make_results(convserve=30, slow=10, fast=20)))
    longest, slow, fast = (int(bar.attrib["width"]) for bar in chart.iter("{http://www.w3.org/2000/svg}rect"))
    assert (round(longest / slow), round(2 * longest / fast)) == (3, 3)
    assert "20.0 (convserve is 1.50x)" in "".join(chart.itertext())


def test_every_target_of_a_work_is_about_one_that_is_measured() -> None:
    names = {work.name for part in PARTS for work in part.works}
    servers = {name for part in PARTS for work in part.works for name in work.servers}
    assert {"opencv", "pillow", "pyvips", "sharp", "thumbor", "keras-predict", "onnxruntime"} <= servers
    wanted = {target.work for target in TARGETS}
    assert names <= wanted | {"blur sigma 2 to 10"}
