"""Learn a kernel as a network learns: gradient descent with TensorFlow over `tf.nn.conv2d`.

Neighbouring pixels are so alike that descent would crawl: along what they have in common the loss falls steeply, and
hardly at all along what makes them differ. So both images first go under one small kernel that takes away of each
pixel what its neighbours tell already (`DIFFERENCES`). The kernel between them stays the same, as kernels commute.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.errors import UndeterminedKernelError
from kernels.kernel import Weights
from kernels.learn.samples import MIN_VALUES_PER_WEIGHT, Pair

SAMPLE_SIDE = 160
"""Pixels of the middle of the images that are looked at, for a kernel of side 1; for a larger one a little more."""
ALIKE = 0.95
"""Of a pixel is told by its neighbour: usual for photographs."""
DIFFERENCES = np.array([[ALIKE**2, -ALIKE], [-ALIKE, 1]], np.float32)
UNIT = 50.0
"""Grey levels that count as 1, so that float32 has digits to spare."""
SAFETY = 1.05
"""The step is shorter than the largest safe one, which is only estimated."""
POWER_STEPS = 16
PATIENCE = 20
ARRIVED = 1e-4
"""Relative fall of the loss over PATIENCE steps below which there is nothing more to gain."""
NOTHING = 1e-5
"""A loss in grey levels² far below what rounding leaves, which is 0.3: results that needed none were learnt."""
SNAPSHOT_GROWTH = 1.05
"""From one snapshot to the next: at first every step is seen, later fewer."""

Planes = NDArray[np.float32]


@dataclass(frozen=True)
class Descent:
    """Where a descent has got to. It can be sent to another process and go on there."""

    inputs: Planes
    """(channels, height, width, 1): the image before, under `DIFFERENCES`, over UNIT."""
    targets: Planes
    """(channels, height - size + 1, width - size + 1, 1): of the result."""
    usable: NDArray[np.bool_]
    """Where a target counts: it was not cut off."""
    weights: Planes
    """(size, size, 1, channels of weights): one for all, or one for each channel."""
    before: Planes
    """The weights one step before, for the momentum."""
    rate: float
    """1 over the largest curvature of the loss."""
    momentum: float = 1.0
    step: int = 0
    losses: tuple[float, ...] = ()
    """Of the last steps, in grey levels²."""
    seen: int = 0
    """The step of the last snapshot."""

    @property
    def size(self) -> int:
        return int(self.weights.shape[0])

    @property
    def kernels(self) -> list[Weights]:
        """(size, size) each."""
        return split_kernels(self.weights)

    @property
    def has_arrived(self) -> bool:
        return has_arrived(self.losses)


@dataclass(frozen=True)
class Snapshot:
    """`loss` in grey levels² of the differences; kernels (size, size), one for all channels or one for each."""

    step: int
    loss: float
    kernels: list[Weights]


def start_descent(pair: Pair, size: int, shared: bool) -> Descent:
    """From weights of 0. Raises UndeterminedKernelError where too few values are usable."""
    side = SAMPLE_SIDE + size
    top, left = (max(0, (length - side) // 2) for length in pair.before.shape[:2])
    window = (slice(top, top + side), slice(left, left + side))
    margin = slice((size - 1) // 2, -(size // 2) or None)
    inputs = take_differences(move_channels(pair.before[window]))
    targets = take_differences(move_channels(pair.after[window][margin, margin]))
    usable = move_channels(pair.usable[window][margin, margin])
    usable = np.logical_and.reduce([usable[:, 1:, 1:], usable[:, :-1, 1:], usable[:, 1:, :-1], usable[:, :-1, :-1]])
    count = int(usable.sum(axis=(1, 2, 3)).min())
    if count < MIN_VALUES_PER_WEIGHT * size**2:
        raise UndeterminedKernelError(
            f"Only {count} values in the middle of the image after are of use to descent, and a kernel of "
            f"{size}×{size} needs {MIN_VALUES_PER_WEIGHT * size**2}: values of 0 and 255, which may have been cut off, "
            "are left out. Choose method=least-squares or a smaller size."
        )
    weights = np.zeros((size, size, 1, 1 if shared else pair.channels), np.float32)
    descent = Descent(inputs, targets, usable, weights, weights, 1.0)
    return replace(descent, rate=1 / (SAFETY * measure_curvature(descent)))


def move_channels(planes: NDArray[Any]) -> NDArray[Any]:
    """(height, width, channels) to (channels, height, width, 1): each is an image of its own."""
    return np.ascontiguousarray(np.moveaxis(planes, 2, 0)[..., None])


def take_differences(planes: Planes) -> Planes:
    """Of (channels, height, width, 1), in UNITs."""
    import tensorflow as tf

    return tf.nn.conv2d(planes / np.float32(UNIT), DIFFERENCES[:, :, None, None], 1, "VALID").numpy()


def descend(descent: Descent, most_steps: int, seconds: float) -> tuple[Descent, list[Snapshot]]:
    """Further by so many steps, or for so long.

    Source: Nesterov's momentum, begun anew where it leads uphill (O'Donoghue and Candès 2015).
    """
    weights, before = descent.weights, descent.before
    momentum, step, losses, seen, snapshots = descent.momentum, descent.step, list(descent.losses), descent.seen, []
    data = take_data(descent)
    end = time.monotonic() + seconds
    for _ in range(most_steps):
        larger = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
        ahead = weights + np.float32((momentum - 1) / larger) * (weights - before)
        loss, gradient = measure_gradient(ahead, *data)
        before, weights = weights, ahead - np.float32(descent.rate) * gradient
        momentum = 1.0 if float((gradient * (weights - before)).sum()) > 0 else larger
        step += 1
        losses = [*losses[-PATIENCE:], loss]
        if step >= seen * SNAPSHOT_GROWTH:
            seen = step
            snapshots.append(Snapshot(step, loss, split_kernels(weights)))
        if has_arrived(losses) or time.monotonic() >= end:
            break
    reached = replace(
        descent, weights=weights, before=before, momentum=momentum, step=step, losses=tuple(losses), seen=seen
    )
    return reached, snapshots


def has_arrived(losses: Sequence[float]) -> bool:
    """Whether the last steps gained next to nothing, or nothing is left to gain."""
    if losses and losses[-1] < NOTHING:
        return True
    return len(losses) > PATIENCE and losses[-1 - PATIENCE] - losses[-1] <= ARRIVED * losses[-1]


def split_kernels(weights: Planes) -> list[Weights]:
    """(size, size, 1, n) to n of (size, size)."""
    return [weights[:, :, 0, number].astype(np.float64) for number in range(weights.shape[3])]


def measure_loss(descent: Descent, kernels: Sequence[Weights]) -> float:
    """That other kernels have on the same pixels, one for all channels or one for each; in grey levels²."""
    weights = np.stack(kernels, axis=2)[:, :, None].astype(np.float32)
    return measure_gradient(weights, *take_data(descent))[0]


def measure_curvature(descent: Descent) -> float:
    """The largest of the loss, by the power method: without targets the gradient is the curvature times the weights."""
    direction = np.random.default_rng(0).normal(size=descent.weights.shape).astype(np.float32)
    inputs, targets, usable = take_data(descent)
    length = 1.0
    for _ in range(POWER_STEPS):
        _, gradient = measure_gradient(direction, inputs, 0 * targets, usable)
        length = max(float(np.linalg.norm(gradient)), 1e-12)
        direction = gradient / np.float32(length)
    return length


def take_data(descent: Descent) -> tuple[Any, Any, Any]:
    """Inputs, targets and what is usable, as tensors."""
    import tensorflow as tf

    return tuple(tf.constant(planes) for planes in (descent.inputs, descent.targets, descent.usable.astype(np.float32)))


def measure_gradient(weights: Planes, inputs: Any, targets: Any, usable: Any) -> tuple[float, Planes]:
    """The loss in grey levels², and its gradient by the weights in UNITs."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        variable = tf.constant(weights)
        tape.watch(variable)
        if weights.shape[3] == 1:
            results = tf.nn.conv2d(inputs, variable, 1, "VALID")
        else:
            channels = range(weights.shape[3])
            results = tf.concat(
                [tf.nn.conv2d(inputs[c : c + 1], variable[..., c : c + 1], 1, "VALID") for c in channels], 0
            )
        loss = tf.reduce_sum(usable * (results - targets) ** 2) / tf.reduce_sum(usable)
    return float(loss.numpy()) * UNIT**2, tape.gradient(loss, variable).numpy()
