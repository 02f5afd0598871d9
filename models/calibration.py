"""Confidence that means what it says: temperature, calibration error, intervals and the refusal threshold."""

import numpy as np
from numpy.typing import NDArray

from models.network import DIGITS

Z_95 = 1.959964  # of the normal distribution, two-sided 95 %


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Probabilities along the last axis."""
    shifted = np.asarray(logits, np.float64)
    shifted = np.exp(shifted - shifted.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


def fit_temperature(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """The one divisor of digit logits (n, 10) with the least negative log likelihood (Guo et al. 2017)."""
    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        chosen = softmax(logits / np.exp(log_temperature))[rows, labels]
        return float(-np.log(np.maximum(chosen, 1e-12)).mean())

    low, high = np.log(0.2), np.log(10)
    ratio = (np.sqrt(5) - 1) / 2  # golden section: the loss has one minimum
    for _ in range(60):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (low, right) if loss(left) < loss(right) else (left, high)
    return float(np.exp((low + high) / 2))


def score_rubbish(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """How far the rubbish output stands over the digits together, (n,): a log odds, 0 is even."""
    digits = np.asarray(logits, np.float64)[..., :DIGITS]
    peak = digits.max(axis=-1)
    together = peak + np.log(np.exp(digits - peak[..., None]).sum(axis=-1))
    return np.asarray(logits[..., DIGITS] - together)


def measure_calibration_error(confidences: NDArray[np.floating], correct: NDArray[np.bool_], bins: int = 15) -> float:
    """Expected calibration error over bins of equal count, 0..1."""
    order = np.argsort(confidences, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    gaps = [abs(confidences[part].mean() - correct[part].mean()) * len(part) for part in parts]
    return float(sum(gaps) / max(len(order), 1))


def find_wilson_interval(right: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share `right / count` (Wilson 1927)."""
    if count == 0:
        return 0.0, 1.0
    share, z2 = right / count, Z_95**2
    centre = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = Z_95 * np.sqrt(share * (1 - share) / count + z2 / (4 * count**2)) / (1 + z2 / count)
    return float(max(0.0, centre - half)), float(min(1.0, centre + half))
