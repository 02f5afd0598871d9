"""Large kernels: one pass in groups of channels, one pass with results side by side, and two 1-D passes for a Gaussian.

CPU milliseconds of this thread on 1920x1080 RGB, in strips as an image is filtered, best of three; OpenCV beside it.
Other work on the machine shows in the milliseconds, much less in the ratios.

.venv/bin/python benchmarks/separable.py
"""

import time
from collections.abc import Callable
from functools import partial

import cv2
import numpy as np

from kernels.apply import conv2d
from kernels.apply.separable import correlate_factors, split_weights
from kernels.parametric import make_gaussian

SIDES = (3, 5, 7, 9, 13, 15, 23, 31, 63)
ROUNDS = 3
HEIGHT, WIDTH, STRIP_HEIGHT = 1080, 1920, 90


def measure_cpu_ms(work: Callable[[], object]) -> float:
    spent = []
    for _ in range(ROUNDS):
        started = time.thread_time()
        work()
        spent.append(1000 * (time.thread_time() - started))
    return min(spent)


def work_in_strips(image: np.ndarray, overlap: int, work: Callable[[np.ndarray], object]) -> None:
    for top in range(0, HEIGHT, STRIP_HEIGHT):
        work(image[top : top + STRIP_HEIGHT + overlap])


def correlate_planes(strip: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The channels taken apart, worked on side by side, and put together again."""
    planes = np.moveaxis(strip, 2, 0)[..., None]
    return np.ascontiguousarray(np.moveaxis(conv2d.correlate_side_by_side(planes, weights)[..., 0], 0, 2))


def main() -> None:
    conv2d.warm_up(threads_per_convolution=1)
    cv2.setNumThreads(1)
    generator = np.random.default_rng(0)
    print("side  in groups  side by side  two passes  OpenCV")
    for side in SIDES:
        weights = make_gaussian(side / 6, side)
        image = generator.integers(0, 256, (HEIGHT + side - 1, WIDTH + side - 1, 3)).astype(np.float32)
        layouts: list[Callable[[np.ndarray], object]] = [
            partial(conv2d.correlate_in_groups, weights=weights, stride=(1, 1), dilation=(1, 1)),
            partial(correlate_planes, weights=weights),
            partial(correlate_factors, factors=split_weights(weights), stride=(1, 1), dilation=(1, 1)),
        ]
        spent = [measure_cpu_ms(partial(work_in_strips, image, side - 1, layout)) for layout in layouts]
        spent.append(measure_cpu_ms(partial(cv2.filter2D, image[:HEIGHT, :WIDTH].astype(np.uint8), -1, weights)))
        print(f"{side:4} {spent[0]:10.0f} {spent[1]:13.0f} {spent[2]:11.0f} {spent[3]:7.0f}", flush=True)


if __name__ == "__main__":
    main()
