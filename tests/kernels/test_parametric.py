"""Parametric weights against SciPy, and against the properties of each filter."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from kernels import KernelParameterError, convolve
from kernels.catalogue import Catalogue


def make(name: str, **values: float) -> NDArray[np.float64]:
    return Catalogue()[name].make_kernel(values).weights


def paint_impulse(size: int) -> NDArray[np.float64]:
    image = np.zeros((size, size))
    image[size // 2, size // 2] = 1
    return image


def paint_stripes(angle: float, wavelength: float) -> NDArray[np.float32]:
    """A wave in the direction of `angle`, counter-clockwise, y upwards."""
    y, x = np.mgrid[:48, :48].astype(np.float64)
    along = x * np.cos(np.radians(angle)) - y * np.sin(np.radians(angle))
    return (127.5 + 127.5 * np.cos(2 * np.pi * along / wavelength)).astype(np.float32)


SMOOTHERS = [("box", {"size": 7.0}), ("gaussian", {"sigma": 1.7}), ("disk", {"radius": 3.3}),
             ("motion", {"length": 9.0, "angle": 30.0}), ("unsharp", {"sigma": 2.0, "amount": 3.0})]  # fmt: skip
EDGES = [("log", {"sigma": 1.9}), ("dog", {"sigma1": 1.2, "sigma2": 3.0}), ("gabor", {"angle": 20.0})]


@pytest.mark.parametrize(("name", "values"), [*SMOOTHERS, *EDGES])
def test_smoothing_kernels_sum_to_1_and_edge_kernels_to_0(name: str, values: dict[str, float]) -> None:
    expected = 1 if (name, values) in SMOOTHERS else 0
    assert make(name, **values).sum() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("name", "values"), [*SMOOTHERS, *EDGES])
def test_weights_are_symmetric_under_a_half_turn(name: str, values: dict[str, float]) -> None:
    weights = make(name, **values)
    np.testing.assert_allclose(weights, weights[::-1, ::-1], atol=1e-15)


@pytest.mark.parametrize("name", ["gaussian", "disk", "unsharp", "log", "dog", "motion", "gabor", "box"])
def test_the_parameter_size_sets_the_size(name: str) -> None:
    assert make(name, size=21).shape == (21, 21)


@pytest.mark.parametrize(("sigma", "size"), [(0.1, 3), (1, 7), (1.01, 9), (2, 13), (10.3, 63)])
def test_a_gaussian_extends_to_three_sigma(sigma: float, size: int) -> None:
    assert make("gaussian", sigma=sigma).shape == (size, size)


@pytest.mark.parametrize("sigma", [0.4, 1, 2.5, 10.3])
def test_the_gaussian_equals_scipy(sigma: float) -> None:
    weights = make("gaussian", sigma=sigma)
    radius = len(weights) // 2
    expected = ndimage.gaussian_filter(paint_impulse(len(weights)), sigma, radius=radius, mode="constant")
    np.testing.assert_allclose(weights, expected, rtol=1e-9)


@pytest.mark.parametrize("sigma", [1, 1.4, 3])
def test_the_laplacian_of_gaussian_equals_scipy(sigma: float) -> None:
    weights = make("log", sigma=sigma)
    expected = ndimage.gaussian_laplace(paint_impulse(len(weights)), sigma, radius=len(weights) // 2, mode="constant")
    np.testing.assert_allclose(weights, expected, atol=1e-3 * np.abs(expected).max())
    assert weights[len(weights) // 2, len(weights) // 2] < 0, "the sign of the Laplacian: negative in the middle"


def test_the_difference_of_gaussians_is_the_narrow_one_minus_the_wide_one() -> None:
    expected = make("gaussian", sigma=1, size=15) - make("gaussian", sigma=2.5, size=15)
    np.testing.assert_allclose(make("dog", sigma1=1, sigma2=2.5, size=15), expected, atol=1e-15)
    assert make("dog").max() == make("dog")[5, 5]


@pytest.mark.parametrize("sigma2", [0.5, 1])
def test_the_wider_gaussian_must_be_wider(sigma2: float) -> None:
    with pytest.raises(KernelParameterError, match=r"sigma1 \(1\) must be smaller than sigma2"):
        make("dog", sigma1=1, sigma2=sigma2)


def test_unsharp_adds_the_difference_from_a_blur() -> None:
    image = np.random.default_rng(41).uniform(0, 255, (20, 20)).astype(np.float32)
    blurred = convolve(image, "gaussian", sigma=1.5, response="raw")
    expected = image + 0.7 * (image - blurred)
    result = convolve(image, "unsharp", sigma=1.5, amount=0.7, response="raw")
    np.testing.assert_allclose(result, expected, atol=1e-3)
    np.testing.assert_allclose(convolve(image, "unsharp", amount=0), image, atol=1e-3)


def test_a_disk_is_constant_within_its_radius_and_0_outside() -> None:
    weights = make("disk", radius=2.5)
    assert np.round(weights * 21, 12).tolist() == [
        [0, 1, 1, 1, 0], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [0, 1, 1, 1, 0],
    ]  # fmt: skip
    assert make("disk", radius=0.5).tolist() == [[1]]


def test_a_horizontal_motion_is_a_row_and_a_vertical_one_a_column() -> None:
    row = make("motion", length=5, angle=0)
    np.testing.assert_allclose(row[2], np.full(5, 0.2))
    assert not row[[0, 1, 3, 4]].any()
    np.testing.assert_allclose(make("motion", length=5, angle=90), row.T, atol=1e-15)


def test_a_motion_of_45_degrees_rises_to_the_right() -> None:
    weights = make("motion", length=9, angle=45)
    bottom_left_to_top_right = np.fliplr(weights).diagonal().sum()
    assert bottom_left_to_top_right > 3 * weights.diagonal().sum()
    np.testing.assert_allclose(make("motion", length=9, angle=225), weights, atol=1e-12)
    np.testing.assert_allclose(make("motion", length=9, angle=-45), weights[:, ::-1], atol=1e-12)


@pytest.mark.parametrize("angle", [0, 30, 45, 90, 135])
def test_a_motion_blurs_only_along_its_direction(angle: float) -> None:
    y, x = np.mgrid[:41, :41] - 20.0
    weights = make("motion", length=31, angle=angle, size=41)
    along = x * np.cos(np.radians(angle)) - y * np.sin(np.radians(angle))
    across = x * np.sin(np.radians(angle)) + y * np.cos(np.radians(angle))
    assert (weights * along**2).sum() == pytest.approx(31**2 / 12, rel=0.05)
    assert (weights * across**2).sum() < 0.5


@pytest.mark.parametrize("angle", [0, 30, 90, 135])
def test_a_gabor_responds_to_stripes_of_its_direction_and_wavelength(angle: float) -> None:
    def measure_response(stripes: float, wavelength: float = 6) -> float:
        image = paint_stripes(stripes, wavelength)
        result = convolve(image, "gabor", angle=angle, wavelength=6, border="valid", response="raw")
        return float(np.abs(result).max())

    own = measure_response(angle)
    assert own > 60
    assert measure_response(angle + 90) < own / 20
    assert measure_response(angle, wavelength=12) < own / 2
    assert measure_response(angle, wavelength=3) < own / 4


def test_no_result_of_a_gabor_exceeds_the_range() -> None:
    weights = make("gabor", wavelength=5, sigma=4)
    assert weights[weights > 0].sum() == pytest.approx(1)


@pytest.mark.parametrize("name", ["log", "dog", "gabor"])
def test_an_edge_kernel_of_one_weight_is_rejected(name: str) -> None:
    with pytest.raises(KernelParameterError, match="All weights are 0"):
        make(name, size=1)


def test_kirsch_turns_one_kernel_by_45_degrees_seven_times() -> None:
    parts = Catalogue()["kirsch"].make_kernel().tables
    assert parts[0].tolist() == [[5, 5, 5], [-3, 0, -3], [-3, -3, -3]]
    assert parts[1].tolist() == [[-3, 5, 5], [-3, 0, 5], [-3, -3, -3]]
    assert parts[2].tolist() == [[-3, -3, 5], [-3, 0, 5], [-3, -3, 5]]
    assert parts[4].tolist() == parts[0][::-1].tolist()
    assert len({part.tobytes() for part in parts}) == 8
    for part in parts:
        assert sorted(part.ravel()) == sorted(parts[0].ravel())
