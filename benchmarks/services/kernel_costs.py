"""Large kernels in this process, against OpenCV: CPU milliseconds on 1920x1080 RGB, one thread each.

Whole services would show little of it: a kernel of 15x15 costs less than reading and writing the image.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from benchmarks.services.replies import WrongReplyError

SIDES = (15, 31, 63)
RANKS = {"rank 1": 1, "rank 3": 3, "full rank": 0}
SIGMAS = (2, 5, 10)
ROUNDS = 6  # for the first, threads of NumPy still spin that have factored the kernel
FLOAT32_DOUBT = 0.01
"""Levels about a half, on which float32 may round the other way than float64."""


def measure_kernels(image: NDArray[np.uint8]) -> dict[str, dict[str, float]]:
    """CPU ms of this project (`convserve`), of it without 1-D passes (`one pass`) and of `opencv`, by kernel.

    Raises WrongReplyError where a result is not equal to the exact one but for rounding.
    """
    import cv2

    from kernels import convolve
    from kernels.apply.conv2d import warm_up

    warm_up(threads_per_convolution=1)
    cv2.setNumThreads(1)
    costs = {}
    for name, weights in make_kernels():
        own = partial(convolve, image, weights, border="edge", response="clip", divisor=1)
        check_result(image, weights, own())
        theirs = partial(cv2.filter2D, image, -1, weights, borderType=cv2.BORDER_REPLICATE)
        with patch("kernels.apply.rounded.choose_factors", return_value=None) as choose:
            whole = measure_cpu_ms(own)
        assert choose.called, "or it is no other way"
        costs[name] = {"convserve": measure_cpu_ms(own), "one pass": whole, "opencv": measure_cpu_ms(theirs)}
    return costs


def measure_blur_growth(image: NDArray[np.uint8]) -> dict[str, dict[str, float]]:
    """CPU ms and the kernel's side, by sigma."""
    from kernels import convolve
    from kernels.parametric import make_gaussian

    return {
        f"sigma {sigma}": {
            "side": len(make_gaussian(sigma)),
            "convserve": measure_cpu_ms(partial(convolve, image, "gaussian", sigma=sigma, border="edge")),
        }
        for sigma in SIGMAS
    }


def make_kernels() -> Iterator[tuple[str, NDArray[np.float64]]]:
    """(name, weights whose magnitudes sum to 1)."""
    generator = np.random.default_rng(0)
    for side in SIDES:
        for name, rank in RANKS.items():
            weights = generator.normal(0.2, 1, (side, side))
            if rank:
                weights = generator.normal(0.2, 1, (side, rank)) @ generator.normal(0.2, 1, (rank, side))
            yield f"{side}x{side} {name}", weights / np.abs(weights).sum()


def check_result(image: NDArray[np.uint8], weights: NDArray[np.float64], result: NDArray[Any]) -> None:
    half = len(weights) // 2
    padded = np.pad(image.astype(np.float64), ((half, half), (half, half), (0, 0)), mode="edge")
    exact = np.clip(signal.fftconvolve(padded, weights[::-1, ::-1, None], mode="valid", axes=(0, 1)), 0, 255)
    difference = float(np.abs(result - exact).max())
    if difference > 0.5 + FLOAT32_DOUBT:
        raise WrongReplyError(f"{len(weights)}x{len(weights)}: {difference:.3f} levels from the exact result")


def measure_cpu_ms(work: Callable[[], object]) -> float:
    """The least of a few tries, in all threads of this process."""
    spent = []
    for _ in range(ROUNDS):
        started = time.process_time()
        work()
        spent.append(1000 * (time.process_time() - started))
    return round(min(spent), 1)
