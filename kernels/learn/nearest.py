"""Finds the kernel of a catalogue that is most similar to given weights."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from kernels.catalogue import Catalogue, Entry
from kernels.kernel import Kernel, center_weights
from kernels.types import Weights

MIN_SIMILARITY = 0.99


@dataclass(frozen=True)
class Nearest:
    """A named kernel with its parameters. `similarity`: cosine between the weights, which ignores a positive factor."""

    name: str
    parameters: Mapping[str, float]
    similarity: float


def find_nearest(weights: Weights, catalogue: Catalogue) -> Nearest | None:
    """The most similar kernel of at most the same size, or None if no similarity is above 0.99."""
    best: Nearest | None = None
    for name, parameters, kernel in list_candidates(weights, catalogue):
        similarity = measure_similarity(kernel.weights, weights)
        if similarity > (best.similarity + 1e-6 if best else MIN_SIMILARITY):
            best = Nearest(name, parameters, similarity)
    return best


def list_candidates(weights: Weights, catalogue: Catalogue) -> Iterator[tuple[str, Mapping[str, float], Kernel]]:
    """Each kernel with its default parameters, and smoothing kernels as wide as the weights."""
    side = len(weights)
    for entry in catalogue.values():
        for parameters in ({}, *list_parameters(entry, weights)):
            kernel = entry.make_kernel(parameters)
            if kernel.combine == "single" and max(kernel.shape) <= side:
                yield entry.name, parameters, kernel


def list_parameters(entry: Entry, weights: Weights) -> Iterator[Mapping[str, float]]:
    """Parameters for which the variance of a kernel is that of the weights."""
    side = len(weights) - 1 + len(weights) % 2
    variance = measure_variance(weights)
    if variance is None:
        return
    if entry.name == "gaussian" and 0.1 <= variance**0.5 <= 10.3:
        # The variance of a Gaussian that is cut to a few pixels is below sigma²: sigma can be larger.
        for factor in (1, 1.02, 1.05, 1.1, 1.2, 1.35, 1.6, 2):
            yield {"sigma": round(min(factor * variance**0.5, 10.3), 2), "size": side}
    elif entry.name == "box":
        yield from ({"size": size} for size in range(3, side + 1, 2))
    elif entry.name == "disk" and 0.5 <= 2 * variance**0.5 <= 31:
        yield {"radius": round(2 * variance**0.5, 1)}


def measure_variance(weights: Weights) -> float | None:
    """The variance of the position along one axis in pixels², with weights as probabilities; None if they are none."""
    total = float(weights.sum())
    if total <= 0:
        return None
    positions = np.arange(len(weights)) - (len(weights) - 1) // 2
    variance = float((weights.sum(axis=0) + weights.sum(axis=1)) @ positions**2) / total / 2
    return variance if variance > 0 else None


def measure_similarity(kernel: Weights, weights: Weights) -> float:
    """The cosine between the kernel, padded to the size of `weights`, and `weights`."""
    padded = center_weights(kernel, len(weights))
    lengths = float(np.linalg.norm(padded) * np.linalg.norm(weights))
    return float((padded * weights).sum()) / lengths if lengths else 0.0
