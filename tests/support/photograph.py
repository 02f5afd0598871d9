"""A synthetic image with the statistics of a photograph: a 1/f spectrum, edges and sensor noise."""

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


def draw_photograph(height: int, width: int, contrast: float) -> Pixels:
    """(height, width, 3). `contrast`: standard deviation of each plane in grey levels, without edges and noise."""
    generator = np.random.default_rng(5)
    y, x = np.meshgrid(np.fft.fftfreq(height), np.fft.rfftfreq(width), indexing="ij")
    falloff = 1 / np.maximum(np.hypot(y, x), 1 / width)
    planes = []
    for _ in range(3):
        spectrum = falloff * np.exp(2j * np.pi * generator.random(falloff.shape))
        plane = np.fft.irfft2(spectrum, (height, width))
        planes.append(128 + contrast * plane / plane.std())
    image = np.stack(planes, axis=2) + generator.normal(0, 3, (height, width, 3))
    image[height // 3 : height // 2, width // 4 : width // 2] += (60, -70, 30)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)
