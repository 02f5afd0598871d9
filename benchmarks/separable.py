"""Kernels as one 2-D pass and as two 1-D passes: what `kernels.apply.separable` chooses by. OpenCV beside them.

CPU milliseconds of this thread on 1920x1080 RGB for a Gaussian, float32 in and out, minimum of a few rounds in turn.
Other work on the machine shows in the milliseconds, much less in the ratios.

    python -m benchmarks.separable
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import cv2
import numpy as np

from kernels.apply.conv2d import warm_up
from kernels.apply.correlate import correlate_bands, plan_correlation
from kernels.apply.separable import Factors, split_weights
from kernels.geometry import lay_out_axis
from kernels.parametric import make_gaussian
from kernels.types import Image, Weights

SIDES = (3, 5, 7, 9, 13, 15, 23, 31, 63)
ROUNDS = 5
HEIGHT, WIDTH = 1080, 1920


def correlate(image: Image, weights: Weights, factors: Factors | None) -> object:
    rows, columns = (lay_out_axis(image.shape[axis], weights.shape[axis]) for axis in (0, 1))
    return correlate_bands(image, rows, columns, "edge", plan_correlation([(weights, factors)], rows, columns))


def main() -> None:
    warm_up(threads_per_convolution=1)
    cv2.setNumThreads(1)
    image = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    print("side  one pass  two passes  OpenCV")
    for side in SIDES:
        weights = make_gaussian(side / 6, side)
        ways: list[Callable[[], Any]] = [
            partial(correlate, image, weights, None),
            partial(correlate, image, weights, split_weights(weights)),
            partial(cv2.filter2D, image, -1, weights),
        ]
        spent: list[list[float]] = [[] for _ in ways]
        for _ in range(ROUNDS):
            for way, times in zip(ways, spent, strict=True):
                started = time.thread_time()
                way()
                times.append(1000 * (time.thread_time() - started))
        one, two, opencv = map(min, spent)
        print(f"{side:4} {one:9.1f} {two:11.1f} {opencv:7.1f}", flush=True)


if __name__ == "__main__":
    main()
