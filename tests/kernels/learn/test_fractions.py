"""Weights are recognised as fractions only if they are close enough."""

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from kernels.learn.fractions import find_fractions
from kernels.parametric import make_gaussian

NOISE = np.random.default_rng(6).uniform(-1, 1, (5, 5))


@pytest.mark.parametrize(
    ("numerators", "divisor"),
    [
        ([[1, 2, 1], [2, 4, 2], [1, 2, 1]], 16),
        ([[1, 1, 1], [1, 1, 1], [1, 1, 1]], 9),
        ([[1] * 5] * 5, 25),
        ([[-2, -2, -2], [-2, 32, -2], [-2, -2, -2]], 16),
        ([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], 1),
        ([[1, 4, 6, 4, 1]], 16),
        ([[1, 1, 1], [1, 5, 1], [1, 1, 1]], 13),
        ([[3]], 4),
    ],
)
def test_fractions_with_a_little_noise_are_recognised(numerators: list[list[int]], divisor: int) -> None:
    wanted = np.array(numerators) / divisor
    noise = 1e-4 * np.resize(NOISE, wanted.shape)
    found = find_fractions(wanted + noise, 1e-4)
    assert found is not None
    np.testing.assert_array_equal(found.weights, wanted)
    assert found.texts == [[str(Fraction(number, divisor)) for number in row] for row in numerators]


@pytest.mark.parametrize(
    "weights",
    [make_gaussian(0.83, 3), make_gaussian(1.5, 7), NOISE, np.array([[0.7346]]), np.zeros((3, 3)), NOISE[:1, :2]],
)  # fmt: skip
def test_weights_that_are_not_fractions_are_not_recognised(weights: NDArray[np.float64]) -> None:
    assert find_fractions(weights, 1e-4) is None


def test_a_large_tolerance_is_not_enough_evidence_for_fractions() -> None:
    weights = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
    assert find_fractions(weights, 1e-3) is not None
    assert find_fractions(weights, 0.02) is None
