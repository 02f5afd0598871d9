"""Draw examples/images: .venv/bin/python scripts/draw_examples.py

The photographs are imitations: the service's own page of digits on paper under a lamp, with grain, blur and a tilt.
"""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.tasks.samples import draw_digits_page, draw_sample

FOLDER = Path(__file__).resolve().parent.parent / "examples/images"
PAPER = (240, 236, 226)
JPEG_QUALITY = 80

Pixels = NDArray[np.uint8]


def imitate_photograph(drawing: Pixels, shape: tuple[int, int], tilt_degrees: float, seed: int) -> Image.Image:
    """`drawing` (height, width, 3) in the middle of a sheet of `shape`, tilted, with light falling off to the right."""
    height, width = shape
    generator = np.random.default_rng(seed)
    turn = cv2.getRotationMatrix2D((drawing.shape[1] / 2, drawing.shape[0] / 2), tilt_degrees, 1)
    turn[:, 2] += ((width - drawing.shape[1]) / 2, (height - drawing.shape[0]) / 2)
    sheet = cv2.warpAffine(drawing, turn, (width, height), borderMode=cv2.BORDER_CONSTANT, borderValue=PAPER)
    light = np.linspace(0.95, 0.55, width)[None, :, None] * np.linspace(1, 0.85, height)[:, None, None]
    grain = cv2.GaussianBlur(generator.normal(0, 12, (height, width, 1)), (0, 0), 0.8)[..., None]
    blurred = cv2.GaussianBlur(sheet.astype(np.float64), (0, 0), 1.2)
    return Image.fromarray(np.clip(blurred * light + grain, 0, 255).astype(np.uint8))


def lift_ink(drawing: Pixels) -> Pixels:
    """The drawing on even paper: its own light taken away."""
    ink = (np.asarray(drawing, np.int16).sum(axis=2) < 480)[..., None].astype(np.float64)
    soft = cv2.GaussianBlur(ink, (0, 0), 1)[..., None]
    return np.rint(np.array(PAPER) * (1 - soft) + np.array((28, 46, 92)) * soft).astype(np.uint8)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    digits = lift_ink(draw_digits_page())
    blank = np.full((60, 60, 3), PAPER, np.uint8)
    Image.fromarray(draw_sample(768, 576)).save(FOLDER / "house.png", optimize=True)
    photographs = {
        "seven.jpg": imitate_photograph(digits[395:565, 445:600], (640, 480), 6, seed=1),
        "numbers.jpg": imitate_photograph(digits, (900, 1200), -3, seed=2),
        "blank.jpg": imitate_photograph(blank, (640, 480), 0, seed=3),
    }
    for name, image in photographs.items():
        image.save(FOLDER / name, quality=JPEG_QUALITY)


if __name__ == "__main__":
    main()
