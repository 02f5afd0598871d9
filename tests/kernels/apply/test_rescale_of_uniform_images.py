"""`response=rescale` stretches results, not rounding errors."""

from typing import Any

import numpy as np
import pytest

from kernels.apply.filter import apply_steps
from kernels.catalogue import ENTRIES, Catalogue
from kernels.chain import resolve_step
from kernels.settings import FilterSettings
from tests.support.images import Pixels
from tests.support.reference import correlate

CATALOGUE = Catalogue()
COLOUR = {"uint8": (37, 100, 200), "uint16": (3700, 10_001, 54_321), "float32": (37.1, 100.3, 200.7)}


def rescale(image: Pixels, *names: str, **settings: Any) -> Pixels:
    """Apply kernels, the last with response=rescale."""
    steps = [resolve_step(name, FilterSettings(), CATALOGUE) for name in names[:-1]]
    last = resolve_step(names[-1], FilterSettings(response="rescale", **settings), CATALOGUE)
    return apply_steps(image, [*steps, last]).image


def draw_alpha(kind: str, dtype: str) -> Pixels:
    maximum = 255 if dtype == "float32" else np.iinfo(dtype).max
    values = np.random.default_rng(2).integers(0, maximum + 1, (41, 37, 1)) if kind == "noise" else maximum // 3
    return np.broadcast_to(values, (41, 37, 1)).astype(dtype)


@pytest.mark.parametrize("alpha", ["", "even", "noise"])
@pytest.mark.parametrize("dtype", COLOUR)
def test_a_uniform_image_stays_uniform_under_every_kernel(dtype: str, alpha: str) -> None:
    image = np.full((41, 37, 3), COLOUR[dtype], dtype)
    if alpha:
        image = np.concatenate([image, draw_alpha(alpha, dtype)], axis=2)
    for entry in ENTRIES:
        result = rescale(image, entry.name)
        visible = result[..., :3] if not alpha else result[result[..., 3] > 0][:, :3]
        assert not np.ptp(visible.reshape(-1, 3), axis=0).any(), entry.name
        if all(abs(part.sum()) < 1e-9 for part in entry.make_kernel().parts):
            assert not visible.any(), entry.name


@pytest.mark.parametrize("border", ["edge", "reflect", "symmetric", "wrap", "valid", "zero"])
@pytest.mark.parametrize("name", ["log", "laplacian", "edge"])
def test_a_uniform_image_is_black_with_every_border_but_zero(name: str, border: str) -> None:
    result = rescale(np.full((64, 48, 3), COLOUR["uint8"], np.uint8), name, border=border)
    assert result.any() == (border == "zero")  # zeros around the image are edges


def test_rounding_errors_of_earlier_steps_are_not_stretched() -> None:
    image = np.full((64, 48, 3), COLOUR["uint8"], np.uint8)
    assert not rescale(image, "gaussian", "sharpen", "log").any()


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("name", ["log", "laplacian", "gaussian", "emboss"])
def test_a_difference_of_one_is_stretched(name: str, dtype: str) -> None:
    """The smallest difference there is, compared with SciPy in float64."""
    image = np.full((21, 19, 1), COLOUR[dtype][2], dtype)
    image[9, 8] += 1
    step = resolve_step(name, FilterSettings(), CATALOGUE)
    expected = correlate(image, step.kernel.weights)
    maximum = np.iinfo(dtype).max
    expected = (expected - expected.min()) / np.ptp(expected) * maximum
    result = rescale(image, name)
    assert np.abs(result - expected).max() <= 0.51


def test_the_report_has_the_values_before_the_stretch() -> None:
    image = np.full((21, 19, 3), COLOUR["uint8"], np.uint8)
    image[9, 8] = (40, 90, 220)
    step = resolve_step("sharpen", FilterSettings(response="rescale", bias=3), CATALOGUE)
    expected = correlate(image, step.kernel.weights) / step.divisor + 3
    report = apply_steps(image, [step]).reports[0]
    assert (report.minimum, report.maximum) == pytest.approx((expected.min(), expected.max()), abs=1e-3)
