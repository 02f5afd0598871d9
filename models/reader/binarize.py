"""Separate ink from paper: remove the background and its illumination, then threshold."""

from dataclasses import dataclass

import cv2
import numpy as np

from models.types import Grey, Mask

PAPER_SIDE = 128  # pixels: paper and illumination are smooth, so a small image is enough to estimate them
PAPER_KERNEL = 0.4  # of the shorter side: wider than any stroke, narrower than the page
DENSE_INK = 0.35  # of the image: from this share on, the median may lie inside a stroke
BIMODAL = 0.75  # of the variance lies between two real classes; for two halves of normal noise it is 0.64
MIN_CONTRAST = 0.035  # of full white
NOISE_MARGIN = 3.0  # minimum contrast in standard deviations of the paper's noise; noise alone reaches 1.6
TEXTURE_NOISE = 0.1  # standard deviation from which an image is not noisy paper, but a picture or a texture
TEXTURE_CONTRAST = 0.15  # of full white, at least, for a picture or a texture; the grain of paper has less
DARKEST_PAPER = 0.15  # of full white: the smallest divisor in the correction of shadows
NOISE_FROM_MEDIAN = 1.4826  # standard deviation of normal noise over its median absolute deviation
POLARITY_SIDE = 64  # pixels: enough to guess the polarity
SHADE_SIGMA = 0.06  # of the shorter side: smoother variations of the paper are shading, rougher ones are noise
SAMPLE_SIDE = 128  # pixels: every pixel of smaller images counts for their level and noise, a grid of larger ones


@dataclass(frozen=True)
class Ink:
    """The ink of an image, for one `polarity`: "dark" ink on light paper or "light" ink on dark paper."""

    polarity: str
    density: Grey  # (height, width), 1 is full ink
    mask: Mask  # (height, width): strong ink and the faint ink connected to it
    contrast: float  # 0..1, of full ink against the paper
    noise: float  # standard deviation of the paper, in the same unit

    @property
    def is_blank(self) -> bool:
        noise = self.noise if self.noise < TEXTURE_NOISE else 0.0
        return self.contrast < max(MIN_CONTRAST, NOISE_MARGIN * noise) or not self.mask.any()

    @property
    def is_texture(self) -> bool:
        """Whether there is no ink because the whole image varies, far more than blank paper does."""
        return self.is_blank and self.contrast >= TEXTURE_CONTRAST


def extract_ink(grey: Grey, polarity: str, kernel: float = PAPER_KERNEL) -> Ink:
    """The ink of an image (height, width), for a given polarity."""
    raw = subtract_paper(grey, polarity, kernel)
    raw -= find_paper_level(sample(raw))
    noise = measure_noise(sample(remove_shade(raw)))
    np.maximum(raw, 0, out=raw)
    threshold = find_otsu_threshold(raw)
    strong = raw > threshold
    contrast = float(np.quantile(raw[strong], 0.7)) if strong.any() else 0.0
    weak = raw > max(0.5 * threshold, min(2.5 * noise, 0.9 * threshold))
    mask = keep_connected(weak, strong)
    density = np.asarray(np.clip(raw / max(contrast, 1e-6), 0, 1), np.float32)
    return Ink(polarity, density, mask, contrast, noise)


def subtract_paper(grey: Grey, polarity: str, kernel: float) -> Grey:
    """How much darker than the paper each pixel is, for light ink after inversion. `kernel`: see `estimate_paper`."""
    bright = grey if polarity == "dark" else 1 - grey
    paper = estimate_paper(bright, kernel)
    raw = paper - bright
    if polarity == "dark":
        raw = raw / np.maximum(paper, DARKEST_PAPER)  # a shadow dims ink and paper by the same factor
    return raw


