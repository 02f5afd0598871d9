"""The best single kernel on the samples of layers, to which the layers are compared."""

import numpy as np

from kernels.learn.layer_samples import LayerSamples, measure_psnr
from kernels.learn.layer_start import BLACK, FIT_ROWS, WHITE, fit_linear
from kernels.learn.layers import UNIT, restore_levels
from kernels.learn.learn import Learned
from kernels.types import Matrix, Vector

KNOTS = np.linspace(BLACK, WHITE, 18)[1:-1]
"""Scaled values: a curve such as gamma differs between channels if it is approximated by lines."""
SHARED_EXCESS = 1.75
"""A shared kernel may have this many times the squared residuals of kernels that see all channels."""


def measure_single_kernel(
    training: LayerSamples, held_out: LayerSamples, learned: Learned | None, value_step: float
) -> float:
    """The PSNR in dB of the held-out values with the better of two kernels.

    `learned` is fitted without values that may be clipped, the other to all values. Both have a bias, and their results
    are clipped. The samples are not split into channels.
    """
    patches, targets = training.draw_rows(FIT_ROWS)
    channels = targets.shape[1]
    kernels = [fit_linear(patches[:, channel::channels], targets[:, [channel]]) for channel in range(channels)]
    fitted = [(weights[:, 0], float(bias[0])) for weights, bias in kernels]
    seen, wanted = held_out.draw_rows(held_out.usable.size)
    levels = restore_levels(wanted)
    results = [restore_levels(apply(seen, fitted))]
    if learned is not None:
        results.append(apply(restore_levels(seen), [(fit.weights.ravel(), fit.bias) for fit in learned.fits]))
    return max(measure_psnr(result, levels, value_step) for result in results)


def apply(patches: Matrix, kernels: list[tuple[Vector, float]]) -> Matrix:
    """The results (n, channels) of one kernel (size · size,) and bias for all channels, or one for each."""
    channels = patches.shape[1] // len(kernels[0][0])
    return np.stack(
        [
            patches[:, channel::channels] @ kernels[channel % len(kernels)][0] + kernels[channel % len(kernels)][1]
            for channel in range(channels)
        ],
        axis=1,
    )


def is_shared(training: LayerSamples, value_step: float) -> bool:
    """Whether one function of its own pixels explains every channel nearly as well as functions of all channels do.

    Judged by linear functions of the pixels and of bends of the middle pixel (KNOTS), fitted to the samples. These are
    not split into channels.
    """
    if training.targets.shape[3] == 1:
        return True
    together, separate = (measure_misfit(samples) for samples in (training.split_channels(), training))
    rounding = (value_step / UNIT) ** 2 / 12
    return together + rounding <= SHARED_EXCESS * (separate + rounding)


def measure_misfit(samples: LayerSamples) -> float:
    """The mean square of the residuals of the best function, of scaled values."""
    patches, targets = samples.draw_rows(FIT_ROWS)
    channels, middle = targets.shape[1], (samples.size - 1) // 2 * (samples.size + 1)
    pixels = patches[:, middle * channels : (middle + 1) * channels]
    columns = np.hstack([patches, *(np.maximum(pixels - knot, 0) for knot in KNOTS)])
    weights, bias = fit_linear(columns, targets)
    return float(np.mean((columns @ weights + bias - targets) ** 2))
