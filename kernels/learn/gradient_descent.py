"""Learns a kernel as a network does: gradient descent with TensorFlow over `tf.nn.conv2d`.

Neighbouring pixels are so similar that plain descent is slow: the loss is steep along their common part and nearly flat
along their differences. Both images are therefore first filtered by a small decorrelating kernel (`DIFFERENCES`). The
learnt kernel is the same, because convolutions commute.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.errors import UndeterminedKernelError
from kernels.learn.samples import MIN_VALUES_PER_WEIGHT, Pair
from kernels.quiet_tensorflow import import_tensorflow
from kernels.types import Mask, Planes, Weights

SAMPLE_SIDE = 160
"""Pixels of each side of the centre of the images that are used, plus the size of the kernel."""
CORRELATION = 0.95
"""Between neighbouring pixels of a photograph."""
DIFFERENCES = np.array([[CORRELATION**2, -CORRELATION], [-CORRELATION, 1]], np.float32)
UNIT = 50.0
"""Grey levels that are scaled to 1 for the precision of float32."""
SAFETY = 1.05
"""The largest curvature is an estimate: it is increased by this factor."""
POWER_STEPS = 16
CONVERGENCE_STEPS = 20
CONVERGED = 1e-4
"""Relative decrease of the loss over CONVERGENCE_STEPS below which descent ends."""
NEGLIGIBLE_LOSS = 1e-5
"""In grey levels². Rounding causes 0.3; the loss is lower only if the result has no rounding errors."""
SNAPSHOT_GROWTH = 1.05
"""Ratio of the steps of two snapshots: every step at first, fewer later."""


@dataclass(frozen=True)
class Descent:
    """The state of a descent. It can continue in another process."""

    inputs: Planes
    """(channels, height, width, 1): the image before, filtered by `DIFFERENCES` and divided by UNIT."""
    targets: Planes
    """(channels, height - size + 1, width - size + 1, 1): the same of the image after."""
    usable: Mask
    """The shape of `targets`: where the image after is not clipped."""
    weights: Planes
    """(size, size, 1, n): n is 1 for a shared kernel, else the number of channels."""
    before: Planes
    """The weights of the previous step, for the momentum."""
    rate: float
    """The learning rate: 1 divided by the largest curvature of the loss."""
    momentum: float = 1.0
    step: int = 0
    losses: tuple[float, ...] = ()
    """The losses of the last steps, in grey levels²."""
    seen: int = 0
    """The step of the last snapshot."""

    @property
    def size(self) -> int:
        return int(self.weights.shape[0])

    @property
    def kernels(self) -> list[Weights]:
        """One or one for each channel, of shape (size, size)."""
        return split_kernels(self.weights)

    @property
    def has_converged(self) -> bool:
        return has_converged(self.losses)


@dataclass(frozen=True)
class Snapshot:
    """The loss in grey levels² and the kernels (size, size) after a step: one kernel, or one for each channel."""

    step: int
    loss: float
    kernels: list[Weights]


def start_descent(pair: Pair, size: int, shared: bool) -> Descent:
    """The state before the first step; the weights are 0. Raises UndeterminedKernelError for too few usable values."""
    side = SAMPLE_SIDE + size
    top, left = (max(0, (length - side) // 2) for length in pair.before.shape[:2])
    window = (slice(top, top + side), slice(left, left + side))
    margin = slice((size - 1) // 2, -(size // 2) or None)
    inputs = decorrelate(split_channels(pair.before[window]))
    targets = decorrelate(split_channels(pair.after[window][margin, margin]))
    usable = split_channels(pair.usable[window][margin, margin])
    usable = np.logical_and.reduce([usable[:, 1:, 1:], usable[:, :-1, 1:], usable[:, 1:, :-1], usable[:, :-1, :-1]])
    count = int(usable.sum(axis=(1, 2, 3)).min())
    if count < MIN_VALUES_PER_WEIGHT * size**2:
        raise UndeterminedKernelError(
            f"Only {count} values in the centre of the image after are usable for descent, and a kernel of "
            f"{size}×{size} needs {MIN_VALUES_PER_WEIGHT * size**2}. Values of 0 and 255, which may be clipped, are "
            "not used. Choose method=least-squares or a smaller size."
        )
    weights = np.zeros((size, size, 1, 1 if shared else pair.channels), np.float32)
    descent = Descent(inputs, targets, usable, weights, weights, 1.0)
    return replace(descent, rate=1 / (SAFETY * measure_curvature(descent)))


def split_channels(planes: NDArray[Any]) -> NDArray[Any]:
    """Convert (height, width, channels) to (channels, height, width, 1): one image for each channel."""
    return np.ascontiguousarray(np.moveaxis(planes, 2, 0)[..., None])


def decorrelate(planes: Planes) -> Planes:
    """Filter (channels, height, width, 1) by `DIFFERENCES`, and divide by UNIT."""
    tf = import_tensorflow()

    return tf.nn.conv2d(planes / np.float32(UNIT), DIFFERENCES[:, :, None, None], 1, "VALID").numpy()


def descend(descent: Descent, most_steps: int, seconds: float) -> tuple[Descent, list[Snapshot]]:
    """Continue for at most `most_steps` steps and `seconds`, until convergence.

    Source: Nesterov's momentum with a restart when the loss increases (O'Donoghue and Candès 2015).
    """
    weights, before = descent.weights, descent.before
    momentum, step, losses, seen, snapshots = descent.momentum, descent.step, list(descent.losses), descent.seen, []
    tensors = make_tensors(descent)
    end = time.monotonic() + seconds
    for _ in range(most_steps):
        larger = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
        ahead = weights + np.float32((momentum - 1) / larger) * (weights - before)
        loss, gradient = measure_gradient(ahead, *tensors)
        before, weights = weights, ahead - np.float32(descent.rate) * gradient
        momentum = 1.0 if float((gradient * (weights - before)).sum()) > 0 else larger
        step += 1
        losses = [*losses[-CONVERGENCE_STEPS:], loss]
        if step >= seen * SNAPSHOT_GROWTH:
            seen = step
            snapshots.append(Snapshot(step, loss, split_kernels(weights)))
        if has_converged(losses) or time.monotonic() >= end:
            break
    reached = replace(
        descent, weights=weights, before=before, momentum=momentum, step=step, losses=tuple(losses), seen=seen
    )
    return reached, snapshots


def has_converged(losses: Sequence[float]) -> bool:
    """Whether the loss is negligible, or has hardly decreased over the last steps."""
    if losses and losses[-1] < NEGLIGIBLE_LOSS:
        return True
    return len(losses) > CONVERGENCE_STEPS and losses[-1 - CONVERGENCE_STEPS] - losses[-1] <= CONVERGED * losses[-1]


def split_kernels(weights: Planes) -> list[Weights]:
    """Convert (size, size, 1, n) to n kernels (size, size)."""
    return [weights[:, :, 0, number].astype(np.float64) for number in range(weights.shape[3])]


def measure_loss(descent: Descent, kernels: Sequence[Weights]) -> float:
    """The loss of other kernels, one or one for each channel, on the same pixels. In grey levels²."""
    weights = np.stack(kernels, axis=2)[:, :, None].astype(np.float32)
    return measure_gradient(weights, *make_tensors(descent))[0]


def measure_curvature(descent: Descent) -> float:
    """The largest curvature of the loss, by the power method.

    With targets of 0 the gradient is the curvature times the weights.
    """
    direction = np.random.default_rng(0).normal(size=descent.weights.shape).astype(np.float32)
    inputs, targets, usable = make_tensors(descent)
    curvature = 1.0
    for _ in range(POWER_STEPS):
        _, gradient = measure_gradient(direction, inputs, 0 * targets, usable)
        curvature = max(float(np.linalg.norm(gradient)), 1e-12)
        direction = gradient / np.float32(curvature)
    return curvature


def make_tensors(descent: Descent) -> tuple[Any, Any, Any]:
    """The inputs, the targets and the usable mask."""
    tf = import_tensorflow()

    return tuple(tf.constant(planes) for planes in (descent.inputs, descent.targets, descent.usable.astype(np.float32)))


def measure_gradient(weights: Planes, inputs: Any, targets: Any, usable: Any) -> tuple[float, Planes]:
    """The loss in grey levels², and the gradient of the loss in UNIT² with respect to the weights.

    The bias of each channel is the one with the lowest loss, so no weight makes up for a bias.
    """
    tf = import_tensorflow()

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
        residuals = results - targets
        biases = tf.reduce_sum(usable * residuals, (1, 2, 3), True) / tf.reduce_sum(usable, (1, 2, 3), True)
        loss = tf.reduce_sum(usable * (residuals - biases) ** 2) / tf.reduce_sum(usable)
    return float(loss.numpy()) * UNIT**2, tape.gradient(loss, variable).numpy()
