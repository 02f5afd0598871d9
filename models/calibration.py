"""Calibrated confidence: softmax, temperature scaling, calibration error, confidence intervals."""

import numpy as np
from numpy.typing import NDArray

from models.network import DIGITS, NOT_A_DIGIT

Z_95 = 1.959964  # quantile of the normal distribution for a two-sided 95 % interval


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Probabilities along the last axis."""
    shifted = np.asarray(logits, np.float64)
    shifted = np.exp(shifted - shifted.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


def fit_temperature(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """The divisor of digit logits (n, 10) that minimizes the negative log likelihood of the labels (n,).

    Temperature scaling: Guo et al., On Calibration of Modern Neural Networks, ICML 2017.
    """
    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        chosen = softmax(logits / np.exp(log_temperature))[rows, labels]
        return float(-np.log(np.maximum(chosen, 1e-12)).mean())

    low, high = np.log(0.2), np.log(10)
    ratio = (np.sqrt(5) - 1) / 2  # golden section search: the loss has one minimum
    for _ in range(60):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (low, right) if loss(left) < loss(right) else (left, high)
    return float(np.exp((low + high) / 2))


def score_not_a_digit(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Log odds (n,) of "not a digit" against the ten digits together, for logits (n, 11). At 0 they are equal."""
    digits = np.asarray(logits, np.float64)[..., :DIGITS]
    peak = digits.max(axis=-1)
    together = peak + np.log(np.exp(digits - peak[..., None]).sum(axis=-1))
    return np.asarray(logits[..., NOT_A_DIGIT] - together)


def measure_calibration_error(confidences: NDArray[np.floating], correct: NDArray[np.bool_], bins: int = 15) -> float:
    """Expected calibration error, 0..1, over bins with equal counts."""
    order = np.argsort(confidences, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    gaps = [abs(confidences[part].mean() - correct[part].mean()) * len(part) for part in parts]
    return float(sum(gaps) / max(len(order), 1))


def find_wilson_interval(successes: int, count: int) -> tuple[float, float]:
    """The 95 % confidence interval of the proportion `successes / count` (Wilson 1927)."""
    if count == 0:
        return 0.0, 1.0
    share, z2 = successes / count, Z_95**2
    centre = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = Z_95 * np.sqrt(share * (1 - share) / count + z2 / (4 * count**2)) / (1 + z2 / count)
    return float(max(0.0, centre - half)), float(min(1.0, centre + half))
