"""Kernels as 1-D passes: the results are equal, and the passes are chosen only if they cost less."""

import numpy as np
import pytest

from kernels.apply.correlate import correlate, correlate_bands, plan_correlation
from kernels.apply.separable import choose_factors, count_taps, split_weights
from kernels.geometry import lay_out_axis
from kernels.parametric import make_box, make_disk, make_gaussian, make_laplacian_of_gaussian, make_unsharp


@pytest.mark.parametrize(
    ("weights", "rank"),
    [
        (make_gaussian(3), 1),
        (make_box(31), 1),
        (make_unsharp(4, 2), 2),
        (make_laplacian_of_gaussian(3), 3),
        (np.random.default_rng(3).normal(size=(9, 5)), 5),
    ],
    ids=["gaussian", "box", "unsharp", "log", "random"],
)
def test_the_product_of_the_factors_is_the_kernel(weights: np.ndarray, rank: int) -> None:
    factors = split_weights(weights)
    assert len(factors) <= rank
    product = sum(column @ row for column, row in factors)
    np.testing.assert_allclose(product, weights, atol=1e-13)


def test_small_kernels_and_kernels_of_high_rank_are_not_split() -> None:
    assert choose_factors(make_gaussian(0.5, 3)) is None
    assert choose_factors(make_gaussian(1, 5)) is None
    assert choose_factors(make_disk(15)) is None
    assert choose_factors(np.random.default_rng(3).normal(size=(31, 31))) is None


def test_the_cost_of_a_large_gaussian_is_proportional_to_its_side() -> None:
    assert count_taps(make_gaussian(10)) == 2 * 61
    assert count_taps(make_disk(15)) == 31 * 31


@pytest.mark.parametrize("stride", [(1, 1), (2, 3)])
@pytest.mark.parametrize("dilation", [(1, 1), (3, 2)])
@pytest.mark.parametrize("weights", [make_gaussian(2), make_unsharp(2, 1.5), make_gaussian(3)[:, 4:9]])
def test_two_passes_equal_one_pass(weights: np.ndarray, stride: tuple[int, int], dilation: tuple[int, int]) -> None:
    image = np.random.default_rng(4).integers(0, 256, (70, 60, 3)).astype(np.float32)
    whole = correlate(image, weights, stride, dilation)
    rows, columns = (
        lay_out_axis(image.shape[axis], weights.shape[axis], stride=stride[axis], dilation=dilation[axis], padding=0)
        for axis in (0, 1)
    )
    correlation = plan_correlation([(weights, split_weights(weights))], rows, columns)
    passes = correlate_bands(image, rows, columns, "valid", correlation)
    assert passes.shape == whole.shape
    np.testing.assert_allclose(passes, whole, atol=2e-3)
