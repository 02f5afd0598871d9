"""Kernels as passes along y and x: the same kernel, and only where it pays."""

import numpy as np
import pytest

from kernels.apply import conv2d as engine
from kernels.apply.separable import choose_factors, count_taps, split_weights
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
def test_the_factors_multiply_out_to_the_kernel(weights: np.ndarray, rank: int) -> None:
    factors = split_weights(weights)
    assert len(factors) <= rank
    product = sum(column @ row for column, row in factors)
    np.testing.assert_allclose(product, weights, atol=1e-13)


def test_small_kernels_and_those_of_high_rank_stay_whole() -> None:
    assert choose_factors(make_gaussian(0.5, 3)) is None
    assert choose_factors(make_gaussian(1, 5)) is None
    assert choose_factors(make_disk(15)) is None
    assert choose_factors(np.random.default_rng(3).normal(size=(31, 31))) is None


def test_a_large_gaussian_costs_its_side_and_not_its_square() -> None:
    assert count_taps(make_gaussian(10)) == 2 * 61
    assert count_taps(make_disk(15)) == 31 * 31


@pytest.mark.parametrize("stride", [(1, 1), (2, 3)])
@pytest.mark.parametrize("dilation", [(1, 1), (3, 2)])
@pytest.mark.parametrize("weights", [make_gaussian(2), make_unsharp(2, 1.5), make_gaussian(3)[:, 4:9]])
def test_passes_give_what_one_pass_gives(
    weights: np.ndarray, stride: tuple[int, int], dilation: tuple[int, int]
) -> None:
    image = np.random.default_rng(4).integers(0, 256, (70, 60, 3)).astype(np.float32)
    whole = engine.correlate(image, weights, stride, dilation)
    passes = engine.correlate_factors(image, split_weights(weights), stride, dilation)
    assert passes.shape == whole.shape
    np.testing.assert_allclose(passes, whole, atol=2e-3)
