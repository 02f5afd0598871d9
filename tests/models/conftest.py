"""Fixtures: an excerpt of MNIST and the bundled model."""

from pathlib import Path

import numpy as np
import pytest

from models.reader.reader import DigitReader
from models.training.mnist import Mnist, read_mnist
from tests.support.paper import Digits
from tests.support.paths import MNIST_EXCERPT as EXCERPT
from tests.support.paths import SHARED

SHARED_MNIST = SHARED / "data" / "mnist"


@pytest.fixture(scope="session")
def excerpt() -> Mnist:
    return read_mnist(EXCERPT)


@pytest.fixture(scope="session")
def digits(excerpt: Mnist) -> Digits:
    """One clear test image of each digit."""
    test = excerpt.test
    return {digit: test.images[int(np.flatnonzero(test.labels == digit)[1])] for digit in range(10)}


@pytest.fixture(scope="session")
def shared_mnist() -> Path:
    if not SHARED_MNIST.is_dir():
        pytest.skip(f"{SHARED_MNIST} does not exist; it has the complete MNIST")
    return SHARED_MNIST


@pytest.fixture(scope="session")
def reader() -> DigitReader:
    return DigitReader.load()
