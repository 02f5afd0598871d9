"""Every layout of a correlation equals SciPy, and large kernels use a fast layout."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from kernels.apply import conv2d
from kernels.types import Planes

SHAPES = [(7, 7), (9, 8), (1, 7), (1, 40), (7, 1), (40, 1), (31, 20), (63, 63)]


def draw(seed: int, *shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.float32)


def correlate_exactly(image: NDArray[np.float32], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """In float64, without padding."""
    rows, columns = weights.shape
    height, width = image.shape[0] - rows + 1, image.shape[1] - columns + 1
    top, left = rows // 2, columns // 2
    planes = [ndimage.correlate(image[:, :, c].astype(np.float64), weights) for c in range(image.shape[2])]
    return np.stack(planes, axis=2)[top : top + height, left : left + width]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("room", [(0, 0), (1, 15), (30, 16), (3, 17)], ids=str)
def test_every_large_kernel_equals_scipy_at_every_width(
    shape: tuple[int, int], channels: int, room: tuple[int, int]
) -> None:
    """Results are computed in groups of 16 numbers; the widths end before, at and after the end of a group."""
    image = draw(1, shape[0] + room[0], shape[1] + room[1], channels)
    weights = np.random.default_rng(2).normal(size=shape)
    result = conv2d.correlate(image, weights)
    exact = correlate_exactly(image, weights)
    assert result.shape == exact.shape
    # float32 has 24 bits for each product and for the sum.
    np.testing.assert_allclose(result, exact, atol=2e-6 * 255 * np.abs(weights).sum())


@pytest.mark.parametrize("shape", SHAPES)
def test_large_kernels_use_a_fast_layout(monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int]) -> None:
    """Three channels in groups take up to ten times as long."""
    filter_counts, products = [], 0
    run_conv2d = conv2d.run_conv2d

    def record(images: Planes, filters: Planes, *rest: Any) -> Planes:
        nonlocal products
        results = run_conv2d(images, filters, *rest)
        filter_counts.append(filters.shape[3])
        products += results.size * filters[..., 0].size
        return results

    monkeypatch.setattr(conv2d, "run_conv2d", record)
    result = conv2d.correlate(draw(3, 127, 90, 3), np.ones(shape))
    # 31 rows are split into 16, 16 and 15, and 16 rows again; 63 rows into 32, 32 and 31.
    calls = {31: 3 + 3 + 1, 63: 9 + 9 + 7}.get(shape[0], 1)
    assert filter_counts in (calls * [15], calls * [16])
    if min(shape) >= 31:  # halving saves more than the zeros in the filters cost
        assert products < 0.8 * result.size * shape[0] * shape[1]


@pytest.mark.parametrize(("stride", "dilation"), [((2, 1), (1, 1)), ((1, 3), (1, 1)), ((1, 1), (1, 2))])
def test_strides_and_dilations_of_large_kernels_equal_scipy(stride: tuple[int, int], dilation: tuple[int, int]) -> None:
    image = draw(4, 40, 50, 3)
    weights = np.random.default_rng(5).normal(size=(8, 9))
    spread = np.zeros((dilation[0] * 7 + 1, dilation[1] * 8 + 1))
    spread[:: dilation[0], :: dilation[1]] = weights
    exact = correlate_exactly(image, spread)[:: stride[0], :: stride[1]]
    np.testing.assert_allclose(conv2d.correlate(image, weights, stride, dilation), exact, atol=0.05)
