"""The sixteen corruptions of MNIST-C (Mu & Gilmer, arXiv 1906.02337), reimplemented with similar strengths.

Each function maps an image (28, 28) in 0..1 to one of the same shape. The published data set has other random numbers,
so results on it differ a little.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]
Corruption = Callable[[NDArray[np.float32], np.random.Generator], NDArray[np.floating]]

SIDE = 28


def corrupt_images(images: Images, name: str, generator: np.random.Generator) -> Images:
    """Copies of images (n, 28, 28) with the corruption `name`."""
    corruption = CORRUPTIONS[name]
    changed = [corruption(image.astype(np.float32) / 255, generator) for image in images]
    return np.round(np.clip(np.stack(changed), 0, 1) * 255).astype(np.uint8)


def map_affine(image: NDArray[np.float32], matrix: NDArray[np.floating]) -> NDArray[np.floating]:
    """Transform the image by a 2x2 matrix about its centre."""
    centre = np.full(2, (SIDE - 1) / 2)
    full = np.column_stack([matrix, centre - matrix @ centre]).astype(np.float32)
    return np.asarray(cv2.warpAffine(image, full, (SIDE, SIDE)), np.float32)


def rotate(image: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.floating]:
    angle = np.deg2rad(generator.uniform(10, 35) * generator.choice([-1, 1]))
    return map_affine(image, np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]))


def shear(image: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.floating]:
    return map_affine(image, np.array([[1, generator.uniform(0.2, 0.6) * generator.choice([-1, 1])], [0, 1]]))


def scale(image: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.floating]:
    return map_affine(image, np.eye(2) * generator.uniform(0.5, 0.7))


def translate(image: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.floating]:
    shift = generator.uniform(3, 6, 2) * generator.choice([-1, 1], 2)
    matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
    return np.asarray(cv2.warpAffine(image, matrix, (SIDE, SIDE)), np.float32)


def add_shot_noise(image: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.floating]:
    return generator.poisson(image * 5) / 5


def add_impulse_noise(image: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.floating]:
    chance = generator.random(image.shape)
    return np.where(chance < 0.085, 0, np.where(chance < 0.17, 1, image))


def blur_by_glass(image: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.floating]:
    blurred = np.asarray(cv2.GaussianBlur(image, (0, 0), 0.7))
    for _ in range(2):
        for y in range(1, SIDE - 1):
            for x in range(1, SIDE - 1):
                dx, dy = generator.integers(-1, 2, 2)
                a, b = blurred[y, x], blurred[y + dy, x + dx]
                blurred[y, x], blurred[y + dy, x + dx] = b, a
    return np.asarray(cv2.GaussianBlur(blurred, (0, 0), 0.7))


def blur_by_motion(image: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.floating]:
    kernel = np.zeros((11, 11), np.float32)
    angle = np.deg2rad(generator.uniform(-45, 45))
    for step in np.linspace(-4, 4, 33):
        kernel[round(5 + step * np.sin(angle)), round(5 + step * np.cos(angle))] += 1
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()))


def brighten(image: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.floating]:
    return image + 0.5


def invert_stripes(image: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.floating]:
    striped = image.copy()
    striped[:, :7] = 1 - striped[:, :7]
    striped[:, 21:] = 1 - striped[:, 21:]
    return striped


def add_fog(image: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.floating]:
    cloud = np.zeros((32, 32), np.float32)
    for octave in range(1, 6):
        coarse = generator.normal(0, 1, (2**octave, 2**octave)).astype(np.float32)
        cloud += np.asarray(cv2.resize(coarse, (32, 32), interpolation=cv2.INTER_CUBIC)) / 2**octave
    cloud = cloud[:SIDE, :SIDE]
    cloud = (cloud - cloud.min()) / np.ptp(cloud)
    return np.asarray((image + 1.5 * cloud) / (image.max() + 1.5) * image.max())


def spatter(image: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.floating]:
    drops = np.asarray(cv2.GaussianBlur(generator.normal(0.65, 0.3, image.shape).astype(np.float32), (0, 0), 1.0))
    return np.where(drops > np.quantile(drops, 0.93), np.maximum(image, 0.6), image)


def draw_dotted_line(image: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.floating]:
    dotted = image.copy()
    start, end = generator.uniform(0, SIDE, (2, 2))
    for share in np.arange(0, 1, 0.1):
        x, y = np.clip(start + (end - start) * share, 0, SIDE - 1).astype(int)
        dotted[y, x] = 1
    return dotted


def draw_zigzag(image: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.floating]:
    start, end = generator.uniform(0, SIDE, (2, 2))
    shares = np.linspace(0, 1, 12)[:, None]
    points = start + (end - start) * shares
    across = np.array([end[1] - start[1], start[0] - end[0]])
    points[1::2] += across / max(np.linalg.norm(across), 1e-6) * 3
    drawn = np.zeros((SIDE, SIDE), np.uint8)
    cv2.polylines(drawn, [np.round(points * 8).astype(np.int32)], False, (255,), 1, cv2.LINE_AA, 3)
    return np.maximum(image, drawn.astype(np.float32) / 255)


def keep_edges(image: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.floating]:
    return np.asarray(cv2.Canny(np.round(image * 255).astype(np.uint8), 60, 160), np.float32) / 255


def keep_unchanged(image: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.floating]:
    return image


CORRUPTIONS: dict[str, Corruption] = {
    "identity": keep_unchanged,
    "shot_noise": add_shot_noise,
    "impulse_noise": add_impulse_noise,
    "glass_blur": blur_by_glass,
    "motion_blur": blur_by_motion,
    "shear": shear,
    "scale": scale,
    "rotate": rotate,
    "brightness": brighten,
    "translate": translate,
    "stripe": invert_stripes,
    "fog": add_fog,
    "spatter": spatter,
    "dotted_line": draw_dotted_line,
    "zigzag": draw_zigzag,
    "canny_edges": keep_edges,
}
