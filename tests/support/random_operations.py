"""Random chains of operations of `POST /filter`, and images for them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.apply.conv2d import MIN_HALVED_ROWS
from kernels.catalogue import Catalogue

Pixels = NDArray[np.uint8]

BORDERS = ("edge", "zero", "reflect", "symmetric", "wrap", "valid")
RESPONSES = ("clip", "abs", "offset", "rescale")
CHANNELS = ("r", "g", "b", "rg", "rb", "gb", "gray", "luma", "gray", "luma")
PARAMETERS: dict[str, dict[str, tuple[float, float]]] = {
    "gaussian": {"sigma": (0.3, 4)},
    "log": {"sigma": (0.6, 3)},
    "motion": {"length": (3, 15), "angle": (0, 180)},
    "disk": {"radius": (1, 9)},
    "gabor": {"sigma": (1, 3), "wavelength": (3, 9), "angle": (0, 180)},
}


def draw_pixels(generator: np.random.Generator, transparent: bool) -> Pixels:
    """Noise, flat areas and gradients, 1 to 60 pixels wide and high: (height, width, 3 or 4)."""
    height, width = generator.integers(1, 60, 2)
    y, x = np.mgrid[:height, :width]
    pixels = np.dstack([(x * generator.integers(1, 9) + y * generator.integers(1, 9)) % 256 for _ in range(3)])
    noise = generator.integers(0, 256, pixels.shape)
    pixels = np.where(generator.random((height, width, 1)) < generator.random(), noise, pixels)
    if transparent:
        alpha = generator.choice([0, 255, 1, 128, 254], (height, width), p=[0.2, 0.5, 0.1, 0.1, 0.1])
        alpha[: height // 2] = generator.choice([0, 255])
        alpha[0, 0] = 0  # at least one transparent pixel
        pixels = np.dstack([pixels, alpha])
    return pixels.astype(np.uint8)


def draw_weights(generator: np.random.Generator) -> list[list[float]]:
    rows, columns = generator.integers(1, 10, 2)
    if generator.random() < 0.1:
        rows, columns = generator.integers(MIN_HALVED_ROWS, 24, 2)
    weights = generator.normal(0, 2, (rows, columns))
    weights[generator.random(weights.shape) < 0.2] = 0
    if generator.random() < 0.5:
        weights = np.rint(weights)
    if generator.random() < 0.3:
        weights = np.outer(weights[:, 0], weights[0])
    weights[0, 0] = weights[0, 0] or 1
    return [[float(f"{weight:.6g}") for weight in row] for row in weights]


def draw_operation(generator: np.random.Generator, names: list[str]) -> dict[str, Any]:
    """One step with random settings, of those that a browser computes."""

    def sometimes(probability: float) -> bool:
        return bool(generator.random() < probability)

    name = str(generator.choice(["custom", *names]))
    operation: dict[str, Any] = {"kernel": name, "border": str(generator.choice(BORDERS))}
    if name == "custom":
        operation["weights"] = draw_weights(generator)
        if sometimes(0.5):
            operation["divisor"] = "auto" if sometimes(0.5) else float(generator.choice([-3, 0.5, 4, 7.3, 16]))
    for parameter, (lowest, highest) in PARAMETERS.get(name, {}).items():
        operation[parameter] = round(float(generator.uniform(lowest, highest)), 2)
    if sometimes(0.5):
        operation["response"] = str(generator.choice(RESPONSES))
    if sometimes(0.3):
        operation["bias"] = "50%" if sometimes(0.3) else round(float(generator.normal(0, 60)), 1)
    if sometimes(0.3) and name != "unsharp":
        operation["amount"] = round(float(generator.random()), 2)
    if sometimes(0.2):
        operation["channels"] = str(generator.choice(CHANNELS))
    if sometimes(0.3):
        operation["alpha"] = str(generator.choice(["keep", "filter"]))
    if sometimes(0.2):
        operation["behaviour"] = "convolve"
    if sometimes(0.3):
        operation["stride"] = [int(step) for step in generator.integers(1, 4, 2)]
    if sometimes(0.2):
        operation["dilation"] = [int(step) for step in generator.integers(1, 4, 2)]
    if name == "custom" and sometimes(0.2):
        rows, columns = np.shape(operation["weights"])
        operation["anchor"] = [int(generator.integers(columns)), int(generator.integers(rows))]
    return operation


def draw_operations(generator: np.random.Generator) -> list[dict[str, Any]]:
    """One to four steps."""
    names = [entry.name for entry in Catalogue().values()]
    count = int(generator.choice([1, 2, 3, 4], p=[0.55, 0.25, 0.12, 0.08]))
    return [draw_operation(generator, names) for _ in range(count)]
