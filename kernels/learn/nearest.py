"""The kernel of a catalogue that weights look like."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from kernels.catalogue import Catalogue, Entry
from kernels.kernel import Kernel, Weights
from kernels.learn.phase_retrieval import center

MIN_SIMILARITY = 0.99


@dataclass(frozen=True)
class Nearest:
    """A named kernel with its parameters. `similarity`: cosine between the weights, so up to a positive factor."""

    name: str
    parameters: Mapping[str, float]
    similarity: float


def find_nearest(weights: Weights, catalogue: Catalogue) -> Nearest | None:
    """The most similar kernel that is no larger, of those above 0.99."""
    best: Nearest | None = None
    for name, parameters, kernel in list_candidates(weights, catalogue):
        similarity = compare(kernel.weights, weights)
        if similarity > (best.similarity + 1e-6 if best else MIN_SIMILARITY):
            best = Nearest(name, parameters, similarity)
    return best


def list_candidates(weights: Weights, catalogue: Catalogue) -> Iterator[tuple[str, Mapping[str, float], Kernel]]:
    """Each kernel as it comes, and smoothing ones as wide as the weights are."""
    side = len(weights)
    for entry in catalogue.values():
        for parameters in ({}, *list_parameters(entry, weights)):
            kernel = entry.make_kernel(parameters)
            if kernel.combine == "single" and max(kernel.shape) <= side:
                yield entry.name, parameters, kernel


def list_parameters(entry: Entry, weights: Weights) -> Iterator[Mapping[str, float]]:
    """Parameters under which a kernel spreads as far as the weights do."""
    side = len(weights) - 1 + len(weights) % 2
    variance = measure_variance(weights)
    if variance is None:
        return
    if entry.name == "gaussian" and 0.1 <= variance**0.5 <= 10.3:
        # Cut to a few pixels, a Gaussian spreads less than its sigma says: a wider one may be meant.
        for factor in (1, 1.02, 1.05, 1.1, 1.2, 1.35, 1.6, 2):
            yield {"sigma": round(min(factor * variance**0.5, 10.3), 2), "size": side}
    elif entry.name == "box":
        yield from ({"size": size} for size in range(3, side + 1, 2))
    elif entry.name == "disk" and 0.5 <= 2 * variance**0.5 <= 31:
        yield {"radius": round(2 * variance**0.5, 1)}


def measure_variance(weights: Weights) -> float | None:
    """Of the weights as shares, along one axis, in pixels²; None where they are no shares."""
    total = float(weights.sum())
    if total <= 0:
        return None
    places = np.arange(len(weights)) - (len(weights) - 1) // 2
    variance = float((weights.sum(axis=0) + weights.sum(axis=1)) @ places**2) / total / 2
    return variance if variance > 0 else None


def compare(kernel: Weights, weights: Weights) -> float:
    padded = center(kernel, len(weights))
    lengths = float(np.linalg.norm(padded) * np.linalg.norm(weights))
    return float((padded * weights).sum()) / lengths if lengths else 0.0
