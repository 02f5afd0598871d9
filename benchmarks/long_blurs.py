"""Long blurs: exact and with exact=false, beside the blurs of OpenCV and libvips.

CPU milliseconds of this process on 1920x1080 RGB, 8 bits in and out, one thread, minimum of a few rounds in turn. The
second number is the largest difference from the Gaussian or box in float64, in levels; rounding alone makes 0.5. The
packages `opencv-python-headless` and `pyvips` are needed; without pyvips its column is empty.

    python -m benchmarks.long_blurs [--rounds 3]
"""

import argparse
import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

os.environ.setdefault("VIPS_CONCURRENCY", "1")

import cv2
import numpy as np

from kernels.apply.conv2d import warm_up
from kernels.apply.filter import apply_steps
from kernels.catalogue import Catalogue
from kernels.chain import resolve_step
from kernels.settings import FilterSettings
from kernels.types import Image

try:
    import pyvips
except ImportError:
    pyvips = None

HEIGHT, WIDTH = 1080, 1920
BLURS = (
    ("gaussian", 10),
    ("gaussian", 20),
    ("gaussian", 60),
    ("gaussian", 200),
    ("box", 63),
    ("box", 401),
    ("box", 1001),
)


def make_image() -> Image:
    """Smooth noise with edges, as in a photograph."""
    generator = np.random.default_rng(0)
    noise = cv2.GaussianBlur(generator.normal(size=(HEIGHT, WIDTH, 3)), (0, 0), 3)
    blocks = np.kron(generator.normal(size=(9, 16, 3)), np.ones((120, 120, 1)))
    image: Image = np.clip(128 + 40 * noise / noise.std() + 40 * blocks, 0, 255).astype(np.uint8)
    return image


def blur(image: Image, name: str, value: int, exact: bool) -> Image:
    settings = {"sigma" if name == "gaussian" else "size": value, "exact": exact}
    step = resolve_step(name, FilterSettings(**settings), Catalogue())  # type: ignore[arg-type]
    return apply_steps(image, [step], measure=False).image


def blur_with_opencv(image: Image, name: str, value: int) -> Any:
    if name == "gaussian":
        side = 2 * 3 * value + 1
        return cv2.GaussianBlur(image, (side, side), value, borderType=cv2.BORDER_REPLICATE)
    return cv2.blur(image, (value, value), borderType=cv2.BORDER_REPLICATE)


def blur_with_libvips(image: Image, name: str, value: int) -> Any:
    source = pyvips.Image.new_from_array(image)
    if name == "gaussian":
        return source.gaussblur(value, min_ampl=float(np.exp(-4.5)), precision="integer").numpy()
    column = pyvips.Image.new_from_array([[1]] * value, scale=value)
    return source.convsep(column, precision="integer").numpy()


def blur_exactly(image: Image, name: str, value: int) -> Any:
    """In float64, by the discrete Fourier transform."""
    reach = 3 * value if name == "gaussian" else value // 2
    positions = np.arange(-reach, reach + 1)
    line = np.exp(-(positions**2) / (2 * value**2)) if name == "gaussian" else np.ones(len(positions))
    line /= line.sum()
    planes = image.astype(np.float64)
    for axis in (0, 1):
        margins = [(reach, reach) if index == axis else (0, 0) for index in range(3)]
        padded = np.pad(planes, margins, "edge")
        length = padded.shape[axis]
        spectrum = np.fft.rfft(line, length).conj().reshape([-1 if index == axis else 1 for index in range(3)])
        result = np.fft.irfft(np.fft.rfft(padded, axis=axis) * spectrum, length, axis=axis)
        planes = result.take(range(image.shape[axis]), axis)
    return planes


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    warm_up(threads_per_convolution=1)
    cv2.setNumThreads(1)
    image = make_image()
    print("blur            exact        exact=false          OpenCV         libvips   (ms, largest error in levels)")
    for name, value in BLURS:
        ways: list[Callable[[], Any]] = [
            partial(blur, image, name, value, True),
            partial(blur, image, name, value, False),
            partial(blur_with_opencv, image, name, value),
        ]
        if pyvips is not None:
            ways.append(partial(blur_with_libvips, image, name, value))
        expected = blur_exactly(image, name, value)
        errors = [float(np.abs(way() - expected).max()) for way in ways]
        spent: list[list[float]] = [[] for _ in ways]
        for _ in range(options.rounds):
            for way, times in zip(ways, spent, strict=True):
                started = time.process_time()
                way()
                times.append(1000 * (time.process_time() - started))
        cells = "  ".join(f"{min(times):8.0f} {error:5.2f}" for times, error in zip(spent, errors, strict=True))
        print(f"{name:8} {value:4}  {cells}", flush=True)


if __name__ == "__main__":
    main()
