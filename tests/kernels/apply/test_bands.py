"""Every way to correlate an image equals the sum that defines it, and does not depend on how the image is cut."""

import subprocess
import sys
from hashlib import sha256

import numpy as np
import pytest
from numpy.typing import NDArray

from kernels.apply import bands, conv2d
from kernels.apply.correlate import correlate, correlate_image
from kernels.apply.separable import choose_factors
from kernels.geometry import lay_out_axis
from kernels.parametric import make_gaussian
from kernels.types import Planes, Weights

SHAPES = [(1, 1), (2, 3), (3, 3), (7, 7), (9, 8), (1, 7), (1, 40), (7, 1), (40, 1), (31, 20), (63, 63)]


def sum_products(
    image: NDArray[np.float32], weights: Weights, stride: tuple[int, int] = (1, 1), dilation: tuple[int, int] = (1, 1)
) -> NDArray[np.float64]:
    """The reference: every weight times every pixel that it covers, in float64, without padding."""
    (rows, columns), (stride_y, stride_x), (dilation_y, dilation_x) = weights.shape, stride, dilation
    height = (image.shape[0] - dilation_y * (rows - 1) - 1) // stride_y + 1
    width = (image.shape[1] - dilation_x * (columns - 1) - 1) // stride_x + 1
    total = np.zeros((height, width, image.shape[2]))
    for y in range(rows):
        for x in range(columns):
            top, left = dilation_y * y, dilation_x * x
            covered = image[top : top + stride_y * (height - 1) + 1, left : left + stride_x * (width - 1) + 1]
            total += weights[y, x] * covered[::stride_y, ::stride_x].astype(np.float64)
    return total


def assert_equal_to_rounding(result: Planes, exact: NDArray[np.float64], weights: Weights) -> None:
    """float32 has 24 bits for each product and for the sum."""
    assert result.shape == exact.shape
    np.testing.assert_allclose(result, exact, rtol=0, atol=2e-6 * 255 * np.abs(weights).sum())


def draw(seed: int, *shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.float32)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("room", [(0, 0), (1, 15), (30, 16), (3, 17), (70, 0)], ids=str)
def test_every_kernel_equals_the_sum_at_every_size(
    shape: tuple[int, int], channels: int, room: tuple[int, int]
) -> None:
    """The heights end before, at and after the end of a band, and give 1 to 16 bands."""
    image = draw(1, shape[0] + room[0], shape[1] + room[1], channels)
    weights = np.random.default_rng(2).normal(size=shape)
    assert_equal_to_rounding(correlate(image, weights), sum_products(image, weights), weights)


@pytest.mark.parametrize("stride", [(1, 1), (2, 1), (1, 3), (3, 2)], ids=str)
@pytest.mark.parametrize("dilation", [(1, 1), (1, 2), (4, 3)], ids=str)
@pytest.mark.parametrize("shape", [(3, 3), (8, 9), (20, 4), (1, 9), (9, 1)], ids=str)
def test_strides_and_dilations_equal_the_sum(
    shape: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int]
) -> None:
    image = draw(4, 110, 75, 3)
    weights = np.random.default_rng(5).normal(size=shape)
    exact = sum_products(image, weights, stride, dilation)
    assert_equal_to_rounding(correlate(image, weights, stride, dilation), exact, weights)


def test_large_images_equal_the_sum() -> None:
    """An image of several blocks and tiles, 16-bit values and passes of a separable kernel."""
    for shape in ((1200, 300, 3), (70, 2100, 1)):
        image = np.random.default_rng(6).integers(0, 65536, shape, np.uint16)
        for weights in (make_gaussian(2), np.random.default_rng(7).normal(size=(5, 5))):
            rows, columns = (lay_out_axis(shape[axis], len(weights), padding="VALID") for axis in (0, 1))
            result = correlate_image(image, weights, rows, columns, "valid")
            exact = sum_products(image, weights)
            np.testing.assert_allclose(result, exact, rtol=0, atol=2e-6 * 65535 * np.abs(weights).sum())
        assert choose_factors(make_gaussian(2)) is not None


