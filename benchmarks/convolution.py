"""The convolution step alone: an older checkout, this one and `cv2.filter2D` in turn, in one process and one thread.

    python benchmarks/convolution.py /path/to/older/checkout [--width 1920 --height 1080 --channels 3 --bits 8]

The kernels have full rank. Every result is compared with the older one. CPU milliseconds of this thread, minimum and
median of all rounds: other work on the machine shows in the median, much less in the ratio of two minima.
"""

import argparse
import importlib
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np

SIDES = (3, 5, 7, 9, 11, 15, 23, 31, 63)


def load_convolution(checkout: Path) -> Callable[..., Any]:
    """A function (image, weights) of the package `kernels` of a checkout. Another one may be loaded beside it."""
    for name in [name for name in sys.modules if name.split(".")[0] == "kernels"]:
        del sys.modules[name]
    sys.path.insert(0, str(checkout))
    try:
        load = importlib.import_module
        apply_steps = load("kernels.apply.filter").apply_steps
        resolve_step, catalogue = load("kernels.chain").resolve_step, load("kernels.catalogue").Catalogue()
        settings = load("kernels.settings").FilterSettings
        custom = load("kernels.custom").CUSTOM
        load("kernels.apply.conv2d").warm_up(threads_per_convolution=1)
    finally:
        sys.path.remove(str(checkout))

    def convolve(image: np.ndarray, weights: np.ndarray, **more: Any) -> np.ndarray:
        step = resolve_step(custom, settings(weights=weights.tolist(), divisor=1, **more), catalogue)
        return apply_steps(image, [step], measure=False).image

    return convolve


def make_image(height: int, width: int, channels: int, bits: int) -> np.ndarray:
    """Smooth noise: few values are clipped, as in a photograph."""
    noise = np.random.default_rng(0).normal(size=(height, width, channels))
    smooth = cv2.GaussianBlur(noise, (0, 0), 2).reshape(height, width, channels)
    levels = 2**bits - 1
    return np.clip(smooth / smooth.std() / 6 * levels + levels / 2, 0, levels).astype(f"uint{bits}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("older", type=Path)
    parser.add_argument("--width", type=int, default=1920)
    parser.add_argument("--height", type=int, default=1080)
    parser.add_argument("--channels", type=int, default=3)
    parser.add_argument("--bits", type=int, choices=(8, 16), default=8)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--sides", type=int, nargs="+", default=SIDES)
    options = parser.parse_args()
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # for both
    older, newer = load_convolution(options.older), load_convolution(Path(__file__).parent.parent)
    cv2.setNumThreads(1)
    np.ones(30_000_000, np.uint8)  # once freed, malloc keeps memory of this size, as in a worker after some requests
    image = make_image(options.height, options.width, options.channels, options.bits)
    generator = np.random.default_rng(1)
    print("side      old (median)      new (median)      cv2 (median)  new/old  cv2/new")
    for side in options.sides:
        weights = generator.normal(1, 0.5, (side, side))  # few values are clipped, as in a photograph
        weights /= np.abs(weights).sum()
        ways = {
            "old": partial(older, image, weights),
            "new": partial(newer, image, weights),
            "cv2": partial(cv2.filter2D, image, -1, weights, borderType=cv2.BORDER_REPLICATE),
        }
        spent: dict[str, list[float]] = {name: [] for name in ways}
        results = {name: way() for name, way in ways.items()}
        difference = int(np.abs(results["old"].astype(np.int64) - results["new"]).max())
        if difference > 1:
            raise SystemExit(f"{side}x{side}: the results differ by {difference} levels")
        for _ in range(options.rounds):
            for name, way in ways.items():
                started = time.thread_time()
                way()
                spent[name].append(1000 * (time.thread_time() - started))
        least = {name: min(times) for name, times in spent.items()}
        columns = "  ".join(f"{least[name]:7.2f} ({median(spent[name]):6.2f})" for name in ways)
        print(
            f"{side:4}  {columns}  {least['new'] / least['old']:7.2f}  {least['cv2'] / least['new']:7.2f}", flush=True
        )


if __name__ == "__main__":
    main()