def estimate_paper(grey: Grey, kernel: float) -> Grey:
    """The light paper under dark ink: the local maximum of brightness. The edges of shadows are kept.

    `kernel` is the side of the neighbourhood as a share of the shorter side.
    """
    height, width = grey.shape
    scale = min(1.0, PAPER_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    if scale < 1:
        small = cv2.GaussianBlur(small, (0, 0), 0.8)  # otherwise the maximum is that of the noise
    side = max(3, round(kernel * min(size))) | 1
    # OpenCV separates a square element into a row and a column; a disc of this size would be slow.
    paper = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    paper = cv2.GaussianBlur(paper, (0, 0), max(0.8, side / 40))
    return np.asarray(cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def sample(values: Grey) -> Grey:
    """A regular grid of pixels of a large image, with at least `SAMPLE_SIDE` along the shorter side."""
    step = max(1, min(values.shape) // SAMPLE_SIDE)
    return values[::step, ::step]


def find_paper_level(raw: Grey) -> float:
    """The level of the paper: the median, or that of the lighter class if most of the image is ink."""
    low = float(raw.min())
    ink = raw - low > find_otsu_threshold(raw - low)
    share = float(ink.mean())
    if share < DENSE_INK or share == 1:
        return float(np.median(raw))
    gap = float(raw[ink].mean() - raw[~ink].mean())
    between_classes = share * (1 - share) * gap**2 / max(float(raw.var()), 1e-12)
    return float(np.median(raw[~ink] if between_classes > BIMODAL else raw))


def measure_noise(raw: Grey) -> float:
    """The standard deviation of paper around 0, measured on the negative values, which contain no ink."""
    negative = raw[raw < 0]
    return float(NOISE_FROM_MEDIAN * np.median(-negative)) if negative.size else 0.0


def remove_shade(raw: Grey) -> Grey:
    """`raw` without the smooth variations of the paper, which are illumination and not noise.

    They are a Gaussian average over the paper only (a normalized convolution), so ink leaves no halo.
    """
    scale = min(1.0, PAPER_SIDE / max(raw.shape))
    size = (max(1, round(raw.shape[1] * scale)), max(1, round(raw.shape[0] * scale)))
    small = cv2.resize(raw, size, interpolation=cv2.INTER_AREA)
    weight = np.asarray(small <= find_otsu_threshold(np.maximum(small, 0)), np.float32)
    sigma = max(0.8, SHADE_SIGMA * min(size))
    total = cv2.GaussianBlur(small * weight, (0, 0), sigma)
    shade = total / np.maximum(cv2.GaussianBlur(weight, (0, 0), sigma), 1e-3)
    return raw - np.asarray(cv2.resize(shade, raw.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def find_otsu_threshold(values: Grey) -> float:
    """Otsu's threshold between two classes of non-negative values of any shape (IEEE Trans. SMC 9, 1979)."""
    top = float(values.max()) if values.size else 0.0
    if top <= 0:
        return 0.0
    levels = np.round(values / top * 255).astype(np.uint8)
    return float(cv2.threshold(levels, 0, 255, cv2.THRESH_OTSU)[0]) / 255 * top


def keep_connected(weak: Mask, strong: Mask) -> Mask:
    """The connected components of `weak` that contain a `strong` pixel (hysteresis thresholding)."""
    count, labels = cv2.connectedComponents(weak.astype(np.uint8), connectivity=8)
    kept = np.zeros(count, bool)
    kept[labels[strong & weak]] = True
    kept[0] = False
    return np.asarray(kept[labels])


def guess_polarity(grey: Grey) -> float:
    """Log odds that the ink is dark, from the brightness of the frame, the rarer class and the narrower one.

    A value near 0 decides nothing: heavy ink that touches the frame looks like paper.
    """
    height, width = grey.shape
    scale = min(1.0, POLARITY_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.float32)
    low = float(small.min())
    bright = small - low > find_otsu_threshold(small - low)
    frame = np.concatenate([bright[0], bright[-1], bright[:, 0], bright[:, -1]])
    # Strokes are narrow, so removing wide areas leaves most of the ink and little of the paper.
    side = max(3, round(0.3 * min(size))) | 1
    element = np.ones((side, side), np.uint8)
    narrow_dark = float((cv2.morphologyEx(small, cv2.MORPH_CLOSE, element) - small).mean())
    narrow_light = float((small - cv2.morphologyEx(small, cv2.MORPH_OPEN, element)).mean())
    narrowness = (narrow_dark - narrow_light) / max(narrow_dark + narrow_light, 1e-6)
    return float(5 * (frame.mean() - 0.5) + 4 * (bright.mean() - 0.5) + 3 * narrowness)
