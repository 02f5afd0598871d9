"""A kernel is recovered from an image before and after its application."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy import ndimage

from kernels import convolve
from kernels.apply.correlate import correlate
from kernels.catalogue import ENTRIES
from kernels.errors import PairError, UndeterminedKernelError
from kernels.learn.learn import learn_kernel
from kernels.learn.samples import extract_patches
from tests.support.photograph import draw_photograph

Pixels = NDArray[np.uint8]

TEXTURE = draw_photograph(400, 500, contrast=45)
KERNELS = [
    kernel for entry in ENTRIES if (kernel := entry.make_kernel()).combine == "single" and max(kernel.shape) <= 15
]


@pytest.mark.parametrize("response", ["clip", "offset"])
@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)
def test_every_small_kernel_of_the_catalogue_is_recovered(kernel: Any, response: str) -> None:
    after = convolve(TEXTURE, kernel.name, response=response)
    learned = learn_kernel(TEXTURE, after, max(kernel.shape))
    scale = 0.5 if response == "offset" else 1
    assert learned.shared
    assert np.abs(learned.fits[0].weights - scale * kernel.weights / kernel.divisor).max() < 1e-3
    assert learned.fits[0].residual < 0.5


def test_patches_are_those_of_tensorflow() -> None:
    import tensorflow as tf

    plane = TEXTURE[:30, :40, :1].astype(np.float32)
    weights = np.arange(16.0).reshape(4, 4)
    patches = extract_patches(plane[:, :, 0], 4)
    extracted = tf.image.extract_patches(plane[None], [1, 4, 4, 1], [1, 1, 1, 1], [1, 1, 1, 1], "VALID").numpy()
    np.testing.assert_array_equal(patches, extracted.reshape(-1, 16))
    np.testing.assert_allclose(patches @ weights.ravel(), correlate(plane, weights).ravel(), rtol=1e-5)


SHARPEN = np.array([[-2, -2, -2], [-2, 32, -2], [-2, -2, -2]]) / 16
"""Source: the documentation of Pillow's ImageFilter.SHARPEN."""


@pytest.mark.parametrize(
    ("apply", "weights", "bias"),
    [
        (lambda x: cv2.blur(x, (3, 3)), np.full((3, 3), 1 / 9), 0),
        (lambda x: np.roll(x, 1, axis=1), np.array([[0, 0, 0], [1, 0, 0], [0, 0, 0]]), 0),
        (
            lambda x: np.asarray(Image.fromarray(x).filter(ImageFilter.SHARPEN)),
            SHARPEN,
            1 / 16,
        ),  # Pillow rounds halves up, and an eighth of the sums are halves
        (lambda x: ndimage.uniform_filter(x, (5, 5, 1)), np.full((5, 5), 1 / 25), None),
        (lambda x: 255 - x, -np.eye(1), 255),
    ],
    ids=["opencv blur", "shift", "pillow sharpen", "scipy uniform", "inverted"],
)
def test_kernels_of_other_libraries_are_recovered(
    apply: Callable[[Pixels], Pixels], weights: NDArray[np.float64], bias: float | None
) -> None:
    (fit,) = learn_kernel(TEXTURE, apply(TEXTURE), len(weights)).fits
    np.testing.assert_allclose(fit.weights, weights, atol=1e-3)
    if bias is not None:
        assert fit.bias == pytest.approx(bias, abs=0.05)


def test_a_kernel_for_each_channel_is_recovered() -> None:
    after = TEXTURE.copy()
    after[:, :, 1] = convolve(TEXTURE, "blur")[:, :, 1]
    learned = learn_kernel(TEXTURE, after, 3)
    assert not learned.shared
    np.testing.assert_allclose(learned.fits[0].weights, np.pad([[1]], 1), atol=1e-3)
    np.testing.assert_allclose(learned.fits[1].weights, np.outer([1, 2, 1], [1, 2, 1]) / 16, atol=1e-3)


def test_images_of_different_sizes_are_rejected() -> None:
    with pytest.raises(PairError, match="before is 500×400, after is 499×400"):
        learn_kernel(TEXTURE, TEXTURE[:, 1:], 3)


def test_images_that_do_not_determine_a_kernel_are_rejected() -> None:
    uniform = np.full_like(TEXTURE, 90)
    with pytest.raises(UndeterminedKernelError, match="'before' is one uniform colour"):
        learn_kernel(uniform, TEXTURE, 3)
    with pytest.raises(UndeterminedKernelError, match="'after' is one uniform colour"):
        learn_kernel(TEXTURE, uniform, 3)
    with pytest.raises(UndeterminedKernelError, match="smaller than the kernel"):
        learn_kernel(TEXTURE[:8, :8], TEXTURE[:8, :8], 9)
    with pytest.raises(UndeterminedKernelError, match="values of the image after"):
        learn_kernel(TEXTURE[:12, :12], TEXTURE[12:24, :12], 9)


def test_identical_images_give_exactly_the_identity_even_with_too_few_values() -> None:
    learned = learn_kernel(TEXTURE[:12, :12], TEXTURE[:12, :12], 9)
    np.testing.assert_array_equal(learned.fits[0].weights, np.pad([[1]], 4))
    assert learned.fits[0].bias == 0