@pytest.mark.parametrize(
    "weights", [np.random.default_rng(8).normal(size=(5, 7)), make_gaussian(3)], ids=["2-D", "1-D"]
)
def test_results_do_not_depend_on_how_the_image_is_cut(monkeypatch: pytest.MonkeyPatch, weights: Weights) -> None:
    """Byte for byte: the products of a result are always added up in the same order."""
    image = np.random.default_rng(9).normal(size=(150, 130, 3)).astype(np.float32)
    rows, columns = (lay_out_axis(image.shape[axis], weights.shape[axis]) for axis in (0, 1))
    whole = correlate_image(image, weights, rows, columns, "reflect")
    for tile, block_bytes, lowest in ((2048, 1, 1), (50, 10_000, 3), (7, 10**9, 8)):
        monkeypatch.setattr(bands, "MAX_TILE", tile)
        monkeypatch.setattr(bands, "BLOCK_BYTES", block_bytes)
        monkeypatch.setattr(bands, "MIN_BLOCK_ROWS", lowest)
        np.testing.assert_array_equal(correlate_image(image, weights, rows, columns, "reflect"), whole)
    # A channel and a part of an image are computed as in the whole.
    alone = correlate_image(image[:, :, 1:2].copy(), weights, rows, columns, "reflect")
    np.testing.assert_array_equal(alone[:, :, 0], whole[:, :, 1])
    top, side = 41, 60
    part_rows, part_columns = (lay_out_axis(side, weights.shape[axis], padding="VALID") for axis in (0, 1))
    part = correlate_image(image[top : top + side, top : top + side], weights, part_rows, part_columns, "valid")
    height, width = part.shape[:2]
    y, x = top + rows.padding_before, top + columns.padding_before
    np.testing.assert_array_equal(part, whole[y : y + height, x : x + width])


HASH = """
import hashlib, numpy as np
from kernels import convolve
generator = np.random.default_rng(0)
image = generator.normal(100, 50, (211, 190, 3)).astype(np.float32)
digest = hashlib.sha256()
for side in (3, 9, 23):
    digest.update(convolve(image, generator.normal(size=(side, side)), response="raw").tobytes())
print(digest.hexdigest())
"""


@pytest.mark.slow
def test_results_are_equal_in_every_process() -> None:
    def run() -> str:
        return subprocess.run([sys.executable, "-c", HASH], capture_output=True, text=True, check=True).stdout

    first = run()
    assert len(first.strip()) == 2 * sha256().digest_size
    assert run() == first


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_no_kernel_needs_more_multiplications_than_its_weights(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int]
) -> None:
    """All lanes are used, and halved kernels need fewer."""
    products = 0
    run_conv2d = conv2d.run_conv2d

    def record(planes: Planes, filters: Planes, *rest: tuple[int, int]) -> Planes:
        nonlocal products
        results = run_conv2d(planes, filters, *rest)
        assert filters.shape[2:] == (1, conv2d.LANES)
        products += results.size * filters.shape[0] * filters.shape[1]
        return results

    monkeypatch.setattr(conv2d, "run_conv2d", record)
    image = draw(3, 1024 + shape[0] - 1, 256 + shape[1] - 1, 3)
    result = correlate(image, np.random.default_rng(1).normal(size=shape))
    share = products / (result.size * shape[0] * shape[1])
    # 31 rows are halved twice, which leaves 9 of 16 products, and 63 three times. 64 rows of a band in blocks of 64.
    assert share < {(31, 20): 0.8, (63, 63): 0.7}.get(shape, 1.1)


def test_short_images_do_not_take_the_memory_of_sixteen_bands() -> None:
    wide = bands.cut_result(lay_out_axis(1, 3), lay_out_axis(1_000_000, 3))
    assert (wide.bands, wide.height) == (1, 1)
    assert wide.width < 1.07 * 1_000_000
    tall = bands.cut_result(lay_out_axis(1_000_000, 63), lay_out_axis(1, 63))
    assert tall.bands * tall.height < 1.1 * 1_000_000
    huge = bands.cut_result(lay_out_axis(7000, 63), lay_out_axis(7000, 63))
    assert bands.reach(huge.block, lay_out_axis(7000, 63)) * bands.reach(huge.tile, lay_out_axis(7000, 63)) < 400_000
    strided = bands.cut_result(lay_out_axis(7000, 3, stride=8), columns := lay_out_axis(7000, 3, stride=8))
    assert bands.reach(strided.tile, columns) < 2200
