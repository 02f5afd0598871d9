"""The backend `bands` gives the result of the backend `planes` and of SciPy."""

import gc
import resource
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from kernels import convolve
from kernels.apply import bands, rounded
from kernels.apply import filter as filter_module
from kernels.apply.filter import apply_steps
from kernels.catalogue import Catalogue
from kernels.chain import Step, resolve_step
from kernels.custom import CUSTOM
from kernels.settings import FilterSettings

CASES: list[tuple[str, dict[str, Any]]] = [
    ("sharpen", {}),
    ("blur", {"border": "reflect"}),
    ("edge", {"border": "zero"}),
    ("emboss", {"border": "wrap", "bias": 20}),
    ("sobel", {}),
    ("gaussian", {"sigma": 3, "border": "symmetric"}),
    ("box", {"size": 5, "border": "valid", "divisor": 7}),
    ("laplacian", {"dilation": (2, 3), "response": "offset"}),
    ("top-sobel", {"anchor": (0, 2), "response": "abs"}),
    ("box", {"size": 5, "stride": (2, 3)}),
]


def make_step(name: str, settings: dict[str, Any]) -> Step:
    return resolve_step(name, FilterSettings(**settings), Catalogue())


def is_exact_in_float32(step: Step, dtype: type) -> bool:
    """Sums of 8-bit values have small rounding errors; sums of 16-bit values are exact only for integer weights."""
    return dtype is np.uint8 or all((part == np.round(part)).all() for part in step.kernel.tables)


@pytest.mark.parametrize(("name", "settings"), CASES, ids=[name for name, _ in CASES])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_bands_equal_planes(
    monkeypatch: pytest.MonkeyPatch, name: str, settings: dict[str, Any], dtype: type, channels: int
) -> None:
    image = np.random.default_rng(5).integers(0, np.iinfo(dtype).max + 1, (67, 41, channels), dtype)
    step = make_step(name, settings)
    assert rounded.can_round_at_once(image, [step], False)
    in_bands = apply_steps(image, [step])
    monkeypatch.setattr(filter_module, "can_round_at_once", lambda *arguments: False)
    in_planes = apply_steps(image, [step])
    (a,), (b,) = in_bands.reports, in_planes.reports
    assert (a.rows, a.columns) == (b.rows, b.columns)
    difference = np.abs(in_bands.image.astype(np.int64) - in_planes.image.astype(np.int64))
    if is_exact_in_float32(step, dtype):
        assert difference.max() == 0
        assert (a.minimum, a.maximum) == (b.minimum, b.maximum)
    else:  # the order of summation differs between processors, so a sum close to a half can be rounded up or down
        assert difference.max() <= 1
        assert np.count_nonzero(difference) <= 1e-3 * difference.size
        assert (a.minimum, a.maximum) == pytest.approx((b.minimum, b.maximum), rel=1e-6)
    assert a.clipped_percent == pytest.approx(b.clipped_percent)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("response", ["clip", "abs", "offset"])
@pytest.mark.parametrize("height", [1, 17, 33, 50])
def test_clipped_pixels_are_counted_once(
    monkeypatch: pytest.MonkeyPatch, height: int, response: str, dtype: type
) -> None:
    """Lanes without a band, rows below the image and columns beside it do not count. SciPy counts in int64."""
    monkeypatch.setattr(bands, "MAX_TILE", 20)
    maximum = int(np.iinfo(dtype).max)
    image = np.random.default_rng(6).integers(0, maximum + 1, (height, 33, 3), dtype)
    weights = np.array([[1, 2, 0], [-4, 3, 1], [0, -2, 0]])
    step = resolve_step(CUSTOM, FilterSettings(weights=weights.tolist(), response=response, divisor=1), Catalogue())
    filtered = apply_steps(image, [step])
    planes = [ndimage.correlate(image[:, :, c].astype(np.int64), weights, mode="nearest") for c in range(3)]
    exact = np.stack(planes, axis=2)
    report = filtered.reports[0]
    assert (report.minimum, report.maximum) == (exact.min(), exact.max())
    values = {"clip": exact, "abs": np.abs(exact), "offset": exact / 2 + (maximum + 1) / 2}[response]
    np.testing.assert_array_equal(filtered.image, np.clip(np.rint(values), 0, maximum))
    clipped = np.count_nonzero((values < -0.5) | (values >= maximum + 0.5))
    assert clipped > 0
    assert report.clipped_percent == pytest.approx(100 * clipped / exact.size)


def test_a_grey_image_is_filtered_row_by_row_and_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.random.default_rng(6).integers(0, 256, (50, 33, 1), np.uint8)
    weights = np.array([[1, 2, 0], [-4, 3, 1], [0, -2, 0]])
    expected = ndimage.correlate(image[:, :, 0].astype(np.int64), weights, mode="nearest")
    for group_bytes in (1, 3000, 10**9):
        monkeypatch.setattr(bands, "GROUP_BYTES", group_bytes)
        monkeypatch.setattr(bands, "STAGING_BYTES", group_bytes)
        np.testing.assert_array_equal(convolve(image, weights, divisor=1)[:, :, 0], np.clip(expected, 0, 255))


@pytest.mark.parametrize(("response", "below"), [("clip", 0), ("abs", 255)])
@pytest.mark.parametrize("weight", [1e5, 1e6])
def test_values_far_out_of_range_are_clipped_without_an_overflow(response: str, below: int, weight: float) -> None:
    """OpenCV rounds through int32, which cannot represent nine times 255e6."""
    white = np.full((9, 7, 3), 255, np.uint8)
    assert (convolve(white, np.full((3, 3), weight), response=response) == 255).all()
    assert (convolve(white, np.full((3, 3), -weight), response=response) == below).all()


def test_images_of_many_widths_do_not_leak_memory() -> None:
    """oneDNN keeps code for each shape: few different shapes may occur."""
    step = make_step("sharpen", {})

    def filter_widths(widths: range) -> float:
        """The growth of the process in MB."""
        before = measure_memory_mb()
        for width in widths:
            apply_steps(np.zeros((12, width, 3), np.uint8), [step])
        return measure_memory_mb() - before

    filter_widths(range(50, 100))
    assert filter_widths(range(100, 700)) < 6  # it is 14 if the dilation depends on the width


def measure_memory_mb() -> float:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
