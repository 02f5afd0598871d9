"""Test digits of MNIST on paper, as uint8 images."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.training.mnist import read_mnist
from tests.support.paths import MNIST_EXCERPT

TEST = read_mnist(MNIST_EXCERPT).test


def write_on_paper(digit: NDArray[np.uint8], scale: int = 8) -> NDArray[np.uint8]:
    """Dark ink on light paper, as a person sends it."""
    large = np.asarray(Image.fromarray(digit).resize((28 * scale, 28 * scale), Image.Resampling.BICUBIC))
    return np.clip(235 - 0.8 * large.astype(np.float64), 0, 255).astype(np.uint8)


def find_digit(digit: int) -> NDArray[np.uint8]:
    image: NDArray[np.uint8] = TEST.images[int(np.flatnonzero(TEST.labels == digit)[1])]
    return image


def write_line(digits: list[int]) -> NDArray[np.uint8]:
    page = np.full((160, 60 + 110 * len(digits)), 235, np.uint8)
    for place, digit in enumerate(digits):
        page[24:136, 30 + 110 * place : 142 + 110 * place] = write_on_paper(find_digit(digit), 4)
    return page
