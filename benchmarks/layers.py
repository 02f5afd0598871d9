"""A convolution layer and the same layer as `cv2.filter2D` of every input for every output, in turn, in one thread.

    python -m benchmarks.layers [--width 1920 --height 1080 --maps 8 --side 5]

The layer has 3 inputs: 8 maps are 24 calls of `cv2.filter2D` with float32 results, which are summed. The results are
compared. CPU milliseconds of this process, minimum and median of all rounds.
"""

import argparse
import time
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.convolution import make_image
from kernels.apply.conv2d import warm_up
from kernels.apply.filter import apply_steps
from kernels.catalogue import Catalogue
from kernels.chain import resolve_chain
from kernels.settings import Operation


def filter_by_planes(image: NDArray[np.uint8], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """(height, width, outputs) for weights (height, width, inputs, outputs)."""
    planes = cv2.split(image)
    maps = []
    for output in range(weights.shape[3]):
        total = cv2.filter2D(planes[0], cv2.CV_32F, weights[:, :, 0, output], borderType=cv2.BORDER_REPLICATE)
        for plane, kernel in zip(planes[1:], weights[:, :, 1:, output].transpose(2, 0, 1), strict=True):
            total += cv2.filter2D(plane, cv2.CV_32F, kernel, borderType=cv2.BORDER_REPLICATE)
        maps.append(total)
    return cv2.merge(maps).reshape(*image.shape[:2], -1)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--width", type=int, default=1920)
    parser.add_argument("--height", type=int, default=1080)
    parser.add_argument("--maps", type=int, default=8)
    parser.add_argument("--side", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    warm_up(threads_per_convolution=1)
    cv2.setNumThreads(1)
    np.ones(150_000_000, np.uint8)  # once freed, malloc keeps memory of this size, as in a worker after some requests
    image = make_image(options.height, options.width, 3, 8)
    shape = (options.side, options.side, 3, options.maps)
    weights = np.random.default_rng(1).normal(0, 0.1, shape).astype(np.float32)
    layer = Operation(kernel="conv", weights=weights.tolist(), layout="hwio")
    steps = resolve_chain([layer], Catalogue())
    ways = {
        "layer": lambda: apply_steps(image, steps, as_maps=True).image,
        "cv2": lambda: filter_by_planes(image, weights),
    }
    results = [way() for way in ways.values()]
    difference = float(np.abs(results[0] - results[1]).max())
    if difference > 0.05:
        raise SystemExit(f"The results differ by {difference:.3g} of 255 levels.")
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(options.rounds):
        for name, way in ways.items():
            started = time.process_time()
            way()
            spent[name].append(1000 * (time.process_time() - started))
    calls = {"layer": "1 layer", "cv2": f"{3 * options.maps} calls of cv2.filter2D"}
    for name, times in spent.items():
        print(f"{calls[name]:28} {min(times):7.1f} ({median(times):7.1f}) ms")
    print(f"cv2/layer {min(spent['cv2']) / min(spent['layer']):.2f}, largest difference {difference:.2g}")


if __name__ == "__main__":
    main()
