"""Ink out of a grey image: paper and its light taken away, 1 where the stroke is."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.reader.grayscale import Grey

PAPER_SIDE = 128  # pixels: paper and light are smooth, so little is enough to estimate them
PAPER_KERNEL = 0.4  # of the shorter side: wider than any stroke, narrower than the page
MUCH_INK = 0.35  # of the image: from here on the median may lie in a stroke
PARTED = 0.75  # of the variance lies between two true classes; halves of normal noise have 0.64
LEAST_CONTRAST = 0.035  # of full white: fainter is no ink
NOISE_MARGIN = 3.0  # ink stands so many deviations over the paper's noise; what noise alone gives is 1.6


@dataclass(frozen=True)
class Ink:
    """What was written, taken for `polarity`: "dark" ink on light paper or "light" ink on dark."""

    polarity: str
    density: Grey  # (height, width) 0..1, 1 is full ink
    mask: NDArray[np.bool_]  # (height, width), ink and the faint parts that hang together with it
    contrast: float  # 0..1, of full ink against the paper
    noise: float  # standard deviation of the paper, in the same unit

    @property
    def is_blank(self) -> bool:
        return self.contrast < max(LEAST_CONTRAST, NOISE_MARGIN * self.noise) or not self.mask.any()


def extract_ink(grey: Grey, polarity: str, kernel: float = PAPER_KERNEL) -> Ink:
    """The ink of an image (height, width), for a given polarity."""
    paper_bright = grey if polarity == "dark" else 1 - grey
    paper = estimate_paper(paper_bright, kernel)
    raw = paper - paper_bright
    if polarity == "dark":
        raw = raw / np.maximum(paper, 0.15)  # a shadow dims ink and paper alike
    raw -= find_paper_level(raw)
    noise = measure_noise(raw)
    np.maximum(raw, 0, out=raw)
    threshold = find_otsu_threshold(raw)
    strong = raw > threshold
    contrast = float(np.quantile(raw[strong], 0.7)) if strong.any() else 0.0
    weak = raw > max(0.5 * threshold, min(2.5 * noise, 0.9 * threshold))
    mask = keep_touching(weak, strong)
    density = np.asarray(np.clip(raw / max(contrast, 1e-6), 0, 1), np.float32)
    return Ink(polarity, density, mask, contrast, noise)


def find_paper_level(raw: Grey) -> float:
    """Where the paper's values lie: the median, or that of the lighter class where ink is the most of it."""
    low = float(raw.min())
    ink = raw - low > find_otsu_threshold(raw - low)
    share = float(ink.mean())
    if share < MUCH_INK or share == 1:
        return float(np.median(raw))
    gap = float(raw[ink].mean() - raw[~ink].mean())
    parted = share * (1 - share) * gap**2 / max(float(raw.var()), 1e-12)
    return float(np.median(raw[~ink] if parted > PARTED else raw))


def measure_noise(raw: Grey) -> float:
    """The standard deviation of paper that lies about 0, from the side on which there is no ink."""
    other_side = raw[raw < 0]
    return float(1.4826 * np.median(-other_side)) if other_side.size else 0.0


def estimate_paper(grey: Grey, kernel: float) -> Grey:
    """The light paper under dark ink: the brightest around each place, edges of shadows kept."""
    height, width = grey.shape
    scale = min(1.0, PAPER_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    if scale < 1:
        small = cv2.GaussianBlur(small, (0, 0), 0.8)  # else the brightest is the noise's
    side = max(3, round(kernel * min(size))) | 1
    # A square: OpenCV takes it apart into a row and a column, which no disc of this size allows.
    paper = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    paper = cv2.GaussianBlur(paper, (0, 0), max(0.8, side / 40))
    return np.asarray(cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def find_otsu_threshold(values: Grey) -> float:
    """Otsu's threshold between two classes of values in 0..1 (IEEE Trans. SMC 9, 1979)."""
    top = float(values.max())
    if top <= 0:
        return 0.0
    levels = np.round(values / top * 255).astype(np.uint8)
    return float(cv2.threshold(levels, 0, 255, cv2.THRESH_OTSU)[0]) / 255 * top


def keep_touching(weak: NDArray[np.bool_], strong: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The connected parts of `weak` that hold something `strong`."""
    count, labels = cv2.connectedComponents(weak.astype(np.uint8), connectivity=8)
    kept = np.zeros(count, bool)
    kept[labels[strong & weak]] = True
    kept[0] = False
    return np.asarray(kept[labels])


def guess_polarity(grey: Grey) -> float:
    """Log odds that the ink is dark, from the frame and from which class is the rarer one.

    Near 0 it is open: heavy ink that touches the frame looks like paper.
    """
    height, width = grey.shape
    scale = min(1.0, 64 / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.float32)
    low = float(small.min())
    bright = small - low > find_otsu_threshold(small - low)
    frame = np.concatenate([bright[0], bright[-1], bright[:, 0], bright[:, -1]])
    # Strokes are narrow: what is left of the right class after taking away wide areas is most of it.
    side = max(3, round(0.3 * min(size))) | 1
    element = np.ones((side, side), np.uint8)
    narrow_dark = float((cv2.morphologyEx(small, cv2.MORPH_CLOSE, element) - small).mean())
    narrow_light = float((small - cv2.morphologyEx(small, cv2.MORPH_OPEN, element)).mean())
    narrowness = (narrow_dark - narrow_light) / max(narrow_dark + narrow_light, 1e-6)
    return float(5 * (frame.mean() - 0.5) + 4 * (bright.mean() - 0.5) + 3 * narrowness)
