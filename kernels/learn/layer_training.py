"""Trains layers with Adam over `tf.nn.conv2d`, in pieces that can continue in another process."""

import math
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kernels.learn.layer_samples import LayerSamples, draw_samples, measure_psnr
from kernels.learn.layer_start import BLACK, FIT_ROWS, WHITE, fit_mix, start_layers
from kernels.learn.layers import UNIT, Array, Layers, apply_layers, convert_to_levels, restore_levels
from kernels.learn.learn import Learned, Shared
from kernels.learn.samples import Pair
from kernels.learn.single_kernel import is_shared, measure_single_kernel
from kernels.quiet_tensorflow import import_tensorflow

BATCH_VALUES = 12_288
"""Values of the image after in a step: 12 tiles of 32×32."""
LEARNING_RATE = 0.01
"""For an RMS error of LARGE_ERROR or more at the start. It falls to 0 along a cosine."""
LARGE_ERROR = 5.0
"""Grey levels. Adam moves each weight by about the rate, however small the error: smaller errors have smaller rates."""
SMALLEST_RATE = 0.001
WARM_UP_STEPS = 30
"""The rate rises to LEARNING_RATE: at first, Adam's average of the squared gradient is that of a few batches."""
DECAY_1, DECAY_2, EPSILON = 0.9, 0.999, 1e-8
SNAPSHOT_GROWTH = 1.06
"""Ratio of the steps of two snapshots: every step at first, fewer later."""


@dataclass(frozen=True)
class LayerTraining:
    """The state of a training. It can continue in another process."""

    training: LayerSamples
    held_out: LayerSamples
    parameters: Array
    """(n,): the arrays of `Layers`, one after the other."""
    mean: Array
    """(n,): Adam's average of the gradient."""
    square: Array
    """(n,): Adam's average of the squared gradient."""
    filters: int
    rate: float
    """The learning rate after the first steps."""
    max_steps: int
    value_step: float
    """Difference between two adjacent values of the image after."""
    step: int = 0
    loss_sum: float = 0.0
    """The losses since the last snapshot, in grey levels²."""
    loss_count: int = 0
    seen: int = 0
    """The step of the last snapshot."""
    has_converged: bool = False

    @property
    def layers(self) -> Layers:
        return unpack(self.parameters, self.training.size, self.training.inputs.shape[3], self.filters)


@dataclass(frozen=True)
class LayerSnapshot:
    """The layers for grey levels after a step.

    `loss`: mean square error of the last batches, in grey levels². `psnr_db`: of the held-out values.
    """

    step: int
    loss: float
    psnr_db: float
    layers: Layers


@dataclass(frozen=True)
class PreparedTraining:
    """The first state, and what the layers are compared with."""

    state: LayerTraining
    shared: bool
    """Whether the layers see each channel on its own."""
    kernel_psnr_db: float
    """PSNR of the best single kernel, of the held-out values."""


def prepare_training(
    pair: Pair, size: int, filters: int, shared: Shared, max_steps: int, learned: Learned | None
) -> PreparedTraining:
    """Draw the samples and start. `learned`: the least-squares kernel of this size, if there is one.

    size: 1..9; filters: 2..16. Raises UndeterminedKernelError for too few usable values.
    """
    channels = pair.channels
    training, held_out = draw_samples(pair, size, count_parameters(size, channels if shared is False else 1, filters))
    if shared == "auto":
        shared = is_shared(training, pair.step)
    kernel_psnr_db = measure_single_kernel(training, held_out, learned, pair.step)
    if shared:
        training, held_out = training.split_channels(), held_out.split_channels()
    layers = start_layers(training, filters)
    parameters = np.concatenate([array.ravel() for array in layers.arrays])
    zeros = np.zeros_like(parameters)
    loss, _ = measure_gradient(layers, *take_batch(training, slice(None)))
    rate = max(SMALLEST_RATE, LEARNING_RATE * min(1.0, math.sqrt(loss) / LARGE_ERROR))
    state = LayerTraining(training, held_out, parameters, zeros, zeros, filters, rate, max_steps, pair.step)
    return PreparedTraining(state, shared, kernel_psnr_db)


def count_parameters(size: int, channels: int, filters: int) -> int:
    """Weights and biases of layers with as many outputs as inputs."""
    return sum(math.prod(shape) for shape in list_shapes(size, channels, filters))


def unpack(parameters: Array, size: int, channels: int, filters: int) -> Layers:
    """The inverse of concatenating the arrays of `Layers`."""
    shapes = list_shapes(size, channels, filters)
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    parts = np.split(parameters, ends[:-1])
    return Layers(*(part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)))


def list_shapes(size: int, channels: int, filters: int) -> tuple[tuple[int, ...], ...]:
    """The shapes of the arrays of `Layers` with as many outputs as inputs."""
    return (size, size, channels, filters), (filters,), (filters, channels), (channels,)


def train(state: LayerTraining, seconds: float) -> tuple[LayerTraining, list[LayerSnapshot]]:
    """Continue for at most `seconds`, until the last step or until only rounding errors are left.

    Source of the steps: Kingma and Ba 2015, Adam, algorithm 1.
    """
    parameters, mean, square = state.parameters, state.mean, state.square
    step, loss_sum, loss_count, seen = state.step, state.loss_sum, state.loss_count, state.seen
    snapshots: list[LayerSnapshot] = []
    has_converged = state.has_converged
    size, channels = state.training.size, state.training.inputs.shape[3]
    batches = draw_batches(state.training)
    end = time.monotonic() + seconds
    while step < state.max_steps and not has_converged:
        epoch, number = divmod(step, len(batches))
        batch = take_batch(state.training, draw_order(state.training, epoch)[batches[number]])
        loss, gradient = measure_gradient(unpack(parameters, size, channels, state.filters), *batch)
        step += 1
        mean = DECAY_1 * mean + (1 - DECAY_1) * gradient
        square = DECAY_2 * square + (1 - DECAY_2) * gradient**2
        rate = state.rate * (1 + math.cos(math.pi * step / state.max_steps)) / 2
        rate *= min(1.0, step / WARM_UP_STEPS)
        rate *= math.sqrt(1 - DECAY_2**step) / (1 - DECAY_1**step)
        parameters = (parameters - rate * mean / (np.sqrt(square) + EPSILON)).astype(np.float32)
        loss_sum, loss_count = loss_sum + loss, loss_count + 1
        if step >= seen * SNAPSHOT_GROWTH or step == state.max_steps:
            seen, average = step, loss_sum / loss_count
            has_converged = loss_count >= len(batches) and average <= state.value_step**2 / 12
            layers = convert_to_levels(unpack(parameters, size, channels, state.filters))
            psnr_db = measure_held_out(layers, state.held_out, state.value_step)
            snapshots.append(LayerSnapshot(step, average, psnr_db, layers))
            loss_sum, loss_count = 0.0, 0
        if time.monotonic() >= end:
            break
    reached = replace(
        state, parameters=parameters, mean=mean.astype(np.float32), square=square.astype(np.float32), step=step,
        loss_sum=loss_sum, loss_count=loss_count, seen=seen, has_converged=has_converged,
    )  # fmt: skip
    return reached, snapshots


def draw_batches(samples: LayerSamples) -> list[slice]:
    """Slices of the shuffled tiles, with BATCH_VALUES values each."""
    tiles, side = len(samples.targets), samples.targets.shape[1]
    tiles_each = max(1, BATCH_VALUES // (side**2 * samples.targets.shape[3]))
    return [slice(first, first + tiles_each) for first in range(0, tiles, tiles_each)]


def draw_order(samples: LayerSamples, epoch: int) -> Any:
    """The order of the tiles in an epoch. It follows from the epoch, so that a training in pieces is the same."""
    return np.random.default_rng(epoch).permutation(len(samples.targets))


def take_batch(samples: LayerSamples, tiles: Any) -> tuple[Array, Array, Array]:
    return samples.inputs[tiles], samples.targets[tiles], samples.usable[tiles].astype(np.float32)


def measure_gradient(layers: Layers, inputs: Array, targets: Array, usable: Array) -> tuple[float, Array]:
    """The loss in grey levels², and the gradient of the loss in UNIT² with respect to all parameters.

    Where the target is white, higher values are no error, because `POST /filter` clips them. The same holds for black.
    """
    tf = import_tensorflow()

    # Backpropagation by hand: `tf.GradientTape` needs 90 operations for a step, most of which are bookkeeping.
    hidden = np.maximum(np.asarray(tf.nn.conv2d(inputs, layers.filters, 1, "VALID")) + layers.biases, 0)
    errors = hidden @ layers.mix + layers.offsets - targets
    errors = np.where(
        targets >= WHITE, np.minimum(errors, 0), np.where(targets <= BLACK, np.maximum(errors, 0), errors)
    )
    errors *= usable
    count = max(float(usable.sum()) * targets.shape[3], 1.0)
    by_result = errors * np.float32(2 / count)
    by_hidden = (by_result @ layers.mix.T) * (hidden > 0)
    by_filters = tf.raw_ops.Conv2DBackpropFilter(
        input=inputs, filter_sizes=layers.filters.shape, out_backprop=by_hidden, strides=[1, 1, 1, 1], padding="VALID"
    )
    units, outputs = layers.mix.shape
    gradients = (
        by_filters.numpy().ravel(),
        by_hidden.sum(axis=(0, 1, 2)),
        (hidden.reshape(-1, units).T @ by_result.reshape(-1, outputs)).ravel(),
        by_result.sum(axis=(0, 1, 2)),
    )
    return float((errors**2).sum(dtype=np.float64)) / count * UNIT**2, np.concatenate(gradients)


def measure_held_out(layers: Layers, samples: LayerSamples, value_step: float) -> float:
    """The PSNR in dB of layers for grey levels."""
    inputs = restore_levels(samples.inputs).astype(np.float32)
    usable = samples.usable[..., 0]
    results = apply_layers(layers.arrays, inputs).numpy()[usable]
    return measure_psnr(results, restore_levels(samples.targets[usable]), value_step)


def finish_training(state: LayerTraining) -> Layers:
    """The layers for grey levels. The mix is solved for once more, which removes the noise of the last steps."""
    layers = state.layers
    patches, targets = state.training.draw_rows(FIT_ROWS)
    filters = layers.filters.reshape(-1, state.filters).astype(np.float64)
    hidden = np.maximum(patches @ filters + layers.biases, 0)
    mix, offsets = fit_mix(hidden, targets, hidden @ layers.mix.astype(np.float64) + layers.offsets)
    return convert_to_levels(replace(layers, mix=mix.astype(np.float32), offsets=offsets.astype(np.float32)))
